"""The environment: locked packages, FAISS and torch, and whether they suit the GPU."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement

from flows.checks.finding import Finding, ok, problem, warning

LOCK = Path("requirements.lock")
FLAVOURS = {"faiss-cpu": "cpu", "faiss-gpu": "gpu", "faiss-gpu-cuvs": "gpu"}
IMPORTED = (
    "dvc", "embreex", "faiss", "httpx", "jinja2", "matplotlib", "numba", "numpy", "packaging",
    "pandas", "PIL", "prefect", "pyarrow", "pydantic", "safetensors", "scipy", "timm", "torch",
    "torchvision", "trimesh", "zarr",
)  # fmt: skip


def check_packages() -> Iterator[Finding]:
    """Compares the environment with the lock, imports it, and matches it to the GPU."""
    installed = {
        re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(): found.version
        for found in distributions()
        if found.metadata["Name"]
    }
    yield from versions(installed, LOCK)
    yield importable()
    gpu = gpu_name()
    yield faiss_flavour(set(installed), gpu)
    yield torch_device(gpu)


def locked(path: Path) -> dict[str, str]:
    """The version of each package that a lock pins for this platform and Python."""
    found = {}
    for line in path.read_text().splitlines():
        if re.match(r"[a-z0-9]", line):
            requirement = Requirement(line.removesuffix("\\").strip())
            if requirement.marker is None or requirement.marker.evaluate():
                found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


def versions(installed: dict[str, str], lock: Path) -> Iterator[Finding]:
    """Checks that what is installed is what the lock names."""
    if not lock.exists():
        yield problem("packages", f"no {lock}", "run from the project's root")
        return
    wanted = locked(lock)
    others = [
        f"{name} {version}, expected {wanted[name]}"
        for name, version in sorted(installed.items())
        if wanted.get(name, version) != version
    ]
    if others:
        yield problem("packages", "; ".join(others), "make clean setup")
    own = {"exemplar", "pip", "setuptools", "wheel"}
    extra = sorted(set(installed) - set(wanted) - own)
    if extra:
        yield warning(
            "packages",
            f"not in {lock}: {', '.join(extra)}",
            "if the project needs them, name them in pyproject.toml and run make lock; "
            "otherwise make clean setup",
        )
    if not others and not extra:
        yield ok("packages", f"{len(set(installed) & set(wanted))} as in {lock}")


def importable() -> Finding:
    """Imports every package that the project imports."""
    failed = []
    for name in IMPORTED:
        try:
            import_module(name)
        except (ImportError, OSError) as error:  # a missing system library is an OSError
            failed.append(f"{name} ({str(error).splitlines()[0]})")
    if failed:
        return problem("imports", "; ".join(failed), "make clean setup")
    return ok("imports", f"{len(IMPORTED)} packages")


def gpu_name() -> str:
    """What the driver calls its first GPU; empty without one."""
    if shutil.which("nvidia-smi") is None:
        return ""
    answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    found = re.search(r"^GPU 0: ([^(\n]+)", answer.stdout)
    return found[1].strip() if found and answer.returncode == 0 else ""


def faiss_flavour(installed: set[str], gpu: str) -> Finding:
    """Checks that one FAISS package is there and that it is the one for this machine."""
    found = sorted(installed & set(FLAVOURS))
    wanted = "gpu" if gpu else "cpu"
    if len(found) != 1:
        seen = " and ".join(found) or "not installed"
        return problem("FAISS", f"{seen}, expected exactly one package", "make clean setup")
    if FLAVOURS[found[0]] != wanted:
        seen = f"{found[0]}, but there is {'a' if gpu else 'no'} GPU"
        return warning("FAISS", seen, f"EXTRA={wanted} make setup")
    return ok("FAISS", found[0])


def torch_device(gpu: str) -> Finding:
    """Checks that torch computes on the GPU if there is one."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return problem("torch", str(error).splitlines()[0], "make clean setup")
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        return ok("torch", f"{torch.__version__} on {torch.cuda.device_count()} x {name}")
    if gpu:
        return warning(
            "torch",
            f"{torch.__version__} cannot use {gpu}",
            f"update the driver for CUDA {torch.version.cuda}; until then all runs on the CPU",
        )
    return ok("torch", f"{torch.__version__} on the CPU, {torch.get_num_threads()} threads")
