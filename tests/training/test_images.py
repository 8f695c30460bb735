"""What a step sees: every image once an epoch, cropped and mirrored together with its maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exemplar.training.images import generator_at, jitter, moved, rows_at, steps_of


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 3))
def test_every_image_comes_once_an_epoch(count, batch, seed):
    stream = np.concatenate([rows_at(step, batch, count, seed) for step in range(3 * count)])
    epochs = stream[: 3 * count].reshape(3, count)
    assert (np.sort(epochs, 1) == np.arange(count)).all()
    if count > 20:
        assert (epochs[0] != epochs[1]).any()
    # Of the step alone: asked for in another order, the same.
    assert (rows_at(2, batch, count, seed) == stream[2 * batch : 3 * batch]).all()


def test_seeds_and_steps_differ():
    orders = {tuple(rows_at(0, 50, 50, seed)) for seed in range(5)}
    assert len(orders) == 5
    generators = [generator_at(step, seed) for step in range(5) for seed in (0, 1)]
    assert len({torch.rand((), generator=generator).item() for generator in generators}) == 10


@pytest.mark.parametrize(
    ("epochs", "count", "batch", "steps"),
    [(200, 400, 1, 80_000), (1, 10, 4, 3), (0.5, 10, 1, 5), (0.001, 10, 4, 1), (0.3, 10, 3, 1)],
)
def test_epochs_in_steps(epochs, count, batch, steps):
    assert steps_of(epochs, count, batch) == steps


def test_without_zoom_and_mirroring_nothing_moves():
    x = torch.rand(3, 2, 8, 12)
    transform = jitter(3, 1.0, False, generator_at(0, 0))
    torch.testing.assert_close(moved(x, transform), x, atol=1e-5, rtol=0)


def test_half_of_the_images_are_mirrored_with_their_maps():
    x = torch.rand(64, 1, 5, 7)
    transform = jitter(64, 1.0, True, generator_at(0, 0))
    image, labels = moved(x, transform), moved(x, transform, "labels")
    torch.testing.assert_close(image, labels, atol=1e-5, rtol=0)
    mirrored = [torch.allclose(a, b.flip(2), atol=1e-5) for a, b in zip(image, x, strict=True)]
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(image, x, strict=True)]
    assert sum(mirrored) + sum(same) == 64 and 20 < sum(mirrored) < 44


def test_a_crop_is_a_part_of_the_magnified_image():
    """A ramp shows where the crop lies: slope 1 / zoom, from within the image to within it."""
    ramp = torch.arange(40.0)[None, None, None].expand(50, 1, 40, 40).contiguous()
    transform = jitter(50, 1.25, False, generator_at(0, 0))
    inner = moved(ramp, transform)[:, 0, 20, 2:-2]
    torch.testing.assert_close(inner.diff(dim=1), torch.full((50, 35), 0.8), atol=1e-3, rtol=0)
    left = inner[:, 0] - 2 * 0.8
    assert left.min() >= -0.2 and left.max() <= 40 - 40 * 0.8
    assert np.ptp(left.numpy()) > 5


def test_labels_are_not_mixed_and_normals_stay_normals():
    labels = torch.randint(4, (6, 10, 10))
    one_hot = torch.nn.functional.one_hot(labels, 4).permute(0, 3, 1, 2).float()
    transform = jitter(6, 1.2, True, generator_at(3, 0))
    found = moved(one_hot, transform, "labels")
    assert set(found.unique().tolist()) == {0.0, 1.0} and (found.sum(1) == 1).all()
    # Pointing right, all of them: mirrored, they point left.
    right = torch.tensor([0.8, 0.0, 0.6])[None, :, None, None].expand(6, 3, 10, 10)
    turned = 2 * moved((right + 1) / 2, transform, "normals") - 1
    sign = torch.where(transform[:, 0, 0] < 0, -1.0, 1.0)
    assert {-1.0, 1.0} == set(sign.tolist())
    torch.testing.assert_close(turned[:, 0, 5, 5], 0.8 * sign, atol=1e-4, rtol=0)
    torch.testing.assert_close(turned[:, 2, 5, 5], torch.full((6,), 0.6), atol=1e-4, rtol=0)
