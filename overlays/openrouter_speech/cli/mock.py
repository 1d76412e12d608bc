"""`openrouter-speech mock`: the mock server, with the options of `python -m openrouter_speech.mock`."""

import sys

import typer


def mock(arguments: list[str]) -> None:
    """Serve until the process is stopped."""
    try:
        from ..mock.__main__ import main
    except ModuleNotFoundError as error:  # its message names the extra
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(main(arguments, "openrouter-speech mock"))
