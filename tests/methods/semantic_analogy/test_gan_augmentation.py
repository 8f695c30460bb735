import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies

from exemplar.methods.semantic_analogy.augmentation import (
    AugmentationSettings,
    bend,
    draw,
    paste,
    strength_at,
    varied,
    vary,
)

STRONG = AugmentationSettings(
    flip=0.5, enlarge=0.5, reduce=0.5, degrees=20, bend=0.08, points=4, pasted=0.7
)


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stripes(height: int = 40, width: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels, and an image that says at each pixel which label it has."""
    labels = torch.zeros(1, height, width, dtype=torch.long)
    labels[:, :, width // 3 :] = 1
    labels[:, height // 2 :, width // 2 :] = 2
    return labels.float()[:, None].repeat(1, 3, 1, 1), labels


@given(seed=strategies.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_an_image_and_its_labels_are_varied_alike(seed):
    image, labels = stripes()
    seen, layout = varied(image, labels, STRONG, 1.0, drawn(seed))
    assert set(layout.unique().tolist()) <= {0, 1, 2}
    # The image is interpolated, so it may differ by one on borders between labels alone.
    wrong = (seen[:, 0] - layout).abs() > 0.51
    assert int(wrong.sum()) < 25  # corners of three labels, of 1,920 pixels
    within = (seen[:, 0] - layout).abs() < 1e-3
    assert float(within.float().mean()) > 0.75


def test_without_strength_the_image_stays():
    image, labels = torch.rand(1, 3, 33, 47), torch.randint(0, 5, (1, 33, 47))
    for seed in range(5):
        seen, layout = varied(image, labels, STRONG, 0.0, drawn(seed))
        torch.testing.assert_close(seen, image, rtol=0, atol=1e-5)
        assert torch.equal(layout, labels)


def test_randomness_is_as_strong_as_is_said():
    how = AugmentationSettings(flip=0, enlarge=0, degrees=5)
    still = draw((40, 40), how, 0.0, drawn(0))

    def change(strength: float) -> float:
        grids = [draw((40, 40), how, strength, drawn(seed)) for seed in range(20)]
        return float(torch.stack([(grid - still).abs().mean() for grid in grids]).mean())

    assert 0 < change(0.5) == pytest.approx(change(1.0) / 2, rel=0.02)


def test_randomness_rises_linearly_and_then_stays():
    found = [strength_at(iteration, 1000, 0.4) for iteration in (0, 100, 400, 999)]
    assert found == [0, 0.25, 1, 1]
    assert strength_at(0, 1000, 0) == 1


def test_a_flip_is_exact_and_as_frequent_as_is_said():
    image, labels = torch.rand(1, 3, 32, 34), torch.randint(0, 5, (1, 32, 34))
    how = AugmentationSettings(flip=0.5, enlarge=0, degrees=0)
    flipped = 0
    for seed in range(100):
        grid = draw((32, 34), how, 1.0, drawn(seed))
        seen, layout = vary(image, labels, grid)
        mirrored = bool(grid[0, 0, 0, 0] > 0)
        flipped += mirrored
        torch.testing.assert_close(seen, image.flip(3) if mirrored else image, rtol=0, atol=1e-5)
        assert torch.equal(layout, labels.flip(2) if mirrored else labels)
    assert 35 <= flipped <= 65


def test_crops_stay_within_the_image():
    how = AugmentationSettings(flip=0, enlarge=1.0, degrees=0)
    for seed in range(30):
        grid = draw((32, 64), how, 1.0, drawn(seed))
        assert float(grid.abs().max()) <= 1


def test_rotations_of_oblong_images_keep_angles():
    how = AugmentationSettings(flip=0, enlarge=0, degrees=30)
    grid = draw((40, 100), how, 1.0, drawn(3))[0]
    pixels = grid * torch.tensor([100.0, 40.0])
    across, down = pixels[0, 1] - pixels[0, 0], pixels[1, 0] - pixels[0, 0]
    assert float(across @ down) == pytest.approx(0, abs=1e-3)
    assert float(across.norm()) == pytest.approx(float(down.norm()), rel=1e-3)
    assert math.degrees(abs(math.atan2(across[1], across[0]))) <= 30


def test_a_spline_moves_its_points_as_far_as_is_said_and_nothing_by_nothing():
    moves = 0.1 * torch.randn(9, 2, generator=drawn(0))
    line = torch.linspace(-1, 1, 3)
    points = torch.stack(torch.meshgrid(line, line, indexing="xy"), 2)[None]
    found = bend(points, moves, 3) - points
    np.testing.assert_allclose(found.reshape(9, 2), moves, atol=1e-5)
    still = bend(points, torch.zeros(9, 2), 3)
    torch.testing.assert_close(still, points)


def test_a_spline_of_an_affine_move_is_affine():
    line = torch.linspace(-1, 1, 4)
    points = torch.stack(torch.meshgrid(line, line, indexing="xy"), 2).reshape(-1, 2)
    linear = torch.tensor([[0.1, -0.2], [0.05, 0.15]])
    grid = torch.rand(1, 6, 7, 2, generator=drawn(2)) * 2 - 1
    found = bend(grid, points @ linear + 0.1, 4)
    torch.testing.assert_close(found, grid + grid @ linear + 0.1, rtol=1e-4, atol=1e-4)


def test_pasted_regions_bring_their_pixels_with_them():
    image, labels = stripes()
    other = (image.flip(3) + 10, labels.flip(2))
    seen, layout = paste((image, labels), other, torch.tensor([False, False, True]))
    pasted = other[1] == 2
    assert torch.equal(layout, torch.where(pasted, 2, labels))
    assert bool((seen[:, 0][pasted] == 12).all())
    assert torch.equal(seen[:, 0][~pasted], image[:, 0][~pasted])


def test_edited_images_are_the_source_but_for_some_classes():
    _, labels = stripes()
    image = torch.rand(1, 3, 40, 48, generator=drawn(9))
    edits = STRONG.model_copy(update={"pasted": 1.0, "edited": 1.0})

    def kept(how: AugmentationSettings) -> float:
        shares = []
        for seed in range(20):
            seen, layout = varied(image, labels, how, 1.0, drawn(seed))
            same = (seen == image).all(1)
            assert torch.equal(layout[same], labels[same])
            shares.append(float(same.float().mean()))
        return float(np.mean(shares))

    assert 0.2 < kept(edits) < 0.8
    assert kept(edits.model_copy(update={"edited": 0.0})) < 0.05
    assert kept(edits.model_copy(update={"pasted": 0.0})) < 0.05
