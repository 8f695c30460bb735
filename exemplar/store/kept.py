"""Arrays kept on disk between runs because making them takes long; a bounded number of bytes.

What is kept can be made again, so it is no result: it lies in `.work`, may be removed at any time,
and what cannot be read is made anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from exemplar.store.files import written

LIMIT = 1 << 30
"""Bytes of a folder; the oldest go first."""
UNREADABLE = (OSError, ValueError, EOFError, BadZipFile, zlib.error)
"""What numpy raises for files that are not there, cut short or damaged."""
EVERY = 64
"""Files written between two looks at how many bytes there are."""


class Kept:
    """A folder of arrays.

    Args:
        folder: below `.work`; its name says all that the arrays depend on but their own names.
        limit: bytes that it may hold, about.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder, self.limit = folder, limit
        self._written = 0

    def get(self, name: str, make: Callable[[], dict[str, NDArray]]) -> dict[str, NDArray]:
        """Arrays by their names, from the folder, or made and put there.

        Args:
            name: of the file, unlike that of any other arrays.
            make: gives the arrays.
        """
        path = self.folder / f"{name}.npz"
        with suppress(*UNREADABLE), np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
        made = make()
        with suppress(OSError):  # a full disk keeps nothing, and spoils nothing
            with written(path) as partial, partial.open("wb") as file:
                np.savez_compressed(file, **made)  # pyright: ignore[reportArgumentType]
            self._written += 1
            if self._written % EVERY == 1:
                self._shorten()
        return made

    def _shorten(self) -> None:
        """Removes the oldest files beyond the limit."""
        found = []
        for path in self.folder.glob("*.npz"):
            with suppress(OSError):
                seen = path.stat()
                found.append((seen.st_mtime, seen.st_size, path))
        left = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if left <= self.limit:
                break
            path.unlink(missing_ok=True)
            left -= size
