"""How large pictures are, and photographs and maps at that size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from exemplar.data.domains import prepare_domain
from exemplar.labels.encoding import IGNORE
from exemplar.methods.pixelnn.whole.photographs import Photographs, filled
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group
from tests.methods.pixelnn.whole.heads import (
    CLASSES,
    DOMAIN,
    LEFT,
    RIGHT,
    STORED,
    labels_of,
    opened,
    photograph_of,
    write_heads,
)

SIDES = {0: 26, 1: 44, 2: 52, 3: 48, 4: 90}  # the median is 48


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("heads"))
        yield write_heads(4, 1, sides=SIDES)


@pytest.mark.parametrize(
    ("detail", "asked", "side"), [(512, None, 48), (40, None, 40), (512, 64, 64), (40, 30, 30)]
)
def test_pictures_are_as_large_as_most_photographs(params, detail, asked, side):
    found = Photographs(DOMAIN, params, WholeSettings(detail=detail), asked)
    assert found.size == (side, side) and found.stored_size == (STORED, STORED)
    assert found.most == 48


def test_rendered_ones_have_any_size(params):
    rendered = params | {"domains": {DOMAIN: {"kind": "rendered"}}}
    found = Photographs(DOMAIN, rendered, WholeSettings(rendered=200))
    assert found.size == (200, 200) and found.most is None
    assert Photographs(DOMAIN, rendered, WholeSettings(), 77).size == (77, 77)


def test_photographs_are_read_from_their_files(params):
    found, _ = opened(params, 48)
    for row, side in SIDES.items():
        labels = labels_of(row, (side, side))
        own = photograph_of(row, labels)
        image, there = found.image(row), found.labels(row)
        assert image.shape == (48, 48, 3) and image.dtype == np.uint8
        if side == 48:
            assert (image == own).all() and (there == labels).all()
        if side < 48:  # enlarged; maps are of any size
            picture = Image.fromarray(own).resize((48, 48), Image.Resampling.BICUBIC)
            assert (image == np.asarray(picture)).all() and (there == labels).all()
        assert np.abs(image.mean((0, 1)) - own.mean((0, 1))).max() < 4
    assert found.image(0) is not found.image(1)


def test_a_mirror_exchanges_left_and_right(params):
    found, _ = opened(params)
    labels = labels_of(1)
    turned = found.mirror(labels)
    assert ((turned == LEFT) == (labels == RIGHT)[:, ::-1]).all()
    assert (found.mirror(turned) == labels).all()
    assert found.mirror(np.array([[0, IGNORE]], np.uint8)).tolist() == [[IGNORE, 0]]


def test_stored_maps_are_of_classes_or_none(params):
    found, _ = opened(params)
    group = open_group(layout.images(DOMAIN))
    assert (found.stored_labels([3, 1]) == np.asarray(array(group, "labels"))[[3, 1]]).all()
    assert (found.stored([2]) == np.asarray(array(group, "image"))[[2]]).all()
    assert found.classes == CLASSES


def test_what_has_no_class_gets_the_nearest(params):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (9, 11)).astype(np.uint8)
    labels[rng.random((9, 11)) < 0.6] = IGNORE
    made = filled(labels)
    known = np.argwhere(labels != IGNORE)
    for y, x in np.ndindex(labels.shape):
        apart = np.square(known - (y, x)).sum(1)
        nearest = {int(labels[tuple(at)]) for at in known[apart == apart.min()]}
        assert made[y, x] in nearest
    assert filled(np.full((2, 2), IGNORE, np.uint8)).tolist() == [[0, 0], [0, 0]]
    whole = np.ones((2, 2), np.uint8)
    assert (filled(whole) == whole).all()


def test_image_sets_have_what_is_stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = {"kind": "digits", "limit": 3}
    params = {"domains": {"digits": own}, "prepare": {"image_size": 16, "workers": 1}}
    prepare_domain("digits", params)
    found = Photographs("digits", params, WholeSettings())
    stored = np.asarray(array(open_group(layout.images("digits")), "image"))
    assert found.size == found.stored_size == stored.shape[1:3]
    assert (found.image(1) == stored[1]).all() and found.classes == ()
    larger = Photographs("digits", params, WholeSettings(), 40)
    assert larger.image(1).shape == (40, 40, 3)
    with pytest.raises(StoreError, match="have no label maps; choose another condition"):
        found.stored_labels([0])
