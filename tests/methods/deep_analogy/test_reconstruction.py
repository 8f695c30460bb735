"""Ways to reconstruct features, where the answer is known: an image brought to its own places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.methods.deep_analogy.inverse import InverseNetworkSettings, new_inverse
from exemplar.methods.deep_analogy.reconstruction import (
    Given,
    brought,
    finer,
    reconstruct,
    size_of,
)
from exemplar.methods.deep_analogy.settings import RECONSTRUCTIONS
from tests.methods.deep_analogy.small_pyramid import small_pyramid


def at_home(height: int = 20, width: int = 26, up: bool = True, level: int = 3) -> Given:
    """The other image is this one, and every cell matches itself."""
    pyramid = small_pyramid(up=up)
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        maps = [image, *pyramid(image)]
    sizes = [size_of(each) for each in maps]
    row, column = torch.meshgrid(*(torch.arange(n) for n in sizes[level]), indexing="ij")
    return Given(pyramid, maps, sizes, (row.int(), column.int()), level)


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("level", [2, 3])
@pytest.mark.parametrize("kind", ["voted", "reextracted", "deconvolution"])
def test_what_stays_at_its_place_is_given_back(kind, level, up):
    given = at_home(21, 27, up, level)
    made = reconstruct(kind, given)
    np.testing.assert_allclose(made, given.maps[level - 1], atol=1e-3)


@pytest.mark.parametrize("kind", RECONSTRUCTIONS)
def test_every_way_gives_a_map_of_this_images_size(kind):
    given = at_home()
    crop = 11, 13
    sizes = [size_of(each) for each in given.pyramid(torch.zeros(1, 3, *crop))]
    there = given.places[0][: sizes[2][0], : sizes[2][1]].contiguous()
    across = given.places[1][: sizes[2][0], : sizes[2][1]].contiguous()
    given = given._replace(sizes=[crop, *sizes], places=(there, across))
    inverse = new_inverse(given.pyramid, InverseNetworkSettings())
    with torch.no_grad():
        made = reconstruct(kind, given, inverse)
    assert tuple(made.shape) == (1, given.maps[2].shape[1], *sizes[1])
    assert torch.isfinite(made).all()


def test_deconvolution_fits_the_warped_map_better_than_voting():
    """The cells' rows are reversed: what votes bring no longer makes the map it should make."""
    given = at_home()
    given = given._replace(places=(given.places[0].flip(0).contiguous(), given.places[1]))
    target = given.maps[3].flip(2)

    def misfit(kind) -> float:
        made = reconstruct(kind, given)
        with torch.no_grad():
            return float((given.pyramid.between(made, 2, 3) - target).square().mean())

    assert misfit("deconvolution") < 0.8 * misfit("voted")


def test_as_published_the_warped_map_is_the_target_and_copies_are_not_averaged():
    """Cells anywhere: averaging copies would lead far from what each cell matches (Eq. 5)."""
    given = at_home()
    shape = given.places[0].shape
    draw = torch.Generator().manual_seed(2)
    y, x = (torch.randint(n, shape, generator=draw, dtype=torch.int32) for n in shape)
    given = given._replace(places=(y, x))
    warped = given.maps[3][:, :, y.long(), x.long()]
    averaged = brought(given.maps, given.sizes, given.places, 3, 3)
    made = reconstruct("deconvolution_from_noise", given)
    with torch.no_grad():
        found = given.pyramid.between(made, 2, 3)
    assert (found - warped).square().mean() < 0.2 * (found - averaged).square().mean()
    once = brought(given.maps, given.sizes, given.places, 3, 3, votes=0)
    torch.testing.assert_close(once, warped, rtol=0, atol=0)


def test_a_field_goes_down_levels_that_round_their_sizes():
    sizes = [(11, 9), (11, 9), (6, 5), (3, 3)]
    row, column = torch.meshgrid(torch.arange(3), torch.arange(3), indexing="ij")
    y, x = finer((row, column), sizes, sizes, 3, 1)
    assert (y == torch.arange(11)[:, None]).all() and (x == torch.arange(9)[None]).all()
    # Level 1 has the image's size: nothing moves.
    same = finer((y, x), sizes, sizes, 1, 0)
    assert torch.equal(same[0], y) and torch.equal(same[1], x)


@pytest.mark.parametrize("size", [(28, 448), (24, 24), (31, 96)])
def test_a_displacement_doubles_at_each_level_where_sizes_are_rounded_down(size):
    sizes = [size, *((size[0] >> level, size[1] >> level) for level in range(5))]
    height, width = sizes[5]
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    # One cell down at the top level is two at the next.
    y, _ = finer(((row + 1).clamp_max(height - 1), column), sizes, sizes, 5, 4)
    if height > 1:
        assert int(y[0, 0]) == 2
    _, x = finer((row, (column + 1).clamp_max(width - 1)), sizes, sizes, 5, 4)
    if width > 1:
        assert int(x[0, 0]) == 2
        assert int(x[0, 1]) == 3
