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
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import httpx
import miniaudio
import pytest
import yaml
from openrouter_speech.mock import MockServer

from .. import docs_screens
from ..conftest import KEY, PROJECT
from ..npx import UnavailableError
from ..page_lint import AXE
from ..test_makefile import program
from ..test_npx import needs
from .browser import CSS, Page, chromium, resized, site, themed
from .test_server import CHANGED, serving

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


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
    commands = f"make check {required}\nmake test-slow {required}\n"
    assert (result.stdout, result.stderr.count("\n")) == (commands, messages)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Chrome"]:
    with ExitStack() as stack:
        try:
            running = stack.enter_context(chromium(tmp_path_factory.mktemp("profile")))
        except UnavailableError as error:
            unavailable(str(error))
        yield running


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
    ("label", "text", "problem"), [("Value", "{not json", "not JSON"), ("speed", "1e", "not a number")]
)
def test_an_unreadable_value_is_reported_at_its_field(page: Page, label: str, text: str, problem: str) -> None:
    page.add("provider", "options")
    page.type("Name", "openai")
    page.type(label, text)
    page.unfold("provider")  # closes it
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
    page.add("provider", "options")
    page.type("Name", "openai")
    page.type("Value", '{"plain": true, "nothing": null, "many": [1.5, {}]}')
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


@pytest.mark.parametrize(
    ("fault", "line", "words"),
    [
        ("close", "No response", "The server closed the connection, or is not running."),
        ("cut", "200 OK", "The connection closed before the end of the response."),
        ("zod", "400 Bad Request", "Invalid input"),
        ("html", "502 Bad Gateway", "<h1>502 Bad Gateway</h1>"),
        ("empty", "200 OK", "there is no audio."),
        ("type", "200 OK", "text/plain"),
    ],
)
def test_what_went_wrong_is_said(page: Page, fault: str, line: str, words: str) -> None:
    page.server.script([fault] * 4)  # Chromium sends again what a connection that it kept did not answer
    assert page.send().startswith(line)
    page.wait(lambda: words in page.browser.find_element(CSS, "[role=status]").text + page.details + page.headers)


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


def test_a_page_of_another_server_of_this_machine_may_call(browser: "Chrome", server: MockServer) -> None:
    script = """
        const [url, done] = arguments, headers = { Authorization: 'Bearer any', 'Content-Type': 'application/json' };
        const body = JSON.stringify({ input: 'Hello', model: 'any/model' });
        fetch(url, { method: 'POST', headers: { ...headers, Prefer: 'code=429; retry-after=3' }, body })
            .then(({ status, headers }) => done([status, headers.get('Retry-After')]), error => done(error.message));
    """
    with MockServer() as elsewhere:
        browser.get(f"{site(elsewhere)}/openapi.json")
        answered = browser.execute_async_script(script, f"{server.url}/audio/speech")
    assert answered == [429, "3"]


