"""Whatever is killed and whenever: in the end the files are those of an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
import yaml

from exemplar.store.placing import check_group
from tests.store.clusters import Cluster, cluster, environment
from tests.tasks.filling import SHARDS
from tests.tasks.toy import create, ours, serial, written

WAYS = ("here", "workers", "cluster")
STAGE = """
  {way}:
    cmd: {python} -m tests.tasks.filling {way} {way}
    deps: [seed.txt{above}]
    outs: [{way}.zarr]
"""
PIPELINE = "stages:\n" + "".join(
    STAGE.format(python=sys.executable, way=way, above=f", {above}.zarr" if above else "")
    for way, above in zip(WAYS, ("", *WAYS), strict=False)
)
COORDINATOR = """
from concurrent.futures import ThreadPoolExecutor
from tasks.command import run
from tasks.reproduce import reproduce
with ThreadPoolExecutor() as pool:
    print(reproduce([], lambda command: pool.submit(run, command), 2))
"""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
VICTIMS = ("coordinator", "stage", "worker of a stage", "worker", "scheduler")


class Story:
    """A toy repository whose reproduction is disturbed again and again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, random.Random(seed)
        self.stack = ExitStack()
        self.cluster: Cluster | None = None

    def round(self, victim: str) -> None:
        """Starts a reproduction, kills someone at some moment, and waits for its end."""
        self._renew_cluster()
        begun, asked = self._asked(), self.random.randrange(len(WAYS) * SHARDS)
        coordinator = subprocess.Popen(
            [sys.executable, "-c", COORDINATOR], cwd=self.folder, env=environment()
        )
        while self._asked() - begun < asked and coordinator.poll() is None:
            time.sleep(0.02)
        if coordinator.poll() is None:
            found = self._find(victim, coordinator)
            if found:
                with suppress(psutil.NoSuchProcess):
                    found.send_signal(self.random.choice(SIGNALS))
        coordinator.wait()
        self.require_whole()

    def require_whole(self) -> None:
        """No store is recorded that is not whole."""
        lock = self.folder / "dvc.lock"
        recorded = yaml.safe_load(lock.read_text())["stages"] if lock.exists() else {}
        for name in recorded:
            check_group(self.folder / f"{name}.zarr")

    def _asked(self) -> int:
        path = self.folder / "asked"
        return path.read_text().count("\n") if path.exists() else 0

    def _renew_cluster(self) -> None:
        alive = self.cluster and all(
            process.poll() is None for process in (self.cluster.scheduler, *self.cluster.workers)
        )
        if not alive:
            self.stack.close()
            (self.folder / "scheduler.json").unlink(missing_ok=True)
            self.cluster = self.stack.enter_context(cluster(self.folder, nanny=False))
            (self.folder / "address").write_text(self.cluster.address)

    def _find(self, victim: str, coordinator: subprocess.Popen[bytes]) -> psutil.Process | None:
        assert self.cluster
        if victim == "coordinator":
            return psutil.Process(coordinator.pid)
        if victim in ("worker", "scheduler"):
            worker = self.random.choice(self.cluster.workers)
            chosen = worker if victim == "worker" else self.cluster.scheduler
            return psutil.Process(chosen.pid)
        below = psutil.Process(coordinator.pid).children(recursive=True)
        stages = [process for process in below if "tests.tasks.filling" in _line(process)]
        others = [process for process in below if "spawn_main" in _line(process)]
        found = stages if victim == "stage" else others
        return self.random.choice(found) if found else None


def _line(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return process.cmdline()
    return []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, str]:
    """What DVC itself writes, and the stages by themselves."""
    folder = create(tmp_path_factory.mktemp("calm") / "toy", PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DVC_SITE_CACHE_DIR", str(folder.parent / "site"))
        patch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
        patch.setenv("ALONE", "1")
        serial()
    return written(folder)


@pytest.mark.parametrize(
    ("seed", "victims"),
    [
        (0, ("coordinator",)),
        pytest.param(0, ("scheduler", "coordinator", "stage"), marks=pytest.mark.slow),
        *(pytest.param(seed, VICTIMS, marks=pytest.mark.slow) for seed in range(1, 11)),
    ],
)
def test_killed_at_any_moment_it_ends_as_if_undisturbed(
    tmp_path, monkeypatch, undisturbed, seed, victims
):
    folder = create(tmp_path / "toy", PIPELINE)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    story = Story(folder, seed)
    with story.stack:
        for victim in story.random.sample(victims, len(victims)) if seed else victims:
            story.round(victim)
        story._renew_cluster()
        assert not ours().failed
        assert written(folder) == undisturbed
        story.require_whole()
    shutil.rmtree(folder / "scratch", ignore_errors=True)  # Dask's own
    assert not list(folder.rglob("*.partial"))
    assert not [path for path in (folder / ".work").rglob("*") if path.is_file()]
    assert not any(json.loads((folder / ".dvc" / "tmp" / "rwlock").read_text()).values())
    assert not (folder / ".dvc" / "tmp" / "reproduce.json").exists()
    here = [process for process in psutil.process_iter() if _place(process) == folder]
    assert [process for process in here if process.pid != os.getpid()] == []


def _place(process: psutil.Process) -> Path | None:
    with suppress(psutil.Error):
        return Path(process.cwd())
    return None
