from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exemplar.data.workers import ordered_map


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    with ordered_map(workers) as each:
        assert list(each(math.factorial, list(range(20)))) == [math.factorial(n) for n in range(20)]
        assert list(each(abs, [-3, 2])) == [3, 2]


def test_failure_of_a_task_reaches_the_caller():
    with ordered_map(2) as each, pytest.raises(ValueError, match="factorial"):
        list(each(math.factorial, [1, -1]))


ORPHANS = """
import math, os, signal
from exemplar.data.workers import ordered_map

with ordered_map(2) as each:
    print(sum(each(math.factorial, range(8))), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_when_their_parent_is_killed():
    # Workers inherit the output: it is at its end only when the last of them is gone.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", ORPHANS]
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=120)
    assert ended.stdout == b"5914\n"
    assert ended.returncode == -9