def test_every_field_has_a_label_and_enter_submits(page: Page) -> None:
    script = """
        const dangles = id => id && !document.getElementById(id);
        return [...document.querySelectorAll('input, select, textarea')].filter(control => !control.labels.length
            || (control.getAttribute('aria-describedby') ?? '').split(' ').some(dangles))
            .map(control => control.outerHTML);
    """
    assert page.run(script) == []
    page.field("X-OpenRouter-Title").send_keys("\n")  # a header is one line
    assert page.until("[role=status].good").text.startswith("200")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_either_scheme(page: Page, scheme: str) -> None:
    """4.5 to 1, as in https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    names = ("ink", "quiet", "accent", "good", "bad", "page", "panel", "code", "on-accent")
    script = "const style = getComputedStyle(document.documentElement);return style.getPropertyValue(arguments[0])"
    with themed(page.browser, scheme):
        colors = {name: luminance(page.run(script, f"--{name}")) for name in names}
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


def test_the_page_fits_a_narrow_screen(page: Page) -> None:
    with resized(page.browser, 320, 640, mobile=True):
        page.send()
        assert page.run("return document.documentElement.scrollWidth") <= 320


def test_the_pictures_of_the_documentation_are_small_and_can_be_taken_again(
    browser: "Chrome", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs_screens, "chromium", lambda _: nullcontext(browser))
    docs_screens.main(tmp_path / "images", port=0, options=["--live"])
    text = (PROJECT / "docs/testing.md").read_text()
    committed = sorted(docs_screens.IMAGES.glob("*.png"))
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == [path.name for path in committed]
    for path in (*committed, *(tmp_path / "images").iterdir()):
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < 100_000
        assert f"images/{path.name}" in text


def test_a_screenshot_is_kept_in_out(page: Page) -> None:
    page.choose("Example", "MP3, with a provider option")
    page.send()
    page.heard()
    picture = PROJECT / "out/docs.png"
    picture.parent.mkdir(exist_ok=True)
    with resized(page.browser, 1280, page.run("return document.documentElement.scrollHeight")):
        assert page.browser.save_screenshot(str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")


KEY_TAB, KEY_ENTER, KEY_CONTROL = "\ue004", "\ue007", "\ue009"
SIZES = [(1200, 1400), (1280, 900), (360, 740), (740, 360)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_covers_a_label_or_a_control(page: Page, width: int, height: int) -> None:
    script = """
        document.querySelectorAll('details').forEach(fold => { fold.open = true; });
        return [...document.querySelectorAll('label, form input, select, textarea, summary')].filter(element => {
            return ['start', 'end'].some(block => {
                element.scrollIntoView({ block });
                const { left, top, bottom } = element.getBoundingClientRect();
                return [top + 4, bottom - 4].some(y => y > 0 && y < innerHeight
                    && !element.contains(document.elementFromPoint(left + 12, y)));
            });
        }).map(element => element.outerHTML);
    """
    with resized(page.browser, width, height, mobile=width < 800):
        assert page.run(script) == []


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 900, "light"), (360, 740, "dark")])
def test_axe_finds_nothing(page: Page, width: int, height: int, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a success, with an error, and with everything unfolded and a field marked as wrong."""
    needs(AXE, monkeypatch)
    script = AXE.file("axe-core/axe.min.js").read_text()
    run = """
        const done = arguments[0];
        axe.run(document).then(({ violations }) => done(violations.map(({ id, nodes }) => [id, nodes[0].html])));
    """
    with themed(page.browser, scheme), resized(page.browser, width, height, mobile=width < 800):
        page.run(script)
        found = []
        for prefer in ("(server's default: a success)", "code=429"):
            page.choose("Prefer", prefer)
            page.send()
            found += page.browser.execute_async_script(run)
        page.add("provider", "options")
        page.add("input_references")
        page.type("speed", "1e")
        page.run("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        page.submit()
        found += page.browser.execute_async_script(run)
    assert found == []


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    """Everything gets the focus in the order of the page, which can be seen."""
    keys = page.keys
    script = """
        const [form] = document.forms, focus = document.activeElement;
        const named = focus.labels?.[0] ?? focus;
        return [form.contains(focus), getComputedStyle(focus).outlineStyle !== 'none',
            named.firstChild?.textContent.trim() ?? ''];
    """
    page.run("document.forms[0].querySelector('select').focus()")
    reached = []
    while (where := page.run(script))[0]:
        assert where[1], where
        reached.append(where[2])
        keys(KEY_ENTER if where[2] == "provider" and "options" not in reached else "", KEY_TAB)
    labels = "Example, Form of input, input, model, voice, provider, options, zdr, data_collection, response_format"
    assert reached[:10] == labels.split(", ")
    assert reached[-2:] == ["API key", "Send"]
    page.field("input").send_keys("")
    keys(KEY_CONTROL + KEY_ENTER)
    assert page.until("[role=status].good").text.startswith("200")


def test_a_nested_body_is_filled_in_by_field(page: Page) -> None:
    page.choose("Form of input", "list of SpeechTurn")
    for text, voice in (("Hello", "nova"), ("Removed", ""), ("Bye", "")):
        page.add("input")
        page.items("text")[-1].send_keys(text)
        page.items("voice")[len(page.items("text")) - 1].send_keys(voice)
    page.remove("input", 1)
    page.add("provider", "options")
    page.type("Name", "openai")
    page.type("Value", '{"instructions": "Warmly"}')
    page.choose("zdr", "true")
    page.choose("data_collection", "deny")
    page.add("input_references")
    page.choose("Form of Item", "text")
    page.items("text")[-1].send_keys("The transcript")
    page.add("trace", "Other fields")
    page.items("Name")[-1].send_keys("tier")
    page.items("Value")[-1].send_keys("3")
    page.send()
    body = page.server.requests[-1].json
    assert body["input"] == [{"text": "Hello", "voice": "nova"}, {"text": "Bye"}]
    assert body["provider"] == {
        "options": {"openai": {"instructions": "Warmly"}}, "zdr": True, "data_collection": "deny"
    }  # fmt: skip
    assert body["input_references"] == [{"type": "text", "text": "The transcript"}]
    assert body["trace"] == {"tier": 3}


LOOK_UP = """
openapi: 3.1.0
info: {title: Looked up, version: "1"}
paths:
  /voices/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
        - {name: limit, in: query, schema: {type: integer, maximum: 9}}
        - {name: kind, in: query, schema: {enum: [cloned, made]}}
      responses:
        "200": {description: A voice, content: {application/json: {example: {name: alloy, since: 2}}}}
  /notes:
    post:
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Note"}
            example: {at: [1, 2], by: {name: Ann, age: null}, replies: [{at: []}]}
      responses:
        "200": {description: Kept, content: {application/json: {example: {}}}}
components:
  schemas:
    Note:
      type: object
      required: [at]
      properties:
        at: {type: array, items: {type: integer}}
        by: {oneOf: [{type: string}, {$ref: "#/components/schemas/Person"}]}
        replies: {type: array, items: {$ref: "#/components/schemas/Note"}}
    Person: {type: object, required: [name], properties: {name: {type: string}, age: {type: [integer, "null"]}}}
"""


def test_any_operation_can_be_tried(browser: "Chrome", tmp_path: Path) -> None:
    """With path and query parameters, a JSON response, and an example that contains itself."""
    with serving(tmp_path, LOOK_UP) as server:
        page = Page(browser, server)
        assert [link.text for link in browser.find_elements(CSS, "nav a")] == ["GET /voices/{id}", "POST /notes"]
        page.submit()
        assert browser.switch_to.active_element == page.field("id")
        assert browser.find_element(CSS, "[aria-invalid=true] ~ .problem").text == "The path needs this."
        page.type("id", "a b&c")
        page.add("tag")
        page.items("Item")[0].send_keys("x&y")
        page.type("limit", "10")
        page.choose("kind", "made")
        assert page.send().startswith("400")
        page.type("limit", "9")
        assert page.send().startswith("200")
        assert '"since": 2' in page.details
        assert "/voices/a%20b%26c?tag=x%26y&limit=9&kind=made" in page.snippet("Equivalent curl command")
        for title, command in (("curl command", ["sh", "-c"]), ("Python code", [sys.executable, "-W", "error", "-c"])):
            if "curl" not in title or shutil.which("curl"):
                subprocess.run([*command, page.snippet(f"Equivalent {title}")], check=True, capture_output=True)
                assert (server.requests[-1].path, server.requests[-1].status) == ("/voices/a b&c", 200)
        server.reset()
        second = browser.find_elements(CSS, "form")[1]
        second.find_element(CSS, "button:not([type])").click()
        page.wait(lambda: server.requests)
        assert server.requests[-1].json == {"at": [1, 2], "by": {"name": "Ann"}, "replies": [{"at": []}]}


def test_the_sound_is_drawn_and_described(page: Page) -> None:
    page.send()
    page.heard()
    label = page.wait(lambda: re.search("Waveform of .*", page.until("canvas").get_attribute("aria-label") or ""))[0]
    assert re.fullmatch(r"Waveform of 0\.88 s of sound; its peak is at \d\d% of full scale", label)
    script = """
        const canvas = document.querySelector('canvas'), { width, height } = canvas;
        const row = y => canvas.getContext('2d').getImageData(0, y, width, 1).data;
        const inked = y => row(y).filter((value, at) => at % 4 === 3 && value);
        return [height > 50, inked(0).length / width, inked(Math.floor(height / 2) - 4).length / width];
    """
    drawn, top, middle = page.wait(lambda: (found := page.run(script))[0] and found)
    assert (drawn, top) == (True, 0)
    assert 0.2 < middle < 1
