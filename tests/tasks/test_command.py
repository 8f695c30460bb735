"""Commands end with what started them, and a failure says enough to act on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.command import Command, CommandError, guarded, run, stop_all, tail


def shell(tmp_path, *lines: str) -> Command:
    return Command(
        stage="s",
        text="\n".join(lines),
        steps=tuple(("/bin/sh", "-c", line) for line in lines),
        folder=str(tmp_path),
        environment={"PATH": os.environ["PATH"], "WORD": "given"},
        log=str(tmp_path / "logs" / "s.log"),
    )


def test_steps_run_in_order_in_their_folder_and_environment(tmp_path):
    seconds = run(shell(tmp_path, "echo $WORD; pwd > where", "echo wrong >&2"))
    assert seconds > 0
    assert tail(tmp_path / "logs" / "s.log") == ["given", "wrong"]
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)


def test_a_command_reads_nothing_from_the_terminal(tmp_path):
    run(shell(tmp_path, "cat; echo end"))
    assert tail(tmp_path / "logs" / "s.log") == ["end"]


def test_a_failure_has_command_status_and_the_end_of_the_output(tmp_path):
    many = "for i in 1 2 3 4 5 6 7 8 9; do echo a$i; echo b$i; echo c$i; done; exit 7"
    with pytest.raises(CommandError) as caught:
        run(shell(tmp_path, many, "touch later"))
    text = str(caught.value)
    assert many in text
    assert "exited with 7" in text
    assert "c9" in text
    assert "a1\n" not in text
    assert str(tmp_path / "logs" / "s.log") in text
    assert not (tmp_path / "later").exists()


def test_of_an_error_in_python_what_it_says_is_told_and_not_where(tmp_path):
    code = (
        "def deep(n):\n    return deep(n - 1) if n else [][1]\n"
        "print('begins')\n"
        "try:\n    deep(9)\n"
        "except IndexError:\n    raise ValueError('a.png: is no picture\\n  see the other')"
    )
    (tmp_path / "fails.py").write_text(code)
    with pytest.raises(CommandError) as caught:
        run(shell(tmp_path, f"{sys.executable} fails.py"))
    told = [line[4:] for line in str(caught.value).splitlines()[2:]]
    assert told == [
        "begins",
        "IndexError: list index out of range",
        "During handling of the above exception, another exception occurred:",
        "ValueError: a.png: is no picture",
        "  see the other",
    ]


def test_a_disk_that_is_nearly_full_is_told(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path).free
    said = "the disk has only [0-9.]+ MB left: make room and run again"
    monkeypatch.setattr("tasks.command.SCARCE", 0)
    with pytest.raises(CommandError) as caught:
        run(shell(tmp_path, "echo no; exit 1"))
    assert not re.search(said, str(caught.value))
    monkeypatch.setattr("tasks.command.SCARCE", free * 2)
    with pytest.raises(CommandError, match=said):
        run(shell(tmp_path, "echo no; exit 1"))


def test_a_signal_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"killed by signal 9;(.|\n)*no output"):
        run(shell(tmp_path, "kill -9 $$"))


def test_the_tail_of_a_progress_bar_is_its_last_state(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"one\n\n 10%\r 50%\r100%\r\nlast\n")
    assert tail(log) == ["one", "100%", "last"]
    assert tail(log, 1) == ["last"]
    assert tail(tmp_path / "none") == []


def test_what_a_command_leaves_running_is_killed(tmp_path):
    os.mkfifo(tmp_path / "held")
    with (tmp_path / "held").open("rb+", buffering=0) as keep:  # lets the writer open at once
        run(shell(tmp_path, "(exec 9> held; echo up >&9; sleep 1000) & head -c 3 held"))
        reader = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
        keep.close()
        os.set_blocking(reader, True)
        assert os.read(reader, 10) == b""  # the end of the file: no writer is left
        os.close(reader)


def test_stop_all_ends_commands_and_nothing_else(tmp_path):
    os.mkfifo(tmp_path / "up")
    with (
        ThreadPoolExecutor() as pool,
        guarded(["sleep", "1000"], tmp_path, {}, tmp_path / "log") as other,
    ):
        running = pool.submit(run, shell(tmp_path, "exec 9> up; sleep 1000"))
        with (tmp_path / "up").open() as up:
            stop_all()
            assert up.read() == ""
        with pytest.raises(CommandError, match="killed by signal 9"):
            running.result()
        assert other.poll() is None


def test_a_killed_starter_takes_the_whole_group_along(tmp_path):
    """The starter is killed with signal 9; the pipe ends only when nothing of the stage is left."""
    os.mkfifo(tmp_path / "alive")
    script = """
import os, pathlib
from tasks.command import guarded
step = ["/bin/sh", "-c", "exec 9> alive; echo up >&9; sleep 1000 & sleep 1000"]
with guarded(step, ".", dict(os.environ), pathlib.Path("log")) as process:
    process.wait()
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with (tmp_path / "alive").open() as alive:
        assert alive.readline() == "up\n"
        starter.kill()
        starter.wait()
        assert alive.read() == ""
