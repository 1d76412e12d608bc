"""Text-to-speech for LiveKit agents. An interruption closes the request at once."""

from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from openrouter_speech import OpenRouter, errors


class OpenRouterTTS(tts.TTS):
    """Speaks with a client that the caller owns and closes. The model has to have PCM at the given rate."""

    def __init__(self, open_router: OpenRouter, *, model: str, voice: str, sample_rate: int = 24_000) -> None:
        capabilities = tts.TTSCapabilities(streaming=False)  # a whole sentence per request
        super().__init__(capabilities=capabilities, sample_rate=sample_rate, num_channels=1)
        self.open_router, self.speaker = open_router, {"model": model, "voice": voice}

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> "OpenRouterStream":
        return OpenRouterStream(tts=self, input_text=text, conn_options=conn_options)


class OpenRouterStream(tts.ChunkedStream):
    """One sentence. LiveKit cancels it when the user interrupts, which leaves the block."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, OpenRouterTTS)
        speaker = self._tts.speaker
        speaking = self._tts.open_router.tts.stream_speech_async(
            input=self.input_text,
            model=speaker["model"],
            voice=speaker["voice"],
            response_format="pcm",
            retries=None,  # LiveKit retries
        )
        try:
            async with speaking as stream:
                output_emitter.initialize(
                    request_id=stream.generation_id or "",
                    sample_rate=stream.sample_rate or self._tts.sample_rate,
                    num_channels=stream.channels or 1,
                    mime_type="audio/pcm",
                )
                async for chunk in stream.iter_bytes():
                    output_emitter.push(chunk)
                output_emitter.flush()
        except errors.APIStatusError as error:
            again = error.status_code in {429, 503} and not error.maybe_billed
            raise APIStatusError(error.message, status_code=error.status_code, retryable=again) from error
        except errors.APIConnectionError as error:
            raise APIConnectionError(error.message, retryable=not error.maybe_billed) from error
        except errors.OpenRouterError as error:
            raise APIError(error.message, retryable=False) from error
