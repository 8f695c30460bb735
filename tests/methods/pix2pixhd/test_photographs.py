import numpy as np
import pytest
import torch

from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.photographs import Photographs, draw, with_objects
from exemplar.methods.pix2pixhd.schedule import LevelSettings
from tests.methods.pix2pixhd import tiny

SETTINGS = LevelSettings(batch=2)


def photographs(count: int = 3, side: int = 32) -> Photographs:
    return with_objects(*tiny.rectangles(count, side))


@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_a_batch_is_its_photographs_smaller(reduction: int) -> None:
    data = photographs(1, 19)
    settings = SETTINGS.model_copy(update={"batch": 1, "flip": False})
    batch = draw(data, 0, settings, reduction)
    side = 19 // reduction
    assert batch.images.shape == (1, 3, side, side)
    assert batch.labels.shape == batch.objects.shape == (1, side, side)
    for y, x in np.ndindex(side, side):
        at = y * reduction + reduction // 2, x * reduction + reduction // 2
        assert batch.labels[0, y, x] == data.labels[0][at]
        assert batch.instances[0, y, x] == data.instances[0][at]
    if reduction == 1:
        assert ((batch.images[0].permute(1, 2, 0) + 1) * 127.5).round().numpy().astype(
            np.uint8
        ).tolist() == data.images[0].tolist()


def test_images_and_maps_are_mirrored_together() -> None:
    data = photographs(1)
    seen = set()
    for step in range(12):
        batch = draw(data, step, SETTINGS, 1)
        for number in range(2):
            flipped = torch.equal(batch.labels[number], torch.from_numpy(data.labels[0]).flip(1))
            at = data.images[0][:, ::-1] if flipped else data.images[0]
            back = ((batch.images[number].permute(1, 2, 0) + 1) * 127.5).round().numpy()
            assert (back == at).all()
            seen.add(flipped)
    assert seen == {True, False}


def test_objects_are_numbered_image_by_image() -> None:
    data = photographs()
    for n in range(3):
        assert (data.objects[n] == objects_of(data.labels[n], data.instances[n]).index).all()
    with pytest.raises(ValueError, match=r"labels \(3, 31, 32\)"):
        with_objects(data.images, data.labels[:, 1:], data.instances)
