"""Joining copies against the least squares it promises, written out and solved densely."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.methods.pixelnn.seamless import seamless

HEIGHT, WIDTH = 4, 5


def case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """f(x), residuals of three exemplars, and the matches of two candidates."""
    rng = np.random.default_rng(seed)
    regressed = rng.integers(100, 150, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    residual = rng.integers(-40, 40, (3, HEIGHT, WIDTH, 3)).astype(np.int16)
    place = rng.integers(0, (3, HEIGHT, WIDTH), (2, HEIGHT, WIDTH, 3))
    return regressed, residual, place


def solved(regressed, residual, place, anchor):
    """One candidate by numpy's least squares: a row for each pair, and one for each pixel."""
    rows, right = [], []

    def level(match, moved, pixel):
        """What the match's exemplar shows at a pixel beside it, in the input's colours."""
        rank, y, x = match[0], match[1] + moved[0], match[2] + moved[1]
        if not (0 <= y < HEIGHT and 0 <= x < WIDTH):
            return None
        return residual[rank, y, x].astype(float) + regressed[pixel]

    def own(pixel):
        """The copy."""
        rank, y, x = place[pixel]
        return residual[rank, y, x].astype(float) + regressed[pixel]

    for p in np.ndindex(HEIGHT, WIDTH):
        row = np.zeros((HEIGHT, WIDTH))
        row[p] = anchor**0.5
        rows.append(row.ravel())
        right.append(anchor**0.5 * own(p))
        for d in ((1, 0), (0, 1)):
            q = (p[0] + d[0], p[1] + d[1])
            if q[0] >= HEIGHT or q[1] >= WIDTH:
                continue
            ends = [
                (level(place[p], d, q), own(p)),
                (own(q), level(place[q], (-d[0], -d[1]), p)),
            ]
            steps = [a - b for a, b in ends if a is not None and b is not None]
            if not steps:
                steps = [own(q) - own(p)]
            # Which is larger is asked of the residuals: f's own step belongs to both.
            ground = regressed[q].astype(float) - regressed[p]
            row = np.zeros((HEIGHT, WIDTH))
            row[q], row[p] = 1, -1
            rows.append(row.ravel())
            right.append(max(steps, key=lambda step: ((step - ground) ** 2).sum()))
    found, *_ = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)
    return found.reshape(HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("anchor", [0.02, 0.5, 20.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_solves_the_least_squares(anchor, seed):
    regressed, residual, place = case(seed)
    found = seamless(regressed, residual, place, anchor)
    for one, image in zip(place, found, strict=True):
        expected = solved(regressed, residual, one, anchor).clip(0, 255)
        assert np.abs(image - expected).max() <= 0.5 + 1e-3


def test_one_whole_copy_stays_as_it_is():
    regressed, residual, _ = case(3)
    y, x = np.indices((HEIGHT, WIDTH))
    place = np.stack([np.full_like(y, 1), y, x], -1)[None]
    np.testing.assert_array_equal(
        seamless(regressed, residual, place, 0.01)[0], regressed + residual[1]
    )


def test_a_strong_anchor_keeps_the_copies():
    regressed, residual, place = case(4)
    copied = regressed + residual[place[..., 0], place[..., 1], place[..., 2]]
    np.testing.assert_array_equal(seamless(regressed, residual, place, 1e6), copied)


def test_many_are_joined_one_by_one():
    regressed, residual, place = case(5)
    many = np.concatenate([place] * 20)
    found = seamless(regressed, residual, many, 0.1)
    np.testing.assert_array_equal(found, np.concatenate([found[:2]] * 20))


def test_an_anchor_is_needed():
    with pytest.raises(ValueError, match="anchor: expected a positive number, got 0"):
        seamless(*case(0), 0)
