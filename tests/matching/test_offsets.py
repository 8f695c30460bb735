"""Votes of offsets, beside four loops that do the same cell by cell."""

from __future__ import annotations

import re
from itertools import product
from math import exp

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import normalize

from exemplar.matching.offsets import (
    Matches,
    OffsetSettings,
    best_matches,
    spread,
    strength,
    turned,
    vote_offsets,
)


def descriptors(seed: int, height: int, width: int, channels: int = 6) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(height, width, channels, generator=draw), dim=-1)


def bell(distance: float, deviation: float) -> float:
    return exp(-(distance**2) / (2 * deviation**2))


def by_loops(
    query: np.ndarray, keys: np.ndarray, by: OffsetSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and scales (h, w, h', w'), every pair of cells by itself."""
    cells = list(product(range(query.shape[0]), range(query.shape[1])))
    others = list(product(range(keys.shape[0]), range(keys.shape[1])))
    middle = [(n - 1) / 2 for n in (*query.shape[:2], *keys.shape[:2])]
    force = {(c, o): exp(by.sharpness * float(query[c] @ keys[o])) for c in cells for o in others}
    of_row = {c: sum(force[c, o] for o in others) for c in cells}
    of_column = {o: sum(force[c, o] for c in cells) for o in others}
    alike = {(c, o): f / (of_row[c] * of_column[o]) ** 0.5 for (c, o), f in force.items()}
    unit = sum(bell(step, by.support) for step in range(-60, 61)) if by.support else 1

    def moved(cell, other, scale):
        """How far a pair's ends lie from one another, seen from the middles of both grids."""
        return [other[n] - middle[2 + n] - scale * (cell[n] - middle[n]) for n in (0, 1)]

    def share(distance: float) -> float:
        return max(0.0, 1 - abs(distance))

    best = np.full((*query.shape[:2], *keys.shape[:2]), -1.0)
    scales = np.zeros_like(best)
    for scale in by.scales:
        bins = list(product(range(-8, 9), repeat=2))
        votes = dict.fromkeys(bins, 0.0)
        for (cell, other), likeness in alike.items():
            down, right = moved(cell, other, scale)
            for one in bins:
                weight = bell(down - one[0], by.blur) * bell(right - one[1], by.blur)
                votes[one] += likeness * weight
        voted = {}
        for (cell, other), likeness in alike.items():
            down, right = moved(cell, other, scale)
            read = sum(
                share(down - one[0]) * share(right - one[1]) * votes[one]
                for one in bins
                if abs(down - one[0]) < 1 and abs(right - one[1]) < 1
            )
            voted[cell, other] = likeness * read
        for (cell, other), own in voted.items():
            score = own
            if by.support:
                score = 0.0
                for (near, there), value in voted.items():
                    down, right = (
                        there[n] - other[n] - scale * (near[n] - cell[n]) for n in (0, 1)
                    )
                    apart = bell(near[0] - cell[0], by.support) * bell(
                        near[1] - cell[1], by.support
                    )
                    score += apart / unit**2 * share(down) * share(right) * value
            if score > best[cell + other]:
                best[cell + other], scales[cell + other] = score, scale
    return best, scales


@pytest.mark.parametrize(
    ("scales", "support"), [((1.0,), 0.0), ((1.0,), 1.0), ((0.77, 1.0, 1.3), 0.8)]
)
def test_scores_are_those_of_four_loops(scales: tuple[float, ...], support: float) -> None:
    query, keys = descriptors(0, 3, 2), descriptors(1, 2, 4)
    by = OffsetSettings(sharpness=3.0, blur=0.9, support=support, scales=scales)
    score, scale = by_loops(query.numpy(), keys.numpy(), by)
    found = vote_offsets(query, keys, by)
    # Votes for bins beyond any offset are never read.
    np.testing.assert_allclose(found.score, score, rtol=2e-4)
    np.testing.assert_allclose(found.scale, scale, rtol=1e-6)


def test_a_match_is_the_best_cell_and_lies_between_it_and_those_around() -> None:
    volume = vote_offsets(descriptors(2, 3, 4), descriptors(3, 5, 3), OffsetSettings(sharpness=4))
    found = best_matches(volume)
    for y, x in product(range(3), range(4)):
        scores = volume.score[y, x].numpy()
        row, column = np.unravel_index(scores.argmax(), scores.shape)
        near = [
            (v, u) for v, u in product(range(5), range(3)) if max(abs(v - row), abs(u - column)) < 2
        ]
        mass = sum(scores[one] for one in near)
        place = sum(scores[one] * np.array(one) for one in near) / mass
        np.testing.assert_allclose(found.places[y, x], place, rtol=1e-5)
        assert found.confidence[y, x] == pytest.approx(mass / scores.sum(), rel=1e-5)
        assert found.scale[y, x] == volume.scale[y, x, row, column]


def test_a_copy_that_is_moved_is_found_where_it_is() -> None:
    whole = descriptors(4, 14, 15, 16)
    found = best_matches(vote_offsets(whole[:10, :11], whole[3:, 2:], OffsetSettings()))
    shown = found.places[3:, 2:]
    own = torch.stack(torch.meshgrid(torch.arange(7.0), torch.arange(9.0), indexing="ij"), -1)
    assert (shown - own).norm(dim=-1).max() < 0.2
    assert found.confidence[3:, 2:].min() > 0.9 > found.confidence[:3].mean()


def test_a_copy_that_is_larger_is_found_at_its_scale() -> None:
    smooth = torch.nn.functional.interpolate(
        torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(5)), (20, 20),
        mode="bicubic", align_corners=True,
    )  # fmt: skip
    larger = torch.nn.functional.interpolate(smooth, (26, 26), mode="bilinear", align_corners=True)
    grids = [normalize(each[0].movedim(0, -1), dim=-1) for each in (smooth, larger)]
    found = best_matches(vote_offsets(grids[0], grids[1], OffsetSettings()))
    own = torch.stack(torch.meshgrid(*(torch.arange(20.0),) * 2, indexing="ij"), -1)
    assert (found.places - own * 25 / 19).norm(dim=-1)[2:-2, 2:-2].max() < 1
    assert (found.scale[2:-2, 2:-2] == 1.3).float().mean() > 0.9
    back = best_matches(turned(vote_offsets(grids[0], grids[1], OffsetSettings())))
    assert (back.scale[4:-4, 4:-4] == 1 / torch.tensor(1.3)).float().mean() > 0.9


