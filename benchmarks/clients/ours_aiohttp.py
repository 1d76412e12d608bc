"""This project's client with its `aiohttp` extra: the same code in another environment, as for whoever installs it."""

import importlib

from .ours import Client

__all__ = ["Client"]

importlib.import_module("httpx_aiohttp")  # without it, this would measure something else
