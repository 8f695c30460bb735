"""`exemplar.correspond`: where the pixels of two photographs are in one another."""

from __future__ import annotations

import doctest
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from pydantic import ValidationError

import exemplar
from exemplar import correspondence
from exemplar.correspondence import (
    STRIDE,
    Correspondence,
    CorrespondSettings,
    correspond,
    describe,
    working_size,
)

SMALL = CorrespondSettings(side=160)


def photograph(name: str = "chelsea", size: tuple[int, int] = (96, 128)) -> np.ndarray:
    box = {"chelsea": (90, 20, 350, 215), "astronaut": (130, 0, 390, 195)}[name]
    whole = Image.fromarray(getattr(skimage.data, name)()).crop(box)
    return np.array(whole.resize(size[::-1], Image.Resampling.BICUBIC))


def own(height: int, width: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)


def off(field: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(field - truth, axis=-1).mean())


def test_an_image_is_found_in_itself_surely() -> None:
    a = photograph()
    found = correspond(a, a, SMALL)
    assert off(found.forward, own(96, 128)) < 0.7 > off(found.backward, own(96, 128))
    assert found.confidence.mean() > 0.9
    other = correspond(a, photograph("astronaut"), SMALL)
    assert other.confidence.mean() < 0.6 and not other.mirrored


def test_a_part_is_found_where_it_lies_and_at_its_size() -> None:
    whole = photograph(size=(160, 192))
    found = correspond(whole[32:128, 48:176], whole)
    inner = own(96, 128)[16:-16:8, 16:-16:8].reshape(-1, 2)
    there = found.carry(inner)
    moved = off(there, inner + (32, 48))
    # What lies at the same place as a share of the sides is some 20 pixels off.
    assert moved < 8 < 15 < off(inner * 1.5, inner + (32, 48))
    # There and back leads home.
    assert off(found.carry_back(there), inner) < 8


def test_a_mirror_image_is_found_in_the_mirror() -> None:
    a = photograph()
    b = a[:, ::-1].copy()
    truth = own(96, 128)
    truth[..., 1] = 127 - truth[..., 1]
    always = correspond(a, b, SMALL.model_copy(update={"mirror": "always"}))
    assert always.mirrored
    assert off(always.forward, truth) < 0.7 > off(always.backward, truth)
    auto = correspond(a, b, SMALL.model_copy(update={"mirror": "auto"}))
    assert auto.mirrored and (auto.forward == always.forward).all()
    assert (auto.backward == always.backward).all()
    assert not correspond(a, a, SMALL.model_copy(update={"mirror": "auto"})).mirrored
    assert not correspond(a, b, SMALL).mirrored
    # The mirror's fields are those between A and the mirror image, seen in B's own pixels.
    plain = correspond(a, a, SMALL)
    np.testing.assert_allclose(always.forward[..., 1], 127 - plain.forward[..., 1], atol=0.05)
    np.testing.assert_allclose(always.backward, plain.backward[:, ::-1], atol=0.05)
    np.testing.assert_allclose(always.confidence_back, plain.confidence_back[:, ::-1], atol=0.01)


@pytest.mark.parametrize(("size", "other"), [((30, 200), (64, 64)), ((1, 1), (7, 50))])
def test_any_two_sizes_have_fields_within_them(size, other) -> None:
    draw = np.random.default_rng(0)
    a, b = (draw.integers(0, 256, (*each, 3), np.uint8) for each in (size, other))
    found = correspond(a, b, CorrespondSettings(side=64))
    for field, sure, here, there in (
        (found.forward, found.confidence, size, other),
        (found.backward, found.confidence_back, other, size),
    ):
        assert field.shape == (*here, 2) and field.dtype == np.float32
        assert (field >= 0).all() and (field <= np.subtract(there, 1)).all()
        assert sure.shape == here and sure.dtype == np.float32
        assert (sure >= 0).all() and (sure <= 1).all()
    again = correspond(a, b, CorrespondSettings(side=64))
    assert (again.forward == found.forward).all() and (again.backward == found.backward).all()


