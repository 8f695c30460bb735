"""Folders of label maps: what is taken for a map, and what is said of the rest."""

from __future__ import annotations

from exemplar.labels.folders import divided, said_of_others


def test_images_are_maps_in_the_order_of_their_names_and_the_rest_is_named(tmp_path):
    for name in ("b.png", "a.PNG", "c.tif", "notes.txt", ".b.png", "a.json", "Thumbs.db"):
        (tmp_path / name).touch()
    (tmp_path / "old.png").mkdir()
    (tmp_path / "old.png" / "d.png").touch()
    images, others = divided(tmp_path)
    assert [path.name for path in images] == ["a.PNG", "b.png", "c.tif"]
    assert others == [".b.png", "Thumbs.db", "a.json", "notes.txt", "old.png/"]
    assert said_of_others(tmp_path) == [
        f"note: {tmp_path}: left out, as no images: .b.png, Thumbs.db, a.json, notes.txt, old.png/"
    ]


def test_a_link_to_a_map_is_one_and_a_link_to_nothing_is_not(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "c.png").symlink_to(tmp_path / "gone.png")
    images, others = divided(tmp_path)
    assert [path.name for path in images] == ["a.png", "b.png"] and others == ["c.png"]


def test_of_folders_of_maps_alone_and_of_files_nothing_is_said(tmp_path):
    (tmp_path / "a.png").touch()
    assert said_of_others(tmp_path) == [] and said_of_others(tmp_path / "a.png") == []
    assert divided(tmp_path) == ([tmp_path / "a.png"], [])


def test_many_others_are_counted(tmp_path):
    for number in range(15):
        (tmp_path / f"{number:02}.txt").touch()
    (said,) = said_of_others(tmp_path)
    assert said.endswith("10.txt, 11.txt and 3 more")
