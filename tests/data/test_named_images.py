"""Images as settings name them: files and bundled photographs; what is not there is told."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
from PIL import Image
from pydantic import TypeAdapter

from exemplar.data.named_images import BundledImage, Named, StoredImage, read_named_image
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.items import COLUMNS, write_items


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_settings_name_images_in_three_ways() -> None:
    adapter = TypeAdapter(Named)
    assert adapter.validate_python("a.png") == Path("a.png")
    assert adapter.validate_python({"bundled": "coffee"}) == BundledImage(bundled="coffee")
    stored = adapter.validate_python({"domain": "pets", "id": "x"})
    assert stored == StoredImage(domain="pets", id="x")


def test_files_and_bundled_photographs_are_read() -> None:
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save("a.png")
    problems: list[str] = []
    found = read_named_image(Path("a.png"), "here", problems)
    assert found is not None and found.image.shape == (3, 4, 3)
    coffee = read_named_image(BundledImage(bundled="coffee"), "here", problems)
    assert coffee is not None and (coffee.image == skimage.data.coffee()).all()
    assert coffee.licence == "CC0-1.0"
    assert coffee.sha256 == hashlib.sha256(skimage.data.coffee().tobytes()).hexdigest()
    assert not problems


def test_what_is_not_there_is_told() -> None:
    problems: list[str] = []
    assert read_named_image(Path("none.png"), "here", problems) is None
    assert read_named_image(StoredImage(domain="pets", id="x"), "gallery.a", problems) is None
    assert problems[0] == "none.png: no such file"
    assert problems[1].startswith("gallery.a: data/pets/items.parquet: no such file; the stage")


def test_stored_images_are_found_by_id_in_either_unicode_form() -> None:
    table = {name: ["x", "cafe\u0301"] for name in COLUMNS} | {"split": "train"}
    write_items(layout.items("d"), pd.DataFrame(table))
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    write_group(layout.images("d"), {"image": pixels})
    problems: list[str] = []
    found = read_named_image(StoredImage(domain="d", id="caf\u00e9"), "here", problems)
    assert found is not None and (found.image == pixels[1]).all()
    assert found.source == "cafe\u0301" and not problems
    assert read_named_image(StoredImage(domain="d", id="CAFE\u0301"), "here", problems) is None
    assert problems[0].endswith("to cafe\u0301; did you mean 'cafe\u0301'?")
