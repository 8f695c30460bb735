from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.report.gallery import (
    Stored,
    bending,
    candidate_errors,
    caption,
    composition,
    data_uri,
    example,
    whole_image,
)

RELEASED = [(1, 1, 7), (1, 1, 1), (3, 1, 11), (5, 4, 11), (5, 1, 7), (5, 1, 11), (5, 1, 0)]


def pixels(uri: str) -> np.ndarray:
    """The picture in a data URI."""
    head, body = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))


def stored(errors: dict[str, dict[int, float]]) -> Stored:
    draw = np.random.default_rng(0)
    source = np.zeros((7, 8, 8, 3), np.int32)
    source[5, :, :, 0] = 9
    source[5, :2, :, 0] = 3
    return Stored(
        id="cat-9",
        kind="edges",
        truth=draw.integers(0, 256, (8, 8, 3)).astype(np.uint8),
        condition=np.zeros((8, 8), np.float16),
        regressed=np.zeros((8, 8, 3), np.uint8),
        pixelnn=draw.integers(0, 256, (7, 8, 8, 3)).astype(np.uint8),
        source=source,
        global_=draw.integers(0, 256, (7, 8, 8, 3)).astype(np.uint8),
        candidates=[list(member) for member in RELEASED],
        errors=errors,
    )


ITEMS = pd.DataFrame({"id": [f"cat-{i}" for i in range(10)], "source": "a", "licence": "b"})
EXEMPLARS = np.random.default_rng(1).integers(0, 256, (10, 8, 8, 3)).astype(np.uint8)


def test_pictures_survive_the_page() -> None:
    image = np.random.default_rng(2).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(pixels(data_uri(image)), image)


def test_candidates_are_named_and_chosen_by_their_settings() -> None:
    assert caption((3, 5, 11)) == "K 3 · from 5 · T 11"
    assert caption((1, 1, 0)) == "K 1 · from 1 · T all"
    assert whole_image(RELEASED) == 1
    assert bending(RELEASED) == [0]
    assert bending([(1, 1, 0), (1, 1, 11), (1, 1, 7), (1, 2, 11), (3, 1, 11)]) == [1, 3]
    assert composition(RELEASED) == 5
    assert composition([(10, 1, 0), (10, 1, 10), (9, 1, 96)]) == 1


def test_errors_are_those_of_the_image_and_the_lowest_is_best() -> None:
    scores = pd.DataFrame(
        {
            "image": ["a", "a", "a", "a", "b"],
            "method": ["pixelnn", "pixelnn", "global", "global", "pixelnn"],
            "candidate": [0, 1, 0, 1, 0],
            "mean": [9.0, 8.0, np.nan, 7.0, 1.0],
        }
    )
    errors = candidate_errors(scores, "a")
    assert errors == {"pixelnn": {0: 9.0, 1: 8.0}, "global": {1: 7.0}}
    assert candidate_errors(scores, "c") == {}
    assert stored(errors).best("pixelnn") == 1
    assert stored({"pixelnn": {4: 2.0, 3: 2.0}}).best("pixelnn") == 3
    assert stored({}).best("global") is None


def test_an_example_shows_the_stored_pixels() -> None:
    given = stored({"pixelnn": {3: 1.0, 2: 4.0}, "global": {4: 1.0}})
    shown = example(given, ITEMS, lambda rows: EXEMPLARS[rows], 4)
    assert np.array_equal(pixels(shown.candidates[0].picture), given.pixelnn[1])
    assert np.array_equal(pixels(shown.candidates[1].picture), given.pixelnn[3])
    assert [tile.marked for tile in shown.candidates] == [False, True, False, False]
    assert np.array_equal(pixels(shown.best_global.picture), given.global_[4])
    assert np.array_equal(pixels(shown.composed.picture), given.pixelnn[5])
    assert [(e.id, e.share) for e in shown.exemplars] == [("cat-9", 0.75), ("cat-3", 0.25)]
    assert np.array_equal(pixels(shown.exemplars[1].thumbnail), EXEMPLARS[3])
    assert shown.rest == 0
    assert shown.error == 2.5


def test_without_scores_nothing_is_marked() -> None:
    shown = example(stored({}), ITEMS, lambda rows: EXEMPLARS[rows], 3)
    assert not any(tile.marked for tile in shown.candidates)
