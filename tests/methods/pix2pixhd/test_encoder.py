import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.methods.pix2pixhd.encoder import (
    EncoderSettings,
    InstanceEncoder,
    object_means,
    spread,
)

TINY = EncoderSettings(features=2, width=2, downsamplings=1)


@given(st.integers(0, 1000), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_means_equal_loops_over_images_and_objects(seed: int, batch: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(batch, 3, 5, 4, generator=generator)
    objects = torch.randint(0, 4, (batch, 5, 4), generator=generator)
    found = object_means(maps, objects)
    pixels = spread(found, objects)
    for image in range(batch):
        for number in range(int(objects.max()) + 1):
            here = objects[image] == number
            mean = maps[image][:, here].mean(1) if here.any() else torch.zeros(3)
            torch.testing.assert_close(found[image, number], mean)
            assert (pixels[image][:, here] == found[image, number][:, None]).all()


def test_a_batch_is_its_images_one_by_one() -> None:
    torch.manual_seed(0)
    encoder = InstanceEncoder(TINY).eval()
    images = torch.rand(3, 3, 6, 8) * 2 - 1
    objects = torch.randint(0, 3, (3, 6, 8))
    with torch.no_grad():
        together = encoder(images, objects)[1]
        alone = [encoder(images[i : i + 1], objects[i : i + 1])[1] for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_gradients_are_shared_by_an_object() -> None:
    maps = torch.randn(1, 1, 1, 4, requires_grad=True)
    objects = torch.tensor([[[0, 0, 0, 1]]])
    spread(object_means(maps, objects), objects)[0, 0, 0, 0].backward()
    torch.testing.assert_close(maps.grad[0, 0, 0], torch.tensor([1 / 3, 1 / 3, 1 / 3, 0]))


@pytest.mark.parametrize("size", [(5, 7), (1, 2)])
def test_features_of_any_size(size) -> None:
    means, pixels = InstanceEncoder(TINY)(torch.rand(2, 3, *size), torch.zeros(2, *size).long())
    assert means.shape == (2, 1, 2) and pixels.shape == (2, 2, *size)
    assert means.abs().max() <= 1


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"expected objects \(1, 4, 4\).*got \(1, 4, 5\)"):
        object_means(torch.rand(1, 2, 4, 4), torch.zeros(1, 4, 5).long())
