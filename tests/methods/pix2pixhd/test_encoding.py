import doctest

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exemplar.methods.pix2pixhd import encoding
from exemplar.methods.pix2pixhd.encoding import boundaries, encode, objects_of, one_hot

SMALL = arrays(np.int64, (5, 4), elements=st.integers(0, 2))


@given(SMALL)
@settings(max_examples=50, deadline=None)
def test_boundaries_are_where_any_neighbour_differs(ids: np.ndarray) -> None:
    found = boundaries(torch.from_numpy(ids)[None])[0, 0].numpy()
    for y, x in np.ndindex(ids.shape):
        around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        inside = [p for p in around if 0 <= p[0] < 5 and 0 <= p[1] < 4]
        assert found[y, x] == any(ids[p] != ids[y, x] for p in inside)


def test_boundaries_do_not_cross_images() -> None:
    assert boundaries(torch.tensor([[[3, 3]], [[5, 5]]])).sum() == 0


def test_large_numbers_stay_apart() -> None:
    assert boundaries(torch.tensor([[[2**31, 2**31 + 1]]])).sum() == 2


def test_one_hot_of_ignored_pixels_is_empty() -> None:
    found = one_hot(torch.tensor([[[0, 2, 255]]], dtype=torch.uint8), 3)
    assert found[0, :, 0].T.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    with pytest.raises(ValueError, match=r"labels \[3, 7\] have no class; expected 0 to 2"):
        one_hot(torch.tensor([[[7, 3, 1]]]), 3)


def test_channels_of_a_layout() -> None:
    labels = torch.tensor([[[0, 0, 1]]])
    found = encode(labels, torch.tensor([[[5, 6, 6]]]), 2)
    assert found[0, :, 0].tolist() == [[1, 1, 0], [0, 0, 1], [1, 1, 0]]


@given(SMALL, SMALL)
@settings(max_examples=50, deadline=None)
def test_objects_are_pairs_of_instance_and_label(ids: np.ndarray, labels: np.ndarray) -> None:
    found = objects_of(labels.astype(np.uint8), ids * 70_000)
    assert (found.instances[found.index] == ids * 70_000).all()
    assert (found.labels[found.index] == labels).all()
    pairs = sorted({(i * 70_000, k) for i, k in zip(ids.flat, labels.flat, strict=True)})
    assert list(zip(found.instances.tolist(), found.labels.tolist(), strict=True)) == pairs
    assert found.areas.tolist() == [(found.index == n).sum() for n in range(len(pairs))]


def test_the_examples_run() -> None:
    found = doctest.testmod(encoding)
    assert found.attempted and not found.failed
