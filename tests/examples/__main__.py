"""Run each recipe with its framework, against the mock server.

`make examples` runs this. No pytest: these frameworks and our own packages do not go into one environment.
"""

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from openrouter_speech import OpenRouter
from openrouter_speech.mock import MockServer

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "docs/examples"))
SPEAKER: Any = {"model": "any/model", "voice": "alloy"}
TEXT = "A sentence that takes a while."


class Client:
    """Our client, over connections that can be counted."""

    def __init__(self, server: MockServer) -> None:
        self.http = httpx.AsyncClient()
        self.open_router = OpenRouter("any-key", server_url=server.url, async_client=self.http)

    def connections(self) -> int:
        return len(self.http._transport._pool.connections)  # type: ignore[attr-defined]

    async def wait_until(self, number: int) -> None:
        """Wait until so many connections are open, at most 5 s."""
        end = time.monotonic() + 5
        while self.connections() != number:
            assert time.monotonic() < end, f"{self.connections()} connections are open, not {number}"
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(server: MockServer) -> AsyncIterator[Client]:
    client = Client(server)
    async with client.http:
        yield client


async def fastapi(server: MockServer) -> None:
    """The audio arrives whole; a failure has a status; a browser that leaves ends the request."""
    import web_server

    async with connected(server) as client:
        web_server.app.state.open_router = client.open_router
        transport = httpx.ASGITransport(web_server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://example") as browser:
            page = await browser.get("/")
            assert "<textarea" in page.text
            answer = await browser.get("/speech", params={"text": TEXT})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
            expected = await client.open_router.tts.create_speech_async(**server.requests[-1].json)
            assert answer.content == expected.content
            server.script([401])
            refused = await browser.get("/speech", params={"text": TEXT})
            assert refused.status_code == 502
            assert refused.json()["detail"]
    async with connected(server) as client:
        web_server.app.state.open_router = client.open_router
        server.script(["stall"])
        await _leave(web_server.app, client)


async def _leave(app: Any, client: Client) -> None:
    """Call an ASGI application as a browser that goes away after the first bytes."""
    left, came = asyncio.Event(), asyncio.Event()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            came.set()

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "path": "/speech", "raw_path": b"/speech", "root_path": "", "scheme": "http", "query_string": b"text=Hello",
        "headers": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    call = asyncio.create_task(app(scope, receive, send))
    await asyncio.wait_for(came.wait(), 5)
    assert client.connections() == 1
    left.set()
    await client.wait_until(0)
    await asyncio.wait_for(call, 5)


async def pipecat(server: MockServer) -> None:
    """The audio arrives whole; an interruption ends the request."""
    from pipecat.frames.frames import EndFrame, Frame, InterruptionFrame, TTSAudioRawFrame, TTSSpeakFrame
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.runner import PipelineRunner
    from pipecat.pipeline.task import PipelineTask
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
    from pipecat_service import OpenRouterTTSService

    class Ear(FrameProcessor):
        def __init__(self) -> None:
            super().__init__()
            self.heard, self.first = b"", asyncio.Event()

        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            await super().process_frame(frame, direction)
            if isinstance(frame, TTSAudioRawFrame):
                self.heard += frame.audio
                self.first.set()
            await self.push_frame(frame, direction)

    async def run(client: Client, act: Callable[[PipelineTask, Ear], Coroutine[Any, Any, None]]) -> bytes:
        ear = Ear()
        task = PipelineTask(Pipeline([OpenRouterTTSService(client.open_router, **SPEAKER), ear]))
        running = asyncio.create_task(PipelineRunner(handle_sigint=False).run(task))
        await task.queue_frame(TTSSpeakFrame(TEXT))
        await act(task, ear)
        await task.queue_frame(EndFrame())
        await asyncio.wait_for(running, 30)
        return ear.heard

    async def listen(task: PipelineTask, ear: Ear) -> None:
        await asyncio.wait_for(ear.first.wait(), 10)

    async with connected(server) as client:
        whole = await run(client, listen)
        expected = await client.open_router.tts.create_speech_async(input=TEXT, **SPEAKER)
        assert whole == expected.content

    async with connected(server) as client:

        async def interrupt(task: PipelineTask, ear: Ear) -> None:
            await listen(task, ear)
            assert client.connections() == 1
            await task.queue_frame(InterruptionFrame())
            await client.wait_until(0)

        server.script(["stall"])
        assert 0 < len(await run(client, interrupt)) < len(whole)


async def livekit(server: MockServer) -> None:
    """The audio arrives whole; a failure is one of LiveKit's; an interruption ends the request."""
    from livekit.agents import APIConnectOptions, APIStatusError
    from livekit_tts import OpenRouterTTS

    once = APIConnectOptions(max_retry=0)
    async with connected(server) as client:
        speaker = OpenRouterTTS(client.open_router, **SPEAKER)
        frame = await speaker.synthesize(TEXT).collect()
        expected = await client.open_router.tts.create_speech_async(input=TEXT, **SPEAKER)
        heard, spoken = bytes(frame.data), expected.content
        assert heard.startswith(spoken)
        assert not any(heard[len(spoken) :])  # LiveKit adds a moment of silence
        server.script([503])
        failing = asyncio.create_task(speaker.synthesize(TEXT, conn_options=once).collect())
        await asyncio.wait([failing])
        failure: Any = failing.exception()
        assert isinstance(failure, APIStatusError)
        assert (failure.status_code, failure.retryable) == (503, True)

    async with connected(server) as client:
        server.script(["stall"])
        stream = OpenRouterTTS(client.open_router, **SPEAKER).synthesize(TEXT, conn_options=once)
        await anext(stream)
        assert client.connections() == 1
        await stream.aclose()
        await client.wait_until(0)


async def ray_data(server: MockServer) -> None:
    """A text that fails leaves the others; a dead actor pays for nothing twice; the key is in no file of Ray's."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray's servers listen on 127.0.0.1 only
    os.environ["OPENROUTER_API_KEY"] = key = "sk-or-v1-never-shown"
    import ray
    import ray_data as recipe
    from ray.exceptions import RayError

    texts = [f"Text {number}." for number in range(40)]
    ray.cloudpickle.register_pickle_by_value(recipe)  # docs/examples is not on the path of the actors
    with tempfile.TemporaryDirectory() as folder, _ray_in(folder):

        def spoken(**options: Any) -> list[dict[str, Any]]:
            rows = ray.data.from_items([{"text": text} for text in texts])
            made: list[dict[str, Any]] = recipe.speak(rows, server_url=server.url, **SPEAKER, **options).take_all()
            return made

        server.script([400, "close"])
        rows = spoken()
        assert sorted(row["text"] for row in rows) == sorted(texts)
        assert sorted(request.json["input"] for request in server.requests) == sorted(texts)
        done, failed = [row for row in rows if row["audio"]], [row for row in rows if row["error"]]
        assert len(done) == 38
        assert {(row["error"][:4], row["maybe_billed"]) for row in failed} == {("400:", False), ("No r", True)}
        async with connected(server) as client:
            expected = await client.open_router.tts.create_speech_async(input=done[0]["text"], **SPEAKER)
        assert done[0]["audio"] == expected.content

        class Dying(recipe.Speaker):
            async def __call__(self, batch: Any) -> Any:
                audio = await super().__call__(batch)
                if not Path(folder, "died").exists():
                    Path(folder, "died").touch()
                    os._exit(1)
                return audio

        recipe.Speaker = Dying  # type: ignore[misc]
        server.reset()
        try:
            spoken(actors=1)
        except RayError:
            sent = [request.json["input"] for request in server.requests]
            assert 0 < len(sent) == len(set(sent))
        else:
            raise AssertionError("the actor was started again")
        files = [file for file in Path(folder).rglob("*") if file.is_file()]
        assert not [file for file in files if key.encode() in file.read_bytes()]


@contextmanager
def _ray_in(folder: str) -> Iterator[None]:
    """Start Ray, and end all of its processes."""
    import ray

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    ray.init(
        address="local", num_cpus=2, object_store_memory=100 << 20, include_dashboard=False, log_to_driver=False,
        logging_level=logging.CRITICAL, _temp_dir=folder,
    )  # fmt: skip
    try:
        yield
    finally:
        ray.shutdown()


def main() -> None:
    for check in (fastapi, pipecat, livekit, ray_data):
        started = time.monotonic()
        with MockServer() as server:
            asyncio.run(asyncio.wait_for(check(server), 60))
        print(f"{check.__name__}: {(check.__doc__ or '').strip()} ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    main()
