"""The machine: its Python, cores, memory, disk and proxies, and git."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from flows.checks.finding import Finding, ok, problem, warning
from flows.proxies import is_proxied, keep_loopback_direct

GB = 1e9
MEMORY = 8.0  # GB that the default run may take
DISK = 7.0  # GB for data and results of the default run, which DVC's cache has once more
CGROUP = Path("/sys/fs/cgroup/memory.max")  # a container's limit, where there is one


def check_machine() -> Iterator[Finding]:
    """Looks at everything that is not the project's own."""
    yield python_version(sys.version_info[:3])
    yield architecture(platform.system(), platform.machine())
    yield cores(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    yield memory(memory_size())
    yield disk(shutil.disk_usage(".").free / GB)
    yield git()
    yield writable(Path.cwd())
    yield proxies(os.environ)


def python_version(version: tuple[int, ...]) -> Finding:
    """Checks the running interpreter against pyproject.toml's `requires-python`."""
    said = ".".join(map(str, version))
    if (3, 11) <= version < (3, 15):
        return ok("Python", said)
    return problem("Python", f"{said}, expected 3.11 to 3.14", "make clean setup")


def architecture(system: str, machine: str) -> Finding:
    """Checks that there are wheels of all packages for this kind of machine."""
    said = f"{system} {machine}"
    tested = [("Linux", "x86_64")]
    built = [*tested, ("Darwin", "arm64"), ("Windows", "AMD64")]
    if (system, machine) in tested:
        return ok("platform", said)
    if (system, machine) in built:
        return warning("platform", f"{said}, where the project is not tested", "report what fails")
    return problem(
        "platform",
        f"{said}, for which not all packages are built",
        "use a Linux x86_64 machine or container",
    )


def cores(count: int | None) -> Finding:
    """Checks that stages can run side by side."""
    if count is None or count < 2:
        return warning(
            "cores", f"{count or 'unknown'}", "the run takes longer than the README says"
        )
    return ok("cores", f"{count}")


def memory_size() -> float | None:
    """The memory this process may take, in GB; None where the system does not say."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    if CGROUP.exists() and (limit := CGROUP.read_text().strip()).isdigit():
        size = min(size, int(limit))
    return size / GB


def memory(size: float | None) -> Finding:
    """Checks the memory against what the default run takes at most."""
    if size is None:
        return warning("memory", "unknown", f"see that there are {MEMORY:.0f} GB")
    if size < 0.9 * MEMORY:
        return problem(
            "memory",
            f"{size:.1f} GB, expected {MEMORY:.0f} GB",
            "use a larger machine, or lower `train` of the domains and `batch` in params.yaml "
            "and run one stage at a time: exemplar reproduce --workers 1",
        )
    return ok("memory", f"{size:.1f} GB")


def disk(free: float) -> Finding:
    """Checks the free space where the project lies."""
    if free < 1:
        return problem("disk", f"{free:.1f} GB free", f"make {DISK:.0f} GB free here")
    if free < DISK:
        return warning("disk", f"{free:.1f} GB free", f"make {DISK:.0f} GB free here")
    return ok("disk", f"{free:.0f} GB free")


def git() -> Finding:
    """Checks that git is there and the project is a repository, which DVC needs."""
    if shutil.which("git") is None:
        return problem("git", "not found", "install git from your system's packages")
    command = ["git", "rev-parse", "--is-inside-work-tree"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        said = (answer.stderr.strip().splitlines() or ["git rev-parse failed"])[0]
        return problem("git", said, "clone the project with git rather than copying its files")
    return ok("git", "a repository")


def writable(folder: Path) -> Finding:
    """Checks that results can be written."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ok("folder", "can be written")
    except OSError as error:
        return problem("folder", f"{folder}: {error.strerror}", "give yourself write permission")


def proxies(environment: Mapping[str, str]) -> Finding:
    """Checks that the proxies of the environment can be used."""
    if left_out := keep_loopback_direct(dict(environment)):
        return warning("proxies", "\n".join(left_out), "set or unset these variables")
    said = "used, but not for this machine itself" if is_proxied(environment) else "none"
    return ok("proxies", said)
