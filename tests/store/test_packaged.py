from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from exemplar.store import packaged
from exemplar.store.packaged import PackagedWeights, read_packaged
from exemplar.store.weights import WeightsError

STATE = {"a.weight": torch.arange(6.0).view(2, 3)}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedWeights:
    """A package that leaves a mark if anything of it runs."""
    folder = tmp_path / "installed" / "some_network"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
    torch.save(STATE, folder / "network.pth")
    digest = hashlib.sha256((folder / "network.pth").read_bytes()).hexdigest()
    monkeypatch.syspath_prepend(folder.parent)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return PackagedWeights("some-network==1", "some_network", "network.pth", digest)


def test_the_package_is_read_but_never_run(weights: PackagedWeights, tmp_path: Path) -> None:
    assert torch.equal(read_packaged(weights)["a.weight"], STATE["a.weight"])
    assert not (tmp_path / "mark").exists()
    assert "some_network" not in sys.modules
    __import__("some_network")  # what the mark would have shown
    assert (tmp_path / "mark").exists()
    del sys.modules["some_network"]


def test_a_copy_is_kept_only_where_work_is_kept(
    weights: PackagedWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_packaged(weights)
    assert not list(Path().iterdir())
    Path(".work").mkdir()
    read_packaged(weights)
    (copy,) = Path(".work/converted").iterdir()
    assert copy.suffix == ".safetensors"
    monkeypatch.setattr(packaged, "read_pytorch", lambda path: pytest.fail("the copy is there"))
    assert torch.equal(read_packaged(weights)["a.weight"], STATE["a.weight"])


def test_where_nothing_can_be_written_the_file_itself_is_read(weights: PackagedWeights) -> None:
    Path(".work").mkdir()
    Path(".work/converted").write_text("in the way")
    assert torch.equal(read_packaged(weights)["a.weight"], STATE["a.weight"])


def test_what_is_missing_or_another_is_told(weights: PackagedWeights) -> None:
    absent = replace(weights, module="no_such_network", advice="install it")
    assert absent.found() is None
    with pytest.raises(WeightsError, match=r"^the package some-network==1 is not installed; inst"):
        absent.path()
    with pytest.raises(WeightsError, match="is not installed; run `make setup`"):
        replace(weights, file="other.pth").path()
    with pytest.raises(
        WeightsError,
        match=rf"network\.pth: expected .* SHA-256 00000000…, got {weights.sha256[:8]}…; remove",
    ):
        replace(weights, sha256="0" * 64).path()
