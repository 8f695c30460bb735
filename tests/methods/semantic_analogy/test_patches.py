from __future__ import annotations

import numpy as np
import pytest

from exemplar.methods.semantic_analogy.patches import compose
from exemplar.methods.semantic_analogy.settings import PatchesSettings
from exemplar.methods.semantic_analogy.source import Source
from exemplar.patches.levels import level_scales

SETTINGS = PatchesSettings(coarsest=16, whole_side=24)


def scene(height=48, width=40, top=12, left=8):
    """A striped square on a ramp."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([y * 4, x * 5, 120 + 0 * x], -1).astype(np.uint8)
    labels = np.zeros((height, width), np.uint8)
    inside = slice(top, top + 14), slice(left, left + 14)
    labels[inside] = 1
    image[inside] = np.where((x[inside] % 4 < 2)[..., None], [250, 40, 40], [40, 10, 10])
    return Source(image, labels, ("ground", "square"))


def naive_vote(source, layout):
    """Each pixel the mean of the colours that the matches around propose for it."""
    height, width = layout.places.shape[:2]
    out = np.zeros((height, width, 3))
    for row in range(height):
        for column in range(width):
            copies = []
            for down in range(-layout.votes, layout.votes + 1):
                for right in range(-layout.votes, layout.votes + 1):
                    if 0 <= row + down < height and 0 <= column + right < width:
                        y, x = layout.places[row + down, column + right] - (down, right)
                        if 0 <= y < source.image.shape[0] and 0 <= x < source.image.shape[1]:
                            copies.append(source.image[y, x].astype(float))
            out[row, column] = np.mean(copies, 0)
    return out


def test_the_own_layout_gives_the_source_back():
    source = scene()
    made = compose(source, source.labels, SETTINGS)
    difference = made.image.astype(float) - source.image
    assert np.mean(difference**2) < 255**2 / 10**3.5  # 35 dB


def test_every_pixel_is_made_of_its_sources():
    source = scene()
    made = compose(source, scene(top=28, left=20).labels, SETTINGS)
    assert made.places is not None and made.places.shape == (48, 40, 2)
    assert np.abs(naive_vote(source, made) - made.image).max() <= 0.51
    y, x = made.places[..., 0], made.places[..., 1]
    assert (source.labels[y, x] == scene(top=28, left=20).labels).all()


def test_a_moved_part_is_found_where_it_was_moved_to():
    source, moved = scene(), scene(top=28, left=20)
    made = compose(source, moved.labels, SETTINGS)
    square = moved.labels == 1
    # Red on the square, blue-grey beside it: the ground keeps its constant third channel.
    assert made.image[square][:, 0].std() > 60 and abs(made.image[square].mean(0)[2] - 25) < 12
    assert np.median(made.image[~square][:, 2]) == 120
    far = np.zeros_like(square)
    far[:6] = True
    assert np.abs(made.image[far].astype(float) - source.image[far]).mean() < 4


def test_a_target_of_another_size():
    source = scene()
    target = np.zeros((30, 70), np.uint8)
    target[10:20, 30:50] = 1
    made = compose(source, target, SETTINGS)
    assert made.image.shape == (30, 70, 3)
    assert made.places is not None and made.places.min() >= 0
    assert (made.places.reshape(-1, 2) < (48, 40)).all()
    assert (source.labels[made.places[..., 0], made.places[..., 1]] == target).mean() > 0.99


def test_images_beyond_the_working_side_have_their_matches_enlarged():
    source = scene(96, 80, 24, 16)
    small = SETTINGS.model_copy(update={"working_side": 48})
    target = scene(96, 80, 50, 40).labels
    made = compose(source, target, small)
    assert made.image.shape == (96, 80, 3) and made.places is not None
    assert np.abs(naive_vote(source, made) - made.image).max() <= 0.51
    y, x = made.places[..., 0], made.places[..., 1]
    assert (source.labels[y, x] == target).mean() > 0.97


def test_equal_seeds_give_equal_layouts():
    source, target = scene(), scene(top=28, left=20).labels
    one, two = (compose(source, target, SETTINGS, seed=3).image for _ in range(2))
    assert np.array_equal(one, two)


def test_levels_go_from_the_coarsest_side_to_the_images_own():
    scales = level_scales(256, PatchesSettings())
    assert scales[-1] == 1 and 24 <= 256 * scales[0] < 24 * 1.5
    assert np.allclose(np.diff(np.log(scales)), np.log(1.5))
    assert level_scales(2048, PatchesSettings())[-1] == 0.5
    assert level_scales(20, PatchesSettings()) == [1.0]


def test_classes_that_the_source_lacks():
    source = scene()
    target = source.labels.copy()
    target[0, 0] = 7
    with pytest.raises(
        ValueError, match=r"classes \[7\] that the source lacks, which has \[0, 1\]"
    ):
        compose(source, target, SETTINGS)


def test_patches_have_a_centre():
    with pytest.raises(ValueError, match="patch must be odd, got 6"):
        PatchesSettings(patch=6)
