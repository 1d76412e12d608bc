"""Build the documentation site, check it, and serve it: `make docs`, `make docs-serve`."""

# ruff: noqa: T201  (a program, which prints)

import argparse
import functools
import os
import shutil
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from . import links, pages, reference


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the site is built and nothing is wrong with it, otherwise 1."""
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("out/site"), help="where the site goes")
    parser.add_argument("--serve", type=int, metavar="PORT", help="serve it on 127.0.0.1 until Ctrl-C")
    options = parser.parse_args(arguments)
    if code := build(options.folder):
        return code
    print(f"{options.folder}/index.html: no broken link, nothing loaded from elsewhere")
    if options.serve is not None:
        serve(options.folder, options.serve)
    return 0


def build(folder: Path) -> int:
    """Build the site into a folder, and list what is wrong with it."""
    work = folder.with_name(f"{folder.name}-source").resolve()
    shutil.rmtree(work, ignore_errors=True)
    pages.stage(work, reference.pages())
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(work / "zensical.toml")]
    environment = {**os.environ, "PYTHONPATH": str(pages.PROJECT)}  # for griffe, which imports `signatures`
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(work / "site", folder)
    problems = links.problems(folder)
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


def serve(folder: Path, port: int) -> None:
    """Serve a folder on this machine until Ctrl-C."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    sys.exit(main())
