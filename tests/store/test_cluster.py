"""A cluster that goes away, or that cannot do the work, is told; nothing of it counts as done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from distributed import Client, Future

from exemplar.store import cluster as clusters
from exemplar.store.arrays import StoreError
from exemplar.store.files import content_hash
from tests.store.clusters import Cluster, await_file, cluster
from tests.store.rows import asked
from tests.store.test_shards import STARTS, expected, fill, log  # noqa: F401


def shut_down(started: Cluster) -> None:
    with Client(started.address, set_as_default=False) as other:
        other.shutdown()


def take_back(started: Cluster) -> None:
    """As `Client.restart` does, and whoever forces all tasks off the cluster."""
    with Client(started.address, set_as_default=False) as other:
        names = other.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))
        other.cancel([Future(name, other) for name in names], force=True)


def lose_workers(started: Cluster) -> None:
    clusters.PATIENCE = 0.5
    for worker in started.workers:
        worker.kill()


ENDS: dict[str, tuple[Callable[[Cluster], None], str]] = {
    "killed": (lambda started: started.scheduler.kill(), "the Dask cluster went away, or"),
    "shut down": (shut_down, "the Dask cluster went away, or"),
    "taken back": (take_back, "someone took the work back; finished shards are kept: see to it"),
    "no workers": (lose_workers, "no worker is left; finished shards are kept: see in their"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_cluster_that_goes_away_is_not_done(log, tmp_path, expected, monkeypatch, end):  # noqa: F811
    monkeypatch.setattr(clusters, "PATIENCE", clusters.PATIENCE)  # put back afterwards
    monkeypatch.setattr(clusters, "TICK", 0.2)
    act, said = ENDS[end]
    with cluster(tmp_path, workers=1, nanny=False) as started:
        watch = threading.Thread(
            target=lambda: await_file(log / "waits") and act(started), daemon=True
        )
        watch.start()
        with pytest.raises(StoreError, match=said):
            fill(tmp_path / "a.zarr", log, waits=20, cluster=started.address)
        watch.join()
    assert not (tmp_path / "a.zarr").exists()
    (done,) = (tmp_path / ".work").rglob("done")
    finished = {int(path.name) for path in done.iterdir()}
    assert 20 not in finished
    (log / "asked").unlink()
    fill(tmp_path / "a.zarr", log)
    assert [start for _, start in asked(log)] == sorted(set(STARTS) - finished)
    assert content_hash(tmp_path / "a.zarr") == expected


def test_workers_that_lack_the_project_are_told_before_the_work(log, tmp_path):  # noqa: F811
    lacks = "import sys; sys.modules['zarr'] = None"
    with (
        cluster(tmp_path, workers=1, code=lacks, nanny=False) as started,
        pytest.raises(
            StoreError, match=r"1 of 1 workers cannot load exemplar\.store.*zarr.*; start all with"
        ),
    ):
        fill(tmp_path / "a.zarr", log, cluster=started.address)
    assert not asked(log)


def test_workers_on_another_disk_are_not_believed(log, monkeypatch):  # noqa: F811
    """They have a copy of the unfinished group, and say that they made the shards in it."""
    monkeypatch.setattr(clusters, "map_shards", lambda *given: None)
    said = (
        r"workers say that they made rows 0 to 3, .*, 6 shards more, but nothing of it is in \.work"
    )
    with pytest.raises(StoreError, match=said):
        fill(Path("a.zarr"), log, count=2)
    assert not Path("a.zarr").exists()
