from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.report.gallery import (
    caption,
    example,
    fourier_tiles,
    ranked_tile,
)
from exemplar.report.stored import Coherent, Stored
from exemplar.report.tiles import THUMBNAIL, data_uri, thumbnail

MEMBERS = [(1, 1, 7), (1, 1, 1), (3, 1, 11), (5, 4, 11), (5, 1, 7), (5, 1, 11), (5, 1, 0)]
SCORE = [4.0, 7.0, 1.5, 9.0, 8.0, 0.5, 2.5]


def pixels(uri: str) -> np.ndarray:
    """The picture in a data URI."""
    head, body = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))


def stored(errors: dict[str, dict[int, float]], votes: int = 0) -> Stored:
    draw = np.random.default_rng(0)

    def images() -> np.ndarray:
        return draw.integers(0, 256, (7, 8, 8, 3)).astype(np.uint8)

    source = np.zeros((7, 8, 8, 3), np.int32)
    source[..., 1:] = np.stack(np.mgrid[:8, :8], -1)
    source[5, :, :, 0] = 9
    source[5, :2, :, 0] = 3
    score = np.array(SCORE, np.float32)
    return Stored(
        id="cat-9",
        kind="edges",
        truth=images()[0],
        condition=np.zeros((8, 8), np.float16),
        regressed=np.zeros((8, 8, 3), np.uint8),
        coherent=Coherent(images(), source, list(MEMBERS), score, [5, 2, 0, 1], votes),
        published=images(),
        # The other schedule has the same members but one, and in another order.
        members=[[5, 1, 11], [9, 9, 9], [1, 1, 7], [1, 1, 1], [5, 1, 7], [5, 4, 11], [5, 1, 0]],
        global_=images(),
        errors=errors,
        pix2pix=images(),
        spread={},
    )


ITEMS = pd.DataFrame({"id": [f"cat-{i}" for i in range(10)], "source": "a", "licence": "b"})
EXEMPLARS = np.random.default_rng(1).integers(0, 256, (10, 8, 8, 3)).astype(np.uint8)


def test_pictures_survive_the_page() -> None:
    image = np.random.default_rng(2).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(pixels(data_uri(image)), image)


def test_candidates_are_named_by_their_settings() -> None:
    assert caption((3, 5, 11)) == "K 3 · from 5 · T 11"
    assert caption((1, 1, 0)) == "K 1 · from 1 · T all"


def test_a_candidate_says_its_rank_and_how_far_it_is_behind() -> None:
    coherent = stored({}).coherent
    best, other = ranked_tile(coherent, 5), ranked_tile(coherent, 0)
    assert (best.caption, best.note, best.marked) == (
        "K 5 · from 1 · T 11",
        "best-ranked of 7",
        True,
    )
    assert (other.caption, other.note) == ("K 1 · from 1 · T 7", "rank 4 of 7 · +3.5°")
    assert not other.marked


def test_the_distinct_few_are_shown_best_first_and_the_same_members_as_published() -> None:
    given = stored({"coherent": {3: 1.0, 2: 4.0}, "global": {5: 1.0, 2: 3.0}})
    shown = example(given, ITEMS, lambda rows: EXEMPLARS[rows], 3)
    drawn = [pixels(tile.picture) for tile in shown.few]
    assert np.array_equal(drawn, given.coherent.image[[5, 2, 0]])
    assert [tile.marked for tile in shown.few] == [True, False, False]
    # Member (3, 1, 11) is not of the published schedule.
    assert np.array_equal([pixels(t.picture) for t in shown.published], given.published[[0, 2]])
    assert [t.caption for t in shown.published] == ["K 5 · from 1 · T 11", "K 1 · from 1 · T 7"]
    # The sixth of the schedule, (5, 4, 11), is led by the fourth of the nearest exemplars.
    assert np.array_equal(pixels(shown.best_global.picture), given.global_[3])
    assert shown.best_global.note == "chosen by the truth"
    assert shown.error == 2.5


def test_the_best_ranked_is_the_one_that_is_explained() -> None:
    given = stored({})
    shown = example(given, ITEMS, lambda rows: EXEMPLARS[rows], 3)
    assert np.array_equal(pixels(shown.best.picture), given.coherent.image[5])
    assert [(e.id, e.share) for e in shown.exemplars] == [("cat-9", 0.75), ("cat-3", 0.25)]
    assert np.array_equal(pixels(shown.exemplars[1].thumbnail), EXEMPLARS[3])
    assert (shown.rest, shown.copies) == (0, 1)


def test_shares_of_blended_copies_count_every_copy() -> None:
    """Row 1 borrows from the rows above and below, so that cat-9 gains what cat-3 loses."""
    shown = example(stored({}, votes=1), ITEMS, lambda rows: EXEMPLARS[rows], 3)
    given = {e.id: e.share for e in shown.exemplars}
    # Of the copies of rows 0, 1 and 2 (2, 3 and 3 rows of voters) these are of cat-3's two rows.
    assert given["cat-3"] == pytest.approx((2 / 2 + 2 / 3 + 1 / 3) / 8)
    assert sum(given.values()) + shown.rest == pytest.approx(1)
    assert shown.copies == 9


def test_without_errors_nothing_is_said_to_be_chosen_by_the_truth() -> None:
    shown = example(stored({}), ITEMS, lambda rows: EXEMPLARS[rows], 3)
    assert shown.best_global.note == ""
    assert np.array_equal(pixels(shown.best_global.picture), stored({}).global_[0])
    assert shown.error == float("inf")


def test_spectra_compare_the_same_member() -> None:
    given = stored({"pixelnn": {3: 1.0}, "global": {3: 2.0, 5: 1.0}})
    pictures = {image.caption: pixels(image.picture) for image, _ in fourier_tiles(given)}
    assert list(pictures)[2:] == ["Global’s best", "published", "coherent", "ground truth"]
    assert np.array_equal(pictures["Global’s best"], given.global_[3])
    assert np.array_equal(pictures["coherent"], given.coherent.image[5])
    assert np.array_equal(pictures["published"], given.published[0])
    lacking = replace(given, members=[[9, 7, 9]] * 7)
    pictures = {image.caption: pixels(image.picture) for image, _ in fourier_tiles(lacking)}
    assert np.array_equal(pictures["published"], given.published[3]), "its own best"


def test_a_thumbnail_is_small_and_of_the_same_form() -> None:
    image = np.full((2 * THUMBNAIL, THUMBNAIL, 3), 7, np.uint8)
    assert thumbnail(image).shape == (THUMBNAIL, THUMBNAIL // 2, 3)
    assert (thumbnail(image) == 7).all()
    assert np.array_equal(thumbnail(image[:9, :9]), image[:9, :9]), "never enlarged"
