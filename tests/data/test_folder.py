from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from exemplar.data.folder import inputs, picture
from exemplar.data.inputs import BadPhoto, DomainError, Photo
from exemplar.data.photo_settings import FolderSettings


def settings(root, **values) -> FolderSettings:
    return FolderSettings(kind="folder", root=root, min_side=8, **values)


def test_subfolders_are_categories(tmp_path, save):
    for name in ("x.png", "cats/a.png", "cats/old/b.png"):
        save(tmp_path / "r" / name)
    got = inputs(settings(tmp_path / "r")).photos
    assert [(p.source, p.category) for p in got] == [
        ("cats/a.png", "cats"), ("cats/old/b.png", "cats"), ("x.png", ""),
    ]  # fmt: skip
    none = inputs(settings(tmp_path / "r", category="none")).photos
    assert {p.category for p in none} == {""}


def test_table_gives_boxes_and_categories(tmp_path, save):
    save(tmp_path / "cats" / "a.png")
    save(tmp_path / "b.png")
    (tmp_path / "boxes.csv").write_text("path,xmin,ymin,xmax,ymax\ncats/a.png,1,2,30,29\n")
    got = inputs(settings(tmp_path, boxes="boxes.csv"))
    assert got.photos == [Photo("cats/a.png", (1, 2, 30, 29), "cats")]
    assert [(r.source, r.bad) for r in got.rejections] == [("b.png", False)]


def test_missing_root_is_explained(tmp_path):
    with pytest.raises(DomainError, match=r"gone: expected a folder of images .* not there\. Copy"):
        inputs(settings(tmp_path / "gone"))


def test_whole_images_are_cropped_or_padded(tmp_path, colours):
    image = Image.fromarray(colours(1, 40, 20))
    made = picture(image, Photo("a"), settings(tmp_path), 20)
    assert (made.arrays["image"] == colours(1, 40, 20)[:, 10:30]).all()
    assert (made.width, made.height) == (20, 20)
    made = picture(image, Photo("a"), settings(tmp_path, fit="pad"), 40)
    assert (made.arrays["image"][10:30] == colours(1, 40, 20)).all()
    assert (made.arrays["image"][:10] == 255).all()
    assert (made.width, made.height) == (40, 20)


def test_box_is_cropped_with_its_margin(tmp_path, colours):
    image = Image.fromarray(colours(1, 40, 40))
    made = picture(image, Photo("a", (10, 10, 20, 18)), settings(tmp_path, margin=0.5), 20)
    assert (made.arrays["image"] == np.asarray(image)[4:24, 5:25]).all()
    with pytest.raises(BadPhoto, match="too small: 5×5"):
        picture(image, Photo("a", (10, 10, 15, 12)), settings(tmp_path), 20)
    with pytest.raises(BadPhoto, match="outside the image of 40×40"):
        picture(image, Photo("a", (50, 10, 60, 20)), settings(tmp_path), 20)
