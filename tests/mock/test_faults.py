"""Faults on demand: by a header, by a script, at random; each as a client sees it, over real sockets."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpcore
import httpx
import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech.mock import Fault, MockServer, journal
from openrouter_speech.mock.faults import FORMS, KINDS, OK, Script, preferred

from ..conftest import KEY, REQUEST, Connect

STATUSES = sorted(errors.BY_STATUS)
PCM = {**REQUEST, "response_format": "pcm"}


@pytest.fixture
def mock(server: MockServer) -> Iterator[MockServer]:
    server.reset()
    yield server
    server.reset()


def post(mock: MockServer, prefer: str | None = None, **options: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {KEY}", **({"Prefer": prefer} if prefer else {})}
    return httpx.post(f"{mock.url}/audio/speech", json=PCM, headers=headers, **options)


@pytest.mark.parametrize("status", [400, 529])
def test_a_documented_status_comes_with_its_example(mock: MockServer, status: int) -> None:
    """`tests/contract/test_client_side.py` compares the example of each status."""
    response = post(mock, f"code={status}")
    assert (response.status_code, response.json()["error"]["code"]) == (status, status)
    mock.script([status])
    assert post(mock).json() == response.json()


@pytest.mark.parametrize(
    ("prefer", "fault"),
    [
        *(
            (text, Fault("status", 503))
            for text in ("Code=503", 'code="503"', "wait, code=503", "dynamic=true;code=503")
        ),
        ("code=429, retry-after=2.5, form=ms", Fault("status", 429, retry_after=2.5, form="ms")),
        ("code=429; retry-after=2.5; form=ms", Fault("status", 429, retry_after=2.5, form="ms")),
        ("fault=slow; seconds=3", Fault("slow", seconds=3)),
        ("return=minimal", None),
        ("", None),
    ],
)
def test_a_preference_is_parsed_as_prism_parses_it(prefer: str, fault: Fault | None) -> None:
    assert preferred(prefer) == fault


@pytest.mark.parametrize(
    ("prefer", "named"),
    [
        ("code=418", "418 is not documented; documented statuses: 400 to 404, 413"),
        ("fault=explosion", "explosion"),
        ("fault=status", "status"),
        ("code=429; retry-after=soon", "soon"),
        *((f"code=429; retry-after={wait}", "retry_after") for wait in ("inf", "nan", "1e300", "-1e300")),
        *((f"fault=slow; seconds={delay}", "seconds") for delay in ("inf", "nan", "-1")),
        ("code=429; retry-after=1; form=fax", "form"),
        ("code=429; example=second", "has no example 'second'"),
    ],
)
def test_an_impossible_preference_is_refused(mock: MockServer, prefer: str, named: str) -> None:
    response = post(mock, prefer)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("Prefer: ")
    assert named in response.json()["error"]["message"]


def test_a_script_is_used_once(mock: MockServer) -> None:
    mock.script([503, "429", Fault("html"), "ok"])
    assert [post(mock).status_code for _ in range(6)] == [503, 429, 502, 200, 200, 200]
    assert [entry.fault for entry in mock.requests] == ["status", "status", "html", "ok", "ok", "ok"]


def test_preferences_and_malformed_requests_leave_the_script_alone(mock: MockServer) -> None:
    mock.script([503])
    assert post(mock, "code=402").status_code == 402
    assert httpx.post(f"{mock.url}/audio/speech", json=PCM).status_code == 401
    assert post(mock).status_code == 503


@pytest.mark.parametrize("item", [418, "explosion", "429; retry-after", "429; colour=red", ""])
def test_a_script_with_an_impossible_item_is_refused_as_a_whole(mock: MockServer, item: Any) -> None:
    mock.script([503])
    with pytest.raises(ValueError, match=r"."):
        mock.script(["ok", item])
    assert post(mock).status_code == 503


def test_random_failures_follow_the_seed() -> None:
    def drawn(seed: int) -> list[Fault]:
        script = Script(STATUSES, rate=0.2, seed=seed)
        return [script.next() for _ in range(1000)]

    assert drawn(1) == drawn(1) != drawn(2)
    failed = [fault for fault in drawn(1) if fault != OK]
    assert 150 < len(failed) < 250
    assert {fault.status for fault in failed} == {429, 500, 502, 503, 529}


def test_a_server_fails_at_random() -> None:
    with MockServer(chaos=1.0, seed=3) as server:
        assert all(post(server).status_code >= 429 for _ in range(5))


@pytest.mark.parametrize(
    ("options", "named"), [({"chaos": -0.1}, "chaos"), ({"chaos": 1.1}, "chaos"), ({"pace": "slow"}, "fast, realtime")]
)
def test_a_wrong_setting_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        MockServer(**options)


@pytest.mark.parametrize("form", FORMS)
def test_our_client_reads_each_form_of_a_wait(mock: MockServer, form: str) -> None:
    mock.script([f"429; retry-after=3000; form={form}"])
    with (
        OpenRouter(KEY, server_url=mock.url, retry_config=None) as open_router,
        pytest.raises(errors.TooManyRequestsResponseError) as raised,
    ):
        open_router.tts.create_speech(**REQUEST)
    # Dates have no fractions, and some time passes meanwhile.
    assert raised.value.retry_after == pytest.approx(3000, abs=0 if form in {"seconds", "ms", "metadata"} else 600)


def test_each_form_of_a_wait_has_its_header() -> None:
    now = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
    headers = {form: Fault("status", 429, retry_after=7.5, form=form).retry_headers(now) for form in FORMS}
    assert headers == {
        "seconds": {"Retry-After": "7.5"},
        "ms": {"retry-after-ms": "7500"},
        "http-date": {"Retry-After": "Sun, 22 Nov 2026 12:00:07 GMT"},
        "rfc850": {"Retry-After": "Sunday, 22-Nov-26 12:00:07 GMT"},
        "asctime": {"Retry-After": "Sun Nov 22 12:00:07 2026"},
        "iso": {"Retry-After": "2026-11-22T12:00:07Z"},
        "metadata": {},
        "metadata-seconds": {},
    }


SEEN: list[tuple[str, type[errors.OpenRouterError], str]] = [
    ("stall", errors.APITimeoutError, "in time"),
    ("cut", errors.TruncatedAudioError, "connection was lost"),
    ("close", errors.APIConnectionError, "No response"),
    ("empty", errors.EmptyAudioError, "no audio"),
    ("json", errors.NotAudioError, "The provider failed"),
    ("html", errors.BadGatewayResponseError, "502: 502 Bad Gateway"),
    ("type", errors.NotAudioError, "text/plain"),
    ("half-frame", errors.TruncatedAudioError, "not a whole number of 2-byte pcm frames"),
    ("zod", errors.BadRequestResponseError, "400: input: Invalid input"),
    ("in-flight", errors.PaymentRequiredResponseError, "402: Too many requests are in flight"),
]


@pytest.mark.parametrize(("kind", "error", "message"), SEEN)
def test_a_client_sees_each_fault(
    connect: Connect, mock: MockServer, kind: str, error: type[Exception], message: str
) -> None:
    mock.script([kind])
    timeout = httpx.Timeout(60, read=0.1 if kind == "stall" else 60)  # how long connecting takes does not matter
    clients = {"client": httpx.Client(timeout=timeout), "async_client": httpx.AsyncClient(timeout=timeout)}
    with pytest.raises(error, match=message):
        connect(server_url=mock.url, retry_config=None, **clients).create(response_format="pcm")
    assert [(entry.fault, entry.status is None) for entry in mock.requests] == [(kind, kind == "close")]
    assert post(mock).status_code == 200  # and the server keeps running


def test_every_kind_of_fault_is_tested() -> None:
    assert set(KINDS) == {kind for kind, _, _ in SEEN} | {"ok", "status", "slow"}


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_half_of_the_audio_arrives_first(mock: MockServer, kind: str) -> None:
    whole = post(mock).content
    arrived = b""
    headers = {"Authorization": f"Bearer {KEY}", "Prefer": f"fault={kind}"}
    with httpx.stream("POST", f"{mock.url}/audio/speech", json=PCM, headers=headers, timeout=60) as response:
        pieces = response.iter_raw()
        while len(arrived) < len(whole) // 2:
            arrived += next(pieces)
        if kind == "stall":
            with pytest.raises(httpcore.ReadTimeout):
                response.extensions["network_stream"].read(1, timeout=0.05)
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                next(pieces)
    assert whole.startswith(arrived)
    assert len(arrived) == len(whole) // 2


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the seconds that the server would have waited."""
    seconds: list[float] = []

    async def pause(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr("openrouter_speech.mock.transport.pause", pause)
    return seconds


def test_the_first_byte_can_be_late(mock: MockServer, waits: list[float]) -> None:
    normal = post(mock).content
    assert waits == []
    assert post(mock, "fault=slow; seconds=7").content == normal
    assert waits == [7]


def test_audio_can_be_sent_as_fast_as_it_plays(waits: list[float]) -> None:
    with MockServer(pace="realtime") as server:
        for response_format in ("pcm", "mp3"):
            waits.clear()
            with OpenRouter(KEY, server_url=server.url) as open_router:
                speech = open_router.tts.create_speech(**(REQUEST | {"response_format": response_format}))
            assert len(waits) > 1
            assert sum(waits) == pytest.approx(speech.duration)


def test_the_journal_records_requests_without_the_key(mock: MockServer) -> None:
    with OpenRouter(KEY, server_url=mock.url, x_open_router_title="Café ☕") as open_router:
        open_router.tts.create_speech(**(REQUEST | {"response_format": "pcm"}))
    (entry,) = mock.requests
    assert (entry.number, entry.method, entry.path, entry.status) == (1, "POST", "/api/v1/audio/speech", 200)
    assert entry.json == PCM
    assert entry.headers["x-openrouter-title"] == "Café ☕"
    assert entry.headers["authorization"] == "Bearer **********"


def test_the_journal_records_refused_requests(mock: MockServer) -> None:
    with httpx.Client(base_url=mock.url) as http:
        http.post("/audio/speech", json=PCM)
        http.get("/audio/speech")
        http.post("/elsewhere")
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        http.post("/audio/speech", content=b"{", headers=headers)
    assert [entry.status for entry in mock.requests] == [401, 405, 404, 400]
    assert mock.requests[3].body == b"{"
    with pytest.raises(ValueError, match=r"."):
        _ = mock.requests[3].json


def test_the_journal_keeps_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 10)
    with MockServer() as mock, httpx.Client(base_url=mock.url) as http:
        for _ in range(11):
            http.get("/audio/speech")
    assert (len(mock.requests), mock.requests[0].number, mock.requests[-1].number) == (10, 2, 11)