def test_turned_is_the_other_way_and_itself_again() -> None:
    query, keys = descriptors(6, 4, 5), descriptors(7, 3, 6)
    volume = vote_offsets(query, keys, OffsetSettings(sharpness=5, support=0, scales=(1.0,)))
    other = vote_offsets(keys, query, OffsetSettings(sharpness=5, support=0, scales=(1.0,)))
    # At one scale, and without neighbours, neither grid is the first.
    np.testing.assert_allclose(turned(volume).score, other.score, rtol=1e-4)
    again = turned(turned(volume))
    assert torch.equal(again.score, volume.score)
    np.testing.assert_allclose(again.scale, volume.scale, rtol=1e-6)


def test_the_same_on_every_run_and_alone_or_not() -> None:
    query, keys = descriptors(8, 6, 7), descriptors(9, 5, 6)
    first = vote_offsets(query, keys, OffsetSettings())
    vote_offsets(keys, query, OffsetSettings(blur=1.0))
    assert torch.equal(vote_offsets(query, keys, OffsetSettings()).score, first.score)


@pytest.mark.parametrize("rows", [2, 5])
def test_places_that_say_nothing_go_with_those_around(rows: int) -> None:
    """Descriptors of zeros, as of a black border, for some rows or for all."""
    query, keys = descriptors(10, 5, 5), descriptors(10, 5, 5)
    query[:rows] = 0
    found = best_matches(vote_offsets(query, keys, OffsetSettings()))
    for each in found:
        assert torch.isfinite(each).all()
    assert found.places.min() >= 0 and found.places.max() <= 4
    if rows < 5:
        own = torch.stack(torch.meshgrid(torch.arange(5.0), torch.arange(5.0), indexing="ij"), -1)
        assert (found.places - own).norm(dim=-1).max() < 0.5


def test_without_any_score_a_cell_is_its_own_match() -> None:
    empty = vote_offsets(descriptors(0, 2, 2), descriptors(1, 2, 2), OffsetSettings())
    found = best_matches(empty._replace(score=torch.zeros_like(empty.score)))
    assert found.places.tolist() == [[[0, 0]] * 2] * 2 and not found.confidence.any()


def test_grids_that_are_alike_are_stronger_than_others() -> None:
    one = descriptors(11, 6, 6)
    alike, other = (vote_offsets(one, keys, OffsetSettings()) for keys in (one, one.flip(1)))
    assert strength(alike) > 1.3 * strength(other)


def test_between_cells_the_matches_around_go_on_at_their_scale() -> None:
    """Matches of an affine field are that field wherever it is asked for, also beyond the cells."""
    own = torch.stack(torch.meshgrid(torch.arange(4.0), torch.arange(5.0), indexing="ij"), -1)
    matches = Matches(1.3 * own + torch.tensor([2.0, -1.0]), torch.full((4, 5), 1.3),
                      torch.full((4, 5), 0.25))  # fmt: skip
    y, x = torch.tensor([-0.4, 1.25, 3.3]), torch.tensor([0.0, 2.5])
    places, confidence = spread(matches, y, x, 0.6)
    expected = torch.stack(torch.meshgrid(1.3 * y + 2, 1.3 * x - 1, indexing="ij"), -1)
    np.testing.assert_allclose(places, expected, atol=1e-5)
    np.testing.assert_allclose(confidence, np.full((3, 2), 0.25), rtol=1e-5)
    # So far from all cells that no weight is left by itself.
    assert torch.isfinite(spread(matches, torch.tensor([900.0]), x, 0.1)[0]).all()


def test_descriptors_and_settings_that_do_not_fit_are_told() -> None:
    said = "expected descriptors (h, w, D) and (h', w', D), got (2, 3, 4) and (2, 3, 5)"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        vote_offsets(descriptors(0, 2, 3, 4), descriptors(0, 2, 3, 5), OffsetSettings())
    with pytest.raises(ValueError, match=r"got \(2, 3\) and \(2, 3, 4\)"):
        vote_offsets(torch.zeros(2, 3), descriptors(0, 2, 3, 4), OffsetSettings())
    for wrong in ({"scales": ()}, {"scales": (0.0,)}, {"blur": 0}, {"support": -1}, {"power": 2}):
        with pytest.raises(ValidationError):
            OffsetSettings.model_validate(wrong)
