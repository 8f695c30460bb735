from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from exemplar.data import pets
from exemplar.data.inputs import DomainError, Photo
from exemplar.data.photo_settings import PetsSettings, Splits

XML = (
    "<annotation><size><width>40</width><height>30</height></size>{}</annotation>",
    "<object><bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object>",
)


def annotate(root, name: str, *lefts: int) -> None:
    path = root / "annotations" / "xmls" / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(XML[0].format("".join(XML[1].format(left) for left in lefts)))


def settings(root, **values) -> PetsSettings:
    return PetsSettings(kind="pets", root=root, **values)


@pytest.fixture
def root(tmp_path, save):
    for seed, name in enumerate(("Bengal_1", "Bengal_2", "great_pyrenees_10", "pug_3", "pug_4")):
        save(tmp_path / "images" / f"{name}.jpg", seed)
    annotate(tmp_path, "Bengal_1", 1)
    annotate(tmp_path, "great_pyrenees_10", 2, 3)
    annotate(tmp_path, "pug_3")
    annotate(tmp_path, "gone_1", 1)
    (tmp_path / "annotations" / "xmls" / "pug_4.xml").write_text("<annotation>")
    (tmp_path / "annotations" / "xmls" / "._pug_4.xml").write_text("resource fork")
    return tmp_path


def test_every_head_and_everything_else_is_accounted_for(root):
    got = pets.inputs(settings(root))
    size = (40, 30)
    assert got.photos == [
        Photo("images/Bengal_1.jpg", (1, 2, 30, 20), "Bengal", stated=size),
        Photo("images/great_pyrenees_10.jpg", (2, 2, 30, 20), "great_pyrenees", stated=size),
        Photo("images/great_pyrenees_10.jpg", (3, 2, 30, 20), "great_pyrenees", stated=size),
    ]
    fallen = {r.source: (r.reason, r.bad) for r in got.rejections}
    assert fallen["images/Bengal_2.jpg"] == ("left out: no head box", False)
    assert fallen["images/pug_3.jpg"] == ("left out: no head box", False)
    assert fallen["annotations/xmls/gone_1.xml"] == ("there is no such image", True)
    reason, bad = fallen["images/pug_4.jpg"]
    assert reason.startswith("its annotation annotations/xmls/pug_4.xml: not readable as XML")
    assert bad
    assert len(fallen) == 4


def test_table_takes_the_place_of_xml(root):
    (root / "annotations" / "heads.csv").write_text(
        "image_name,breed,xmin,ymin,xmax,ymax\npug_3,Pug,1,2,30,20\n"
    )
    got = pets.inputs(settings(root, boxes="annotations/heads.csv"))
    assert got.photos == [Photo("images/pug_3.jpg", (1, 2, 30, 20), "Pug")]


def test_lists_give_the_test_split(root):
    (root / "annotations" / "test.txt").write_text("Bengal_1 6 1 2\n\n")
    (root / "annotations" / "trainval.txt").write_text("great_pyrenees_10 16 2 9\n")
    got = pets.inputs(settings(root, splits=Splits(by="lists")))
    assert [p.split for p in got.photos] == ["test", "", ""]
    assert {p.split for p in pets.inputs(settings(root)).photos} == {""}


def test_layout_of_the_loader_is_found_and_fetched_only_when_missing(root, monkeypatch):
    fetched = []

    def fetch(kind, where):
        fetched.append((kind, where))
        shutil.copytree(root / "images", where / "oxford-iiit-pet" / "images")
        shutil.copytree(root / "annotations", where / "oxford-iiit-pet" / "annotations")

    monkeypatch.setattr(pets, "fetch", fetch)
    empty = root / "empty"
    for _ in range(2):
        got = pets.inputs(settings(empty, download=True))
        assert got.photos[0].source == "oxford-iiit-pet/images/Bengal_1.jpg"
    assert fetched == [("pets", empty)]
    pets.inputs(settings(root, download=True))
    assert len(fetched) == 1


def test_what_is_missing_is_explained(tmp_path, save):
    with pytest.raises(DomainError, match=r"expected the Oxford-IIIT Pet layout .*download: true"):
        pets.inputs(settings(tmp_path / "gone"))
    save(tmp_path / "images" / "pug_3.jpg")
    with pytest.raises(DomainError, match=r"xmls: expected head boxes .* or name a CSV of boxes"):
        pets.inputs(settings(tmp_path))


def test_head_with_margin(colours):
    image = Image.fromarray(colours(1, 200, 150))
    photo = Photo("a", (50, 40, 150, 130))
    made = pets.picture(image, photo, settings("r", margin=0.1), 120)
    assert (made.arrays["image"] == np.asarray(image)[25:145, 40:160]).all()
    assert (made.width, made.height) == (120, 120)
