"""Seam energy against a loop over pairs, and what it must say of copies, seams and blends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.metrics.seams import seam_energy

Exemplars = Callable[[np.ndarray], np.ndarray]


def naive(
    image: np.ndarray, source: np.ndarray, regressed: np.ndarray, residual: dict[int, np.ndarray]
) -> float:
    """One candidate, (H, W, 3): every pair of neighbours, both ways, from the definition."""
    height, width, _ = image.shape
    f, u = regressed.astype(float), image.astype(float)
    pairs = []
    for y, x in np.ndindex(height, width):
        for p, q in (((y, x), (y, x + 1)), ((y, x), (y + 1, x))):
            if q[0] == height or q[1] == width:
                continue
            found = []
            for a, b in ((p, q), (q, p)):
                row, *place = source[a]
                beside = (place[0] + b[0] - a[0], place[1] + b[1] - a[1])
                r = residual[row]
                if not (0 <= beside[0] < r.shape[0] and 0 <= beside[1] < r.shape[1]):
                    continue
                own = (f[b] + r[beside]) - (f[a] + r[tuple(place)])
                found.append(np.sqrt((((u[b] - u[a]) - own) ** 2).mean()))
            if found:
                pairs.append(np.mean(found))
    return float(np.mean(pairs)) if pairs else float("nan")


def exemplars(residual: dict[int, np.ndarray]) -> Exemplars:
    return lambda rows: np.stack([residual[int(row)] for row in rows])


def whole(row: int, height: int, width: int) -> np.ndarray:
    """The source of a copy of a whole exemplar, (H, W, 3)."""
    y, x = np.indices((height, width), dtype=np.int32)
    return np.stack([np.full_like(y, row), y, x], -1)


def copied(
    regressed: np.ndarray, source: np.ndarray, residual: dict[int, np.ndarray]
) -> np.ndarray:
    """f(x) + r at each pixel's source, (H, W, 3), clamped."""
    flat = [residual[row][y, x] for row, y, x in source.reshape(-1, 3)]
    return np.clip(regressed + np.reshape(flat, regressed.shape), 0, 255).astype(np.uint8)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_equals_a_loop_over_pairs(seed: int, height: int, width: int) -> None:
    draw = np.random.default_rng(seed)
    rows = draw.choice(1000, 3, replace=False)
    tall, wide = draw.integers(1, 5, 2)
    residual = {int(r): draw.integers(-255, 256, (tall, wide, 3)).astype(np.int16) for r in rows}
    image = draw.integers(0, 256, (4, height, width, 3), np.uint8)
    regressed = draw.integers(0, 256, (height, width, 3), np.uint8)
    shape = (4, height, width)
    places = (
        draw.choice(rows, shape),
        draw.integers(0, tall, shape),
        draw.integers(0, wide, shape),
    )
    source = np.stack(places, -1)
    found = seam_energy(image, source, regressed, exemplars(residual))
    expected = [naive(u, s, regressed, residual) for u, s in zip(image, source, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def blends(seed: int) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """A regressed image and two exemplars whose sum needs no clamping."""
    draw = np.random.default_rng(seed)
    regressed = draw.integers(100, 150, (8, 8, 3), np.uint8)
    return regressed, {r: draw.integers(-40, 40, (8, 8, 3)).astype(np.int16) for r in (5, 9)}


def test_a_whole_copy_has_no_seam_and_a_moved_one_neither() -> None:
    regressed, residual = blends(0)
    source = whole(5, 8, 8)
    moved = source.copy()
    moved[..., 1] = np.minimum(source[..., 1] + 2, 7)
    moved = moved[:6]
    for where, f in ((source, regressed), (moved, regressed[:6])):
        image = copied(f, where, residual)
        assert seam_energy(image[None], where[None], f, exemplars(residual))[0] == 0


def test_copies_that_meet_pay_half_the_cost_of_graph_cut_textures() -> None:
    regressed, residual = blends(1)
    source = whole(5, 8, 8)
    source[:, 4:, 0] = 9  # one seam, between columns 3 and 4
    image = copied(regressed, source, residual)
    a, b = (regressed + residual[row].astype(float) for row in (5, 9))

    def rms(step: np.ndarray) -> np.ndarray:
        return np.sqrt((step**2).mean(-1))

    cut = rms(a[:, 3] - b[:, 3]) + rms(a[:, 4] - b[:, 4])
    pairs = 2 * 8 * 7
    found = seam_energy(image[None], source[None], regressed, exemplars(residual))[0]
    assert found == pytest.approx(cut.sum() / 2 / pairs)


def test_torn_copies_cost_more_than_whole_ones_and_blending_costs_too() -> None:
    regressed, residual = blends(2)
    torn, plain = whole(5, 8, 8), whole(5, 8, 8)
    torn[..., 0] = np.random.default_rng(0).choice([5, 9], (8, 8))
    half = torn.copy()
    half[:4] = plain[:4]
    blended = np.round(regressed + (residual[5].astype(float) + residual[9]) / 2).astype(np.uint8)
    images = [copied(regressed, source, residual) for source in (plain, half, torn)] + [blended]
    found = seam_energy(
        np.stack(images), np.stack([plain, half, torn, plain]), regressed, exemplars(residual)
    )
    assert 0 == found[0] < found[1] < found[2]
    assert found[3] > 0


def test_a_candidate_with_a_pixel_without_source_has_none_and_costs_the_others_nothing() -> None:
    regressed, residual = blends(3)
    source = np.stack([whole(9, 8, 8), whole(5, 8, 8)])
    source[0, 2, 3] = -1
    images = np.stack([regressed, copied(regressed, source[1], residual)])
    asked = []

    def given(rows: np.ndarray) -> np.ndarray:
        asked.append(rows.tolist())
        return exemplars(residual)(rows)

    found = seam_energy(images, source, regressed, given)
    assert np.isnan(found[0]) and found[1] == 0
    assert asked == [[5, 9]] or asked == [[5]]
    source[:, 0, 0] = -1
    assert np.isnan(seam_energy(images, source, regressed, given)).all()


def test_clamping_is_charged() -> None:
    regressed = np.full((2, 2, 3), 250, np.uint8)
    residual = {0: np.zeros((2, 2, 3), np.int16)}
    residual[0][0, 0] = 25
    image = copied(regressed, whole(0, 2, 2), residual)
    found = seam_energy(image[None], whole(0, 2, 2)[None], regressed, exemplars(residual))
    assert found[0] == pytest.approx(20 * 2 / 4)  # two of four pairs, 20 of 25 cut off


def test_what_does_not_fit_is_said() -> None:
    regressed, residual = blends(4)
    image, source = regressed[None], whole(5, 8, 8)[None]
    given = exemplars(residual)
    with pytest.raises(ValueError, match=r"image: expected \(C, H, W, 3\) uint8, got \(8, 8, 3\)"):
        seam_energy(regressed, source, regressed, given)
    with pytest.raises(ValueError, match=r"source: expected integers of shape \(1, 8, 8, 3\)"):
        seam_energy(image, source[:, :7], regressed, given)
    with pytest.raises(ValueError, match=r"source: expected integers .* got float64"):
        seam_energy(image, source.astype(float), regressed, given)
    with pytest.raises(ValueError, match=r"regressed: expected \(8, 8, 3\) uint8, got \(7, 8, 3\)"):
        seam_energy(image, source, regressed[:7], given)
    with pytest.raises(ValueError, match=r"residual: expected \(1, h, w, 3\) for 1 rows, got"):
        seam_energy(image, source, regressed, lambda rows: residual[5])
    with pytest.raises(ValueError, match="residual: expected integers, grey levels, got float64"):
        seam_energy(image, source, regressed, lambda rows: residual[5][None] / 1)
    source[0, 1, 1, 2] = 8
    with pytest.raises(ValueError, match=r"exemplars' 8 x 8 pixels, got y from 0 .* x from 0 to 8"):
        seam_energy(image, source, regressed, given)
