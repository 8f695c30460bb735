"""The whole algorithm, on pairs whose correspondence is known, and at the edges of its input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from exemplar.methods.deep_analogy.analogy import Analogy, _resized, make_analogy
from exemplar.methods.deep_analogy.settings import AnalogySettings, TextureSettings
from tests.methods.deep_analogy.small_pyramid import small_pyramid

PYRAMID = small_pyramid(seed=3)
PUBLISHED = TextureSettings(floor=0)


def picture(height: int = 40, width: int = 48, seed: int = 0) -> np.ndarray:
    """Blobs of colours, different everywhere."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 4, width // 4, generator=draw)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return (smooth[0].movedim(0, -1).clamp(0, 1) * 255).byte().numpy()


def settings(**more) -> AnalogySettings:
    return AnalogySettings(iterations=4, **more)


def assert_sound(made: Analogy, a: np.ndarray, b: np.ndarray) -> None:
    for field, image, other in ((made.forward, a, b), (made.backward, b, a)):
        assert field.shape == (*image.shape[:2], 2) and field.dtype == np.int32
        assert (field >= 0).all() and (field < other.shape[:2]).all()
    assert made.a_prime.shape == a.shape and made.a_prime.dtype == np.uint8
    assert made.b.shape == b.shape and made.b.dtype == np.uint8


@pytest.mark.parametrize("whole_side", [320, 40])
def test_a_shifted_view_is_found_and_gives_the_image_back(whole_side):
    whole = picture(56, 64)
    a, b = whole[:48, :52], whole[8:, 12:]
    by = settings(strength="aligned", texture=PUBLISHED, whole_side=whole_side)
    made = make_analogy(a, b, PYRAMID, by)
    assert_sound(made, a, b)
    row, column = np.mgrid[:48, :52]
    moved = made.forward - np.stack([row, column], -1)
    seen = (row >= 10) & (column >= 14)
    # The network is random: where its coarsest level is wrong, the finer ones stay near.
    right = (moved == (-8, -12)).all(-1)
    assert right[seen].mean() > 0.7
    error = np.abs(made.a_prime.astype(float) - a)
    assert np.median(error[seen]) <= 1
    back = made.backward - np.stack(np.mgrid[:48, :52], -1)
    assert (back == (8, 12)).all(-1)[:38, :38].mean() > 0.7


def test_the_result_is_the_mean_of_the_matches_copies():
    a, b = picture(seed=1), picture(32, 40, seed=2)
    made = make_analogy(a, b, PYRAMID, settings(final_patch=3))
    assert_sound(made, a, b)
    for row, column in ((0, 0), (13, 20), (39, 47)):
        found = []
        for y in range(max(0, row - 1), min(40, row + 2)):
            for x in range(max(0, column - 1), min(48, column + 2)):
                at = made.forward[y, x] + (row - y, column - x)
                if (at >= 0).all() and (at < b.shape[:2]).all():
                    found.append(b[tuple(at)].astype(float))
        assert np.abs(np.mean(found, axis=0) - made.a_prime[row, column]).max() <= 0.51


@pytest.mark.parametrize(
    "more",
    [
        {"reconstruction": "reextracted"},
        {"reconstruction": "deconvolution"},
        {"reconstruction": "deconvolution_from_noise"},
        {"blend": "sigmoid"},
        {"start": "random"},
        {"directions": "single"},
        {"levels": "independent"},
        {"texture": PUBLISHED},
        {"strength": "1"},
        {"whole_side": 40},
    ],
)
def test_every_setting_changes_the_fields_and_keeps_them_sound(more):
    a, b = picture(seed=1), picture(32, 44, seed=2)
    usual = make_analogy(a, b, PYRAMID, settings())
    made = make_analogy(a, b, PYRAMID, settings(**more))
    assert_sound(made, a, b)
    assert not np.array_equal(made.forward, usual.forward)


def test_equal_seeds_give_equal_results_on_one_thread_and_two():
    a, b = picture(seed=1), picture(seed=2)
    first = make_analogy(a, b, PYRAMID, settings(seed=7))
    again = make_analogy(a, b, PYRAMID, settings(seed=7, threads=2))
    other = make_analogy(a, b, PYRAMID, settings(seed=8))
    for name in ("forward", "backward", "a_prime", "b"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.forward, other.forward)


def test_large_images_are_matched_at_the_working_size():
    whole = picture(112, 128)
    a, b = whole[:96, :104], whole[16:, 24:]
    made = make_analogy(
        a, b, PYRAMID, settings(strength="aligned", texture=PUBLISHED, working_side=52)
    )
    assert made.working == ((48, 52), (48, 52))
    assert_sound(made, a, b)
    row, column = np.mgrid[:96, :104]
    moved = made.forward - np.stack([row, column], -1)
    seen = (row >= 20) & (column >= 28)
    assert np.median(np.abs(moved[seen] - (-16, -24))) <= 1


def test_a_field_of_half_the_size_says_where_the_coarsest_level_starts():
    """Images of 53×61 and 59×72, halves of 27×31 and 30×36, cells of four pixels."""
    row, column = torch.meshgrid(torch.arange(27), torch.arange(31), indexing="ij")
    y, x = _resized((row + 2, column + 4), (14, 16), (15, 18), (27, 31), (30, 36))
    # The cell (5, 6) has its middle at (10.6, 12.6) of the half, whose match lies at (12.6, 16.6).
    assert (int(y[5, 6]), int(x[5, 6])) == (6, 8)
    assert int(y.max()) <= 14 and int(x.max()) <= 17


def test_without_a_whole_side_nothing_is_halved():
    a, b = picture(seed=1), picture(32, 44, seed=2)
    never, larger, halved = (
        make_analogy(a, b, PYRAMID, settings(whole_side=side)).forward for side in (None, 320, 32)
    )
    assert np.array_equal(never, larger) and not np.array_equal(never, halved)


@pytest.mark.parametrize("whole_side", [320, 40])
def test_odd_sizes_are_sound(whole_side):
    a, b = picture(56, 64)[:53, :61], picture(60, 72, seed=1)[:59]
    assert_sound(make_analogy(a, b, PYRAMID, settings(whole_side=whole_side)), a, b)


def test_images_below_the_networks_least_size_are_enlarged():
    a, b = picture(8, 12)[:5, :7], picture(16, 16)
    made = make_analogy(a, b, PYRAMID, settings())
    assert min(made.working[0]) >= PYRAMID.smallest_side
    assert_sound(made, a, b)


@pytest.mark.parametrize("value", [0, 255])
def test_constant_images_are_handled(value):
    a, b = np.full((24, 24, 3), value, np.uint8), picture(32, 32)
    for first, second in ((a, b), (b, a), (a, a)):
        made = make_analogy(first, second, PYRAMID, settings())
        assert_sound(made, first, second)
    assert (make_analogy(a, a, PYRAMID, settings()).a_prime == value).all()


def test_other_arrays_and_a_missing_inverse_are_told():
    good = picture()
    with pytest.raises(ValueError, match=r"A: expected u8 \(H, W, 3\), got float64 \(40, 48, 3\)"):
        make_analogy(good.astype(float), good, PYRAMID, settings())
    with pytest.raises(ValueError, match="B′: expected u8"):
        make_analogy(good, good[..., 0], PYRAMID, settings())
    with pytest.raises(ValueError, match="run the stage `analogy_inverse`"):
        make_analogy(good, good, PYRAMID, settings(reconstruction="learned"))


def test_weights_of_cues_must_fit_together():
    with pytest.raises(ValidationError, match="must not add up to more than 1"):
        TextureSettings(colour=0.9, smoothness=0.6)
