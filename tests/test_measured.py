"""Work in a process of its own: its result, and its memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from exemplar.measured import in_own_process, peak_memory

MEGABYTES = 200


def taking_memory(megabytes: int) -> tuple[int, int]:
    held = np.ones(megabytes << 20, np.uint8)
    return os.getpid(), int(held[-1])


def failing() -> None:
    raise ValueError("this is wrong")


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="no /proc on this system")
def test_the_work_has_the_memory_that_it_takes_and_no_more() -> None:
    before = peak_memory()
    (process, one), peak = in_own_process(taking_memory, MEGABYTES)
    assert one == 1 and process != os.getpid()
    assert MEGABYTES - 5 < peak < MEGABYTES + 60
    assert peak_memory() < before + MEGABYTES / 2
    (_, one), small = in_own_process(taking_memory, 1)
    assert small < MEGABYTES / 2


def test_what_goes_wrong_there_is_told_here() -> None:
    with pytest.raises(ValueError, match="this is wrong"):
        in_own_process(failing)
