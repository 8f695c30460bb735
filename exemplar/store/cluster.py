"""Shards on worker processes: of this machine, or of a Dask cluster that someone else started.

`shards` says what is to be made; here it is handed out. A worker that dies costs the shard it was
making: Dask gives that to another. Results do not pass through here, workers write them.
"""

from __future__ import annotations

import logging
import queue
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from exemplar.memory import ENVIRONMENT
from exemplar.store.arrays import StoreError
from exemplar.store.shards import Task, Workers, make_shard

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE = 60.0  # seconds for a scheduler to answer, and for a worker to be there
TICK = 2.0  # seconds without news after which the cluster is looked at
KEPT = "finished shards are kept"


def map_shards(
    tasks: list[Task], workers: Workers, path: str, tell: Callable[[Task], None]
) -> None:
    """Has all tasks done.

    Args:
        tasks: the shards to be made.
        workers: who makes them.
        path: the group, for messages.
        tell: is called with each task that is done, in this thread.

    Raises:
        StoreError: no worker is there or is left, the scheduler went away, another took the work
            back, one shard killed several workers, or workers lack what they need.
        Exception: what making a shard raised, with a note of its rows; what others are at is
            given up.
    """
    with _client(workers, len(tasks)) as client:
        done: queue.Queue[Future] = queue.Queue()
        asked = {}
        for task in tasks:
            # Not pure: a shard of another run by the same name is not this one.
            future = client.submit(make_shard, task, pure=False)
            asked[future] = task
            future.add_done_callback(done.put)
        for _ in tasks:
            future = _next(client, done, path)
            # Only a task that has an end is done: one that was taken back has no exception either.
            if future.status != "finished":
                raise _failure(future, asked[future], path)
            tell(asked.pop(future))
            future.release()


def _next(client: Client, done: queue.Queue[Future], path: str) -> Future:
    """The next task that ended in one way or another; none lets anyone wait for ever."""
    idle_since: float | None = None
    while True:
        try:
            return done.get(timeout=TICK)
        except queue.Empty:
            pass
        if client.status != "running":
            raise _gone(path)
        try:
            there = client.nthreads(callback_timeout=PATIENCE)
        except (OSError, TimeoutError):
            raise _gone(path) from None
        if there:
            idle_since = None
        elif idle_since is None:
            idle_since = time.monotonic()
            print(f"{path}: no worker is left; waiting {PATIENCE:.0f} s for one", file=sys.stderr)
        elif time.monotonic() - idle_since > PATIENCE:
            raise StoreError(
                f"{path}: no worker is left; {KEPT}: see in their output why they ended (for want "
                "of memory, of packages), start others in the project's root and run again"
            )


def _failure(future: Future, task: Task, path: str) -> Exception:
    """Why a task was not done, as an error that says what to do."""
    from distributed import KilledWorker

    rows = f"rows {task.start} to {task.stop - 1}"
    error: Any = future.exception() if future.status == "error" else None
    if error is None:
        return _gone(path)
    if isinstance(error, KilledWorker):
        return StoreError(
            f"{path}: {rows}: every worker that made them died, perhaps for want of memory; "
            f"{KEPT}: run again, with fewer workers or smaller ones elsewhere"
        )
    cause = error
    while cause.__cause__ and not isinstance(cause, ImportError):
        cause = cause.__cause__
    if isinstance(cause, ImportError):
        return StoreError(
            f"{path}: {rows}: a worker lacks something ({cause}); start the workers with the "
            f"project's own Python, in the project's root; {KEPT}: run again"
        )
    error.add_note(f"while a worker made {rows}")
    return error


def _gone(path: str) -> StoreError:
    return StoreError(
        f"{path}: the Dask cluster went away, or someone took the work back; {KEPT}: see to it "
        "that its scheduler runs, or leave `cluster` in params.yaml and DASK_SCHEDULER_ADDRESS "
        "empty to work here alone, and run again"
    )


@contextmanager
def local_workers(count: int) -> Iterator[str]:
    """Worker processes of this machine, of one thread each, for as long as the block lasts.

    Args:
        count: how many.

    Yields:
        The address of their scheduler.
    """
    from dask import config
    from distributed import LocalCluster

    prefix = "distributed.nanny.pre-spawn-environ"
    environment = {f"{prefix}.{name}": value for name, value in ENVIRONMENT.items()}
    quiet = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    with config.set(environment | quiet):
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # a port that no one else uses, and nothing there
            memory_limit=None,  # a shard is made or not; there is nothing to spill
            silence_logs=logging.CRITICAL,
        )
        with cluster:
            yield cluster.scheduler_address


@contextmanager
def _client(workers: Workers, tasks: int) -> Iterator[Client]:
    """A connection to the named cluster, or to one that lives as long as the block."""
    if workers.cluster:
        with _connected(workers.cluster) as client:
            yield client
    else:
        with (
            local_workers(min(workers.count, tasks)) as address,
            _connected(address) as client,
        ):
            yield client


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    from distributed import Client
    from distributed.utils import silence_logging_cmgr

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions: those that count, each task looks at
            client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"no Dask scheduler answers at {address!r} ({error}); correct `cluster` in "
            "params.yaml or DASK_SCHEDULER_ADDRESS, or leave both empty to work here alone"
        ) from None
    with silence_logging_cmgr(logging.CRITICAL), client:  # what is lost is told by `_next`
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise StoreError(
                f"the Dask scheduler at {address} has no workers; start some in the project's "
                f"root: dask worker {address} --nthreads 1"
            ) from None
        _require_project(client)
        yield client


def _require_project(client: Client) -> None:
    """A worker without the project's code dies of its first task, without a word to us."""
    module = make_shard.__module__
    found: Any = client.run(import_module, module, on_error="return")
    lacking = {who: error for who, error in found.items() if isinstance(error, Exception)}
    if lacking:
        raise StoreError(
            f"{len(lacking)} of {len(found)} workers cannot load {module} "
            f"({next(iter(lacking.values()))}); start all with the project's own Python, in the "
            "project's root"
        )
