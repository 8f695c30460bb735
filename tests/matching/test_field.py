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


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 9), columns=st.integers(1, 9), radius=st.integers(0, 2), **SIZES
)  # fmt: skip
def test_images_of_two_sizes_match_alike_in_loops_and_whole_fields(
    rows, columns, radius, height, width, seed
):
    rng = np.random.default_rng(seed)
    around = taps(Support(radius), (height, width), torch.device("cpu"))
    pair = fields.pair(
        integers(rng, height, width, 5), integers(rng, rows, columns, 5), WHOLE, around
    )
    found = fields.identity(pair)
    assert found.y.tolist() == [[r * rows // height] * width for r in range(height)]
    assert found.x.tolist() == [[c * columns // width for c in range(width)]] * height
    for step, more in (("refine", (1,)), ("propagate", (2,)), ("scatter", (9, seed))):
        fast = getattr(field_cpu, step)(*pair, *found, *more)
        slow = getattr(field_torch, step)(*pair, *found, *more)
        for a, b in zip(fast, slow, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
        found = fields.Field(*fast)
    assert (found.y >= 0).all() and (found.y < rows).all()
    assert (found.x >= 0).all() and (found.x < columns).all()


def test_rounds_of_improvement_come_within_a_hundredth_of_the_exhaustive_search():
    rng = np.random.default_rng(3)
    coarse = torch.from_numpy(rng.random((2, 6, 8, 8)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (28, 28), mode="bicubic")
    unit = torch.nn.functional.normalize(smooth + 0.02 * torch.rand(smooth.shape), dim=1)
    query, keys = (each.movedim(0, -1).contiguous() for each in unit)
    pair = fields.pair(query, keys, WHOLE, taps(Support(1), (28, 28), torch.device("cpu")))
    best = fields.refine(pair, fields.identity(pair), 28)
    rows, columns = torch.randint(28, (28, 28)), torch.randint(28, (28, 28))
    found = fields.improve(pair, fields.start(pair, rows, columns), 10, 28, seed=1)
    assert (found.score <= best.score + 1e-6).all()
    assert found.score.mean() >= 0.99 * best.score.mean()
    # Of what a random field has too much energy, nearly nothing is left.
    start = fields.start(pair, rows, columns).score.mean()
    assert best.score.mean() - found.score.mean() <= 0.02 * (best.score.mean() - start)
    again = fields.improve(pair, fields.start(pair, rows, columns), 10, 28, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 20), width=st.integers(1, 20), rows=st.integers(1, 20),
    scale=st.sampled_from([1.0, 1.5, 2.0, 3.7]),
)  # fmt: skip
def test_the_identity_enlarged_is_the_identity(height, width, rows, scale):
    size = (round(height * scale), round(width * scale))
    y = torch.arange(height)[:, None].expand(height, width)
    x = torch.arange(width)[None].expand(height, width)
    scales = (size[0] / height, size[1] / width)
    finer_y, finer_x = fields.enlarged(y, x, size, size, scales, scales)
    assert (finer_y == torch.arange(size[0])[:, None]).all()
    assert (finer_x == torch.arange(size[1])[None]).all()


def test_each_pixel_of_a_cell_moves_like_the_cell():
    y, x = torch.tensor([[3, 0]]), torch.tensor([[1, 2]])
    finer_y, finer_x = fields.enlarged(y, x, (3, 4), (7, 5))
    assert finer_y.tolist() == [[6, 6, 0, 0], [6, 6, 1, 1], [6, 6, 2, 2]]
    assert finer_x.tolist() == [[2, 3, 4, 4]] * 3


@settings(max_examples=20, deadline=None)
@given(radius=st.integers(0, 2), iterations=st.integers(1, 4), **SIZES)
def test_rounds_leave_out_only_what_could_not_win(radius, iterations, height, width, seed):
    """As if every neighbour's match were tried in every round."""
    pair, found = case(height, width, seed, WHOLE, radius)
    expected, draw = found, 5 * 1_000_003
    for _ in range(iterations):
        for span in (4, 2, 1):
            expected, draw = fields.scatter(pair, expected, span, draw), draw + 1
        for jump in (8, 4, 2, 1):
            expected = fields.propagate(pair, expected, jump)
    made = fields.improve(pair, found, iterations, 4, seed=5)
    for a, b in zip(made, expected, strict=True):
        assert torch.equal(a, b)