def test_another_process_controls_it_over_http(mock: MockServer) -> None:
    base = mock.url.removesuffix("/api/v1") + "/__mock__"
    assert httpx.put(f"{base}/script", json=[503, "ok"]).status_code == 204
    assert [post(mock).status_code, post(mock).status_code] == [503, 200]
    journal = httpx.get(f"{base}/requests")
    assert [entry["status"] for entry in journal.json()] == [503, 200]
    assert json.loads(journal.json()[0]["body"]) == PCM
    assert KEY not in journal.text
    assert httpx.delete(f"{base}/requests").json() == []
    health = httpx.get(f"{base}/health").json()
    assert health["status"] == "ok"
    assert re.fullmatch(r"[0-9a-f]{64}", health["description"])
    assert health["description"] == mock.description.hash


@pytest.mark.parametrize("content", [b"{", b"{}", b"[418]", b'[["a"]]', b"5"])
def test_an_impossible_script_over_http_is_refused(mock: MockServer, content: bytes) -> None:
    response = httpx.put(mock.url.removesuffix("/api/v1") + "/__mock__/script", content=content)
    assert response.status_code == 400
    assert "script" in response.json()["error"]["message"]


def test_concurrent_requests_get_their_own_responses(mock: MockServer) -> None:
    texts = ["a" * (1 + number % 10) for number in range(100)]
    headers = {"Authorization": f"Bearer {KEY}"}

    def speak(text: str) -> bytes:
        return httpx.post(f"{mock.url}/audio/speech", json={**PCM, "input": text}, headers=headers).content

    with ThreadPoolExecutor(len(texts)) as pool:
        audio = list(pool.map(speak, texts))
    alone = {text: speak(text) for text in set(texts)}
    assert len(set(alone.values())) == 10
    assert audio == [alone[text] for text in texts]


def test_a_stalled_response_does_not_keep_the_server_from_stopping() -> None:
    with MockServer() as server:
        server.script(["stall"])
        held = httpx.Client(headers={"Authorization": "Bearer a"})
        request = held.build_request("POST", f"{server.url}/audio/speech", json=PCM)
        response = held.send(request, stream=True)
    response.close()
    held.close()
