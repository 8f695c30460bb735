from pathlib import Path

import numpy as np
import torch
from PIL import Image

from exemplar.methods.pix2pixhd.photographs import with_objects
from exemplar.methods.pix2pixhd.pictures import Pictures, coloured, picture
from exemplar.methods.pix2pixhd.sampling import to_bytes
from exemplar.methods.pix2pixhd.training import train_level
from tests.methods.pix2pixhd import tiny
from tests.methods.pix2pixhd.test_training import SETTINGS, photographs


def test_a_row_is_layout_image_and_photograph_at_the_size_of_the_level() -> None:
    shown = photographs(2, 32)
    for level, side in ((0, 8), (1, 16), (2, 32)):
        model = tiny.model(level).eval()
        drawn = picture(model, shown)
        assert drawn.shape == (2 * side, 3 * side, 3) and drawn.dtype == np.uint8
    assert model.encoder is not None
    photograph = torch.from_numpy(shown.images[1:]).permute(0, 3, 1, 2) / 127.5 - 1
    maps = [torch.from_numpy(values[1:].astype(np.int64))
            for values in (shown.labels, shown.instances, shown.objects)]  # fmt: skip
    with torch.inference_mode():
        features = model.encoder(photograph, maps[2])[1]
        made = to_bytes(model(*maps[:2], features))
    np.testing.assert_array_equal(drawn[32:, :32], coloured(shown.labels[1], 3))
    np.testing.assert_array_equal(drawn[32:, 32:64], made[0])
    np.testing.assert_array_equal(drawn[32:, 64:], shown.images[1])


def test_classes_have_colours_of_their_own_and_ignored_pixels_none() -> None:
    for classes in (2, 12, 35):
        colours = coloured(np.arange(classes)[None], classes)[0].astype(int)
        apart = np.abs(colours[:, None] - colours[None]).sum(-1) + 999 * np.eye(classes)
        assert apart.min() > (10 if classes > 12 else 30), classes
        assert (colours.sum(1) < 700).all()
    assert (coloured(np.array([[255]]), 3) == 255).all()


def test_without_an_encoder_there_is_a_picture_too() -> None:
    bare = tiny.NETWORK.model_copy(update={"encoder": None})
    assert picture(tiny.model(2, network=bare).eval(), photographs(1, 32)).shape == (32, 96, 3)


def test_a_training_writes_one_before_each_checkpoint(tmp_path: Path) -> None:
    data = photographs(3, 32)
    observe = Pictures(data.some(np.array([2, 0])), tmp_path / "samples")
    model = tiny.model(1)
    train_level(model, data, SETTINGS, tmp_path / "work", "a", observe=observe)
    written = sorted(tmp_path.glob("samples/*"))
    assert [path.name for path in written] == [f"1-000000{step}.png" for step in (2, 4, 6)]
    last = np.asarray(Image.open(written[-1]))
    np.testing.assert_array_equal(last, picture(model, observe.shown))
    assert not np.array_equal(np.asarray(Image.open(written[0])), last)
    np.testing.assert_array_equal(observe.shown.images, data.images[[2, 0]])


def test_a_picture_of_photographs_with_ignored_pixels() -> None:
    images, labels, instances = tiny.rectangles(1, 32)
    labels[0, :8] = 255
    drawn = picture(tiny.model(2).eval(), with_objects(images, labels, instances))
    assert (drawn[:8, :32] == 255).all() and (drawn[8:, :32].min(-1) < 255).all()
