"""Long texts: cut into parts, asked for one by one, kept as they come, joined into one file.

`splitting` cuts, `plan` names the parts, `storage` keeps them, under the `lock` of their folder; `work` decides which
is asked for next, `narrator` asks, `fit` tells early what will not fit, `joining` joins, `manifest` and `captions` tell
what came of it. `narrator` is given what sends a request; nothing here knows a client. What the extra `long` installs
is loaded by `splitting`, `lock` and `joining`, when it is needed; and of this package, nothing but what stands here
before there is something to narrate: plain calls do not have to wait for it.
"""

from typing import Literal

LIMIT = 2_000
"""Characters of one part: within what models take, and short enough that little is lost with a request."""
SMALLEST_LIMIT = 4
"""Bytes of the longest character."""
CONCURRENCY = 4
"""Requests at once."""

LimitUnit = Literal["characters", "bytes"]
"""What a limit counts: characters (Unicode code points), or bytes of UTF-8."""
