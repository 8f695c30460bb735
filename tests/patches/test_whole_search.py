from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.patches.whole_search import search_whole, within_class
from tests.patches.scenes import anywhere, pair


@pytest.mark.parametrize("alpha", [1.0, 1e9])
def test_the_whole_search_is_the_naive_one(alpha):
    one = pair(1, size=(7, 6), exemplars=((5, 6), (4, 7)))
    found = search_whole(one, alpha)
    assert found.dtype == torch.int32
    places = [(e, y, x) for e, (h, w) in enumerate(((5, 6), (4, 7))) for y in range(h)
              for x in range(w)]  # fmt: skip
    query, keys = one.query.numpy().astype(float), one.keys.numpy().astype(float)
    wanted, there = one.query_classes.numpy(), one.classes.numpy()
    for which in np.unique(wanted):
        asking = np.argwhere(wanted == which)
        among = [k for k in range(len(keys)) if which < 0 or there[k] == which]
        owner = [places[k][0] for k in among]
        table = np.array([((query[tuple(at)] - keys[among]) ** 2).sum(1) for at in asking])
        table += one.bias.numpy()[owner, max(which, 0)]
        table /= alpha + table.min(0)
        for at, row in zip(asking, table, strict=True):
            chosen = among.index(places.index(tuple(found[tuple(at)].tolist())))
            assert row[chosen] <= row.min() * (1 + 1e-5)


def test_a_small_alpha_uses_patches_that_are_nobodys_nearest():
    one = pair(0, size=(1, 3), exemplars=((1, 3),), count=1)
    keys, query = torch.zeros(3, 16), torch.zeros(1, 3, 16)
    keys[:, 0], query[0, :, 0] = torch.tensor([0, 10, 100]), torch.tensor([0, 2, 20])
    one = one._replace(keys=keys.short(), query=query.short(), bias=torch.zeros(1, 1).int())
    one = one._replace(query_classes=torch.zeros(1, 3).short(), classes=torch.zeros(3).short())
    assert search_whole(one, 1e9)[0, :, 2].tolist() == [0, 0, 1]
    # Nothing is nearer to 10 than 2, and to 100 than 20: seen from them these distances are 1.
    assert search_whole(one, 1e-3)[0, :, 2].tolist() == [0, 1, 2]


def test_matches_move_to_the_nearest_place_of_their_class():
    one = pair(2, size=(1, 4), exemplars=((6, 7), (3, 3)))
    there = torch.zeros(51, dtype=torch.int16)
    there[1 * 7 + 1] = there[5 * 7 + 6] = 1
    there[42 + 8] = 2
    one = one._replace(classes=there, query_classes=torch.tensor([[1, 1, 0, 2]]).short())
    match = torch.tensor([[[0, 0, 2], [0, 5, 5], [0, 3, 3], [0, 2, 2]]]).int()
    found = within_class(match, one)
    # Class 2 is in the other exemplar alone.
    assert found.tolist() == [[[0, 1, 1], [0, 5, 6], [0, 3, 3], [1, 2, 2]]]


def test_matches_end_in_their_class_wherever_it_is():
    one = pair(4, size=(20, 20), exemplars=((60, 50), (40, 70)))
    there = torch.zeros(5800, dtype=torch.int16)
    there[:200], there[-150:] = 1, 2  # a corner of each
    one = one._replace(classes=there)
    found = within_class(anywhere(one, 4), one)
    start, width = one.sizes[found[..., 0].long(), 0], one.sizes[found[..., 0].long(), 2]
    got = there[start + found[..., 1] * width + found[..., 2]]
    wanted = one.query_classes
    assert torch.equal(got[wanted >= 0], wanted[wanted >= 0])
