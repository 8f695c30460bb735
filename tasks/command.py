"""Runs a stage's command as DVC would, so that it ends when the process that started it ends.

`lineage` makes a `Command` out of a stage, the coordinator hands it to a task runner, and `run`
is what the task runner calls: it needs neither DVC nor Prefect, and a `Command` can be sent to
another process.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# When this process dies, however it dies, the kernel closes its end of a pipe that is the
# command's standard input; `cat` then ends and the whole process group is killed. Without it a
# stage would outlive a killed coordinator and write into the outputs of the next run. Linux's
# PR_SET_PDEATHSIG does not do: it reaches the shell, not what the shell starts, and fires when the
# starting thread ends. The double fork keeps the command from finding a child it did not start;
# `exec` leaves the command itself as the process that is waited for.
_LIFELINE = """
exec 3<&0 </dev/null
( (cat; kill -s KILL 0) <&3 3<&- >/dev/null 2>&1 & )
exec "$@" 3<&-
"""
_TAIL = 20  # lines of output in a failure's message
SCARCE = 1 << 24  # bytes; a disk with less is the likely reason of a failure

_running: set[subprocess.Popen[bytes]] = set()
_running_lock = threading.Lock()


@dataclass(frozen=True)
class Command:
    """What to run for a stage: plain values only.

    Attributes:
        stage: the stage's name.
        text: the command as `dvc.yaml` has it, for messages.
        steps: the arguments of each process, run one after another.
        folder: the folder to run in.
        environment: all environment variables.
        log: the file that takes the output; its folder is made.
    """

    stage: str
    text: str
    steps: tuple[tuple[str, ...], ...]
    folder: str
    environment: dict[str, str]
    log: str


class CommandError(RuntimeError):
    """A stage's command did not exit with 0; the message has the end of its output."""


def run(command: Command) -> float:
    """Runs a command to its end.

    Returns:
        The seconds it took.

    Raises:
        CommandError: one of its steps did not exit with 0; later steps were not run.
    """
    start = time.monotonic()
    log = Path(command.log)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    for step in command.steps:
        with ExitStack() as stack:
            with _running_lock:
                process = stack.enter_context(
                    guarded(step, command.folder, command.environment, log)
                )
                _running.add(process)
            stack.callback(_forget, process)
            code = process.wait()
        if code:
            lines = [f"    {line}" for line in _without_frames(tail(log, 400))[-_TAIL:]]
            ended = f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
            free = shutil.disk_usage(command.folder).free
            full = f"\n  the disk has only {free / 1e6:.1f} MB left: make room and run again"
            raise CommandError(
                f"{command.text}\n  {ended}; the end of its output (all of it: {log}):\n"
                + "\n".join(lines or ["    (no output)"])
                + (full if free < SCARCE else "")
            )
    return time.monotonic() - start


@contextmanager
def guarded(
    step: Sequence[str], folder: str | Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process in a group of its own that dies with this process or with the block.

    Args:
        step: the arguments.
        folder: the folder to run in.
        environment: all environment variables.
        log: a file to which the output is appended.

    Yields:
        The process, running.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _LIFELINE, "sh", *step],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _cut(process)
        process.wait()


def stop_all() -> None:
    """Kills every command that `run` has running in this process; each fails."""
    with _running_lock:
        for process in _running:
            _cut(process)


def tail(log: Path, lines: int = _TAIL) -> list[str]:
    """The last lines of a log, without empty ones; none if there is no such file."""
    with suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 16384))
        # A progress bar redraws its line after a carriage return: only its last state counts.
        texts = (line.rstrip("\r").rsplit("\r")[-1].rstrip()
                 for line in file.read().decode(errors="replace").split("\n"))  # fmt: skip
        return [text for text in texts if text][-lines:]
    return []


def _without_frames(lines: list[str]) -> list[str]:
    """Output without where in the code errors were raised: what was raised says what to do."""
    kept, within = [], False
    for line in lines:
        if line.startswith("Traceback (most recent call last)"):
            within = True
        elif not within or not line.startswith(" "):
            within = False
            kept.append(line)
    return kept


def _forget(process: subprocess.Popen[bytes]) -> None:
    with _running_lock:
        _running.discard(process)


def _cut(process: subprocess.Popen[bytes]) -> None:
    """Closes the lifeline: what is left of the group is killed."""
    if process.stdin and not process.stdin.closed:
        process.stdin.close()
