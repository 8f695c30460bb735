"""The baselines on pairs whose correspondence is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from exemplar.matching import field as fields
from exemplar.matching.support import Support, taps
from exemplar.matching.windows import WHOLE
from exemplar.methods.deep_analogy import baselines
from exemplar.methods.deep_analogy.baselines import (
    FlowSettings,
    PatchMatchSettings,
    identity,
    optical_flow,
    patchmatch,
    sampled,
)


def texture(height: int, width: int, seed: int = 0, smooth: float = 1.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    noise = gaussian_filter(noise, (smooth, smooth, 0))
    noise = (noise - noise.min()) / np.ptp(noise)
    return (255 * noise).astype(np.uint8)


def own(height: int, width: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)


def test_patchmatch_finds_a_displacement_beyond_any_small_window() -> None:
    whole = texture(60, 70)
    a, b_prime = whole[20:50, 5:45], whole[8:58, 12:62]  # of different sizes
    found = patchmatch(a, b_prime, PatchMatchSettings())
    wanted = own(30, 40) + [20 - 8, 5 - 12]
    inside = (wanted >= 3).all(-1) & (wanted < [47, 47]).all(-1)
    assert (found.forward == wanted).all(-1)[inside].mean() > 0.97
    assert found.backward.shape == (50, 50, 2)
    assert np.abs(found.a_prime.astype(int) - a)[inside].mean() < 1
    assert found.a_prime.shape == a.shape


def test_patchmatch_depends_on_its_seed_alone() -> None:
    a, b_prime = texture(20, 24), texture(22, 20, 1)
    once, again = (patchmatch(a, b_prime, PatchMatchSettings(seed=3), threads=t) for t in (1, 2))
    other = patchmatch(a, b_prime, PatchMatchSettings(seed=4))
    assert (once.forward == again.forward).all() and (once.backward == again.backward).all()
    assert (once.forward != other.forward).any()


@pytest.mark.parametrize("patch", [1, 3])
def test_what_is_maximised_is_minus_the_mean_squared_difference_of_patches(patch: int) -> None:
    a, b_prime = texture(9, 8), texture(7, 10, 1)
    here, there = torch.from_numpy(a.copy()), torch.from_numpy(b_prime.copy())
    around = taps(Support(patch // 2), (9, 8), here.device)
    pair = fields.pair(*baselines._differences(here, there), WHOLE, around)
    best = fields.refine(pair, fields.identity(pair), 12)  # as far as everything
    x, y = a / 255, b_prime / 255
    for row, column in ((0, 0), (4, 5), (8, 7)):
        energies = {}
        for v, u in np.ndindex(7, 10):
            terms = [
                ((x[row + i, column + j] - y[v + i, u + j]) ** 2).sum()
                for i in range(-(patch // 2), patch // 2 + 1)
                for j in range(-(patch // 2), patch // 2 + 1)
                if 0 <= row + i < 9 and 0 <= column + j < 8 and 0 <= v + i < 7 and 0 <= u + j < 10
            ]
            energies[v, u] = sum(terms) / len(terms)
        least = min(energies.values())
        assert float(-best.score[row, column]) == pytest.approx(least, abs=1e-5)
        at = int(best.y[row, column]), int(best.x[row, column])
        assert energies[at] == pytest.approx(least, abs=1e-5)


def test_flow_follows_a_small_motion_both_ways() -> None:
    whole = texture(70, 80, smooth=3)
    a, b_prime = whole[5:65, 5:75], whole[3:63, 6:76]
    found = optical_flow(a, b_prime, FlowSettings())
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(found.forward - own(60, 70) - [2, -1])[inner].mean() < 0.1
    assert np.abs(found.backward - own(60, 70) - [-2, 1])[inner].mean() < 0.1
    assert np.abs(found.a_prime.astype(int) - a)[inner].mean() < 3


def test_flow_between_sizes_is_told_in_pixels_of_the_other_image() -> None:
    b_prime = texture(80, 120, smooth=6)
    a = np.asarray(Image.fromarray(b_prime).resize((60, 40), Image.Resampling.BOX))
    found = optical_flow(a, b_prime, FlowSettings())
    inner = (slice(4, -4), slice(4, -4))
    # The centre of pixel i covers 2i and 2i + 1.
    assert np.abs(found.forward - (2 * own(40, 60) + 0.5))[inner].mean() < 0.3
    assert np.abs(found.backward - (own(80, 120) - 0.5) / 2)[inner].mean() < 0.3
    assert found.forward.min() >= 0 and (found.forward <= [79, 119]).all()


def test_constant_images_have_some_finite_flow() -> None:
    grey = np.full((20, 24, 3), 90, np.uint8)
    found = optical_flow(grey, grey, FlowSettings())
    assert np.isfinite(found.forward).all() and (found.a_prime == 90).all()
    assert (patchmatch(grey, grey[:10], PatchMatchSettings()).a_prime == 90).all()


def test_identity_is_the_same_share_of_the_sides() -> None:
    a, b_prime = texture(4, 6), texture(8, 3, 1)
    found = identity(a, b_prime)
    assert (found.forward[..., 0] == (2 * np.arange(4) + 1)[:, None]).all()
    assert (found.forward[..., 1] == np.arange(6) // 2).all()
    assert (found.a_prime == b_prime[1::2][:, [0, 0, 1, 1, 2, 2]]).all()


def test_between_pixels_colours_are_interpolated() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 1], image[1, 0], image[1, 1] = 100, 200, 40
    places = np.array([[[0, 0.25], [0.5, 0], [0.5, 0.5]]], np.float32)
    assert sampled(image, places)[0, :, 0].tolist() == [25, 100, 85]


def test_a_patch_has_a_middle() -> None:
    with pytest.raises(ValueError, match="its side is odd"):
        PatchMatchSettings(patch=4)
