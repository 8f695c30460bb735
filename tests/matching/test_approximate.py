"""The approximate searches: as good as they claim on images, true scores, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import affine_grid, grid_sample, interpolate, normalize

from exemplar.matching.approximate import match_coarse_to_fine, match_patchmatch
from exemplar.matching.exact import match_exact
from exemplar.matching.support import Support, Taps, taps
from exemplar.matching.windows import WHOLE
from tests.matching import naive

SEARCHES = [match_coarse_to_fine, match_patchmatch]
WINDOWS = (1, 4, 7, WHOLE)


def smooth(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Descriptors as those of one kind of object: one pattern, bent differently in each image.

    Some channels change slowly and some fast, as in hypercolumns.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise(channels: int, cell: int) -> torch.Tensor:
        size = (-(-height // cell) + 1, -(-width // cell) + 1)
        coarse = torch.randn(1, channels, *size, generator=generator)
        return interpolate(coarse, (height, width), mode="bilinear")

    pattern = torch.cat([noise(6, cell) for cell in (16, 8, 4, 2)], 1)
    still = affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False)
    images = [
        grid_sample(
            pattern,
            still + 0.08 * noise(2, 20).permute(0, 2, 3, 1),
            padding_mode="border",
            align_corners=False,
        )
        + 0.2 * noise(24, 4)
        for _ in range(count)
    ]
    return normalize(torch.cat(images).permute(0, 2, 3, 1), dim=-1).contiguous()


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("size", [(64, 64), (50, 67)])
def test_matches_are_nearly_as_similar_as_the_best(search, size):
    x = smooth(4, *size)
    exact, found = match_exact(x[0], x[1:], WINDOWS), search(x[0], x[1:], WINDOWS)
    assert found.score.shape == exact.score.shape
    assert found.position.dtype == exact.position.dtype
    assert (found.score <= exact.score + 1e-5).all()
    assert found.score.mean() > 0.99 * exact.score.mean()
    torch.testing.assert_close(found.score[:, 0], exact.score[:, 0])


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("size", [(64, 64), (50, 67), (5, 3), (1, 1), (25, 49)])
def test_scores_are_true_and_matches_lie_in_the_window(search, size):
    height, width = size
    x = smooth(3, height, width, 1)
    windows = tuple(w for w in WINDOWS if w <= min(size))
    found = search(x[0], x[1:], windows)
    pixel = torch.arange(height * width)
    for rank in range(2):
        similarity = x[0].flatten(0, 1) @ x[1 + rank].flatten(0, 1).T
        for index, window in enumerate(windows):
            place = found.position[rank, index].flatten()
            assert naive.allowed(height, width, window)[pixel, place].all()
            torch.testing.assert_close(found.score[rank, index].flatten(), similarity[pixel, place])


@pytest.mark.parametrize("search", SEARCHES)
def test_the_same_whatever_the_number_of_threads(search):
    x = smooth(4, 40, 40, 2)
    before = torch.get_num_threads()
    made = []
    try:
        for threads in (1, 4):
            torch.set_num_threads(threads)
            made.append(search(x[0], x[1:], WINDOWS))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(made[0].position, made[1].position)
    np.testing.assert_array_equal(made[0].score, made[1].score)


def test_patchmatch_follows_its_seed():
    x = smooth(2, 48, 48, 3)
    once, again = (match_patchmatch(x[0], x[1:], (WHOLE,), seed=5) for _ in range(2))
    other = match_patchmatch(x[0], x[1:], (WHOLE,), seed=6)
    np.testing.assert_array_equal(once.position, again.position)
    assert (once.position != other.position).any()


def test_more_iterations_find_better_matches():
    x = smooth(2, 48, 48, 4)
    scores = [
        match_patchmatch(x[0], x[1:], (WHOLE,), iterations=n).score.mean().item() for n in (1, 4)
    ]
    assert scores[1] > scores[0]


def test_an_odd_side_s_last_row_has_a_cell_of_its_own():
    x = smooth(2, 49, 25, 5)
    found = match_coarse_to_fine(x[0], x[:1], (WHOLE,))
    assert (found.position[0, 0] == torch.arange(49 * 25).view(49, 25)).float().mean() > 0.99


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("size", [(40, 40), (33, 50), (20, 18)])
@pytest.mark.parametrize("softness", [0.0, 0.3])
def test_with_support_whole_neighbourhoods_match_nearly_as_well_as_the_best(search, size, softness):
    height, width = size
    x = smooth(2, height, width, 6)
    guide = torch.rand(height, width, 3, generator=torch.Generator().manual_seed(0))
    support = Support(3, softness, guide)
    found = search(x[0], x[1:], (5, WHOLE), support=support)
    similarity = torch.einsum("yxd,vud->yxvu", x[0], x[1])
    volume = means(similarity, taps(support, size, torch.device("cpu")))
    position = found.position[0].flatten(1)
    for index, scores in enumerate(found.score[0].flatten(1)):
        chosen = volume.flatten(2).flatten(0, 1)[torch.arange(height * width), position[index]]
        torch.testing.assert_close(scores, chosen)
    best = volume.flatten(2).amax(2)
    assert found.score[0, 1].mean() > 0.98 * best.mean()
    near = torch.from_numpy(naive.allowed(height, width, 5)).view(height, width, -1)
    best = volume.flatten(2).where(near, -torch.inf).amax(2)
    torch.testing.assert_close(found.score[0, 0], best)


def means(similarity: torch.Tensor, around: Taps) -> torch.Tensor:
    """Mean similarities of all pairs, by whole volumes moved along their diagonals."""
    height, width = similarity.shape[:2]
    total, norm = torch.zeros_like(similarity), torch.zeros_like(similarity)
    for (down, right), weight in zip(around.offset.tolist(), around.weight, strict=True):
        here = (slice(max(0, -down), height - max(0, down)),
                slice(max(0, -right), width - max(0, right))) * 2  # fmt: skip
        there = (slice(max(0, down), height - max(0, -down)),
                 slice(max(0, right), width - max(0, -right))) * 2  # fmt: skip
        counts = weight[here[:2]][..., None, None]
        total[here] += counts * similarity[there]
        norm[here] += counts
    return total / norm
