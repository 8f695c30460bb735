from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from exemplar.data import synthetic
from exemplar.data.rendered import PARTS, RenderedSettings, Rendering
from exemplar.data.settings import PrepareSettings
from exemplar.data.synthetic import prepare_rendered
from exemplar.store.arrays import array, open_group
from exemplar.store.items import read_items

OUT = Path("data/rendered")
COMMON = PrepareSettings(image_size=16, seed=7, workers=1)
SETTINGS = RenderedSettings(kind="rendered", train=65, val=2, test=3)


def fake(index: int, settings: RenderedSettings, size: int, seed: int) -> Rendering:
    rng = np.random.default_rng([seed, index])
    normals = rng.normal(size=(size, size, 3)).astype(np.float32)
    surface = normals.copy()
    surface[0] = np.nan
    return Rendering(
        image=rng.integers(0, 256, (size, size, 3), dtype=np.uint8),
        normals=normals / np.linalg.norm(normals, axis=-1, keepdims=True),
        labels=rng.integers(0, 5, (size, size), dtype=np.uint8),
        instances=rng.integers(0, 300, (size, size), dtype=np.uint16),
        surface=surface,
        edges=rng.random((size, size), dtype=np.float32),
        category=f"breed-{index % 3}",
        attributes={},
    )


def test_everything_known_is_stored(monkeypatch):
    monkeypatch.setattr(synthetic, "render", fake)
    prepare_rendered(OUT, SETTINGS, COMMON)
    items, group = read_items(OUT / "items.parquet"), open_group(OUT / "images.zarr")
    assert items["split"].tolist() == ["train"] * 65 + ["val"] * 2 + ["test"] * 3
    assert items["id"].tolist() == [f"rendered-{n:05d}" for n in range(70)]
    assert items["source"].tolist() == [f"rendered:{n}" for n in range(70)]
    assert set(items["licence"]) == {"CC0-1.0"}
    assert (OUT / "rejected.csv").read_text() == "source,reason\n"
    assert group.attrs["classes"] == list(PARTS)
    types = {"image": "u1", "normals": "f2", "labels": "u1", "instances": "u2", "surface": "f2",
             "edges": "f2"}  # fmt: skip
    assert {name: array(group, name).dtype for name in group.array_keys()} == types
    for n in (0, 64, 69):
        expected = fake(n, SETTINGS, 16, 7)
        for name in types:
            stored = np.asarray(array(group, name)[n])
            wanted = getattr(expected, name).astype(types[name])
            assert np.array_equal(stored, wanted, equal_nan=name == "surface"), name
        assert items["category"][n] == expected.category
        assert items["sha256"][n] == hashlib.sha256(expected.image.tobytes()).hexdigest()


def test_a_domain_may_have_its_own_size(monkeypatch):
    monkeypatch.setattr(synthetic, "render", fake)
    few = SETTINGS.model_copy(update={"train": 1, "val": 0, "test": 0, "size": 24})
    prepare_rendered(OUT, few, COMMON)
    group = open_group(OUT / "images.zarr")
    assert array(group, "image").shape == (1, 24, 24, 3)
    assert array(group, "labels").shape == (1, 24, 24)
    assert read_items(OUT / "items.parquet")["width"].tolist() == [24]


def test_interrupted_run_goes_on_where_it_was(monkeypatch):
    calls = []

    def counted(index, *rest):
        calls.append(index)
        if len(calls) == 67:
            raise KeyboardInterrupt
        return fake(index, *rest)

    monkeypatch.setattr(synthetic, "render", counted)
    with pytest.raises(KeyboardInterrupt):
        prepare_rendered(OUT, SETTINGS, COMMON)
    assert not (OUT / "images.zarr").exists()
    prepare_rendered(OUT, SETTINGS, COMMON)
    assert calls == [*range(67), *range(64, 70)]
    items = read_items(OUT / "items.parquet")
    assert items["category"].tolist() == [f"breed-{n % 3}" for n in range(70)]
