"""`prefect.yaml` is read whole, and all that is wrong with it is told before anything is sent."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from exemplar.settings import SettingsError
from flows import cli
from flows.deployments import DeploymentsError, read
from flows.server import ADDRESS

ROOT = Path(__file__).resolve().parents[2]
FILE = Path("prefect.yaml")
FLOW = "flows/reproduce.py:reproduce"
DAILY = {"cron": "0 3 * * *"}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A folder with this project's flow, and no server named."""
    (tmp_path / "flows").mkdir()
    shutil.copy(ROOT / "flows" / "reproduce.py", tmp_path / "flows")
    (tmp_path / "flows" / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.setenv("PATH", os.environ["PATH"])
    for name in ("PREFECT_HOME", "PREFECT_LOGGING_LEVEL", ADDRESS):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def entry(**changes):
    """An entry that fits, but for the changes; a change to `...` takes the key out."""
    whole = {"name": "a", "entrypoint": FLOW, "work_pool": {"name": "p"}, **changes}
    return {key: value for key, value in whole.items() if value is not ...}


def refusal(*entries, **top) -> list[str]:
    FILE.write_text(yaml.safe_dump({"deployments": list(entries), **top}))
    with pytest.raises(DeploymentsError) as caught:
        read(FILE)
    first, *problems = str(caught.value).splitlines()
    assert first == "prefect.yaml does not fit:"
    return [problem.removeprefix("  ") for problem in problems]


def test_the_projects_own_file_fits():
    (nightly,) = read(ROOT / "prefect.yaml")
    assert nightly.name == "reproduce/nightly"
    (schedule,) = nightly.wanted.schedules
    assert (schedule.cron, schedule.timezone) == ("0 3 * * *", "UTC")


def test_every_kind_of_schedule_is_taken():
    schedules = [
        {**DAILY, "timezone": "Europe/Berlin", "day_or": False},
        {"interval": 90},
        {"interval": "PT2H", "anchor_date": "2026-02-03", "timezone": "America/New_York"},
        {"rrule": "FREQ=WEEKLY;BYDAY=SU", "active": False, "parameters": {"force": True}},
    ]
    FILE.write_text(yaml.safe_dump({"deployments": [
        entry(name="all", schedules=schedules, parameters={"workers": 2}),
        entry(name="none", schedules=None, parameters=None, work_pool=None),
    ]}))  # fmt: skip
    found, none = read(FILE, pools=False)
    assert none.wanted.schedules == [] and none.wanted.parameters == {}
    cron, often, anchored, rule = [each.for_prefect() for each in found.wanted.schedules]
    assert (cron.schedule.timezone, cron.schedule.day_or) == ("Europe/Berlin", False)
    assert often.schedule.interval == timedelta(seconds=90)
    assert anchored.schedule.interval == timedelta(hours=2)
    assert anchored.schedule.anchor_date.isoformat() == "2026-02-03T00:00:00-05:00"
    assert (rule.active, rule.parameters) == (False, {"force": True})


def test_an_interval_counts_from_a_fixed_moment():
    """Deployed at another time, its runs come at the same times."""
    FILE.write_text(yaml.safe_dump({"deployments": [entry(schedules=[{"interval": 3600}])]}))
    anchors = {read(FILE)[0].wanted.schedules[0].for_prefect().schedule.anchor_date for _ in "ab"}
    assert [anchor.isoformat() for anchor in anchors] == ["2020-01-01T00:00:00+00:00"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": ...}, "name: is missing"),
        ({"entrypoint": ...}, "entrypoint: is missing"),
        ({"work_pool": ...}, "work_pool: is missing; exemplar deploy --serve needs none"),
        ({"work_pool": {}}, "work_pool.name: is missing"),
        ({"name": "a/b"}, "name: String should match pattern"),
        ({"schedule": DAILY}, "schedule: unknown key; there are: name, entrypoint, "),
        ({"schedules": DAILY}, "schedules: Input should be a valid list"),
        ({"schedules": ["daily"]}, "schedules.0: Input should be a valid dictionary"),
        ({"schedules": [{}]}, "schedules.0: expected one of cron, interval and rrule, got none"),
        ({"schedules": [{**DAILY, "interval": 5}]},
         "schedules.0: expected one of cron, interval and rrule, got cron and interval"),
        ({"schedules": [DAILY, {"cron": "61 * * * *"}]},
         'schedules.1: Invalid cron string: "61 * * * *"'),
        ({"schedules": [{**DAILY, "timezone": "Mars/Olympus"}]},
         'schedules.0: Invalid timezone: "Mars/Olympus"'),
        ({"schedules": [{"interval": 5, "timezone": "Mars/Olympus"}]},
         'schedules.0: Invalid timezone: "Mars/Olympus"'),
        ({"schedules": [{"interval": 0}]}, "schedules.0: Input should be greater than 0 seconds"),
        ({"schedules": [{"rrule": "FREQ=NEVER"}]},
         'schedules.0: Invalid RRule string "FREQ=NEVER"'),
        ({"schedules": [{**DAILY, "anchor_date": "2026-01-01"}]},
         "schedules.0: anchor_date belongs to interval, not to cron"),
        ({"schedules": [{**DAILY, "tz": "UTC"}]}, "schedules.0.tz: unknown key"),
        ({"schedules": [{**DAILY, "parameters": {"workers": "all"}}]},
         "schedules.0.parameters: Flow run received invalid parameters: - workers: "),
        ({"parameters": {"worker": 2}},
         "parameters: unknown: worker; reproduce takes stages, workers, force, wait"),
        ({"parameters": {"wait": -1}}, "parameters: Flow run received invalid parameters: - wait"),
        ({"concurrency_limit": 0},
         "concurrency_limit.limit: Input should be greater than or equal to 1, got 0"),
        ({"concurrency_limit": {"limit": 1, "collision_strategy": "WAIT"}},
         "concurrency_limit.collision_strategy: Input should be 'ENQUEUE' or 'CANCEL_NEW'"),
        ({"entrypoint": "flows/none.py:reproduce"}, "entrypoint: expected FILE.py:FLOW, got "),
        ({"entrypoint": "flows/reproduce.py:none"}, "entrypoint: expected FILE.py:FLOW, got "),
        ({"entrypoint": "flows/reproduce.py:TABLES"}, "entrypoint: expected FILE.py:FLOW, got "),
        ({"entrypoint": "reproduce"},
         "entrypoint: expected FILE.py:FLOW, got 'reproduce': this names no flow"),
        ({"entrypoint": "flows/broken.py:reproduce"},
         "entrypoint: expected FILE.py:FLOW, got 'flows/broken.py:reproduce': No module named"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(changes, problem):
    (told,) = refusal(entry(**changes))
    place = "deployments.0: " if "name" in changes and changes["name"] is ... else ""
    name = changes.get("name", "a")
    assert told.startswith((place or f"deployments.0 ({name}): ") + problem)


def test_all_problems_are_told_together():
    told = refusal(
        entry(), entry(schedules=[{"cron": "x"}]), entry(name="c", entrypoint="a.py:b"), None,
        push=[{"step": 1}],
    )  # fmt: skip
    assert told == ["push: Input should be None, got [{'step': 1}]"]
    told = refusal(
        entry(), entry(schedules=[{"cron": "x"}]), entry(name="c", entrypoint="a.py:b"), None
    )
    assert [line[:40] for line in told] == [
        "deployments.1 (a): name: another deploym",
        'deployments.1 (a): schedules.0: Invalid ',
        "deployments.2 (c): entrypoint: expected ",
        "deployments.3: entry: Input should be a ",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deployments:\n  - name: [\n", r"prefect\.yaml:3:1: not valid YAML: "),
        ("deployments:\n  - schedules:\n      - cron: * * *\n", r"prefect\.yaml:3:16: not valid"),
        ("- a\n", "prefect.yaml: expected a mapping of sections, got list"),
        ("deployments: []\n", "prefect.yaml does not fit:\n  deployments: expected at least one"),
        ("name: x\n", "prefect.yaml does not fit:\n  deployments: is missing"),
    ],
)
def test_a_file_that_is_no_list_of_deployments(text, message):
    FILE.write_text(text)
    with pytest.raises((SettingsError, DeploymentsError), match=message):
        read(FILE)


def test_the_file_is_looked_at_before_the_server(capsys):
    assert cli.main(["deploy"]) == 1
    assert "exemplar deploy: prefect.yaml: no such file" in capsys.readouterr().err
    FILE.write_text(yaml.safe_dump({"deployments": [entry(schedules=[{"cron": "x"}])]}))
    assert cli.main(["deploy"]) == 1
    assert 'deployments.0 (a): schedules.0: Invalid cron string: "x"' in capsys.readouterr().err


def test_a_schedule_needs_a_server_that_stays(monkeypatch, capsys):
    FILE.write_text(yaml.safe_dump({"deployments": [entry()]}))
    for arguments in (["deploy"], ["deploy", "--serve"]):
        assert cli.main(arguments) == 1
        error = capsys.readouterr().err
        assert f"{ADDRESS} is not set" in error
        assert "prefect server start" in error
    monkeypatch.setenv(ADDRESS, "http://127.0.0.1:9/api")
    assert cli.main(["deploy"]) == 1
    assert "is http://127.0.0.1:9/api, where none answers" in capsys.readouterr().err
