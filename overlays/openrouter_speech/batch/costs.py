"""What a batch may cost, and what it did: the limit for what is sent, and the look-ups after it.

A row costs what was looked up, or else at most its size at the price of the dearest endpoint. So does a request that
may have been billed without audio, whatever becomes of its row afterwards.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

from attrs import define

from .._core import catalog
from .._core.catalog import Endpoint
from .._core.retries import BackoffStrategy, RetryConfig
from .._engine.loops import Work
from .._engine.scheduler import Request, Scheduler
from .._http.costs import FIRST_WAIT, LONGEST_WAIT
from ..errors import NotFoundResponseError, OpenRouterError
from ..streams import COST_TIMEOUT_MS
from . import START
from .ledger import Ledger, Unpriced
from .recorder import Recorder

PATIENCE = RetryConfig(
    "backoff",
    BackoffStrategy(FIRST_WAIT * 1000, LONGEST_WAIT * 1000, 2, COST_TIMEOUT_MS, jitter_ms=0),
    retry_connection_errors=False,  # a look-up has retries of its own
    status_codes_override=["404"],  # not known yet
)


class Prices(Protocol):
    """Looks up the endpoints of a model, with their prices: `models.Models`."""

    def endpoints(self, model: str, /) -> list[Endpoint]: ...

    async def endpoints_async(self, model: str, /) -> list[Endpoint]: ...


class Priced(Protocol):
    """A row, as far as it decides on the estimate."""

    @property
    def model(self) -> str | None:
        """None for that of all rows."""

    @property
    def size(self) -> int:
        """As in `rows.Row`."""


class Account:
    """What the rows of a ledger cost."""

    def __init__(self, ledger: Ledger | None, model: str, limit: Decimal | None) -> None:
        """Sum up the ledger.

        Args:
            ledger: The ledger; None if nobody asks what the rows cost. Then nothing is counted.
            model: The model of rows without one.
            limit: US dollars that all requests may cost.
        """
        self._is_kept = ledger is not None
        self._model = model
        self._limit = limit
        self._uses = [] if ledger is None else [use for use in ledger.uses(model) if use.new or use.requests]
        self._endpoints: dict[str, list[Endpoint]] = {}
        self._cost = Decimal(0) if ledger is None else ledger.costs().sum
        self._unpriced = sum(use.unpriced for use in self._uses)
        self._estimate = Decimal(0)
        """US dollars that those requests cost at most whose cost is not known."""
        self._is_bounded = True

    @property
    def models(self) -> list[str]:
        """The models whose prices are needed."""
        return [use.model for use in self._uses]

    @property
    def facts(self) -> dict[str, Any]:
        """What `BatchProgress` and `Batch` tell."""
        if not self._is_kept:
            return {}
        most = self._cost + self._estimate if self._is_bounded else None
        return {"cost": self._cost, "unpriced": self._unpriced, "estimate": most}

    @contextmanager
    def pricing(self, model: str) -> Iterator[Callable[[list[Endpoint]], None]]:
        """Yield a function that takes the endpoints of a model. Without a limit, the look-up in the block may fail."""
        try:
            yield lambda found: self._endpoints.update({model: found})
        except (OpenRouterError, ValueError) as error:
            if self._limit is not None and not isinstance(error, NotFoundResponseError):
                raise

    def begin(self) -> None:
        """Estimate what was used before, once the endpoints are known.

        Raises:
            ValueError: There is a limit, and what a model costs is not known before it is paid.
        """
        for use in self._uses:
            most = catalog.most(self._endpoints.get(use.model, ()), use.bytes, use.requests)
            if most is not None:
                self._estimate += most
            elif self._limit is not None:
                raise catalog.without_bound(use.model)
            else:
                self._is_bounded = False

    def admits(self, row: Priced) -> bool:
        """Count the request for a row. False if it might pass the limit; then it is not counted."""
        most = self._most(row)
        if self._limit is not None and self._cost + self._estimate + most > self._limit:
            return False
        self._estimate += most
        return True

    def not_billed(self, row: Priced) -> None:
        """Forget a request that was counted, and that nobody has to pay for."""
        self._estimate -= self._most(row)

    def arrived(self) -> None:
        """Count a row that has audio."""
        self._unpriced += 1

    def known(self, row: Priced, cost: Decimal) -> None:
        """Count what a row that has audio cost, in place of the estimate."""
        self._estimate -= self._most(row)
        self._cost += cost
        self._unpriced -= 1

    def _most(self, row: Priced) -> Decimal:
        return catalog.most(self._endpoints.get(row.model or self._model, ()), row.size, 1) or Decimal(0)


@define(eq=False)
class CostRequest(Request):
    """The look-up of what a row cost."""

    row: Unpriced


class Lookups(Work[CostRequest, Decimal]):
    """The look-ups of all costs that are not known. Whatever ends them, what was found is noted."""

    def __init__(
        self, ledger: Ledger, recorder: Recorder, account: Account, report: Callable[[], None], **pace: Any
    ) -> None:
        """Prepare the look-ups.

        Args:
            ledger: Has the rows.
            recorder: Notes the costs.
            account: Counts them.
            report: Called after each look-up.
            **pace: `concurrency` and `rate` of a `Scheduler`.
        """
        requests = self._requests(ledger)
        super().__init__(Scheduler(requests, PATIENCE, start=START, ends=_concerns_all, **pace))
        self._recorder = recorder
        self._account = account
        self._report = report

    def settle(self, request: CostRequest, outcome: Decimal | BaseException) -> None:
        """Note a cost, and report the progress."""
        self.take(request, outcome)
        self._report()

    def take(self, request: CostRequest, outcome: Decimal | BaseException) -> None:
        """Note a cost."""
        if isinstance(outcome, BaseException):
            self.scheduler.failed(request, outcome, self.now())
            return
        self.scheduler.succeeded(request)
        self._recorder.cost(request.row.number, outcome)
        self._account.known(request.row, outcome)

    def _requests(self, ledger: Ledger) -> Iterator[CostRequest]:
        for row in ledger.unpriced():
            request = CostRequest(row.generation_id, "", row)
            # The server needs some minutes from the synthesis on: what was not known long after it will not be.
            request.first_sent = self.now() - max(0.0, time.time() - row.finished)
            yield request


def _concerns_all(_: CostRequest, error: BaseException) -> bool:
    """Whether other look-ups would meet this error, too. Otherwise the cost of a row stays unknown."""
    if not isinstance(error, OpenRouterError) or error.throttled:
        return True
    if error.status_code is None:
        return error.__cause__ is not None  # no answer; without a cause it is an answer without a cost
    return error.status_code in {401, 402, 403} or error.status_code >= 500
