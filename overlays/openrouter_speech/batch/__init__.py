"""Many texts: a file of audio for each row, a ledger of what was sent, metadata for datasets.

`sources` reads rows from where they are, and `rows` checks them. `ledger` keeps them in SQLite with the state of each,
and `recorder` commits what happens, in groups: that a request is about to be sent is on disk before it is. `runner`
sends with the engine, `store` places the audio, and `metadata` describes it.

`runner` is handed a function that sends requests; nothing here depends on a client. `cluster` sends from other
processes, for the same runner. Plain calls import only this module, so they start fast.
"""

from typing import Literal

CONCURRENCY = 32
"""The most requests in flight."""
START = 4
"""Requests in flight at first; each success adds one."""

MetadataFormat = Literal["jsonl", "csv", "parquet"]
"""The format of the metadata."""
ConvertTo = Literal["flac", "mp3", "ogg", "opus", "wav"]
"""A format that audio can be converted to."""
