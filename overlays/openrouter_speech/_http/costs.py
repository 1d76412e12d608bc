"""Look up what a call cost. The server knows it only after minutes."""

from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from ..errors import APIConnectionError, APITimeoutError, NotFoundResponseError
from .receiving import found, found_async
from .sending import Call, send_with_retries, send_with_retries_async, sleep_async

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from .pools import Connections

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds between look-ups: each wait is twice as long as the one before, up to the longest."""


class CostLookup:
    """Looks up costs with the settings of a client. A copy in another process has no client: it is None.

    Args:
        connections: Those of the client.
        call: Builds the look-up of a generation.
    """

    def __init__(self, connections: "Connections", call: "Callable[[str], Call]") -> None:
        self._connections = connections
        self._call = call

    def ask(self, generation: str) -> "Decimal":
        """Return the cost in US dollars, without waiting for it.

        Raises:
            NotFoundResponseError: The server does not know it, or not yet.
            OpenRouterError: The look-up failed.
        """
        return _cost(send_with_retries(self._connections.sync_client(), self._call(generation), found).content)

    async def ask_async(self, generation: str) -> "Decimal":
        """As `ask`."""
        async with self._connections.async_client() as client:
            return _cost((await send_with_retries_async(client, self._call(generation), found_async)).content)

    def look_up(self, generation: str, timeout_ms: float) -> "Decimal":
        """Return the cost in US dollars. `AudioDescription.cost` says what is raised."""
        patience = _Patience(timeout_ms)
        while True:
            try:
                return self.ask(generation)
            except NotFoundResponseError as error:
                delay = patience.next_wait(generation, error)
            sleep(delay)

    async def look_up_async(self, generation: str, timeout_ms: float) -> "Decimal":
        """As `look_up`."""
        patience = _Patience(timeout_ms)
        while True:
            try:
                return await self.ask_async(generation)
            except NotFoundResponseError as error:
                delay = patience.next_wait(generation, error)
            await sleep_async(delay)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


class _Patience:
    """Decides how long to wait before the next look-up."""

    def __init__(self, timeout_ms: float) -> None:
        self._timeout = timeout_ms / 1000
        self._begun = monotonic()
        self._wait = FIRST_WAIT

    def next_wait(self, generation: str, error: NotFoundResponseError) -> float:
        """Return seconds.

        Raises:
            APITimeoutError: The wait would last beyond the timeout.
        """
        wait, self._wait = self._wait, min(self._wait * 2, LONGEST_WAIT)
        left = self._timeout - (monotonic() - self._begun)
        if left <= 0:
            raise APITimeoutError(
                f"The cost of {generation} was not known after {self._timeout:.0f} s. Ask for it again later."
            ) from error
        return min(wait, left)


def _cost(content: Any) -> "Decimal":
    from decimal import Decimal  # noqa: PLC0415

    try:
        cost = content["data"]["total_cost"]
    except (KeyError, TypeError):
        cost = None
    if isinstance(cost, int) and not isinstance(cost, bool):
        cost = Decimal(cost)
    if not isinstance(cost, Decimal):
        raise APIConnectionError("The server sent a generation without its cost (total_cost).")
    return cost
