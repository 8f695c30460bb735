"""The steps of a field: the CPU's loops against whole-field operations, and what steps promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.matching import field as fields
from exemplar.matching import field_cpu, field_torch
from exemplar.matching.support import Support, taps
from exemplar.matching.windows import WHOLE
from tests.matching import naive, naive_support

SIZES = {"height": st.integers(1, 9), "width": st.integers(1, 9), "seed": st.integers(0, 2**31)}


def integers(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    """Small integers: products are exact in whatever order they are summed."""
    return torch.from_numpy(rng.integers(-3, 4, shape).astype(np.float32))


def case(
    height: int, width: int, seed: int, window: int, radius: int = 0
) -> tuple[fields.Pair, fields.Field]:
    rng = np.random.default_rng(seed)
    window = min(window, height, width)
    around = taps(Support(radius), (height, width), torch.device("cpu"))
    weight = torch.from_numpy(rng.integers(1, 4, around.weight.shape).astype(np.float32))
    pair = fields.pair(
        integers(rng, height, width, 5),
        integers(rng, height, width, 5),
        window,
        around._replace(weight=weight) if radius else None,
    )
    y = torch.from_numpy(rng.integers(0, height, (height, width)))
    x = torch.from_numpy(rng.integers(0, width, (height, width)))
    return pair, fields.start(pair, y, x)


@pytest.mark.parametrize("window", [WHOLE, 1, 4, 5])
@pytest.mark.parametrize(
    ("step", "more"),
    [("refine", (0,)), ("refine", (2,)), ("propagate", (1,)), ("propagate", (4,)),
     ("scatter", (1, 7)), ("scatter", (5, 2**32 - 1))],
)  # fmt: skip
@settings(max_examples=20, deadline=None)
@given(radius=st.integers(0, 2), **SIZES)
def test_the_loops_do_what_whole_field_operations_do(
    step, more, window, radius, height, width, seed
):
    pair, field = case(height, width, seed, window, radius)
    fast = getattr(field_cpu, step)(*pair, *field, *more)
    slow = getattr(field_torch, step)(*pair, *field, *more)
    for name, a, b in zip(("score", "y", "x"), fast, slow, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
        assert a.dtype == b.dtype


@pytest.mark.parametrize("window", [WHOLE, 3, 4])
@settings(max_examples=20, deadline=None)
@given(**SIZES)
def test_a_step_keeps_scores_true_and_matches_in_the_window(window, height, width, seed):
    pair, field = case(height, width, seed, window)
    inside = naive.allowed(height, width, min(window, height, width))
    similarity = pair.query.flatten(0, 1) @ pair.keys.flatten(0, 1).T
    for after in (
        field,
        fields.refine(pair, field, 1),
        fields.propagate(pair, field, 2),
        fields.scatter(pair, field, 3, seed),
    ):
        place = (after.y.long() * width + after.x).flatten()
        pixel = torch.arange(height * width)
        assert inside[pixel, place].all()
        np.testing.assert_array_equal(after.score.flatten(), similarity[pixel, place])
        assert (after.score >= field.score).all()


@pytest.mark.parametrize("softness", [0.0, 0.4])
def test_scores_are_means_over_the_neighbourhood(softness):
    rng = np.random.default_rng(1)
    query, keys = integers(rng, 5, 6, 3), integers(rng, 5, 6, 3)
    guide = torch.from_numpy(rng.random((5, 6, 2)).astype(np.float32))
    around = taps(Support(2, softness, guide), (5, 6), torch.device("cpu"))
    pair = fields.pair(query, keys, WHOLE, around)
    y = torch.from_numpy(rng.integers(0, 5, (5, 6)))
    x = torch.from_numpy(rng.integers(0, 6, (5, 6)))
    means = naive_support.means(query.numpy(), keys.numpy(), 2, guide.numpy(), softness)
    row, column = np.indices((5, 6))
    np.testing.assert_allclose(
        fields.start(pair, y, x).score, means[row, column, y, x], rtol=1e-5, atol=1e-6
    )


def test_a_wide_refinement_is_the_exact_search():
    pair, field = case(6, 7, 3, 5)
    after = fields.refine(pair, field, 9)
    score, _ = naive.best(pair.query.numpy(), pair.keys.numpy(), 5)
    np.testing.assert_array_equal(after.score, score)


def test_a_good_match_spreads_to_its_neighbours():
    # The exemplar is the query moved by (2, 3): one right match is enough for all.
    rng = np.random.default_rng(0)
    keys = torch.nn.functional.normalize(
        torch.from_numpy(rng.normal(size=(20, 20, 16)).astype(np.float32)), dim=-1
    )
    query = torch.roll(keys, (-2, -3), (0, 1))
    pair = fields.pair(query, keys, WHOLE)
    field = fields.identity(pair)
    field.y[5, 5], field.x[5, 5] = 7, 8
    field = fields.start(pair, field.y, field.x)
    for _ in range(23):  # the farthest pixel is 12 + 11 steps away
        field = fields.propagate(pair, field, 1)
    row, column = torch.arange(18)[:, None], torch.arange(17)[None]
    assert (field.y[:18, :17] == row + 2).all()
    assert (field.x[:18, :17] == column + 3).all()


def test_draws_are_even_and_differ_by_seed():
    pair, field = case(40, 40, 0, WHOLE)
    pair = pair._replace(query=torch.zeros_like(pair.query))
    field = field._replace(
        score=torch.full((40, 40), -1.0),
        y=torch.full((40, 40), 20, dtype=torch.int32),
        x=torch.full((40, 40), 20, dtype=torch.int32),
    )
    drawn = [fields.scatter(pair, field, 2, seed) for seed in range(30)]
    places = torch.stack([5 * (one.y - 18) + one.x - 18 for one in drawn]).flatten()
    counts = torch.bincount(places.long(), minlength=25)
    assert len(counts) == 25
    # 1,920 are expected of each of the 25 places, with a deviation of 43.
    assert (counts - 1920).abs().max() < 250
    assert (drawn[0].y != drawn[1].y).any()
