from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.methods.semantic_analogy.patch_search import (
    Described,
    describe,
    search_field,
    search_whole,
    within_class,
)


def maps(seed, size=(9, 11), channels=4):
    return torch.rand(*size, channels, generator=torch.Generator().manual_seed(seed))


def classes(seed, size=(9, 11), count=3):
    return torch.randint(count, size, generator=torch.Generator().manual_seed(seed))


def patch_at(values, row, column, radius):
    """A patch, its outside as at the border."""
    rows = np.clip(np.arange(row - radius, row + radius + 1), 0, values.shape[0] - 1)
    columns = np.clip(np.arange(column - radius, column + radius + 1), 0, values.shape[1] - 1)
    return values[np.ix_(rows, columns)]


def test_a_squared_distance_is_the_mean_squared_difference_of_patches():
    one, two = maps(0), maps(1)
    known = describe(one, classes(0), 3, dimensions=36)
    query = describe(two, classes(1), 3, dimensions=36, like=known)
    for at, there in (((0, 0), (8, 10)), ((4, 5), (4, 5)), ((8, 3), (2, 0))):
        difference = patch_at(two.numpy(), *at, 1) - patch_at(one.numpy(), *there, 1)
        found = (query.values[at] - known.values[there]).square().sum()
        # Summed over channels, averaged over the patch's nine pixels.
        assert float(found) == pytest.approx((difference**2).sum() / 9, rel=1e-4)


def test_the_leading_directions_are_those_of_the_singular_values():
    one = maps(2, (14, 12), 2)
    known = describe(one, classes(2, (14, 12)), 3, dimensions=5)
    rows = np.stack([patch_at(one.numpy(), y, x, 1).ravel() for y in range(14) for x in range(12)])
    values = np.linalg.svd((rows - rows.mean(0)) / 3, compute_uv=False)
    assert float(known.values.square().sum()) == pytest.approx((values[:5] ** 2).sum(), rel=1e-4)


def naive(query, known, alpha):
    """The normalised nearest of the same class, one by one."""
    out = {}
    own, keys = query.values.numpy().astype(float), known.values.numpy().astype(float)
    for which in np.unique(query.classes.numpy()):
        asking = [tuple(at) for at in np.argwhere(query.classes.numpy() == which)]
        among = [tuple(at) for at in np.argwhere(known.classes.numpy() == which)]
        among = among or [tuple(at) for at in np.ndindex(*known.size)]
        table = np.array([[((own[q] - keys[k]) ** 2).sum() for k in among] for q in asking])
        weighed = table / (alpha + table.min(0))
        for q, row in zip(asking, weighed, strict=True):
            out[q] = row, among
    return out


@pytest.mark.parametrize("alpha", [0.01, 5.0])
def test_the_whole_search_is_the_naive_one(alpha):
    known = describe(maps(3), classes(3), 3, 12)
    query = describe(maps(4, (7, 8)), classes(4, (7, 8), count=4), 3, 12, like=known)
    assert 3 in query.classes and 3 not in known.classes  # so it is looked for everywhere
    y, x = search_whole(query, known, alpha)
    assert y.dtype == torch.int32
    for at, (weighed, among) in naive(query, known, alpha).items():
        found = among.index((int(y[at]), int(x[at])))
        assert weighed[found] <= weighed.min() * (1 + 1e-4) + 1e-6


def test_a_small_alpha_uses_patches_that_are_nobodys_nearest():
    keys = torch.zeros(1, 3, 1)
    keys[0, :, 0] = torch.tensor([0.0, 1.0, 10.0])
    queries = torch.zeros(1, 3, 1)
    queries[0, :, 0] = torch.tensor([0.0, 0.2, 2.0])
    one_class = torch.zeros(1, 3, dtype=torch.int64)
    basis = torch.zeros(1), torch.zeros(1)
    known, query = Described(keys, one_class, *basis), Described(queries, one_class, *basis)
    _, plain = search_whole(query, known, 1e6)
    _, complete = search_whole(query, known, 1e-3)
    assert plain.tolist() == [[0, 0, 1]]
    # Nothing is nearer to 1 than .2, and to 10 than 2: seen from them these distances are 1.
    assert complete.tolist() == [[0, 1, 2]]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_a_field_gets_no_worse_and_stays_in_its_class(seed):
    known = describe(maps(seed), classes(seed), 3, 12)
    query = describe(maps(seed + 1), classes(seed + 1), 3, 12, like=known)
    draw = torch.Generator().manual_seed(seed)
    start = (
        torch.randint(9, (9, 11), generator=draw, dtype=torch.int32),
        torch.randint(11, (9, 11), generator=draw, dtype=torch.int32),
    )
    start = within_class(start, query.classes, known.classes)

    def distances(found):
        y, x = (places.long() for places in found)
        return (query.values - known.values[y, x]).square().sum(-1), known.classes[y, x]

    found = search_field(query, known, start, seed)
    before, same = distances(start)
    assert torch.equal(same, query.classes)
    after, same = distances(found)
    assert torch.equal(same, query.classes)
    assert (after <= before + 1e-3).all() and after.mean() < before.mean()
    again = search_field(query, known, start, seed)
    assert torch.equal(found[0], again[0]) and torch.equal(found[1], again[1])


def test_matches_move_to_the_nearest_place_of_their_class():
    there = torch.zeros(6, 7, dtype=torch.int64)
    there[1, 1] = there[5, 6] = 1
    wanted = torch.tensor([[1, 1, 0, 2]])
    y, x = torch.tensor([[0, 5, 3, 2]]).int(), torch.tensor([[2, 5, 3, 2]]).int()
    rows, columns = within_class((y, x), wanted, there)
    assert rows.tolist() == [[1, 5, 3, 2]]  # 2 is nowhere: left as it is
    assert columns.tolist() == [[1, 6, 3, 2]]
