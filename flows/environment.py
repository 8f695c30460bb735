"""What Prefect, DVC and the stages find in the environment; set before Prefect is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flows.proxies import keep_loopback_direct


class PlaceError(RuntimeError):
    """The command was started outside the project."""


def prepare() -> None:
    """Sets the environment up for this process and those it starts.

    What the user has set stays. Prefect keeps its records in the project's `.prefect/`, is quiet
    (the terminal has lines of our own) and sends nothing to anyone; the analytics of its server
    want both variables. Proxies stay, but not for the way to this machine itself.

    Raises:
        PlaceError: the current folder is not a DVC project's.
    """
    if not Path("dvc.yaml").exists():
        raise PlaceError(
            f"{Path.cwd()}: no dvc.yaml here; run the command from the project's root folder"
        )
    for name, value in {
        "PREFECT_HOME": str(Path(".prefect").resolve()),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
    }.items():
        os.environ.setdefault(name, value)
    for line in keep_loopback_direct(os.environ, os.environ.get("PREFECT_API_URL")):
        print(line, file=sys.stderr)
    use_this_python()


def use_this_python() -> None:
    """Makes `python` in a stage's command the one that runs this, whether activated or not."""
    folder = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if path.split(os.pathsep)[0] != folder:
        os.environ["PATH"] = os.pathsep.join([folder, path])
