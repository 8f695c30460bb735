"""The C library's memory: what a process frees it keeps, for the next batch.

Networks ask for the same tens of megabytes again for every batch. By default glibc gives them back
to the system in between, which then hands out every page anew: a third of the time of describing
96×96 images.
"""

from __future__ import annotations

import ctypes
import sys

# Numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

KEPT = 1 << 30
"""Bytes of freed memory that stay with the process at most."""

ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": str(KEPT),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
}
"""The same for processes to be started. Those that compute in threads other than their first need
it from the start: other threads have memory of their own, which cannot be told to keep anything."""


def keep_freed_memory() -> bool:
    """Makes this process keep what it frees, up to a gigabyte; for those who run many batches.

    Blocks of more than 32 MB, glibc's limit, are still given back at once.

    Returns:
        Whether the C library could be told; others than glibc cannot.
    """
    if not sys.platform.startswith("linux"):
        return False
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    # Setting either turns glibc's own adjusting off, so both are set.
    return tell is not None and bool(tell(_TRIM_THRESHOLD, KEPT) and tell(_MMAP_THRESHOLD, 1 << 25))
