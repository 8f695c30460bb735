from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.patches import field as fields
from exemplar.patches import field_cpu, field_torch
from tests.patches.scenes import anywhere, pair


def naive_cost(pair, row, column, match):
    """One match's cost, changes left out."""
    which, y, x = (int(value) for value in match)
    start, _, width = pair.sizes[which].tolist()
    at = start + y * width + x
    apart = pair.query[row, column].numpy().astype(int) - pair.keys[at].numpy().astype(int)
    wanted = int(pair.query_classes[row, column])
    cost = int((apart**2).sum()) + int(pair.bias[which, max(wanted, 0)])
    return cost + (2**30 if wanted not in {-1, int(pair.classes[at])} else 0)


def test_costs_are_the_naive_ones():
    one = pair(0)
    match = anywhere(one, 0)
    cost = fields.start(one, match).cost
    for row, column in np.ndindex(*cost.shape):
        assert int(cost[row, column]) == naive_cost(one, row, column, match[row, column])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    jump=st.sampled_from([1, 2, 4, 20]),
    radius=st.integers(0, 5),
    change=st.sampled_from([0, 700]),
    alone=st.booleans(),
)
def test_the_compiled_step_is_the_reference(seed, jump, radius, change, alone):
    one = pair(seed, change=change, exemplars=((9, 14),) if alone else ((9, 14), (16, 8), (5, 6)))
    match = anywhere(one, seed)
    cost = field_cpu.costs(one, match)
    assert torch.equal(cost, field_torch.costs(one, match))
    for number in range(2):
        compiled = field_cpu.step(one, match, cost, jump, radius, seed + number)
        reference = field_torch.step(one, match, cost, jump, radius, seed + number)
        assert torch.equal(compiled[0], reference[0])
        assert torch.equal(compiled[1], reference[1])
        match, cost = compiled


def test_a_step_tries_the_neighbours_matches_moved_along_and_no_more():
    one = pair(3)
    before = fields.start(one, anywhere(one, 3))
    after = fields.step(one, before, 2, 0, 0)
    height, width = before.cost.shape
    for row, column in np.ndindex(height, width):
        tried = [before.match[row, column].tolist()]
        for down, right in ((-2, 0), (0, -2), (0, 2), (2, 0)):
            if 0 <= row + down < height and 0 <= column + right < width:
                which, y, x = before.match[row + down, column + right].tolist()
                _, rows, columns = one.sizes[which].tolist()
                y, x = np.clip([y - down, x - right], 0, [rows - 1, columns - 1])
                tried.append([which, int(y), int(x)])
        least = min(naive_cost(one, row, column, match) for match in tried)
        assert int(after.cost[row, column]) == least
        assert after.match[row, column].tolist() in tried


@pytest.mark.parametrize("threads", [2, 3])
def test_a_field_does_not_depend_on_the_number_of_threads(threads):
    one = pair(5, size=(70, 61), change=300)
    start = fields.start(one, anywhere(one, 5))
    former = torch.get_num_threads()
    made = []
    try:
        for number in (1, threads):
            torch.set_num_threads(number)
            made.append(fields.improve(one, start, 2, 4, seed=9))
    finally:
        torch.set_num_threads(former)
    assert torch.equal(made[0].match, made[1].match)
    assert torch.equal(made[0].cost, made[1].cost)
    assert (made[0].cost <= start.cost).all() or one.change


def test_what_a_change_costs_keeps_exemplars_together():
    def changes(change):
        one = pair(7, size=(30, 30), change=change)
        match = fields.improve(one, fields.start(one, anywhere(one, 7)), 4, 4, seed=0).match
        return int((match[1:, :, 0] != match[:-1, :, 0]).sum())

    assert changes(3000) < 0.6 * changes(0)


def test_an_enlarged_field_moves_along_within_its_cells():
    before = torch.tensor([[0, 4, 6], [24, 3, 3]])
    after = torch.tensor([[0, 8, 12], [96, 3, 3]])
    match = torch.tensor([[[0, 1, 2], [1, 2, 0]]]).int()
    found = fields.enlarged(match, (2, 4), before, after)
    assert found[:, :2].tolist() == [[[0, 2, 4], [0, 2, 5]], [[0, 3, 4], [0, 3, 5]]]
    # The second exemplar is used as large as before: half a pixel stays in the same one.
    assert found[:, 2:].tolist() == [[[1, 2, 0], [1, 2, 0]], [[1, 2, 0], [1, 2, 0]]]
