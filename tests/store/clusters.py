"""Dask clusters as a user would start them: a scheduler and workers, each a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Cluster:
    """What was started."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)


def environment() -> dict[str, str]:
    """Variables with which a process finds the project, wherever it is started."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def await_file(path: Path) -> str:
    """A file's text, once there is some."""
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.02)
    return path.read_text()


@contextmanager
def cluster(
    folder: Path, workers: int = 2, place: Path | None = None, code: str = "", nanny: bool = True
) -> Iterator[Cluster]:
    """A scheduler and some workers, which end with the block.

    Args:
        folder: the scheduler's, and where the cluster's own files go.
        workers: how many.
        place: the workers' folder, if it is another.
        code: Python that each worker process runs first.
        nanny: whether someone starts a worker that dies again.
    """
    file = folder / "scheduler.json"
    begin = "import sys; from dask.__main__ import main; sys.argv[0] = 'dask'; main()"
    with ExitStack() as stack:

        def start(first: str, where: Path, *arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-c", f"{first}\n{begin}", *arguments],
                cwd=where,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            stack.callback(_wait_a_while, process)
            stack.callback(process.terminate)
            return process

        scheduler = start("", folder, "scheduler", "--host", "127.0.0.1", "--port", "0",
                          "--no-dashboard", "--scheduler-file", str(file))  # fmt: skip
        given = Cluster(json.loads(await_file(file))["address"], scheduler)
        for _ in range(workers):
            given.workers.append(
                start(code, place or folder, "worker", given.address, "--nthreads", "1",
                      "--no-dashboard", "--host", "127.0.0.1", "--local-directory",
                      str(folder / "scratch"), "--nanny" if nanny else "--no-nanny")
            )  # fmt: skip
        yield given


def _wait_a_while(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        return
