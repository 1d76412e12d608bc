"""Long texts: split into parts, requested one by one, stored as they arrive, joined into one file.

`splitting` cuts the text at `sentences`, `plan` packs and names the parts, `headings` begin chapters, and `script` says
who speaks. `storage` keeps the parts in a folder, and `narrator` requests them with the engine. `fit` fails early if
the file cannot hold the audio, and `doubts` finds audio that is not its whole text. `joining` joins the parts, and
`id3`, `manifest` and `captions` describe the result.

`narrator` is handed a function that sends requests; nothing here depends on a client. `sentences`, `splitting` and
`joining` import the packages of the extra `long` on first use. Plain calls import only this module, so they start fast.
"""

from typing import Literal

LIMIT = 2_000
"""Characters per part: few enough for any model, and for a failed request to cost little."""
SMALLEST_LIMIT = 4
"""Bytes of the longest character in UTF-8."""
CONCURRENCY = 4
"""Requests in flight at once."""

LimitUnit = Literal["characters", "bytes"]
"""The unit of a limit: characters (Unicode code points) or bytes of UTF-8."""
