"""Models: which there are, their voices and their prices. No API key is needed."""

import builtins
from decimal import Decimal
from typing import Any

from attrs import evolve

from ._core import catalog
from ._core.catalog import Endpoint, Model
from ._core.retries import logger
from ._generated import OPERATIONS
from ._http.known_models import LIST_MODELS, SPEAKING
from ._http.lookups import Lookups
from ._http.receiving import Found, found, found_async
from ._http.sending import Call, send_with_retries, send_with_retries_async
from ._http.session import Session
from .errors import APIConnectionError, NotFoundResponseError

__all__ = ["Endpoint", "Model", "Models"]

_ENDPOINTS = OPERATIONS["list_model_endpoints"]


class Models:
    """Text-to-speech models: `OpenRouter.models`.

    What was found is kept on disk, and not asked for again on the same day unless `refresh` is True. If the server
    cannot be reached, older findings are returned.

    All methods raise
    - `errors.APIStatusError` and its subclasses if the server reports an error,
    - `errors.APIConnectionError` or `errors.APITimeoutError` if it cannot be reached, and nothing is on disk.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self, *, refresh: bool = False) -> builtins.list[Model]:
        """List the models that speak."""
        call = self._session.call(LIST_MODELS, SPEAKING)
        return self._listed(call, self._look_up(call, refresh=refresh))

    async def list_async(self, *, refresh: bool = False) -> builtins.list[Model]:
        """As `list`."""
        call = self._session.call(LIST_MODELS, SPEAKING)
        return self._listed(call, await self._look_up_async(call, refresh=refresh))

    def get(self, model: str, *, refresh: bool = False) -> Model:
        """Find a model by its ID.

        Raises:
            ValueError: There is no such model that speaks.
        """
        return _one(model, self.list(refresh=refresh))

    async def get_async(self, model: str, *, refresh: bool = False) -> Model:
        """As `get`."""
        return _one(model, await self.list_async(refresh=refresh))

    def endpoints(self, model: str, *, refresh: bool = False) -> builtins.list[Endpoint]:
        """List the providers that serve a model, each with its own prices.

        Raises:
            ValueError: The ID is not `author/name`.
            NotFoundResponseError: There is no such model.
        """
        return catalog.endpoints(self._look_up(self._endpoints_call(model), refresh=refresh))

    async def endpoints_async(self, model: str, *, refresh: bool = False) -> builtins.list[Endpoint]:
        """As `endpoints`."""
        return catalog.endpoints(await self._look_up_async(self._endpoints_call(model), refresh=refresh))

    def estimate(self, model: str, *, bytes: int, requests: int = 1) -> Decimal | None:
        """Return the most that texts can cost, in US dollars, at the dearest endpoint of a model.

        Args:
            model: The model's ID.
            bytes: UTF-8 bytes of all texts.
            requests: How many requests they are sent in.

        Returns:
            None if it is not known: the model also charges for what it returns, or there is no such model.
        """
        try:
            return catalog.most(self.endpoints(model), bytes, requests)
        except NotFoundResponseError:
            return None

    async def estimate_async(self, model: str, *, bytes: int, requests: int = 1) -> Decimal | None:
        """As `estimate`."""
        try:
            return catalog.most(await self.endpoints_async(model), bytes, requests)
        except NotFoundResponseError:
            return None

    def _endpoints_call(self, model: str) -> Call:
        author, slash, slug = model.partition("/")
        if not (author and slash and slug):
            raise ValueError(f"model must be an ID such as author/name, not {model!r}")
        return self._session.call(_ENDPOINTS, {"author": author, "slug": slug})

    def _listed(self, call: Call, content: Any) -> builtins.list[Model]:
        models = catalog.models(content)
        self._session.known_models.remember(call.server_url, models)
        return models

    def _look_up(self, call: Call, *, refresh: bool) -> Any:
        pending = _Pending(self._session.known_models.lookups, call, refresh=refresh)
        if pending.is_needless:
            return pending.stored_content
        try:
            answer = send_with_retries(self._session.connections.sync_client(), pending.call, found)
        except APIConnectionError as error:
            return pending.instead_of(error)
        return pending.settled(answer)

    async def _look_up_async(self, call: Call, *, refresh: bool) -> Any:
        pending = _Pending(self._session.known_models.lookups, call, refresh=refresh)
        if pending.is_needless:
            return pending.stored_content
        try:
            async with self._session.connections.async_client() as client:
                answer = await send_with_retries_async(client, pending.call, found_async)
        except APIConnectionError as error:
            return pending.instead_of(error)
        return pending.settled(answer)


class _Pending:
    """A look-up, and what is on disk of it."""

    def __init__(self, lookups: Lookups, call: Call, *, refresh: bool) -> None:
        self._lookups = lookups
        self._refresh = refresh
        self._url = call.server_url + call.request.path
        self._stored = stored = lookups.load(self._url)
        tag = None if stored is None else stored.tag
        self.call = evolve(call, headers=call.headers | {"If-None-Match": tag}) if tag else call

    @property
    def is_needless(self) -> bool:
        return self._stored is not None and self._stored.is_fresh and not self._refresh

    @property
    def stored_content(self) -> Any:
        return self._stored and self._stored.content

    def settled(self, answer: Found) -> Any:
        """Keep the answer, and return its content. Without any it is the stored one, which is now as good as new."""
        content = self.stored_content if answer.content is None else answer.content
        self._lookups.store(self._url, content, answer.tag)
        return content

    def instead_of(self, error: APIConnectionError) -> Any:
        """Return the stored content although it is old, unless there is none or the caller wants news."""
        if self._stored is None or self._refresh:
            raise error
        logger.info("%s: what was found %.0f hours ago is used", error, self._stored.age / 3600)
        return self._stored.content


def _one(identity: str, found: builtins.list[Model]) -> Model:
    for model in found:
        if model.id == identity:
            return model
    close = catalog.close_to(identity, (model.id for model in found))
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise ValueError(f"There is no model {identity!r} that speaks{hint}")
