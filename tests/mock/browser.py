"""Chromium without a window, and the mock server's page in it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openrouter_speech.mock import MockServer, RecordedRequest

from ..npx import UnavailableError

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

try:
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ModuleNotFoundError:
    SELENIUM = False
else:
    SELENIUM = True

BROWSERS = ("chromium", "google-chrome", "chromium-browser")
CSS = "css selector"
WAIT = 30
"""Timeout in seconds."""


@contextmanager
def chromium(profile: Path) -> Iterator["Chrome"]:
    """Run Chromium, which reaches only 127.0.0.1, with its profile in a folder.

    Raises:
        UnavailableError: It or its driver is not installed.
    """
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not SELENIUM:
        raise UnavailableError("selenium is not installed")
    if program is None or driver is None:
        raise UnavailableError("Chromium or its driver is missing; on Debian, apt install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for argument in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic", "no-first-run",
        "disable-background-networking", "disable-component-update", "disable-sync", "no-proxy-server", "mute-audio",
        "window-size=1280,900", "hide-scrollbars", "disable-lcd-text", f"user-data-dir={profile}",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "*")  # the driver is on this machine
        running = Chrome(options=options, service=ChromeService(executable_path=driver))
        try:
            yield running
        finally:
            running.quit()


def site(server: MockServer) -> str:
    return server.url.removesuffix(server.description.base_path)


@contextmanager
def resized(browser: "Chrome", width: int, height: int, *, mobile: bool = False) -> Iterator[None]:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@contextmanager
def themed(browser: "Chrome", scheme: str) -> Iterator[None]:
    """Prefer a color scheme: "light" or "dark"."""
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


class Page:
    """The page, as a person uses it."""

    def __init__(self, browser: "Chrome", server: MockServer) -> None:
        self.browser = browser
        self.server = server
        self.run = browser.execute_script
        server.reset()
        browser.get(f"{site(server)}/docs")
        self.until("form")

    def wait(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.browser, WAIT, 0.05).until(lambda _: condition())

    def until(self, selector: str) -> "WebElement":
        """Wait for an element."""
        element: WebElement = self.wait(lambda: next(iter(self.browser.find_elements(CSS, selector)), None))
        return element

    def log(self, kind: str) -> list[dict[str, Any]]:
        return self.browser.get_log(kind)  # type: ignore[no-untyped-call, no-any-return]

    @property
    def details(self) -> str:
        return str(self.browser.find_element(CSS, ".details").text)

    @property
    def headers(self) -> str:
        """The response's headers, which are folded."""
        return str(self.run("return document.querySelector('.details table')?.textContent ?? ''"))

    def field(self, label: str) -> "WebElement":
        """Return the first control with a label."""
        script = (
            "return [...document.querySelectorAll('label')]"
            ".find(label => label.firstChild.textContent === arguments[0])?.control"
        )
        control = self.run(script, label)
        assert control is not None, f"there is no field {label}"
        return control  # type: ignore[no-any-return]

    def type(self, label: str, text: str) -> None:
        control = self.field(label)
        control.clear()
        control.send_keys(text)

    def choose(self, label: str, option: str) -> None:
        Select(self.field(label)).select_by_visible_text(option)

    def items(self, label: str) -> list["WebElement"]:
        """Return all controls with a label."""
        script = (
            "return [...document.querySelectorAll('label')]"
            ".filter(label => label.firstChild.textContent === arguments[0]).map(label => label.control)"
        )
        return self.run(script, label)  # type: ignore[no-any-return]

    def unfold(self, name: str) -> None:
        """Open what is folded under a name, or close it."""
        self.summary(name).click()

    def summary(self, name: str) -> "WebElement":
        return self.browser.find_element("xpath", f"//form//summary[text()='{name}']")

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        self.browser.switch_to.active_element.send_keys(*keys)

    def add(self, *names: str) -> None:
        """Add a row to what has the last name, within what has the names before it."""
        for name in names:
            if not self.run("return arguments[0].parentElement.open", self.summary(name)):
                self.unfold(name)
        self.browser.find_element("xpath", f"//button[.='Add to {names[-1]}']").click()

    def remove(self, name: str, index: int) -> None:
        self.browser.find_elements("xpath", f"//button[.='Remove this one of {name}']")[index].click()

    def submit(self) -> None:
        self.browser.find_element(CSS, "form > button").click()

    def send(self) -> str:
        """Send the first form, and return the status line."""
        self.run("document.querySelector('[role=status]').className = ''")
        self.submit()
        return self.until("[role=status].good, [role=status].bad").text

    def snippet(self, title: str) -> str:
        return str(self.browser.find_element(CSS, f"pre[aria-label='{title}']").get_property("textContent"))

    def heard(self) -> float:
        """Return the duration of the audio in seconds, once some of it has been played."""
        player = self.until("audio")
        script = (
            "const [player] = arguments;"
            "return player.error ? player.error.message || 'error' : player.currentTime > 0 && player.duration"
        )
        duration = self.wait(lambda: self.run(script, player))
        assert isinstance(duration, float), duration
        assert self.until(".duration").text == f"{duration:.2f} s"
        return duration

    @property
    def posts(self) -> list[RecordedRequest]:
        return [request for request in self.server.requests if request.method == "POST"]
