from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from exemplar.report.attribution import copied, shares

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
