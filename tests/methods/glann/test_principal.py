from __future__ import annotations

import numpy as np
import pytest

from exemplar.methods.glann.principal import flat, principal_codes


def images(count=60):
    x = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 1)).astype(np.uint8)
    x[:, 0] //= 8
    return x


def test_codes_are_projections_onto_principal_components():
    x = images()
    codes = principal_codes(x, 5, 0)(slice(0, 60))
    values = x.reshape(60, -1).astype(np.float64) / 255
    values -= values.mean(0)
    _, vectors = np.linalg.eigh(values.T @ values)
    wanted = values @ vectors[:, ::-1][:, :5]
    # Up to each component's sign.
    assert np.allclose(np.abs((codes * wanted).sum(0)), (wanted**2).sum(0), rtol=0.02)


def test_parts_are_of_the_same_components():
    codes = principal_codes(images(), 5, 0)
    both = np.concatenate([codes(slice(0, 20)), codes(slice(20, 60))])
    assert np.allclose(both, codes(slice(0, 60)), atol=0.01)
    assert np.array_equal(both, np.concatenate([codes(slice(0, 20)), codes(slice(20, 60))]))


def test_images_that_are_all_alike_have_codes():
    codes = principal_codes(np.full((9, 4, 4, 1), 7, np.uint8), 5, 0)(slice(0, 9))
    assert np.isfinite(codes).all() and len(np.unique(codes, axis=0)) == 9


@pytest.mark.parametrize(("side", "left"), [(32, 32), (64, 32), (100, 25), (256, 32)])
def test_large_images_are_averaged(side, left):
    x = np.random.default_rng(1).integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    found = flat(x).reshape(2, left, left, 3)
    step = side // left
    wanted = x[1, step : 2 * step, :step, 2].mean() / 255
    assert found[1, 1, 0, 2] == pytest.approx(wanted, rel=1e-5)
