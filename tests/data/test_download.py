from __future__ import annotations

import pytest
from torchvision import datasets

from exemplar.data.download import fetch
from exemplar.data.inputs import DomainError


@pytest.mark.parametrize(
    ("kind", "loader", "split"),
    [("pets", "OxfordIIITPet", "trainval"), ("celeba", "CelebA", "all")],
)
def test_the_loader_fetches_to_the_root(tmp_path, monkeypatch, kind, loader, split):
    asked = {}

    def load(root, **options):
        asked.update(options, root=root)

    monkeypatch.setattr(datasets, loader, load)
    fetch(kind, tmp_path / "new")
    assert asked == {"root": str(tmp_path / "new"), "split": split, "download": True}
    assert (tmp_path / "new").is_dir()


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
