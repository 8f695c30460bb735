from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from exemplar.features.frozen import FrozenBackbone
from exemplar.features.moments import (
    ProjectionError,
    leading_directions,
    measure_layers,
    second_moment,
)


def identity_backbone() -> FrozenBackbone:
    """Two layers: the image itself, and its mean over 2×2 pixels, doubled."""

    def taps(x: Tensor) -> list[Tensor]:
        return [x, 2 * nn.functional.avg_pool2d(x, 2)]

    return FrozenBackbone("identity", ("image", "half"), nn.Identity(), taps)


def test_moment_of_a_constant_image_is_one_outer_product() -> None:
    colour = torch.tensor([0.2, 0.4, 0.9])
    images = [colour[None, :, None, None].expand(2, 3, 4, 4).contiguous()] * 3
    energy, channels = measure_layers(identity_backbone(), images)
    assert channels == (3, 3)
    assert energy.tolist() == pytest.approx([1.01, 4.04], rel=1e-5)
    moment, count = second_moment(identity_backbone(), images, torch.ones(2), 5, 0)
    column = torch.cat([colour, 2 * colour]).double()
    column = column / column.norm()
    assert count == 30
    torch.testing.assert_close(moment, column[:, None] * column, atol=1e-6, rtol=0)


def test_directions_equal_those_of_a_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(200, 6)) * [5, 4, 3, 2, 1, 0.5]
    moment = torch.from_numpy(samples.T @ samples / 200)
    matrix, kept = leading_directions(moment, 3, whiten=False)
    _, singular, rows = np.linalg.svd(samples, full_matrices=False)
    for column, row in zip(matrix.T.numpy(), rows, strict=False):
        assert abs(float(column @ row)) == pytest.approx(1, abs=1e-5)
        assert column[np.abs(column).argmax()] > 0
    share = np.cumsum(singular**2) / np.sum(singular**2)
    np.testing.assert_allclose(kept.numpy(), share, rtol=1e-5)


def test_whitened_directions_have_equal_moments() -> None:
    samples = torch.randn(100, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moment = samples.T @ samples / 100
    matrix, _ = leading_directions(moment, 4, whiten=True)
    whitened = matrix.double().T @ moment @ matrix.double()
    torch.testing.assert_close(whitened, torch.eye(4, dtype=torch.float64), atol=1e-5, rtol=0)


def test_whitening_needs_enough_directions() -> None:
    with pytest.raises(ProjectionError, match="whiten 3 dimensions: the sample spans only 2"):
        leading_directions(torch.diag(torch.tensor([2.0, 1.0, 0.0, 0.0]).double()), 3, True)
