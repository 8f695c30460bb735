"""How torn fields are where an image has no texture: what is counted, on fields made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import texture as measured
from benchmarks.texture import plain, read_pairs, texture, torn
from exemplar.methods.deep_analogy.analogy import Analogy
from exemplar.methods.deep_analogy.settings import AnalogySettings
from tests.methods.deep_analogy.small_pyramid import small_pyramid


def moved(height: int, width: int, *by: int) -> np.ndarray:
    return np.stack(np.mgrid[:height, :width], -1).astype(np.int32) + np.array(by, np.int32)


def test_a_field_that_moves_as_one_is_not_torn() -> None:
    assert torn(moved(3, 4, 7, -2), np.ones((3, 4), bool)) == 0


def test_a_jump_tears_what_lies_on_both_its_sides() -> None:
    field = moved(3, 4, 0, 0)
    field[:, 2:] += np.array([0, 3], np.int32)  # three of 8 + 9 neighbours
    everywhere = np.ones((3, 4), bool)
    assert torn(field, everywhere) == pytest.approx(3 / 17)
    # Two pixels are near enough, along one axis; along both they are not.
    field[:, 2:] -= np.array([0, 1], np.int32)
    assert torn(field, everywhere) == 0
    field[:, 2:] += np.array([1, 0], np.int32)
    assert torn(field, everywhere) == pytest.approx(3 / 17)


def test_a_single_stray_match_is_torn_from_all_its_neighbours() -> None:
    field = moved(3, 3, 5, 5)
    field[1, 1] = 0
    assert torn(field, np.ones((3, 3), bool)) == pytest.approx(4 / 12)


def test_only_neighbours_that_both_lie_there_are_counted() -> None:
    field = moved(3, 3, 5, 5)
    field[1, 1] = 0
    where = np.zeros((3, 3), bool)
    where[0], where[1, 1] = True, True  # two in the row, and the one below its middle
    assert torn(field, where) == pytest.approx(1 / 3)
    where[1, 1] = False
    assert torn(field, where) == 0
    assert np.isnan(torn(field, np.eye(3, dtype=bool)))


def test_plain_is_where_grey_changes_by_less_than_a_share_of_its_range() -> None:
    image = np.full((20, 30, 3), 50, np.uint8)
    image[:, 20:] = 250
    where = plain(image)
    # The step is seen by the two columns beside it, and by what averages over them.
    assert where[:, :17].all() and where[:, 23:].all() and not where[:, 17:23].any()
    # One grey level a pixel is texture where the range is small.
    slope = np.tile(np.arange(150, dtype=np.uint8)[None, :, None], (9, 1, 3))
    assert plain(slope).all() and not plain(slope[:, :60]).any()
    assert plain(np.full((6, 6, 3), 9, np.uint8)).all()


def write(path: Path, height: int, width: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(values).save(path)


def test_pairs_are_found_in_all_folders_and_reduced(tmp_path: Path) -> None:
    write(tmp_path / "z" / "2_A.png", 40, 20)
    write(tmp_path / "z" / "2_BP.png", 10, 12)
    write(tmp_path / "1_A.png", 16, 16)
    write(tmp_path / "1_BP.png", 16, 32)
    first, second = read_pairs(tmp_path, 16)
    assert (first.name, second.name) == ("1", "z/2")
    assert first.a.shape == (16, 16, 3) and first.b_prime.shape == (8, 16, 3)
    assert second.a.shape == (16, 8, 3) and second.b_prime.shape == (10, 12, 3)


def test_all_that_is_wrong_with_the_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected files NAME_A\.png and NAME_BP\.png"):
        read_pairs(tmp_path, 16)
    write(tmp_path / "1_A.png", 16, 16)
    (tmp_path / "2_A.png").write_text("no image")
    write(tmp_path / "2_BP.png", 16, 16)
    with pytest.raises(ValueError, match=r"1_BP\.png: expected an image") as told:
        read_pairs(tmp_path, 16)
    assert "2_A.png: " in str(told.value)


def test_four_ways_are_asked_and_compared_with_the_published(monkeypatch, capsys) -> None:
    asked: list[tuple[float, int]] = []

    def make(a, b_prime, _, settings: AnalogySettings) -> Analogy:
        if a.shape[1] > 64:  # not to warm up
            asked.append((settings.texture.floor, settings.whole_side))
        field = moved(*a.shape[:2], 0, 0)
        jumps = 4 if settings.texture.floor == 0 else 1
        for column in range(1, jumps + 1):
            field[:, 10 * column :] += np.array([0, 9], np.int32)
        size = (a.shape[0], a.shape[1])
        return Analogy(field, field, a, a, (size, size), {"all": 2.0 * jumps})

    monkeypatch.setattr(measured, "make_analogy", make)
    image = np.full((2, 70, 3), 9, np.uint8)
    pairs = [measured.NamedPair("one", image, image)]
    figures = {figure.name: figure for figure in texture(pairs, small_pyramid(), AnalogySettings())}
    whole = AnalogySettings().whole_side
    assert asked == [(0, 4096), (0, whole), (0.6, 4096), (0.6, whole)]
    # Of 2 × 69 and 70 neighbours two are torn by each jump.
    assert figures["torn_published"].value == pytest.approx(100 * 8 / 208)
    assert figures["torn_default"].value == pytest.approx(100 * 2 / 208)
    assert figures["torn_default"].ratio == pytest.approx(0.25)
    assert figures["seconds_default"].ratio == 0.25 and figures["seconds_published"].ratio == 1
    assert "100%     3.8  ×1.00    8.0s" in capsys.readouterr().out


def test_without_plain_places_there_is_no_share(monkeypatch, capsys) -> None:
    def make(a, *_) -> Analogy:
        size = (a.shape[0], a.shape[1])
        return Analogy(moved(*size, 0, 0), moved(*size, 0, 0), a, a, (size, size), {"all": 1.0})

    monkeypatch.setattr(measured, "make_analogy", make)
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    found = texture([measured.NamedPair("n", image, image)], small_pyramid(), AnalogySettings())
    assert {figure.name.split("_")[0] for figure in found} == {"seconds"}
    assert "–" in capsys.readouterr().out
