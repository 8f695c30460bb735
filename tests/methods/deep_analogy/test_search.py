"""What a level compares with what, and that each part of the method does what it is there for."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch.nn.functional import normalize

from exemplar.features.pyramid import Pyramid, load_pyramid
from exemplar.features.vgg19_encoder import SmallVggSettings
from exemplar.methods.deep_analogy import analogy
from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.search import level_pairs
from exemplar.methods.deep_analogy.settings import AnalogySettings, TextureSettings
from tests.methods.deep_analogy.small_pyramid import small_pyramid

ENCODER = Path("../shared/data/weights/vgg19_16x_small_encoders/5SE.pth")
PUBLISHED = TextureSettings(floor=0)
ALPHAS = {
    "1": [0.7, 0.6, 0.5, 0.0],
    "2": [0.8, 0.7, 0.6, 0.1],
    "3": [0.9, 0.8, 0.7, 0.2],
    "aligned": [1.0, 1.0, 1.0, 1.0],
}
"""Section 4.3 and the released code, levels 4 to 1."""


def test_similarities_are_those_of_equation_two_and_of_three():
    draw = torch.Generator().manual_seed(0)
    a, a_prime = (torch.rand(1, 4, 3, 5, generator=draw) for _ in range(2))
    b, b_prime = (torch.rand(1, 4, 4, 3, generator=draw) for _ in range(2))
    images = torch.rand(1, 3, 3, 5), torch.rand(1, 3, 4, 3)
    maps = [[images[0], a], [images[1], b_prime]]

    def products(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return torch.einsum("cyx,cvu->yxvu", normalize(first)[0], normalize(second)[0])

    ours, theirs = products(a, b), products(a_prime, b_prime)
    for directions, forward, backward in (
        ("both", (ours + theirs) / 2, (ours + theirs) / 2),
        ("single", theirs, ours),
    ):
        by = AnalogySettings(texture=PUBLISHED, directions=directions)
        pairs = level_pairs(maps, [a_prime, b], None, 1, by)
        for pair, expected in ((pairs[0], forward), (pairs[1], backward.permute(2, 3, 0, 1))):
            made = torch.einsum("yxc,vuc->yxvu", pair.query, pair.keys)
            np.testing.assert_allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize("strength", ALPHAS)
def test_each_level_is_blended_by_its_weight(strength, monkeypatch):
    """Three levels here: the weights of levels 2 and 1, for each of the two images."""
    seen = []
    true_blend = analogy.blend

    def noted(own, brought, weight, kind):
        seen.append((weight, kind))
        return true_blend(own, brought, weight, kind)

    monkeypatch.setattr(analogy, "blend", noted)
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    by = AnalogySettings(strength=strength, blend="sigmoid", iterations=1)
    make_analogy(image, image, small_pyramid(), by)
    expected = ALPHAS[strength][2:]
    assert seen == [(alpha, "sigmoid") for alpha in expected for _ in (0, 1)]


@cache
def encoder() -> Pyramid:
    if not ENCODER.is_file():
        pytest.skip(f"{ENCODER} is not there")
    return load_pyramid(SmallVggSettings(weights=ENCODER), None)


@cache
def bent_photographs() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A photograph, the same bent with its colours exchanged, and where its pixels went."""
    found = []
    for name, box in (("chelsea", (90, 20, 350, 280)), ("astronaut", (130, 0, 330, 200))):
        whole = Image.fromarray(getattr(skimage.data, name)())
        a = np.array(whole.crop(box).resize((96, 96), Image.Resampling.BICUBIC))
        row, column = np.mgrid[:96, :96].astype(float)
        y = np.clip(row + 6 * np.sin(column / 14), 0, 95).round().astype(int)
        x = np.clip(column + 6 * np.cos(row / 17), 0, 95).round().astype(int)
        # b shows at (row, column) what a has at (y, x).
        found.append((a, a[y, x][..., [1, 2, 0]].copy(), np.stack([y, x], -1)))
    return found


def off(**more) -> float:
    """The mean distance in pixels of B′'s matches from where its pixels came from."""
    errors = []
    for a, b, truth in bent_photographs():
        made = make_analogy(a, b, encoder(), AnalogySettings(**more))
        errors.append(np.linalg.norm(made.backward - truth, axis=-1).mean())
    return float(np.mean(errors))


def test_coarse_to_fine_beats_independent_levels():
    assert off() < 0.7 * off(levels="independent")


def test_both_directions_beat_one():
    assert off(texture=PUBLISHED) < off(texture=PUBLISHED, directions="single")


def test_flat_places_are_matched_better_than_by_the_published_energy():
    assert off() < 0.8 * off(texture=PUBLISHED)
