"""The command line: what it takes, what it refuses, and real runs through Prefect."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from exemplar.methods.pix2pixhd.requests import Request
from exemplar.report.published import published_table
from exemplar.store import layout
from exemplar.store.items import write_items
from flows import cli, tables
from flows.environment import prepare
from flows.server import ADDRESS, Server, ServerError
from tasks.command import guarded
from tasks.locks import only_coordinator
from tasks.plan import open_repository
from tests.flows.migrated import migrated_server
from tests.flows.test_proxies import EVERY, TOLD
from tests.tasks.toy import create, written

TABLE = """
stages:
  score:
    matrix:
      domain:
        - a
        - b
    cmd: mkdir -p scores && test -e ${item.domain} && echo "${item.domain},0.5" > scores/${item.domain}
    outs:
      - scores/${item.domain}
  report:
    cmd: mkdir -p reports/tables && (echo domain,mean; cat scores/*; echo c,) > reports/tables/toy.csv && echo "$http_proxy $NO_PROXY" > proxies
    deps:
      - scores/a
      - scores/b
    outs:
      - reports/tables/toy.csv
"""  # noqa: E501


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A project whose report needs the files `a` and `b`, which are not there."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    for name in ("PREFECT_HOME", "PREFECT_LOGGING_LEVEL", "PREFECT_API_URL"):
        monkeypatch.setenv(name, "")  # so that what the command sets is undone
        monkeypatch.delenv(name)
    folder = create(tmp_path / "toy", TABLE)
    monkeypatch.chdir(folder)
    return folder


# One process for all: Prefect takes seconds to import.
THREE_RUNS = """
import pathlib
from flows.cli import main
print("STATUS", main(["reproduce", "--workers", "2"]))
pathlib.Path("a").touch()
print("STATUS", main(["reproduce", "report"]))
from flows.reproduce import reproduce
from tasks.locks import only_coordinator
from tasks.plan import open_repository
with open_repository() as repo, only_coordinator(repo):
    print("GOT", reproduce(wait=0))
"""


def test_runs_through_prefect(toy, pytestconfig):
    """One fails, one succeeds and has a table, one meets another; the server ends at last.

    The environment names proxies that lead nowhere: a stage's downloads have them.
    """
    prepare()
    assert os.environ["PREFECT_HOME"] == str(toy / ".prefect")
    (toy / "b").touch()
    with migrated_server(pytestconfig) as server:
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", THREE_RUNS],
            env={**os.environ, **EVERY, "NO_PROXY": "example.org",
                 "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )  # fmt: skip
    assert server.process.poll() is not None
    assert ADDRESS not in os.environ

    failed, done, skipped = re.split(r"STATUS \d\n", told.stdout)
    assert (re.findall(r"STATUS (\d)", told.stdout), told.stderr) == (["1", "0"], TOLD)
    proxies = "http://192.0.2.1:3128 example.org,127.0.0.1,localhost,::1\n"
    assert (toy / "proxies").read_text() == proxies
    assert re.fullmatch(
        r"skipped: (another `exemplar reproduce` is at work in .*toy \(process \d+: .*\); "
        r"wait until it ends, or stop it)\nGOT None\n", skipped
    )  # fmt: skip
    assert "3 stages, 3 to bring up to date" in failed
    assert "score@a failed: mkdir -p scores && test -e a" in failed
    assert "3 stages: 1 run, 1 failed, 1 not run" in failed
    assert "3 stages: 2 run, 1 unchanged" in done
    assert set(written(toy)) == {
        "dvc.lock", ".dvc/.gitignore", "reports/tables/.gitignore", "scores/.gitignore",
    }  # fmt: skip
    with sqlite3.connect(toy / ".prefect" / "prefect.db") as database:
        artifacts = database.execute("select key, data from artifact where key not null").fetchall()
        states = database.execute(
            "select state_type, state_name from flow_run order by created"
        ).fetchall()
        tasks = database.execute("select name, state_type from task_run").fetchall()
    ((key, data),) = artifacts
    assert key == "table-toy"
    assert json.loads(json.loads(data))[-1] == {"domain": "c", "mean": None}
    assert states == [("FAILED", "Failed"), ("COMPLETED", "Completed"), ("COMPLETED", "Skipped")]
    assert ("score@a", "FAILED") in tasks
    assert ("report", "COMPLETED") in tasks


def test_a_wrong_stage_is_told_before_anything_starts(toy, capsys, monkeypatch):
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    assert cli.main(["reproduce", "prepare"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("exemplar reproduce: ")
    assert "prepare" in error


SECTIONS = """
stages:
  one:
    cmd: touch one ran
    params: [prepare, domains.cats]
    outs: [one]
  two:
    cmd: touch two ran
    deps: [one]
    params: [pix2pix.training, glo]
    outs: [two]
  three:
    cmd: touch three ran
    params: [features.scene_side, removed]
    outs: [three]
"""
MISTAKES = """run: {domains: [cats, dogs]}
prepare: {image_size: 16, workers: none, sead: 1}
domains:
  cats: {kind: rendered, train: 20, vall: 1}
  ants: {kind: nothing}
pix2pix:
  training: {epochs: -1}
glo: {}
features: {scene_side: 0}
imle: {epochs: none}
removed: {}
"""


def test_wrong_sections_of_all_stages_are_told_before_anything_starts(toy, capsys, monkeypatch):
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    (toy / "dvc.yaml").write_text(SECTIONS)
    (toy / "params.yaml").write_text(MISTAKES)
    for target, lines in (
        (
            "two",
            [
                "2: prepare.workers",
                "2: prepare.sead",
                "4: domains.cats",
                "7: pix2pix.training.epochs",
            ],
        ),
        ("three", ["9: features.scene_side"]),
    ):
        assert cli.main(["reproduce", target]) == 1
        heading, *told, name = capsys.readouterr().err.splitlines()
        assert heading == "exemplar reproduce: params.yaml does not fit:"
        found = [re.match(r"  line (\d+: \w+(\.(?!rendered)\w+)*)", line) for line in told]
        assert [match and match[1].removesuffix(".vall") for match in found] == lines
        assert name == "  run.domains: 'dogs' has no section in domains"
    assert not (toy / "ran").exists()


def test_settings_that_make_no_plan_are_told_with_their_lines(toy, capsys, monkeypatch):
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    meta = "    meta: {threads: '${prepare.workers}'}\n"
    (toy / "dvc.yaml").write_text(SECTIONS.replace("    outs: [one]\n", f"    outs: [one]\n{meta}"))
    (toy / "params.yaml").write_text(MISTAKES)
    assert cli.main(["reproduce", "two"]) == 1
    heading, *told = capsys.readouterr().err.splitlines()
    assert heading == "exemplar reproduce: params.yaml does not fit:"
    assert "  line 2: prepare.workers: Input should be a valid integer" in "\n".join(told)
    assert "  line 7: pix2pix.training.epochs: " in "\n".join(told)


def test_too_many_removed_are_told_before_anything_starts(toy, capsys, monkeypatch):
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    matrix = "\n  prepare:\n    matrix: {domain: [cats]}\n    cmd: 'true'\n    params: [run]\n"
    (toy / "dvc.yaml").write_text(SECTIONS + matrix)
    right = {"domains": {"cats": {"kind": "digits"}}, "features": {},
             "run": {"domains": ["cats"], "conditions": ["edges"]}}  # fmt: skip
    sections = right | {"removed": {"cats": ["c1*"], "cows": ["x"]}}
    (toy / "params.yaml").write_text(yaml.safe_dump(sections))
    path = layout.items("cats")
    path.parent.mkdir(parents=True)
    table = {"id": [f"c{number:02}" for number in range(20)], "split": "train", "category": "",
             "source": "", "sha256": "", "licence": "", "width": 1, "height": 1}  # fmt: skip
    write_items(path, pd.DataFrame(table))
    assert cli.main(["reproduce", "three"]) == 1
    assert capsys.readouterr().err == (
        "exemplar reproduce: params.yaml does not fit:\n"
        "  line 8: removed.cows: no such domain; there are cats\n"
        "  line 6: removed.cats: leaves 10 of 20 training images, but candidates are composed of "
        "11; take globs out, or add training images\n"
    )
    # Whether the images will be enough that are prepared now, is not known.
    assert cli.main(["reproduce", "three", "prepare"]) == 1
    assert "where no Prefect server answers" in capsys.readouterr().err
    assert not (toy / "ran").exists()


def test_a_server_that_does_not_answer_is_told(toy, capsys, monkeypatch):
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    assert cli.main(["reproduce"]) == 1
    told = capsys.readouterr()
    assert f"{ADDRESS} is http://127.0.0.1:9/api, where no Prefect server answers" in told.err
    assert not (toy / "dvc.lock").exists()


def test_a_server_that_breaks_is_told_with_its_output(tmp_path):
    log = tmp_path / "log"
    step = ["/bin/sh", "-c", "echo no such module; exit 3"]
    with guarded(step, tmp_path, {}, log) as process:
        process.wait()
        with pytest.raises(ServerError, match=r"ended with 3; its output:\n +no such module"):
            Server("http://127.0.0.1:9/api", process, log).wait()


@pytest.mark.parametrize("command", [["reproduce"], ["reproduce", "--dry"], ["tables", "toy"]])
def test_another_run_is_waited_for_and_told(toy, capsys, monkeypatch, command):
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    with open_repository() as repo, only_coordinator(repo):
        assert cli.main([*command, "--wait", "0"]) == 1
        at_once = capsys.readouterr().err
        assert cli.main([*command, "--wait", "0.0005"]) == 1
        waiting, refused = capsys.readouterr().err.splitlines()
    other = f"another `exemplar reproduce` is at work in {toy} (process {os.getpid()}: "
    assert at_once.startswith(f"exemplar {command[0]}: {other}")
    assert at_once.endswith("; wait until it ends, or stop it\n")
    assert waiting.startswith(other)
    assert waiting.endswith("; waiting until it ends, for 0.0005 minutes at most; Ctrl-C ends this")
    assert "; it did not end within 0.0005 minutes; wait until it ends, or stop it" in refused


def test_dry_only_says_what_would_be_done(toy, capsys):
    assert cli.main(["reproduce", "--dry", "report"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == ["score@a", "score@b", "report"]
    assert lines[0].endswith("would run or be restored")
    assert lines[2].endswith("depends on score@a, score@b")
    assert not (toy / "dvc.lock").exists()


def test_outside_the_project_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce"]) == 1
    assert f"{tmp_path}: no dvc.yaml here; run the command from the project's root" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reproduce", "--workers", "0"], "whole number of at least 1, got '0'"),
        (["reproduce", "--wait", "-1"], "expected minutes, a number from 0, got '-1'"),
        (["reproduce", "--wait", "long"], "expected minutes, a number from 0, got 'long'"),
        (["tables", "--wait", "nan"], "expected minutes, a number from 0, got 'nan'"),
        (["synth", "a.png", "--domain", "d"], "--condition, --out"),
        (["synth", "a.png", "--like", "0"], "whole number of at least 1, got '0'"),
        (["synth", "a.png", "--count", "few"], "whole number of at least 1, got 'few'"),
        (["edit", "a.png", "--domain", "d"], "--out"),
        (["edit", "a.png", "--seed", "-1"], "--seed"),
        (["edit", "a.png", "--seed", "one"], "expected a whole number, from 0 and below"),
        (["edit", "a.png", "--seed", "²"], "from 0 and below 4294967296, got '²'"),
        (["layout", "a", "b", "--seed", "4294967296"], "below 4294967296, got '4294967296'"),
        (["synth", "a.png", "--size", "large"], "whole number of at least 1, got 'large'"),
        (["synth", "a.png", "--method", "published"], "invalid choice: 'published'"),
        (["synth", "a.png", "--count", "²"], "whole number of at least 1, got '²'"),
        (["nothing"], "invalid choice: 'nothing'"),
        ([], "COMMAND"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_synth_hands_its_arguments_on(monkeypatch, capsys):
    given = []
    monkeypatch.setattr("flows.synth.synth", lambda *all: given.append(all) or [Path("o/a")])
    line = "synth a.png b.png --domain d --condition edges --out o --only x* --only y --exclude z"
    assert cli.main(line.split()) == 0
    inputs = [Path("a.png"), Path("b.png")]
    rest = (["x*", "y"], ["z"], False, None, None, None, "whole", None, "crop")
    assert given == [(inputs, "d", "edges", Path("o"), *rest)]
    assert capsys.readouterr().out == "o/a\n"

    line = "synth a.png --domain d --condition edges --out o --photographs --from b.jpg --like 30"
    assert cli.main([*line.split(), "--count", "4"]) == 0
    rest = ([], [], True, Path("b.jpg"), 30, 4, "whole", None, "crop")
    assert given[1] == ([Path("a.png")], "d", "edges", Path("o"), *rest)

    line = "synth a.png --domain d --condition edges --out o --method pixelnn --fit pad"
    assert cli.main(line.split()) == 0
    assert given[2][-4:] == (None, "pixelnn", None, "pad")

    line = "synth a.png --domain d --condition edges --out o --size 256"
    assert cli.main(line.split()) == 0
    assert given[3][-4:] == (None, "whole", 256, "crop")


def test_the_traceback_of_an_error_can_be_had(monkeypatch, capsys):
    error = ValueError("wrong")
    error.add_note("while it was made")

    def fail(*given: object) -> None:
        raise error

    monkeypatch.setattr("flows.export.export_network", fail)
    command = ["export", "cats", "--out", "o"]
    assert cli.main(command) == 1
    assert capsys.readouterr().err == "exemplar export: wrong\nwhile it was made\n"
    monkeypatch.setenv("EXEMPLAR_TRACEBACK", "1")
    with pytest.raises(ValueError, match="wrong") as raised:
        cli.main(command)
    assert raised.value is error


def test_like_needs_a_photograph(monkeypatch, capsys):
    monkeypatch.setattr("flows.synth.synth", lambda *all: pytest.fail("nothing should be made"))
    line = "synth a.png --domain d --condition edges --out o --like 30"
    assert cli.main(line.split()) == 1
    assert capsys.readouterr().err == (
        "exemplar synth: --like COUNT says how many exemplars look like the photograph of "
        "--from IMAGE; name one, or leave --like out\n"
    )


def test_edit_hands_its_arguments_on(monkeypatch, capsys):
    given = []
    monkeypatch.setattr("flows.edit.edit", lambda *all: given.append(all) or [Path("o/a-0.png")])
    line = "edit a.png --domain d --out o --instances i.png --relabel car=bus --relabel 7:3=1"
    more = "--style 26001=3 --style 26001:car=4 --from b.jpg --ignore 0 --ignore 255"
    assert cli.main([*line.split(), *more.split(), "--count", "3", "--seed", "5"]) == 0
    ((request, *rest),) = given
    assert rest == ["d", Path("o")]
    assert request == Request(
        labels=Path("a.png"),
        instances=Path("i.png"),
        relabel=("car=bus", "7:3=1"),
        styles=("26001=3", "26001:car=4"),
        ignore=(0, 255),
        photograph=Path("b.jpg"),
        count=3,
        seed=5,
    )
    assert capsys.readouterr().out == "o/a-0.png\n"
    assert cli.main(["edit", "folder", "--domain", "d", "--out", "o", "--choices", "12:car"]) == 0
    assert given[1][0] == Request(labels=Path("folder"), choices="12:car")


def test_tables_know_their_stages(toy):
    assert tables.stages_of([]) == {"toy": "report"}
    assert tables.stages_of(["toy"]) == {"toy": "report"}
    with pytest.raises(tables.TableError, match=r"makes other in reports/tables; there are: toy"):
        tables.stages_of(["other", "toy"])


def test_tables_are_shown_beside_the_published_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables.FOLDER.mkdir(parents=True)
    published_table("pixelnn").to_csv(tables.FOLDER / "pixelnn.csv", index=False)
    text = tables.show(["pixelnn"])
    assert text.startswith("reports/tables/pixelnn.csv\n")
    assert "published" in text


def test_zero_is_a_seed_of_every_command(monkeypatch):
    given = {}
    for name, function in {
        "edit": "edit", "sample": "sample", "analogy": "analogy", "layout": "make_layouts",
    }.items():  # fmt: skip
        monkeypatch.setattr(
            f"flows.{name}.{function}", lambda *all, name=name: given.update({name: all}) or []
        )
    for line in (
        "edit a.png --domain d --out o --seed 0",
        "sample --domain d --out o --seed 0 --model-seed 0",
        "analogy a b --out o --seed 0",
        "layout a b c --out o --seed 0",
    ):
        assert cli.main(line.split()) == 0
    assert given["edit"][0].seed == 0
    assert (given["sample"][0].seed, given["sample"][0].model_seed) == (0, 0)
    assert given["analogy"][2] == given["layout"][2] == {"seed": 0}
