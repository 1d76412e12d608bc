"""Programs from npm at exact versions: npx fetches them once, and runs them from its cache.

Without Node.js or npm they are skipped with a message; `NODE_TOOLS=required`, as in CI, makes that a failure.
"""

# ruff: noqa: T201  (it prints for the programs that use it)

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LONGEST_FETCH = 300
"""Timeout in seconds."""

ENVIRONMENT = {
    # By default npm waits for minutes if nothing responds.
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "1000",
    # Redocly would report each run to its makers, and look for updates.
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
}


class UnavailableError(Exception):
    """The program is not available. The message is the reason, without a full stop."""


@dataclass(frozen=True)
class Program:
    """A program from npm."""

    package: str
    """The package and its exact version."""
    node: tuple[int, int]
    """The first version of Node.js that it runs on."""

    def fetch(self) -> None:
        """Fetch the program, or raise `UnavailableError`."""
        needed = f"it needs Node.js {'.'.join(map(str, self.node))} or later"
        if not (shutil.which("node") and shutil.which("npx")):
            raise UnavailableError(f"{needed}, and there is none here")
        node = _run("node", "--version")
        version = tuple(map(int, re.findall(r"\d+", node.stdout)))
        if version < self.node:
            raise UnavailableError(f"{needed}, and here is {node.stdout.strip() or 'one that does not start'}")
        try:  # run `node`, so that only the download can fail
            fetched = _run("npx", "--yes", "--prefer-offline", f"--package={self.package}", "--", "node", "--version")
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"npx did not fetch {self.package} within {LONGEST_FETCH} seconds") from None
        if fetched.returncode:
            reason = re.search(r"^npm \S+ code (\S+)", fetched.stderr, re.MULTILINE)
            said = reason[1] if reason else fetched.stderr.strip().partition("\n")[0] or f"exit {fetched.returncode}"
            raise UnavailableError(f"npx could not fetch {self.package} ({said})")

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs the fetched program."""
        return ["npx", "--yes", "--offline", self.package, *arguments]

    def file(self, name: str) -> Path:
        """Return the path of a file in the fetched package, by its name as a module."""
        find = "process.env.PATH.split(require('path').delimiter)"  # npx puts the package's folder first
        script = f"require.resolve({name!r}, {{ paths: {find} }})"
        found = _run("npx", "--yes", "--offline", f"--package={self.package}", "--", "node", "-p", script)
        return Path(found.stdout.strip())

    def left_out(self, name: str) -> int | None:
        """Fetch the program, or print why it is not available: 0 if it may be left out, 2 if it is required."""
        try:
            self.fetch()
        except UnavailableError as error:
            required = os.environ.get("NODE_TOOLS") == "required"
            print(f"{name} {'cannot run' if required else 'was left out'}: {error}.", file=sys.stderr)
            return 2 if required else 0
        return None

    def check(self, name: str, *arguments: str, cwd: str | None = None) -> int:
        """Run a linter, print what it finds, and return the exit status.

        That is 0 if it finds nothing or is skipped, 1 if it finds something, 2 if it is required and unavailable.
        """
        if (left_out := self.left_out(name)) is not None:
            return left_out
        done = _run(*self.command(*arguments), cwd=cwd)
        if done.returncode:
            print((done.stdout or done.stderr).strip(), file=sys.stderr)
            print(f"{name} finds what is named above.", file=sys.stderr)
            return 1
        print(f"{name} finds nothing.")
        return 0


def _run(*command: str, cwd: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=cwd, env=ENVIRONMENT | os.environ, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=LONGEST_FETCH,
    )  # fmt: skip
