"""Programs from npm, at exact versions: npx fetches them once, and they run on what it keeps.

None of them is needed to use this project, or to test it, so a machine without Node.js or without a way to npm leaves
them out, and says so. With `NODE_TOOLS=required` in the environment, as in CI, that is a failure.
"""

# ruff: noqa: T201  (it prints for the programs that use it)

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

LONGEST_FETCH = 300
"""Seconds until a program is there."""

ENVIRONMENT = {
    # Left to itself, npm waits for minutes where nothing answers.
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "1000",
    # Redocly would tell its makers of each run, and ask them for news.
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
}


class UnavailableError(Exception):
    """The program cannot be had on this machine. The message is the reason, without a full stop."""


@dataclass(frozen=True)
class Program:
    """A program from npm."""

    package: str
    """The package and its exact version."""
    node: tuple[int, int]
    """The first version of Node.js that it runs on."""

    def fetch(self) -> None:
        """See to it that the program is there, and can run.

        Raises:
            UnavailableError: It is not, or cannot.
        """
        needed = f"it needs Node.js {'.'.join(map(str, self.node))} or later"
        if not (shutil.which("node") and shutil.which("npx")):
            raise UnavailableError(f"{needed}, and there is none here")
        node = _run("node", "--version")
        version = tuple(map(int, re.findall(r"\d+", node.stdout)))
        if version < self.node:
            raise UnavailableError(f"{needed}, and here is {node.stdout.strip() or 'one that does not start'}")
        try:  # with a program that is always there, so that only the fetching can fail
            fetched = _run("npx", "--yes", "--prefer-offline", f"--package={self.package}", "--", "node", "--version")
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"npx did not fetch {self.package} within {LONGEST_FETCH} seconds") from None
        if fetched.returncode:
            reason = re.search(r"^npm \S+ code (\S+)", fetched.stderr, re.MULTILINE)
            said = reason[1] if reason else fetched.stderr.strip().partition("\n")[0] or f"exit {fetched.returncode}"
            raise UnavailableError(f"npx could not fetch {self.package} ({said})")

    def command(self, *arguments: str) -> list[str]:
        """The command that runs what was fetched."""
        return ["npx", "--yes", "--offline", self.package, *arguments]

    def check(self, name: str, *arguments: str, cwd: str | None = None) -> int:
        """Run a program that ends with 0 where it finds nothing, and print what it finds.

        Args:
            name: What to call it.
            arguments: What it is told.
            cwd: The folder to run it in.

        Returns:
            The exit status. 0: it finds nothing, or was left out. 2: it was required, and cannot be had.
        """
        try:
            self.fetch()
        except UnavailableError as error:
            required = os.environ.get("NODE_TOOLS") == "required"
            print(f"{name} {'cannot run' if required else 'was left out'}: {error}.", file=sys.stderr)
            return 2 if required else 0
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
