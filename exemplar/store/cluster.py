"""Shards on worker processes: of this machine, or of a Dask cluster that someone else started.

`shards` says what is to be made; here it is handed out. A worker that dies costs the shard it was
making: Dask gives that to another. Results do not pass through here, workers write them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exemplar.memory import ENVIRONMENT
from exemplar.store.arrays import StoreError
from exemplar.store.shards import Task, Workers, make_shard

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 60.0  # seconds for a scheduler to answer and for its first worker to be there


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
        StoreError: no worker is there, or one shard killed several.
        Exception: what making a shard raised, with a note of its rows; what others are at is
            given up.
    """
    from distributed import KilledWorker, as_completed

    with _client(workers, len(tasks)) as client:
        # Not pure: a shard of another run by the same name is not this one.
        asked = {client.submit(make_shard, task, pure=False): task for task in tasks}
        for future in as_completed(asked, loop=client.loop):
            task, error = asked[future], future.exception()
            if isinstance(error, KilledWorker):
                raise StoreError(
                    f"{path}: rows {task.start} to {task.stop - 1}: every worker that made them "
                    "died, perhaps for want of memory; finished shards are kept: run again, with "
                    "fewer workers or smaller ones elsewhere"
                ) from error
            if error is not None:
                error.add_note(f"while a worker made rows {task.start} to {task.stop - 1}")
                raise error
            tell(task)
            future.release()


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

    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"no Dask scheduler answers at {address!r} ({error}); correct `cluster` in "
            "params.yaml or DASK_SCHEDULER_ADDRESS, or leave both empty to work here alone"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise StoreError(
                f"the Dask scheduler at {address} has no workers; start some in the project's "
                f"root: dask worker {address} --nthreads 1"
            ) from None
        yield client
