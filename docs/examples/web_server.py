"""Stream speech to a browser with FastAPI: the page plays while the rest is still being synthesized.

Run it with `uvicorn web_server:app`, and open http://127.0.0.1:8000.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from openrouter_speech import AsyncSpeechStream, OpenRouter, errors

PAGE = """<!doctype html>
<html lang="en">
<title>Speak</title>
<meta name="viewport" content="width=device-width">
<style>
  :root { color-scheme: light dark; font: 16px system-ui }
  body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
  textarea, audio { width: 100%; box-sizing: border-box }
</style>
<h1>Speak</h1>
<form>
  <p><label>Text <textarea name="text" rows="4" maxlength="2000" required>Hello world</textarea></label>
  <p><button>Speak</button>
</form>
<audio controls></audio>
<script>
  document.forms[0].onsubmit = event => {
    event.preventDefault();
    const player = document.querySelector("audio");
    player.src = "speech?" + new URLSearchParams(new FormData(event.target));
    player.play();
  };
</script>
</html>"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with OpenRouter() as app.state.open_router:  # one client for all requests
        yield


app = FastAPI(lifespan=lifespan)


async def spoken(request: Request, text: Annotated[str, Query(max_length=2000)]) -> AsyncIterator[AsyncSpeechStream]:
    """Yield the stream once its first audio is there; close it when the response ends or the browser leaves."""
    open_router: OpenRouter = request.app.state.open_router
    async with open_router.tts.stream_speech_async(
        input=text, model="mistralai/voxtral-mini-tts-2603", voice="en_paul_neutral", response_format="mp3"
    ) as stream:
        yield stream


@app.get("/speech")
async def speech(stream: Annotated[AsyncSpeechStream, Depends(spoken)]) -> StreamingResponse:
    return StreamingResponse(stream.iter_bytes(), media_type="audio/mpeg")


@app.exception_handler(errors.OpenRouterError)
async def failed(_: Request, error: errors.OpenRouterError) -> JSONResponse:
    return JSONResponse({"detail": error.message}, status_code=502)


@app.get("/", response_class=HTMLResponse)
async def page() -> str:
    return PAGE
