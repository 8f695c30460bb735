from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from exemplar.data.inputs import BadPhoto, DomainError, Photo
from exemplar.data.photo_settings import ZapposSettings
from exemplar.data.zappos import inputs, picture


def settings(root, **values) -> ZapposSettings:
    return ZapposSettings(kind="zappos", root=root, **values)


def test_category_from_the_manifest(tmp_path, save):
    for name in ("1.2.jpg", "3.jpg"):
        save(tmp_path / "images" / name)
    (tmp_path / "manifest.csv").write_text("file,category\n1.2.jpg,Boots\n9.jpg,Shoes\n")
    got = inputs(settings(tmp_path, manifest="manifest.csv"))
    assert got.photos == [Photo("images/1.2.jpg", category="Boots"), Photo("images/3.jpg")]
    assert [(r.source, r.reason) for r in got.rejections] == [
        ("manifest.csv:3", "there is no image images/9.jpg")
    ]


def test_category_from_folders(tmp_path, save):
    save(tmp_path / "ut-zap50k-images" / "Boots" / "Ankle" / "x.jpg")
    got = inputs(settings(tmp_path))
    assert got.photos == [Photo("ut-zap50k-images/Boots/Ankle/x.jpg", category="Boots")]
    with pytest.raises(DomainError, match="expected shoe photographs"):
        inputs(settings(tmp_path / "gone"))


def test_whole_shoe_on_white(colours):
    image = Image.fromarray(colours(1, 136, 102))
    made = picture(image, Photo("a"), settings("r"), 136)
    pixels = made.arrays["image"]
    assert (pixels[17:119] == np.asarray(image)).all()
    assert (np.delete(pixels, np.s_[17:119], 0) == 255).all()
    assert (made.width, made.height) == (136, 102)
    with pytest.raises(BadPhoto, match="too small: 136×20"):
        picture(Image.new("RGB", (136, 20)), Photo("a"), settings("r"), 96)
