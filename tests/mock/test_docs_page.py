"""The page at /docs: over HTTP, and in a browser as a person uses it."""

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import httpx
import miniaudio
import pytest
import yaml
from openrouter_speech.mock import MockServer, RecordedRequest

from ..conftest import KEY, PROJECT
from ..test_makefile import program
from .test_server import CHANGED, serving

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


def site(server: MockServer) -> str:
    return server.url.removesuffix(server.description.base_path)


# Without a browser


@pytest.fixture
def http(server: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site(server)) as client:
        yield client


def test_the_root_redirects_to_the_page(http: httpx.Client) -> None:
    assert http.get("/").headers["location"] == "/docs"
    assert http.get("/", follow_redirects=True).headers["content-type"] == "text/html; charset=utf-8"


def test_the_page_refers_to_nothing_outside_itself(http: httpx.Client) -> None:
    page = http.get("/docs").text
    assert "://" not in page
    assert set(re.findall(r'(?:src|href|action)\s*=\s*"([^"]*)"', page)) == {"data:,"}
    assert not re.search(r"@import|\burl\(|innerHTML|eval\(", page)


def test_the_policy_allows_only_what_the_page_needs(http: httpx.Client) -> None:
    policy = http.get("/docs").headers["content-security-policy"]
    assert {"default-src 'none'", "connect-src 'self'"} <= set(policy.split("; "))
    assert not re.search(r"unsafe|\*|https?:", policy)


def test_the_description_is_served_unchanged(http: httpx.Client) -> None:
    assert http.get("/openapi.json").json() == yaml.safe_load((PROJECT / "openapi.yaml").read_text())


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_the_page_allows_get_and_head(http: httpx.Client, path: str) -> None:
    head = http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(http.get(path).content))
    refused = http.post(path)
    assert refused.status_code == 405
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_a_date_in_the_description_is_served_as_text(tmp_path: Path) -> None:
    with serving(tmp_path, CHANGED.replace("title: Changed", "title: Changed, x-since: 2026-01-31")) as server:
        assert httpx.get(f"{site(server)}/openapi.json").json()["info"]["x-since"] == "2026-01-31"


def test_the_descriptions_own_paths_take_precedence(tmp_path: Path) -> None:
    at_the_root = CHANGED.replace("https://example.test/v2", "/").replace("/voices", "/docs")
    with serving(tmp_path, at_the_root) as server:
        assert httpx.get(f"{site(server)}/docs").json() == ["alloy"]


# In a browser, if there is one


def unavailable(reason: str) -> NoReturn:
    """Skip, or fail if a browser is required, as in `.ci/run`."""
    if os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip.Exception), ("required", pytest.fail.Exception)])
