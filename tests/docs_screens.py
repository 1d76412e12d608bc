"""Take the pictures of docs/images from the running programs: `make docs-screens`."""

import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from openrouter_speech.mock import MockServer

from .mock.browser import Page, chromium, resized, themed
from .npx import UnavailableError

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

IMAGES = Path(__file__).parent.parent / "docs/images"
PORT = 4010
"""That of the documentation; it can be read in the pictures."""
SIZE = (960, 600)


def main(folder: Path = IMAGES, port: int = PORT, options: Sequence[str] = ()) -> None:
    """Take each picture in both color schemes. The options are for `openrouter-speech contract`.

    Raises:
        UnavailableError: There is no browser.
    """
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work, chromium(Path(work)) as browser, MockServer(port=port) as server:
        report = Path(work, "report.html")
        _contract(server.url, report, options)
        for scheme in ("light", "dark"):
            with themed(browser, scheme), resized(browser, *SIZE):
                page = Page(browser, server)
                page.send()
                page.heard()
                _stop_at_half(page)
                _save(browser, folder / f"docs-{scheme}.png")
                browser.get(report.as_uri())
                _save(browser, folder / f"report-{scheme}.png")


def _contract(url: str, report: Path, options: Sequence[str]) -> None:
    """Test the mock server, which breaks one rule: started without a key, it accepts any."""
    command = [sys.executable, "-m", "openrouter_speech", "contract", url, "--html", str(report), *options]
    done = subprocess.run(command, env={"OPENROUTER_API_KEY": "any-key"}, capture_output=True, text=True, check=False)
    if not report.exists():
        raise RuntimeError(f"There is no report: {done.stderr}")


def _stop_at_half(page: Page) -> None:
    page.browser.execute_async_script("""
        const [done] = arguments, player = document.querySelector('audio');
        player.pause();
        player.onseeked = () => requestAnimationFrame(done);
        player.currentTime = player.duration / 2;
    """)
    page.run("document.activeElement.blur(); scrollTo(0, document.querySelector('article').offsetTop - 16)")


def _save(browser: "Chrome", file: Path) -> None:
    if not browser.save_screenshot(str(file)):
        raise OSError(f"{file} cannot be written")


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # the contract tests send what is not HTTP, which uvicorn reports
    try:
        main()
    except (UnavailableError, OSError) as error:
        sys.exit(f"The pictures cannot be taken: {error}.")
