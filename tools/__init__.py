"""Maintainers' tools: extract the contract of an operation from a description, and compare two versions of it.

Not part of the installed package, and independent of the client, so that they work whatever the description has
become. For usage, run `python -m tools --help`.
"""


class ToolError(Exception):
    """What was asked for is not possible. The message is a full sentence for the user.

    Every function here that reads a file, a commit or a description may raise it.
    """
