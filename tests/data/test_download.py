from __future__ import annotations

from pathlib import Path

import pytest
from torchvision import datasets

from exemplar.data.download import fetch
from exemplar.data.inputs import DomainError


@pytest.mark.parametrize(
    ("kind", "loader", "given"),
    [
        ("pets", "OxfordIIITPet", {"split": "trainval"}),
        ("celeba", "CelebA", {"split": "all"}),
        ("mnist", "MNIST", {}),
        ("fashion", "FashionMNIST", {}),
    ],
)
def test_the_loader_fetches_to_the_root(tmp_path, monkeypatch, kind, loader, given):
    asked = {}

    def load(root, **options):
        asked.update(options, root=root)

    monkeypatch.setattr(datasets, loader, load)
    fetch(kind, tmp_path / "new")
    assert asked == {"root": str(tmp_path / "new"), "download": True, **given}
    assert (tmp_path / "new").is_dir()


def test_cifar10_comes_without_anything_pickled(tmp_path, monkeypatch):
    def archive(url, root, md5):
        assert url.endswith("cifar-10-binary.tar.gz")
        assert len(bytes.fromhex(md5)) == 16
        (Path(root) / "cifar-10-batches-bin").mkdir()

    def loader(*_, **__):
        raise AssertionError("the loader would unpickle")

    monkeypatch.setattr(datasets.utils, "download_and_extract_archive", archive)
    monkeypatch.setattr(datasets, "CIFAR10", loader)
    fetch("cifar10", tmp_path / "new")
    assert (tmp_path / "new" / "cifar-10-batches-bin").is_dir()


@pytest.mark.parametrize(
    "error", [OSError("no network"), RuntimeError("damaged"), ImportError("gdown")]
)
def test_failure_says_what_to_do(tmp_path, monkeypatch, error):
    def load(*_, **__):
        raise error

    monkeypatch.setattr(datasets, "OxfordIIITPet", load)
    with pytest.raises(
        DomainError, match=rf"could not be fetched: {error}\. Get it from https://.*pets/"
    ):
        fetch("pets", tmp_path)
