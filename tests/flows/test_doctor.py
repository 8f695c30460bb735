"""Every finding says what is wrong and what to do; one broken check hides no other."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from exemplar.settings import load_params
from exemplar.store import layout
from exemplar.store.items import write_items
from exemplar.store.packaged import PackagedWeights
from flows import doctor
from flows.checks import machine, networks, packages, project
from flows.checks.finding import ok, problem, warning

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("finding", "state", "words"),
    [
        (machine.python_version((3, 11, 7)), "ok", "3.11.7"),
        (machine.python_version((3, 10, 1)), "problem", "expected 3.11"),
        (machine.python_version((3, 15, 0)), "problem", "expected 3.11 to 3.14"),
        (machine.architecture("Linux", "x86_64"), "ok", "Linux"),
        (machine.architecture("Darwin", "arm64"), "warning", "not tested"),
        (machine.architecture("Linux", "riscv64"), "problem", "not all packages"),
        (machine.cores(1), "warning", "1"),
        (machine.cores(None), "warning", "unknown"),
        (machine.memory(16.0), "ok", "16.0 GB"),
        (machine.memory(7.6), "ok", "7.6 GB"),
        (machine.memory(4.0), "problem", "expected 8 GB"),
        (machine.memory(None), "warning", "unknown"),
        (machine.disk(0.2), "problem", "0.2 GB"),
        (machine.disk(2.0), "warning", "2.0 GB"),
        (machine.disk(50.0), "ok", "50 GB"),
        (machine.proxies({"PATH": "/bin"}), "ok", "none"),
        (machine.proxies({"https_proxy": "http://p:1"}), "ok", "not for this machine itself"),
        (machine.proxies({"ALL_PROXY": "socks://p:1"}), "warning", "ALL_PROXY is left out"),
        (packages.faiss_flavour({"faiss-cpu"}, ""), "ok", "faiss-cpu"),
        (packages.faiss_flavour({"faiss-cpu"}, "H200"), "warning", "there is a GPU"),
        (packages.faiss_flavour({"faiss-gpu-cuvs"}, ""), "warning", "there is no GPU"),
        (packages.faiss_flavour({"faiss-cpu", "faiss-gpu"}, ""), "problem", "exactly one"),
        (packages.faiss_flavour(set(), ""), "problem", "not installed"),
        (project.prefect_server(""), "ok", "own"),
    ],
)
def test_findings(finding, state, words):
    assert finding.state == state
    assert words in finding.seen
    assert bool(finding.advice) == (state != "ok")


def test_memory_respects_a_containers_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CGROUP", tmp_path / "memory.max")
    whole = machine.memory_size()
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.memory_size() == whole
    (tmp_path / "memory.max").write_text("1000000000\n")
    assert machine.memory_size() == 1.0


def test_versions_are_compared_with_the_lock(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# made by make lock\n"
        "a-b==1.0 \\\n    --hash=sha256:00\n"
        "c==2 ; sys_platform == 'nowhere' \\\n    --hash=sha256:00\n"
        "d==3 ; python_full_version >= '3.11' \\\n    --hash=sha256:00\n"
    )
    assert packages.locked(lock) == {"a-b": "1.0", "d": "3"}
    assert [f.state for f in packages.versions({"a-b": "1.0", "d": "3"}, lock)] == ["ok"]
    wrong, extra = packages.versions({"a-b": "1.1", "d": "3", "z": "9"}, lock)
    assert (wrong.state, wrong.seen) == ("problem", "a-b 1.1, expected 1.0")
    assert (extra.state, "z" in extra.seen) == ("warning", True)
    (none,) = packages.versions({}, tmp_path / "absent.lock")
    assert none.state == "problem"


def test_the_projects_own_settings_are_checked_and_complete():
    params = project.load_params(ROOT / "params.yaml")
    assert [f for f in project.settings(params) if f.state != "ok"] == []


def test_wrong_settings_are_listed_together():
    params = project.load_params(ROOT / "params.yaml")
    params["prepare"] = {**params["prepare"], "image_size": "large", "colour": 1}
    params["run"] = {**params["run"], "domains": ["rendered", "cats"]}
    params["nonsense"] = {}
    del params["report"]
    said = "\n".join(f.seen for f in project.settings(params))
    for words in ("nonsense", "prepare.image_size", "prepare.colour", "report", "'cats'"):
        assert words in said


def test_too_many_removed_are_a_problem(tmp_path, monkeypatch):
    params = project.load_params(ROOT / "params.yaml")
    params["removed"] = {"rendered": ["a*"]}
    monkeypatch.chdir(tmp_path)
    assert [f.state for f in project.settings(params)] == ["ok"]  # nothing is prepared yet
    path = layout.items("rendered")
    path.parent.mkdir(parents=True)
    table = {"id": [*(f"a{i}" for i in range(9)), *(f"b{i}" for i in range(10))], "split": "train",
             "category": "", "source": "", "sha256": "", "licence": "", "width": 1, "height": 1,
             }  # fmt: skip
    write_items(path, pd.DataFrame(table))
    sections, removed = project.settings(params)
    assert (sections.state, removed.state) == ("ok", "problem")
    assert "removed.rendered: leaves 10 of 19 training images" in removed.seen
    params["removed"] = {"rendered": ["a[1-8]"]}
    assert [f.state for f in project.settings(params)] == ["ok"]


def test_domains_without_their_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    domains = {
        "drawn": {"kind": "rendered"},
        "there": {"root": "here"},
        "gone": {"root": "absent"},
        "fetched": {"root": "later", "download": True},
        "unused": {"root": "absent too"},
    }
    names = ["drawn", "there", "gone", "fetched"]
    found = list(project.roots({"run": {"domains": names}, "domains": domains}))
    assert [(f.subject, f.state) for f in found] == [
        ("domain there", "ok"),
        ("domain gone", "problem"),
        ("domain fetched", "warning"),
    ]


def test_locks_of_dvc(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "dvc_cache", lambda root: ok("DVC", "cache"))
    assert [f.state for f in project.dvc_state(tmp_path)] == ["problem"]
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    (tmp_path / "dvc.yaml").touch()
    assert [f.state for f in project.dvc_state(tmp_path)] == ["ok"]
    rwlock = tmp_path / ".dvc" / "tmp" / "rwlock"
    mine = {"pid": os.getpid(), "cmd": "dvc repro"}
    dead = {"pid": 2**22 + 1, "cmd": "dvc repro"}
    rwlock.write_text(json.dumps({"read": {"a": [mine, dead]}, "write": {"b": dead}}))
    held, _ = project.dvc_state(tmp_path)
    assert held.state == "warning"
    assert str(os.getpid()) in held.seen
    rwlock.write_text('{"read": {')
    cut, _ = project.dvc_state(tmp_path)
    assert (cut.state, str(rwlock) in cut.advice) == ("problem", True)


def test_a_server_that_does_not_answer():
    found = project.prefect_server("http://127.0.0.1:9/api")
    assert (found.state, "PREFECT_API_URL" in found.advice) == ("problem", True)


def test_unfinished_work(tmp_path):
    now = 1e9
    assert [f.seen for f in project.unfinished(tmp_path / "none", now)] == ["nothing unfinished"]
    (tmp_path / "regressor" / "finished-edges").mkdir(parents=True)
    assert [f.seen for f in project.unfinished(tmp_path, now)] == ["nothing unfinished"]
    for name, age in {"a": 1, "b": 30, "c": -2}.items():
        folder = tmp_path / "regressor" / (32 * name)
        (folder / "group.zarr").mkdir(parents=True)
        (folder / "group.zarr" / "zarr.json").touch()
        os.utime(folder, (now, now - age * 86400))
    future, old = project.unfinished(tmp_path, now)
    assert "clock" in future.advice
    assert str(tmp_path / "regressor" / (32 * "b")) in old.advice


def test_networks_in_packages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("a: {b: [{kind: other}, {c: {kind: hed}}]}\n")
    assert set(networks.kinds(load_params())) == {"other", "hed"}
    folder = tmp_path / "installed" / "some_network"
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"whole")
    monkeypatch.syspath_prepend(folder.parent)
    digest = hashlib.sha256(b"whole").hexdigest()
    there = PackagedWeights("some==1", "some_network", "file", digest, "install it")
    gone = replace(there, module="no_such_network")
    for weights, kind, named, state, words in (
        (there, "any", False, "ok", "some==1, 0.0 MB"),
        (gone, "any", False, "problem", "not installed: some==1"),
        (replace(there, sha256="0" * 64), "any", False, "problem", "expected the file of some==1"),
        (there, "extra", True, "problem", "not installed: no_reader"),
        (gone, "extra", True, "problem", "not installed: some==1, no_reader"),
        (gone, "extra", False, "ok", "not there and not named in params.yaml; to get it, install"),
    ):
        monkeypatch.setattr(networks, "OPTIONAL", {"extra": "no_reader"})
        found = networks.network(kind, weights, named)
        assert (found.subject, found.state) == (f"network {kind}", state)
        assert words in found.seen
    monkeypatch.setattr(networks, "network", lambda kind, weights, named: (kind, named))
    assert list(networks.check_networks()) == [("efficientnet_lite2", False), ("hed", True)]
    (tmp_path / "params.yaml").write_text("a: {b")
    assert list(networks.check_networks())[1] == ("hed", False)


def test_all_findings_are_reported_together(monkeypatch):
    monkeypatch.chdir(ROOT)

    def broken():
        yield ok("first", "fine")
        raise RuntimeError("no such luck")

    def last():
        return [warning("last", "slow\nvery", "be patient")]

    findings = doctor.examine(broken, last)
    assert [f.state for f in findings] == ["ok", "problem", "warning"]
    text = doctor.report(findings)
    assert "RuntimeError: no such luck" in text
    assert "-> be patient" in text
    assert text.endswith("1 problem, 1 warning")
    assert doctor.report([ok("a", "b")]).endswith("all is well")


def test_exit_status(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    for name in ("check_machine", "check_packages", "check_networks", "check_project"):
        monkeypatch.setattr(doctor, name, lambda: [warning("a", "b", "c")])
    assert doctor.main() == 0
    monkeypatch.setattr(doctor, "check_project", lambda: [problem("a", "b", "c")])
    assert doctor.main() == 1
    assert "problem  a  b" in capsys.readouterr().out


def test_elsewhere_is_said_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (only,) = doctor.examine(lambda: [ok("a", "b")])
    assert (only.state, f"cd {ROOT}") == ("problem", only.advice)
