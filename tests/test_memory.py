"""Freed memory stays with the process: a batch touches no new pages."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from exemplar.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()

def batch():
    blocks = [np.ones(900_000, np.float32) for _ in range(12)]
    return sum(float(block[0]) for block in blocks)

for _ in range(3):
    batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone can be told")
def test_batches_touch_no_new_pages():
    # What an earlier test's worker processes were started with would keep memory in both modes.
    told = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    faults = {
        mode: int(subprocess.check_output([sys.executable, "-c", CODE, mode], env=told))
        for mode in ("keep", "give back")
    }
    pages = 10 * 12 * 900_000 * 4 // 4096
    assert faults["keep"] < 0.02 * pages < 0.5 * pages < faults["give back"]