def test_images_of_one_colour_have_matches_that_mean_nothing() -> None:
    plain = np.full((40, 40, 3), 7, np.uint8)
    found = correspond(plain, photograph(), SMALL)
    assert np.isfinite(found.forward).all() and np.isfinite(found.confidence).all()
    assert found.confidence.mean() < 0.5


def test_cells_lie_alike_from_left_and_right() -> None:
    for size, side, expected in (((96, 128), 160, (129, 161)), ((10, 200), 320, (65, 321)),
                                 ((480, 640), 320, (257, 321))):  # fmt: skip
        assert working_size(size, side) == expected
        assert all((n - 1) % (2 * STRIDE) == 0 for n in expected)
    plain, mirrored = (describe(photograph(), SMALL, each) for each in (False, True))
    assert plain.shape[:2] == (9, 11)
    torch.testing.assert_close(plain.norm(dim=-1), torch.ones(9, 11))
    again = describe(photograph()[:, ::-1].copy(), SMALL)
    torch.testing.assert_close(mirrored, again, atol=0.01, rtol=0)


def test_points_are_carried_between_pixels() -> None:
    field = np.zeros((3, 4, 2), np.float32)
    field[..., 0], field[..., 1] = 2 * own(3, 4)[..., 0] + 1, own(3, 4)[..., 1] ** 2
    sure = np.ones((3, 4), np.float32)
    found = Correspondence(field, field[:, ::-1], sure, sure, False)
    carried = found.carry([[0, 0], [0.5, 1.25], [2, 3], [2.5, -0.5]])
    assert carried.tolist() == [[1, 0], [2, 1 + 0.25 * 3], [5, 9], [5, 0]]
    assert found.carry_back([[1, 0]]).tolist() == [[3, 9]]
    assert found.carry(np.zeros((0, 2))).shape == (0, 2)
    one = np.full((1, 1, 2), 4, np.float32)
    alone = Correspondence(one, one, sure[:1, :1], sure[:1, :1], False)
    assert alone.carry([[0.2, -0.3]]).tolist() == [[4, 4]]
    for wrong in ([[0, 3.6]], [[-0.6, 0]], [[np.nan, 1]]):
        with pytest.raises(ValueError, match="expected points within 4×3 pixels, got"):
            found.carry(wrong)


def test_the_picture_has_both_images_and_their_fields() -> None:
    a, b = photograph(size=(48, 64)), photograph("astronaut", (60, 40))
    picture = correspond(a, b, CorrespondSettings(side=64)).picture(a, b)
    assert picture.dtype == np.uint8 and picture.ndim == 3 and min(picture.shape[:2]) > 200


def test_what_cannot_be_matched_is_told() -> None:
    a = photograph(size=(40, 40))
    for wrong, said in (
        (a[..., 0], r"b: expected u8 \(H, W, 3\), got uint8 \(40, 40\)"),
        (a / 255, r"b: expected u8 \(H, W, 3\), got float64 \(40, 40, 3\)"),
        (a[:0], r"b: expected u8 \(H, W, 3\), got uint8 \(0, 40, 3\)"),
        (np.zeros((2, 65, 3), np.uint8),
         "b: expected an image at most 32 times as long as wide, got 65×2"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            correspond(a, wrong)
    with pytest.raises(ValueError, match="a: expected u8"):
        correspond(a[..., :1], a)
    for wrong in ({"mirror": "maybe"}, {"side": 63}, {"sides": 320}, {"mirrored_from": 0}):
        with pytest.raises(ValidationError):
            CorrespondSettings.model_validate(wrong)


def test_the_example_runs() -> None:
    failed, tried = doctest.testmod(correspondence)
    assert tried == 4 and not failed


def test_what_is_public_is_loaded_when_it_is_first_used() -> None:
    asked = (
        "import sys, exemplar; assert 'correspond' in dir(exemplar); "
        "print(sorted({'torch', 'numpy', 'timm', 'exemplar.correspondence'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert done.stdout == "[]\n"
    assert exemplar.correspond is correspond
    with pytest.raises(AttributeError, match="module 'exemplar' has no attribute 'match'"):
        exemplar.match  # noqa: B018
