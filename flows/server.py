"""Prefect's server for one command: the user's where there is one, else a temporary one.

Prefect would start a temporary one by itself, but only when the first flow begins, and would leave
it running if this process is killed. Started here it gets ready while the plan is made, and it
ends when this process ends.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from flows.proxies import is_loopback
from tasks.command import guarded, tail

ADDRESS = "PREFECT_API_URL"
PATIENCE = 120.0  # seconds; a cold start on a busy machine takes up to half a minute


class ServerError(RuntimeError):
    """Prefect's server does not answer."""


@dataclass(frozen=True)
class Server:
    """A server that may still be starting.

    Attributes:
        address: the address of its API.
        process: the temporary server, if it is one.
        log: the temporary server's output.
    """

    address: str
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None

    def wait(self, patience: float = PATIENCE) -> None:
        """Waits until it answers.

        Raises:
            ServerError: it ended, or did not answer in time.
        """
        end = time.monotonic() + patience
        while True:
            # One that has ended is looked for first: another program may answer in its place.
            ended = self.process.poll() if self.process else None
            if ended is None and answers(self.address):
                return
            if self.process is None:
                raise ServerError(
                    f"{ADDRESS} is {self.address}, where no Prefect server answers; start it, or "
                    f"unset {ADDRESS} to have a temporary one"
                )
            if ended is not None or time.monotonic() > end:
                what = f"ended with {ended}" if ended is not None else f"is silent for {patience} s"
                lines = "\n".join(f"    {line}" for line in tail(self.log or Path(os.devnull)))
                raise ServerError(f"Prefect's temporary server {what}; its output:\n{lines}")
            time.sleep(0.3)  # to ask costs as much as a tenth of a second of work


def answers(address: str) -> bool:
    """Whether a Prefect API is at an address, asked as Prefect's client would ask."""
    return not silence(address)


def silence(address: str) -> str:
    """Why there is no Prefect API at an address; empty if there is one."""
    try:
        # This machine is never asked through a proxy, whatever the environment says.
        answer = httpx.get(f"{address.rstrip('/')}/health", timeout=30,
                           trust_env=not is_loopback(address))  # fmt: skip
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
        return str(error) or type(error).__name__
    return "" if answer.status_code == 200 else f"it says {answer.status_code}"


@contextmanager
def prefect_server() -> Iterator[Server]:
    """Names the server to this process, starting one if the user has not named any.

    Yields:
        The server; call its `wait` before the first flow. A temporary one ends with the block.
    """
    if os.environ.get(ADDRESS):
        yield Server(os.environ[ADDRESS])
        return
    home = Path(os.environ["PREFECT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    log.write_bytes(b"")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    start = [sys.executable, "-m", "prefect", "server", "start", "--no-ui"]
    with guarded([*start, "--host", "127.0.0.1", "--port", port], home, dict(os.environ), log) as p:
        os.environ[ADDRESS] = f"http://127.0.0.1:{port}/api"
        try:
            yield Server(os.environ[ADDRESS], p, log)
        finally:
            del os.environ[ADDRESS]
