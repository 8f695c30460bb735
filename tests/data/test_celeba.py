from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from exemplar.data import celeba
from exemplar.data.inputs import BadPhoto, DomainError, Photo
from exemplar.data.photo_settings import CelebaSettings, Splits


def settings(root, **values) -> CelebaSettings:
    return CelebaSettings(kind="celeba", root=root, **values)


def test_faces_come_in_order_from_any_known_layout(tmp_path, save):
    for folder in ("images", "img_align_celeba", "celeba/img_align_celeba"):
        root = tmp_path / folder.replace("/", "_")
        for name in ("000010.jpg", "000002.jpg"):
            save(root / folder / name)
        got = celeba.inputs(settings(root)).photos
        assert got == [Photo(f"{folder}/000002.jpg"), Photo(f"{folder}/000010.jpg")]


def test_partition_file_is_used_when_asked_for(tmp_path, save):
    for name in ("1.jpg", "2.jpg", "3.jpg", "4.jpg"):
        save(tmp_path / "img_align_celeba" / name)
    lists = settings(tmp_path, splits=Splits(by="lists"))
    assert {p.split for p in celeba.inputs(lists).photos} == {""}
    (tmp_path / "list_eval_partition.txt").write_text("1.jpg 0\n2.jpg 1\n3.jpg 2\nnonsense\n")
    assert [p.split for p in celeba.inputs(lists).photos] == ["train", "val", "test", ""]
    assert {p.split for p in celeba.inputs(settings(tmp_path)).photos} == {""}
    (tmp_path / "img_align_celeba" / "4.jpg").rename(tmp_path / "img_align_celeba" / "e\u0301.jpg")
    (tmp_path / "list_eval_partition.txt").write_text("\u00e9.jpg 2\n")
    assert [p.split for p in celeba.inputs(lists).photos] == ["", "", "", "test"]


def test_centre_is_cropped_at_either_scale(colours):
    full = Image.fromarray(colours(1, 178, 218))
    made = celeba.picture(full, Photo("a"), settings("r"), 148)
    assert (made.arrays["image"] == np.asarray(full)[35:183, 15:163]).all()
    half = Image.fromarray(colours(1, 89, 109))
    made = celeba.picture(half, Photo("a"), settings("r"), 74)
    assert (made.arrays["image"] == np.asarray(half)[17:91, 7:81]).all()
    assert (made.width, made.height) == (74, 74)


def test_other_proportions_are_refused(colours):
    with pytest.raises(BadPhoto, match="expected an aligned face of 178×218 or alike, got 178×178"):
        celeba.picture(Image.new("RGB", (178, 178)), Photo("a"), settings("r"), 96)


def test_download_is_asked_for_once(tmp_path, monkeypatch):
    def fetch(kind, root):
        assert kind == "celeba"
        (root / "celeba" / "img_align_celeba").mkdir(parents=True)

    monkeypatch.setattr(celeba, "fetch", fetch)
    assert celeba.inputs(settings(tmp_path, download=True)).photos == []
    monkeypatch.setattr(celeba, "fetch", None)
    assert celeba.inputs(settings(tmp_path, download=True)).photos == []
    with pytest.raises(DomainError, match="expected CelebA's aligned images"):
        celeba.inputs(settings(tmp_path / "gone"))
