"""Say hello: from the models to choose from, to files that any player opens, to what they cost. `make demo` runs this.

Without arguments it speaks to a mock server of its own; with --server-url and OPENROUTER_API_KEY, to that server.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path

from openrouter_speech import OpenRouter, SpeechResponse, errors
from openrouter_speech.mock import MockServer

TEXT = "Hello world"
MODEL = os.environ.get("MODEL", "mistralai/voxtral-mini-tts-2603")
VOICE = os.environ.get("VOICE", "en_paul_neutral")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the audio files")
    parser.add_argument("--server-url", help="a server to speak to, in place of the mock; needs OPENROUTER_API_KEY")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.ExitStack() as stack:
            if options.server_url:
                open_router = stack.enter_context(OpenRouter(server_url=options.server_url))
            else:
                server = stack.enter_context(MockServer())
                open_router = stack.enter_context(OpenRouter("any-key", server_url=server.url))
            for model in open_router.models.list()[:3]:
                print(f"{model.id:<36} {len(model.voices or ()):>3} voices")
            print(f"{'file':<16} {'format':<6} {'duration':>10} {'bytes':>8} {'first audio':>11}  generation ID")
            said = [
                say(open_router, options.out / name, response_format)
                for name, response_format in [("hello.mp3", "mp3"), ("hello.wav", "pcm")]
            ]
            print(f"cost: ${sum(speech.cost() for speech in said):f}")
    except (errors.OpenRouterError, OSError, ValueError) as error:
        print(f"The demo ended early: {error}", file=sys.stderr)
        return 1
    return 0


def say(open_router: OpenRouter, path: Path, response_format: str) -> SpeechResponse:
    """Have the text spoken into a file, and print a line about it."""
    speech = open_router.tts.create_speech(input=TEXT, model=MODEL, voice=VOICE, response_format=response_format)
    speech.save(path)
    print(
        f"{path!s:<16} {speech.audio_format:<6} {speech.duration or 0:>8.2f} s {path.stat().st_size:>8}"
        f" {(speech.time_to_first_audio or 0) * 1000:>8.0f} ms  {speech.generation_id}"
    )
    return speech


if __name__ == "__main__":
    sys.exit(main())
