from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from exemplar.methods.pix2pixhd.encoding import Objects, objects_of
from exemplar.methods.pix2pixhd.layouts import IGNORE, Layout
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.sampling import (
    NO_STYLE,
    drawn_looks,
    keys,
    samples,
    seen_looks,
    synthesise,
)
from exemplar.methods.pix2pixhd.styles import Styles
from tests.methods.pix2pixhd import tiny

# Five styles of class 0, three of class 1, none of class 2.
STYLES = Styles(
    np.array([0] * 5 + [1] * 3, np.uint8),
    np.random.default_rng(0).uniform(-1, 1, (8, 2)).astype(np.float32),
    np.ones(8, np.int64),
)


def layout(side: int = 16) -> Layout:
    _, labels, instances = tiny.rectangles(1, side)
    return Layout("one", labels[0], instances[0])


def vivid(level: int = 1) -> Pix2pixHD:
    model = tiny.model(level)
    for module in model.modules():  # an untrained generator is grey
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.2)
    return model.eval()


def objects(pairs: list[tuple[int, int]]) -> Objects:
    instances, labels = np.array(pairs).T
    return objects_of(labels[None].astype(np.uint8), instances[None])


def test_an_object_keeps_its_style_whatever_else_there_is() -> None:
    many = objects([(instance, label) for instance in range(40) for label in (0, 1)])
    looks = drawn_looks(many, STYLES, seed=3, sample=2)
    found = dict(zip(keys(many), looks.styles.tolist(), strict=True))
    few = objects([(7, 1), (31, 0), (31, 1)])
    again = drawn_looks(few, STYLES, seed=3, sample=2)
    assert again.styles.tolist() == [found[key] for key in keys(few)]
    assert {s for (_, label), s in found.items() if label == 0} == {0, 1, 2, 3, 4}
    for (_, label), style, features in zip(keys(many), looks.styles, looks.features, strict=True):
        assert (features == STYLES.of(label)[style]).all()
    other = drawn_looks(many, STYLES, seed=3, sample=3)
    assert (other.styles != looks.styles).mean() > 0.4


def test_parts_of_an_instance_get_styles_that_were_seen_together() -> None:
    # Styles of class 0, 1 and 2 of training instances; the third has no class 1.
    seen = np.array([[0, 0, -1], [1, 1, -1], [4, -1, -1]], np.int16)
    styles = replace(STYLES, combinations=seen)
    parts = objects([(instance, label) for instance in range(60) for label in (0, 1)])
    drawn = drawn_looks(parts, styles, seed=1, sample=4)
    found = dict(zip(keys(parts), drawn.styles.tolist(), strict=True))
    pairs = {(found[instance, 0], found[instance, 1]) for instance in range(60)}
    assert pairs == {(0, 0), (1, 1), (4, 0), (4, 1)}  # never (0, 1), nor (2, 2), nor (3, 0)
    # It is drawn alike whatever else there is.
    few = objects([(7, 1), (31, 0)])
    again = drawn_looks(few, styles, seed=1, sample=4)
    assert again.styles.tolist() == [found[key] for key in keys(few)]
    # What was never seen with a style is drawn alone.
    lone = replace(STYLES, combinations=seen[:, :1])
    assert set(drawn_looks(parts, lone).styles[1::2].tolist()) == {0, 1, 2}


def test_classes_without_styles_and_pixels_without_class() -> None:
    looks = drawn_looks(objects([(1, 2), (2, IGNORE), (-5, 0)]), STYLES)
    assert (looks.styles == NO_STYLE).tolist() == [False, True, True]
    assert (looks.features[1:] == 0).all()


def test_styles_can_be_chosen() -> None:
    looks = drawn_looks(objects([(1, 0), (2, 0)]), STYLES, chosen={(2, 0): 4})
    assert looks.styles[1] == 4
    assert (looks.features[1] == STYLES.of(0)[4]).all()
    with pytest.raises(ValueError, match="style 3 of instance 9: its class 1 has 3 styles"):
        drawn_looks(objects([(9, 1)]), STYLES, chosen={(9, 1): 3})


@pytest.mark.parametrize("size", [(16, 16), (9, 21)])
def test_images_have_the_size_of_the_layout(size) -> None:
    labels = np.zeros(size, np.uint8)
    labels[:, 5:] = 1
    images, numbers = samples(vivid(), Layout("a", labels, labels.astype(np.int64)), STYLES, 3)
    assert images.shape == (3, *size, 3) and images.dtype == np.uint8
    assert numbers.shape == (3, 2)


def test_samples_differ_are_repeatable_and_do_not_depend_on_their_number() -> None:
    model = vivid()
    many, numbers = samples(model, layout(), STYLES, 6, seed=1)
    few, _ = samples(model, layout(), STYLES, 2, seed=1)
    assert (many[:2] == few).all()
    different = {row.tobytes() for row in numbers}
    assert len({image.tobytes() for image in many}) == len(different) > 1


def test_an_image_is_what_the_networks_give() -> None:
    model, given = vivid(), layout()
    found = objects_of(given.labels, given.instances)
    looks = drawn_looks(found, STYLES)
    features = np.zeros((1, 2, 16, 16), np.float32)
    for number in range(len(found.labels)):
        features[0][:, found.index == number] = looks.features[number][:, None]
    with torch.no_grad():
        expected = model(
            torch.from_numpy(given.labels)[None],
            torch.from_numpy(given.instances)[None],
            torch.from_numpy(features),
        )[0]
    image = synthesise(model, given.labels, found, looks)
    levels = (expected.permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(image - levels).max() <= 0.51
    assert image.std() > 3


def test_looks_seen_in_a_photograph() -> None:
    images, labels, instances = tiny.rectangles(1)
    model, found = vivid(), objects_of(labels[0], instances[0])
    looks = seen_looks(model, images[0], found)
    assert looks.features.shape == (len(found.labels), 2)
    assert (looks.styles == NO_STYLE).all()
    repainted = images[0].copy()
    repainted[found.index == 1] = (10, 240, 10)
    other = seen_looks(model, repainted, found)
    assert np.abs(looks.features[1] - other.features[1]).max() > 0.02
    with pytest.raises(ValueError, match=r"expected a photograph \(16, 16, 3\).*got \(15, 16, 3\)"):
        seen_looks(model, images[0][1:], found)
    model.encoder = None
    with pytest.raises(ValueError, match="without an encoder"):
        seen_looks(model, images[0], found)
