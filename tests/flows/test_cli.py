"""The command line: what it takes, what it refuses, and real runs through Prefect."""

from __future__ import annotations

import ast
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exemplar.methods.pix2pixhd.requests import Request
from exemplar.report.published import published_table
from flows import cli, deploy, tables
from flows.environment import prepare
from flows.server import ADDRESS, Server, ServerError, prefect_server
from tasks.command import guarded
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
    cmd: mkdir -p reports/tables && (echo domain,mean; cat scores/*; echo c,) > reports/tables/toy.csv
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


# One process for both commands: Prefect takes seconds to import.
TWO_RUNS = """
import pathlib
from flows.cli import main
print("STATUS", main(["reproduce", "--workers", "2"]))
pathlib.Path("a").touch()
print("STATUS", main(["reproduce", "report"]))
"""


def test_runs_through_prefect(toy):
    """One fails, is repaired, and succeeds; its table is an artifact; the server ends at last."""
    prepare()
    assert os.environ["PREFECT_HOME"] == str(toy / ".prefect")
    (toy / "b").touch()
    with prefect_server() as server:
        server.wait()
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", TWO_RUNS],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
        )
    assert server.process.poll() is not None
    assert ADDRESS not in os.environ

    failed, done, rest = re.split(r"STATUS \d\n", told.stdout)
    assert (re.findall(r"STATUS (\d)", told.stdout), rest, told.stderr) == (["1", "0"], "", "")
    assert "3 stages, 3 to bring up to date" in failed
    assert "score@a failed: mkdir -p scores && test -e a" in failed
    assert "3 stages: 1 run, 1 failed, 1 not run" in failed
    assert "3 stages: 2 run, 1 unchanged" in done
    assert set(written(toy)) == {
        "dvc.lock", ".dvc/.gitignore", "reports/tables/.gitignore", "scores/.gitignore",
    }  # fmt: skip
    with sqlite3.connect(toy / ".prefect" / "prefect.db") as database:
        artifacts = database.execute("select key, data from artifact where key not null").fetchall()
        states = database.execute("select state_type from flow_run order by created").fetchall()
        tasks = database.execute("select name, state_type from task_run").fetchall()
    ((key, data),) = artifacts
    assert key == "table-toy"
    assert json.loads(json.loads(data))[-1] == {"domain": "c", "mean": None}
    assert states == [("FAILED",), ("COMPLETED",)]
    assert ("score@a", "FAILED") in tasks
    assert ("report", "COMPLETED") in tasks


def test_a_wrong_stage_is_told_before_anything_starts(toy, capsys, monkeypatch):
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    assert cli.main(["reproduce", "prepare"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("exemplar reproduce: ")
    assert "prepare" in error


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
        (["synth", "a.png", "--domain", "d"], "--condition, --out"),
        (["synth", "a.png", "--like", "0"], "whole number of at least 1, got '0'"),
        (["synth", "a.png", "--count", "few"], "whole number of at least 1, got 'few'"),
        (["edit", "a.png", "--domain", "d"], "--out"),
        (["edit", "a.png", "--seed", "-1"], "--seed"),
        (["edit", "a.png", "--seed", "one"], "expected a whole number, got 'one'"),
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
    rest = (["x*", "y"], ["z"], False, None, None, None, False, "crop")
    assert given == [(inputs, "d", "edges", Path("o"), *rest)]
    assert capsys.readouterr().out == "o/a\n"

    line = "synth a.png --domain d --condition edges --out o --photographs --from b.jpg --like 30"
    assert cli.main([*line.split(), "--count", "4"]) == 0
    rest = ([], [], True, Path("b.jpg"), 30, 4, False, "crop")
    assert given[1] == ([Path("a.png")], "d", "edges", Path("o"), *rest)

    line = "synth a.png --domain d --condition edges --out o --published --fit pad"
    assert cli.main(line.split()) == 0
    assert given[2][-3:] == (None, True, "pad")


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


def test_a_schedule_needs_a_server_that_stays(toy, monkeypatch, capsys):
    assert cli.main(["deploy"]) == 1
    error = capsys.readouterr().err
    assert f"{ADDRESS} is not set" in error
    assert "prefect server start" in error
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    assert cli.main(["deploy"]) == 1
    assert "is http://127.0.0.1:9/api, where none answers" in capsys.readouterr().err


def test_the_deployment_names_the_flow():
    text = (Path(__file__).resolve().parents[2] / deploy.FILE).read_text()
    (nightly,) = yaml.safe_load(text)["deployments"]
    module, name = nightly["entrypoint"].split(":")
    tree = ast.parse((Path(__file__).resolve().parents[2] / module).read_text())
    (function,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    assert "flow" in ast.unparse(function.decorator_list[0])
    assert nightly["schedules"][0]["cron"].split()[2:] == ["*", "*", "*"]
