"""The plan is DVC's own, whatever part of it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from dvc.exceptions import DvcException
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

from exemplar.settings import SettingsError
from tasks.plan import PlanError, make_plan, open_repository
from tests.tasks.toy import create


@pytest.fixture
def toy(tmp_path, monkeypatch):
    folder = create(tmp_path / "toy")
    monkeypatch.chdir(folder)
    return folder


def names(*targets: str) -> list[str]:
    with open_repository() as repo:
        return [step.name for step in make_plan(repo, targets)]


@pytest.mark.usefixtures("toy")
def test_order_is_that_of_dvc():
    with open_repository() as repo, repo.lock:
        graph = get_active_graph(repo.index.graph)
        theirs = plan_repro(graph, collect_stages(repo, ["dvc.yaml"]))
    assert names() == [stage.addressing for stage in theirs]


@pytest.mark.usefixtures("toy")
def test_targets_bring_all_they_need():
    assert names("train@b-u") == ["make@b", "tree", "train@b-u"]
    assert names("make") == ["make@a", "make@b"]
    assert names("still") == ["still"]  # frozen: what it reads is not brought up to date
    assert names("score", "make@a") == [
        "make@a", "make@b", "tree", "train@b-u", "train@b-v", "score",
    ]  # fmt: skip
    with pytest.raises(DvcException, match="nothing"):
        names("nothing")


@pytest.mark.usefixtures("toy")
def test_the_order_of_a_part_is_the_same_in_every_process():
    script = (
        "from tests.tasks.test_plan import names; print(names('train@b-u', 'train@a-v', 'keep'))"
    )
    path = ":".join(sys.path)
    orders = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(orders) == 1


@pytest.mark.usefixtures("toy")
def test_steps_know_what_they_wait_for():
    with open_repository() as repo:
        plan = make_plan(repo)
    steps = {step.name: step for step in plan}
    waits = {name: {plan[place].name for place in step.after} for name, step in steps.items()}
    assert waits["train@a-u"] == {"make@a", "tree"}
    assert waits["score"] == {"train@b-u", "train@b-v"}
    assert waits["still"] == {"keep"}
    assert waits["last"] == set(steps) - {"last", "keep", "always", "still"}
    assert [name for name, step in steps.items() if step.reads_folders] == ["last"]
    assert steps["make@b"].chain == 4
    assert steps["last"].chain == 1


def test_threads_come_from_meta_and_its_templates(toy):
    (toy / "params.yaml").write_text("make:\n  size: 3\n  threads: 2\n")
    with open_repository() as repo:
        threads = {step.name: step.threads for step in make_plan(repo)}
    assert threads["make@a"] == 2
    assert threads["tree"] == 1


def test_a_stage_keeps_the_cores_of_all_its_workers_busy(toy):
    text = (toy / "dvc.yaml").read_text()
    several = text.replace("threads: ${make.threads}", "threads: ${make.threads}\n      workers: 3")
    (toy / "dvc.yaml").write_text(several)
    (toy / "params.yaml").write_text("make:\n  size: 3\n  threads: 2\n")
    with open_repository() as repo:
        threads = {step.name: step.threads for step in make_plan(repo)}
    assert threads["make@a"] == 6
    (toy / "dvc.yaml").write_text(several.replace("workers: 3", "workers: 0"))
    with pytest.raises(PlanError, match=r"meta.workers: expected a whole number of at least 1"):
        names()


@pytest.mark.parametrize("value", ["0", "many", "true", "1.5"])
def test_wrong_threads_are_refused(toy, value):
    (toy / "params.yaml").write_text(f"make:\n  size: 3\n  threads: {value}\n")
    with pytest.raises(PlanError, match=r"stage make@a: meta.threads: expected a whole number"):
        names()


def test_a_name_that_is_none_is_told_before_any_command(toy):
    (toy / "params.yaml").write_text("make: {size: 3, threads: 1}\nrun: {domains: [a; touch x]}\n")
    with pytest.raises(SettingsError, match=r"^params.yaml does not fit:\n  line 2: run.domains"):
        names()
    assert not (toy / "x").exists()
