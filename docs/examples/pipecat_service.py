"""A text-to-speech service for pipecat. An interruption closes the request at once."""

from collections.abc import AsyncGenerator
from typing import Any

from openrouter_speech import OpenRouter, errors
from pipecat.frames.frames import ErrorFrame, Frame, TTSAudioRawFrame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService


class OpenRouterTTSService(TTSService):
    """Speaks with a client that the caller owns and closes."""

    def __init__(self, open_router: OpenRouter, *, model: str, voice: str | None = None, **options: Any) -> None:
        settings = TTSSettings(model=model, voice=voice, language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=settings, **options)
        self._open_router = open_router

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        """Yield audio as it arrives. pipecat cancels this when the user interrupts, which leaves the block."""
        chosen: Any = {"model": self._settings.model, "voice": self._settings.voice}
        speaking = self._open_router.tts.stream_speech_async(input=text, response_format="pcm", **chosen)
        try:
            async with speaking as stream:
                rate, channels = stream.sample_rate or 24_000, stream.channels or 1
                await self.start_tts_usage_metrics(text)
                async for chunk in stream.iter_bytes():
                    await self.stop_ttfb_metrics()
                    yield TTSAudioRawFrame(chunk, rate, channels, context_id=context_id)
        except errors.OpenRouterError as error:
            yield ErrorFrame(error=error.message)
