"""The spread of one input's outputs, and the bars of a table's diversities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exemplar.report.spread import BRIGHTEST, deviation_picture, diversities, spread
from exemplar.report.stored import Spread
from exemplar.report.tables import COLUMNS
from tests.report.test_gallery import pixels, stored


def table(**diversity: str) -> pd.DataFrame:
    """One candidate at random by each method, and what is to be passed over."""
    rows = [(method, "rand-1", value) for method, value in diversity.items()]
    rows += [("regressor", "single", ""), ("coherent", "distinct few", "9")]
    frame = pd.DataFrame(rows, columns=["method", "selection", "diversity"]).assign(
        domain="pets", condition="edges"
    )
    frame["diversity_features"] = ["deep cells" if value else "" for value in frame["diversity"]]
    return frame.reindex(columns=list(COLUMNS), fill_value="")


def test_pixels_that_agree_are_black_and_the_others_by_their_deviation() -> None:
    images = np.full((2, 2, 2, 3), 100, np.uint8)
    images[0, 0, 0], images[1, 0, 0] = 90, 110  # 10 levels in all colours
    images[0, 0, 1, 0], images[1, 0, 1, 0] = 90, 110  # in one of three
    images[0, 1, 0], images[1, 1, 0] = 0, 255
    picture = deviation_picture(images)
    assert picture.dtype == np.uint8 and (picture == picture[..., :1]).all()
    expected = [[255 * 10 / BRIGHTEST, 255 * 10 / 3**0.5 / BRIGHTEST], [255, 0]]
    np.testing.assert_allclose(picture[..., 0], expected, atol=0.51)


def test_pix2pix_shows_its_most_different_and_pixelnn_its_distinct_few() -> None:
    known = {"pix2pix": Spread("0.125", [6, 2, 0, 1, 3, 4, 5]), "coherent": Spread("0.5", [1, 0])}
    given = replace(stored({}), spread=known)
    figure = spread(given, 3)
    first, second = figure.lines
    assert (first.method, first.chosen) == ("Pix-to-Pix", "the most different of 7")
    assert (second.method, second.chosen) == ("PixelNN (coherent)", "a distinct few of 7")
    assert [tile.caption for tile in first.outputs] == ["no. 7", "no. 3", "no. 1"]
    drawn = [pixels(tile.picture) for tile in first.outputs]
    assert np.array_equal(drawn, given.pix2pix[[6, 2, 0]])
    drawn = [pixels(tile.picture) for tile in second.outputs]
    assert np.array_equal(drawn, given.coherent.image[[5, 2, 0]])
    assert (first.diversity.value, first.diversity.text) == ("0.125", "0.125")
    levels = np.sqrt(given.pix2pix.astype(float).var(0).mean())
    assert first.deviation.caption == f"± {levels:.1f} levels"


def test_bars_are_of_one_candidate_at_random_and_named_by_their_features() -> None:
    found = table(pix2pix="0.1", pixelnn="0.4", coherent="0.25", **{"global": "0.5"})
    [(domain, condition, bars, features, sentence)] = diversities(found)
    assert (domain, condition, features) == ("pets", "edges", "deep cells")
    assert [bar.kind for bar in bars] == ["pix2pix", "pixelnn", "coherent", "global"]
    assert [bar.length for bar in bars] == pytest.approx([0.2, 0.8, 0.5, 1])
    assert [bar.cell.leads for bar in bars] == [False, False, False, True]
    assert sentence == (
        "In multiples of Pix-to-Pix’s: PixelNN (coherent) 2.5, PixelNN 4.0, Global 5.0."
    )


def test_nothing_is_said_of_a_pix2pix_that_does_not_vary_or_is_not_there() -> None:
    assert diversities(table(pix2pix="0", coherent="0.25"))[0][-1] == ""
    assert diversities(table(coherent="0.25"))[0][-1] == ""
    assert diversities(table()) == []
