"""A folder elsewhere, to which the audio is uploaded: s3://, gs:// and whatever else fsspec knows."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._engine import extra
from ..errors import ConfigurationError


class Remote:
    """The folder. Whatever fails is an `OSError`, and leaves the file that was to be uploaded."""

    def __init__(self, url: str) -> None:
        """Connect to the folder.

        Raises:
            ConfigurationError: The extra `remote`, or the package for this kind of URL, is not installed.
            ValueError: The URL is of no known kind.
        """
        with extra.needed("An upload", "remote"):
            from fsspec.core import url_to_fs  # noqa: PLC0415
        self.url = url.rstrip("/")
        try:
            found: tuple[Any, str] = url_to_fs(self.url)
        except ImportError as error:
            raise ConfigurationError(f"An upload to {self.url} needs one more package: {error}") from error
        except ValueError as error:
            raise ValueError(f"upload must be a URL such as s3://bucket/folder, not {url!r}: {error}") from None
        self._files, self._root = found

    def upload(self, file: Path, place: str) -> None:
        """Upload a file, and replace what is there.

        Raises:
            OSError: It failed; the message says why.
        """
        target = f"{self._root}/{place}"
        with self._explained(place):
            if not getattr(self._files, "async_impl", False):  # stores of objects have no folders to make
                self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(file), target)

    def remove(self, place: str) -> None:
        """Remove a file, if it is there.

        Raises:
            OSError: It failed; the message says why.
        """
        with self._explained(place):
            if self._files.exists(f"{self._root}/{place}"):
                self._files.rm_file(f"{self._root}/{place}")

    @contextmanager
    def _explained(self, place: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each kind of storage has its own
            reason = " ".join(str(error).split()) or type(error).__name__
            raise OSError(errno.EIO, f"The upload failed ({reason})", f"{self.url}/{place}") from error
