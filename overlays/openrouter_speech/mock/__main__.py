"""`python -m openrouter_speech.mock`: run the mock server as a separate process."""

import argparse
import sys

from . import MockServer
from .answers import PACES
from .voices import ENGINES


def main(arguments: list[str] | None = None, prog: str = "python -m openrouter_speech.mock") -> int:
    """Serve until the process is stopped. `prog` is the command's name in the usage line."""
    parser = argparse.ArgumentParser(prog=prog, description="Run the mock server as a separate process.")
    parser.add_argument("--port", type=int, default=4010, help="port to listen on; 0 picks a free one (default: 4010)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--voice-engine", choices=ENGINES, default="tones", help="speech engine (default: tones)")
    parser.add_argument("--description", help="OpenAPI 3.1 file to serve instead of this package's own")
    parser.add_argument("--pace", choices=PACES, default="fast", help="how fast audio is sent (default: fast)")
    parser.add_argument("--chaos", type=float, default=0.0, help="share of requests that fail at random (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="seed that decides which requests fail (default: 0)")
    parser.add_argument("--api-key", help="the only key to accept (default: accept any)")
    parser.add_argument(
        "--profile",
        default="lenient",
        help="lenient, live, or a YAML file with rules for models (default: lenient)",
    )
    parser.add_argument("--models", metavar="FILE", help="JSON or YAML file with the models to list")
    parser.add_argument(
        "--cost-after",
        type=int,
        default=0,
        help="look-ups of a cost to answer with 404 before it is there (default: 0)",
    )
    options = parser.parse_args(arguments)
    try:
        server = MockServer(**vars(options))
        url = server.listen()
    except (OSError, OverflowError, ValueError) as error:
        print(f"The mock server did not start: {error}", file=sys.stderr)  # noqa: T201
        return 2
    print(f"The mock server listens on {url}", flush=True)  # noqa: T201
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
