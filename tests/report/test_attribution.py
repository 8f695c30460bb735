from __future__ import annotations

import doctest
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from exemplar.matching.voting import NO_SOURCE
from exemplar.report import attribution
from exemplar.report.attribution import added, copied, mean_added, rederived, shares
from exemplar.store.arrays import array, open_group, write_group

ITEMS = pd.DataFrame(
    {
        "id": [f"cat-{i}" for i in range(6)],
        "source": [f"cats/{i}.jpg" for i in range(6)],
        "licence": ["CC0-1.0", "CC-BY-4.0"] * 3,
    }
)


@given(arrays(np.int32, array_shapes(min_dims=2, max_dims=2), elements=st.integers(-1, 5)))
def test_shares_are_counts_over_all_pixels_and_add_up_to_one(rows: np.ndarray) -> None:
    source = np.stack([rows, np.zeros_like(rows), np.zeros_like(rows)], -1)
    table = shares(source, ITEMS)
    given = table["share"].tolist()
    assert sum(given) == pytest.approx(1)
    assert given == sorted(given, reverse=True)
    counts = Counter(rows.ravel().tolist())
    assert set(table.index) == set(counts)
    for row, line in zip(table.index.tolist(), table.to_dict("records"), strict=True):
        assert line["share"] == counts[row] / rows.size
        assert line["id"] == ("none" if row == -1 else f"cat-{row}")
        assert line["source"] == ("" if row == -1 else f"cats/{row}.jpg")


def test_an_exact_case() -> None:
    source = np.zeros((2, 2, 3), np.int32)
    source[..., 0] = [[3, 3], [1, 3]]
    table = shares(source, ITEMS)
    assert list(table.columns) == ["id", "source", "licence", "share"]
    assert table.to_dict("list") == {
        "id": ["cat-3", "cat-1"],
        "source": ["cats/3.jpg", "cats/1.jpg"],
        "licence": ["CC-BY-4.0", "CC-BY-4.0"],
        "share": [0.75, 0.25],
    }


def test_sources_of_another_domain_are_refused() -> None:
    with pytest.raises(ValueError, match="rows 6 to 6, but there are 6 items; they belong to"):
        shares(np.full((1, 1, 3), 6, np.int32), ITEMS)


def test_a_voted_pixel_credits_every_copy_it_is_the_mean_of() -> None:
    # A row of three pixels, matched in place: two of exemplar 1, one of exemplar 4.
    source = np.array([[[1, 0, 0], [1, 0, 1], [4, 0, 2]]], np.int32)
    table = shares(source, ITEMS, votes=1)
    assert table["share"].to_dict() == pytest.approx(
        {1: (1 + 2 / 3 + 1 / 2) / 3, 4: (1 / 3 + 1 / 2) / 3}
    )
    assert table["share"].sum() == pytest.approx(1)
    assert shares(source, ITEMS)["share"].to_dict() == pytest.approx({1: 2 / 3, 4: 1 / 3})


@given(st.integers(0, 2), st.integers(0, 10_000))
def test_copied_pixels_are_those_that_neighbours_propose(votes: int, seed: int) -> None:
    field = np.random.default_rng(seed).integers(0, [4, 6], (5, 3, 2))
    wanted = np.zeros((4, 6), bool)
    for y, x in np.ndindex(5, 3):
        for down in range(-votes, votes + 1):
            for right in range(-votes, votes + 1):
                if 0 <= y + down < 5 and 0 <= x + right < 3:
                    row, column = field[y + down, x + right] - (down, right)
                    if 0 <= row < 4 and 0 <= column < 6:
                        wanted[row, column] = True
    assert (copied(field, votes, (4, 6)) == wanted).all()


def random_candidates(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise, sources anywhere in noise, some pixels without one; and the photographs."""
    draw = np.random.default_rng(seed)
    photographs = draw.integers(0, 256, (6, 4, 5, 3), np.uint8)
    source = np.stack([draw.integers(0, n, (2, 4, 5)) for n in (6, 4, 5)], -1).astype(np.int32)
    source[draw.random((2, 4, 5)) < 0.2] = NO_SOURCE
    return draw.integers(0, 256, source.shape, np.uint8), source, photographs


@given(st.integers(0, 10_000))
def test_sources_and_what_was_added_are_the_image_to_the_byte(seed: int) -> None:
    image, source, photographs = random_candidates(seed)
    plus = added(image, source, photographs)
    assert plus.dtype == np.int16
    for place in np.ndindex(*image.shape[:3]):
        row, y, x = source[place].tolist()
        pixel = [0, 0, 0] if row == NO_SOURCE else photographs[row, y, x].tolist()
        assert (np.array(pixel) + plus[place]).tolist() == image[place].tolist()
    again = rederived(source, plus, photographs)
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, image)


def test_photographs_may_lie_in_a_store_of_which_only_used_rows_are_read(tmp_path, monkeypatch):
    image, source, photographs = random_candidates(1)
    source[..., 0] = np.where(source[..., 0] > 2, 2, source[..., 0])
    asked = []
    read = attribution.read_rows
    monkeypatch.setattr(
        attribution, "read_rows", lambda a, rows: asked.extend(rows.tolist()) or read(a, rows)
    )
    write_group(tmp_path / "images.zarr", {"image": photographs})
    stored = array(open_group(tmp_path / "images.zarr"), "image")
    plus = added(image, source, stored)
    np.testing.assert_array_equal(plus, added(image, source, photographs))
    np.testing.assert_array_equal(rederived(source, plus, stored), image)
    assert asked == [0, 1, 2] * 2


def test_what_was_added_is_averaged_over_each_exemplar_s_own_pixels() -> None:
    source = np.array([[[1, 0, 0], [1, 0, 1], [4, 0, 2], [-1, -1, -1]]], np.int32)
    plus = np.array([[[3, 0, -3], [-6, -6, -6], [0, 0, 1], [255, 255, 255]]], np.int16)
    assert mean_added(source, plus).to_dict() == pytest.approx({1: 4, 4: 1 / 3, -1: 255})


def test_other_photographs_than_those_used_are_refused() -> None:
    image, source, photographs = random_candidates(2)
    plus = added(image, source, photographs)
    with pytest.raises(ValueError, match=r"expected 0 to 255: the photographs are not those"):
        rederived(source, plus, 255 - photographs)
    with pytest.raises(ValueError, match=r"\(row, y, x\) is no pixel of 1 photographs of 4×5"):
        rederived(source, plus, photographs[:1])
    with pytest.raises(ValueError, match="is no pixel of 6 photographs of 3×5; they belong to an"):
        rederived(source, plus, photographs[:, :3])
    with pytest.raises(ValueError, match="expected added and sources of one shape"):
        rederived(source, plus[:1], photographs)
    with pytest.raises(ValueError, match="expected image and sources of one shape"):
        added(image[..., :1], source, photographs)


def test_the_examples_of_the_docstrings() -> None:
    found = doctest.testmod(attribution)
    assert found.attempted > 0 and found.failed == 0
