"""Speak the rows of a Ray Dataset: the audio is a column, and so is what went wrong.

Each node needs OPENROUTER_API_KEY. As an argument, the key would be in Ray's object store and logs.
"""

import asyncio
from typing import Any

import pyarrow as pa
from openrouter_speech import OpenRouter, errors
from ray.data import ActorPoolStrategy, Dataset

COLUMNS = {"audio": pa.binary(), "generation_id": pa.string(), "error": pa.string(), "maybe_billed": pa.bool_()}


class Speaker:
    """An actor, with a client of its own. Ray passes it several batches at a time."""

    def __init__(self, at_once: int, server_url: str | None, **settings: Any) -> None:
        self.open_router = OpenRouter(server_url=server_url)
        self.settings = settings
        self.free = asyncio.Semaphore(at_once)

    async def __call__(self, batch: pa.Table) -> pa.Table:
        rows = await asyncio.gather(*(self.speak(text) for text in batch["text"].to_pylist()))
        for name, kind in COLUMNS.items():
            batch = batch.append_column(name, pa.array([row.get(name) for row in rows], kind))
        return batch

    async def speak(self, text: str) -> dict[str, Any]:
        """Speak a text. An exception would take the audio of the whole batch with it, so an error is a row, too."""
        try:
            async with self.free:
                speech = await self.open_router.tts.create_speech_async(input=text, **self.settings)
        except (errors.OpenRouterError, TypeError, ValueError) as error:  # refused, lost, or not a text
            return {"error": str(error), "maybe_billed": getattr(error, "maybe_billed", False)}
        return {"audio": speech.content, "generation_id": speech.generation_id, "maybe_billed": False}


def speak(
    texts: Dataset, *, actors: int = 2, at_once: int = 16, server_url: str | None = None, **settings: Any
) -> Dataset:
    """Add `COLUMNS` to a dataset with the column `text`. Up to `actors` times `at_once` requests are in flight.

    Nothing is sent until the result is used, and each use sends everything: write it once, with `write_parquet`.
    """
    return texts.map_batches(
        Speaker,
        fn_constructor_kwargs={"at_once": at_once, "server_url": server_url, **settings},
        batch_format="pyarrow",
        batch_size=at_once,
        compute=ActorPoolStrategy(size=actors),
        num_cpus=0.1,  # it waits for the network most of the time
        max_restarts=0,  # by default, Ray runs the batches of a dead actor again, which pays for them twice
        max_task_retries=0,
    )