def test_a_missing_browser_fails_only_if_required(
    required: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_TESTS", required)
    with pytest.raises(outcome, match="no browser"):
        unavailable("no browser")


INSTALL = 'case "$*" in *install*) ln -s make "${0%/*}/chromium"; ln -s make "${0%/*}/chromedriver";; esac'


@pytest.mark.parametrize(
    ("apt", "messages", "required"),
    [(None, 1, ""), ("exit 100", 1, ""), ("exit 0", 1, ""), (INSTALL, 0, "required")],
    ids=["no apt-get", "no network", "nothing installed", "installed"],
)
def test_ci_requires_the_browser_if_it_can_install_one(
    tmp_path: Path, apt: str | None, messages: int, required: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "env", "ln"):
        (folder / name).symlink_to(str(shutil.which(name)))
    program(folder / "id", "echo 0")
    program(folder / "make", 'echo "make $* $BROWSER_TESTS"')
    if apt is not None:
        program(folder / "apt-get", f"echo noise; echo noise >&2; {apt}")
    (tmp_path / ".ci").mkdir()
    shutil.copy(PROJECT / ".ci/run", tmp_path / ".ci/run")
    command = [str(shutil.which("bash")), str(tmp_path / ".ci/run")]
    result = subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr.count("\n")) == (f"make check {required}\n", messages)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Chrome"]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not SELENIUM:
        unavailable("selenium is not installed")
    if program is None or driver is None:
        unavailable("Chromium or its driver is not installed; on Debian, apt install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for argument in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic", "no-first-run",
        "disable-background-networking", "disable-component-update", "disable-sync", "no-proxy-server", "mute-audio",
        "window-size=1280,900", "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "*")  # the driver is on this machine
        running = Chrome(options=options, service=ChromeService(executable_path=driver))
        yield running
        running.quit()


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


@pytest.fixture
def page(browser: "Chrome", server: MockServer) -> Page:
    return Page(browser, server)


@pytest.mark.parametrize(
    ("response_format", "content_type", "name"),
    [("mp3", "audio/mpeg", "speech.mp3"), ("pcm", "audio/pcm;rate=24000;channels=1", "speech.wav")],
)
def test_audio_is_played_and_downloaded(
    page: Page, response_format: str, content_type: str, name: str, tmp_path: Path
) -> None:
    downloads = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
    page.choose("response_format", response_format)
    assert re.fullmatch(r"200 OK \d+ ms \d+ bytes", page.send().replace("\n", " "))
    heard = page.heard()
    assert content_type in page.details
    page.browser.find_element(CSS, "a[download]").click()
    page.wait((tmp_path / name).exists)
    decoded = miniaudio.decode((tmp_path / name).read_bytes(), nchannels=1, sample_rate=24_000)
    assert max(decoded.samples) > 1000
    assert heard == pytest.approx(decoded.duration, abs=0.06)  # a browser may count mp3's padding


def test_whole_pcm_frames_get_a_wav_header(page: Page, tmp_path: Path) -> None:
    script = """
        const done = arguments[0], reader = new FileReader();
        reader.onload = () => done(reader.result.split(',')[1]);
        reader.readAsDataURL(wave(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).buffer, 8000, 2));
    """
    with wave.open(str(tmp_path / "expected.wav"), "wb") as expected:
        expected.setparams((2, 2, 8000, 2, "NONE", "not compressed"))
        expected.writeframes(bytes(range(1, 9)))
    assert base64.b64decode(page.browser.execute_async_script(script)) == (tmp_path / "expected.wav").read_bytes()


def test_a_refusal_is_shown_with_its_field(page: Page) -> None:
    page.type("session_id", "a" * 257)
    assert page.send().startswith("400 Bad Request")
    assert "The request is malformed" in page.details
    (body,) = re.findall(r"\{.*\}", page.details, re.DOTALL)
    assert json.loads(body)["error"]["message"].startswith("session_id: ")


def test_a_second_request_cancels_the_first(page: Page) -> None:
    page.log("performance")  # discard the log of earlier pages
    page.server.script(["stall", "stall"])
    page.submit()
    page.submit()
    page.wait(lambda: any('"canceled":true' in event["message"] for event in page.log("performance")))
    assert page.until("[role=status]").text.startswith("Waiting")
    assert page.send().startswith("200")
    assert page.heard() > 0


def test_a_documented_error_can_be_requested(page: Page) -> None:
    page.choose("Prefer", "code=429")
    assert page.send().startswith("429 Too Many Requests")
    assert "Rate limit exceeded" in page.details


def test_without_a_key_the_response_is_401(page: Page) -> None:
    assert page.field("API key").get_attribute("type") == "password"
    page.type("API key", "")
    assert page.send().startswith("401")
    assert "Authorization" not in page.snippet("Equivalent curl command")


def test_the_chosen_example_is_sent_without_empty_fields(page: Page) -> None:
    page.send()
    document = yaml.safe_load((PROJECT / "openapi.yaml").read_text())
    examples = document["paths"]["/audio/speech"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert page.server.requests[-1].json == examples["short"]["value"]
    page.choose("Example", examples["passthrough"]["summary"])
    page.choose("response_format", "(server's default: pcm)")
    page.send()
    expected = {name: value for name, value in examples["passthrough"]["value"].items() if name != "response_format"}
    assert page.server.requests[-1].json == expected


@pytest.mark.parametrize(
    ("label", "text", "problem"), [("provider", "{not json", "not JSON"), ("speed", "1e", "not a number")]
)
def test_an_unreadable_value_is_reported_at_its_field(page: Page, label: str, text: str, problem: str) -> None:
    page.type(label, text)
    page.submit()
    control = page.browser.switch_to.active_element
    assert control == page.field(label)
    described = str(control.get_attribute("aria-describedby")).split()
    assert any(problem in page.browser.find_element("id", name).text for name in described)
    assert page.until("[role=status]").text == "No request sent yet."
    assert page.posts == []


@pytest.mark.parametrize(
    ("title", "command"),
    [("Equivalent curl command", ["sh", "-c"]), ("Equivalent Python code", [sys.executable, "-W", "error", "-c"])],
)
def test_a_snippet_sends_the_same_request_without_the_key(
    page: Page, title: str, command: list[str], tmp_path: Path
) -> None:
    if "curl" in title and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    page.type("input", 'It\'s "quoted" at $HOME, `here`, 50\\50 é')
    page.type("X-OpenRouter-Title", "Café")
    page.type("API key", KEY)
    page.choose("response_format", "mp3")
    page.field("provider").send_keys('{"options": {"openai": {"plain": true, "nothing": null, "many": [1.5, {}]}}}')
    assert page.send().startswith("200")
    assert KEY not in str(page.browser.page_source)
    environment = {**os.environ, "OPENROUTER_API_KEY": "another-key"}
    subprocess.run([*command, page.snippet(title)], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert miniaudio.decode((tmp_path / "speech.mp3").read_bytes()).num_frames > 0
    first, second = page.posts
    assert (first.status, first.json) == (second.status, second.json)
    for request in (first, second):
        names = ("http-referer", "x-openrouter-title", "x-openrouter-categories")
        assert [request.headers[name] for name in names] == ["https://example.com", "Café", "cli-agent,cloud-agent"]


def test_a_changed_description_changes_the_page(browser: "Chrome", tmp_path: Path) -> None:
    """Fields, methods, statuses and paths all come from the description."""
    with serving(tmp_path, CHANGED) as server:
        page = Page(browser, server)
        assert browser.title.startswith("Changed")
        assert [heading.text for heading in browser.find_elements(CSS, "h2")] == ["PUT /v2/say", "GET /v2/voices"]
        form = browser.find_element(CSS, "form")
        labels = [label.text for label in form.find_elements(CSS, "label")]
        assert labels == [
            "mood required", "response_format", "input required", "X-Needed header, required", "Prefer header"
        ]  # fmt: skip
        page.type("input", "Hello there")
        page.type("X-Needed", "yes")
        page.choose("mood", "calm")
        assert page.send().startswith("201 Created")
        assert page.heard() > 0
        command = [sys.executable, "-c", page.snippet("Equivalent Python code")]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert printed.startswith("201 ")
        puts = [request for request in server.requests if request.method == "PUT"]
        assert puts[0].json == puts[1].json == {"mood": "calm", "input": "Hello there"}
        second = browser.find_elements(CSS, "article")[1]
        second.find_element(CSS, "form > button").click()
        page.wait(lambda: "alloy" in second.find_element(CSS, ".details").text)


def test_markup_in_the_description_stays_text(browser: "Chrome", tmp_path: Path) -> None:
    markup = "<img src=x onerror=alert(1)>"
    with serving(tmp_path, CHANGED.replace("Voices", markup).replace("title: Changed", f"title: {markup}")) as server:
        Page(browser, server)
        assert browser.find_element(CSS, "h1").text.startswith(markup)
        assert markup in browser.find_elements(CSS, "article")[1].text
        assert not browser.find_elements(CSS, "img")


def test_a_stopped_server_is_reported(browser: "Chrome") -> None:
    with MockServer() as server:
        page = Page(browser, server)
    assert page.send().startswith("No response")


def test_every_request_goes_to_this_server(page: Page) -> None:
    """According to the browser's own log, which has no complaints either."""
    for kind in ("performance", "browser"):
        page.log(kind)  # discard the logs of earlier pages
    page.browser.refresh()
    page.until("form")
    page.send()
    page.heard()
    events = [json.loads(entry["message"])["message"] for entry in page.log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    urls = [url for url in sent if not url.startswith(("data:", f"blob:{site(page.server)}/"))]
    assert urls == [f"{site(page.server)}{path}" for path in ("/docs", "/openapi.json", "/api/v1/audio/speech")]
    assert page.log("browser") == []


def test_the_policy_blocks_injected_scripts_and_other_servers(page: Page) -> None:
    with MockServer() as elsewhere:
        script = """
            const [address, done] = arguments, injected = document.createElement('script');
            injected.textContent = 'window.ran = true';
            document.body.append(injected);
            const image = document.createElement('img');
            image.onload = image.onerror = () => fetch(address, { mode: 'no-cors' })
                .then(() => done('sent'), () => done(window.ran ? 'ran' : 'blocked'));
            image.src = `${address}/image`;
        """
        assert page.browser.execute_async_script(script, elsewhere.url) == "blocked"
        assert elsewhere.requests == []


def test_every_field_has_a_label_and_enter_submits(page: Page) -> None:
    script = """
        const dangles = id => id && !document.getElementById(id);
        return [...document.querySelectorAll('input, select, textarea')].filter(control => !control.labels.length
            || (control.getAttribute('aria-describedby') ?? '').split(' ').some(dangles))
            .map(control => control.outerHTML);
    """
    assert page.run(script) == []
    page.field("voice").send_keys("\n")
    assert page.until("[role=status].good").text.startswith("200")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_either_scheme(page: Page, scheme: str) -> None:
    """4.5 to 1, as in https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    names = ("ink", "quiet", "accent", "good", "bad", "page", "panel", "code", "on-accent")
    script = "const style = getComputedStyle(document.documentElement);return style.getPropertyValue(arguments[0])"
    colors = {name: luminance(page.run(script, f"--{name}")) for name in names}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    pairs = [*itertools.product(names[:5], ("page", "panel")), ("ink", "code"), ("on-accent", "accent")]
    for text, ground in pairs:
        darker, lighter = sorted((colors[text], colors[ground]))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)
    assert (colors["ink"] < colors["page"]) == (scheme == "light")


def luminance(color: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    digits = color.strip().removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    shares = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@contextmanager
def resized(page: Page, width: int, height: int, *, mobile: bool = False) -> Iterator[None]:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_page_fits_a_narrow_screen(page: Page) -> None:
    with resized(page, 320, 640, mobile=True):
        page.send()
        assert page.run("return document.documentElement.scrollWidth") <= 320


def test_a_screenshot_is_kept_in_out(page: Page) -> None:
    page.choose("Example", "MP3, with a provider option")
    page.send()
    page.heard()
    picture = PROJECT / "out/docs.png"
    picture.parent.mkdir(exist_ok=True)
    with resized(page, 1280, page.run("return document.documentElement.scrollHeight")):
        assert page.browser.save_screenshot(str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
