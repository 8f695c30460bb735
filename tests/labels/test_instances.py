"""Instance maps beside label maps: what is told of those that do not belong to them."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from exemplar.data.cityscapes import LayoutFiles, read
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.labels.instances import said_of_instances
from exemplar.labels.values import per_cent

LABELS = np.zeros((20, 20), np.uint8)
LABELS[10:, :10], LABELS[10:, 10:] = 1, 2
THINGS = LABELS.astype(np.int64)
THINGS[10:, :5], THINGS[10:, 5:10] = 1001, 1002


def test_stuff_and_things_as_in_cityscapes_are_not_spoken_of():
    assert said_of_instances(THINGS, LABELS) == ()
    assert said_of_instances(LABELS.astype(np.int64), LABELS) == ()
    void = LABELS.copy()
    void[:4] = 255
    things = THINGS.copy()
    things[:4] = 77
    assert said_of_instances(things, void) == ()


def test_instances_of_more_than_one_class_are_told_with_their_share():
    (said,) = said_of_instances(np.roll(THINGS, 2, 0), LABELS)
    # Two of twenty rows of each half, and of none is it the other way round.
    assert said.startswith("20% of its pixels have another class than most of their instance, as")
    (said,) = said_of_instances(np.arange(400).reshape(20, 20) // 40, LABELS)
    assert said.startswith("25% of its pixels")


def test_a_constant_map_is_told_unless_there_is_one_class():
    (said,) = said_of_instances(np.full((20, 20), 7), LABELS)
    assert said.startswith("its instance map is 7 everywhere, so that everything is one object;")
    assert said_of_instances(np.full((20, 20), 7), np.zeros((20, 20), np.uint8)) == ()


@given(
    arrays(np.int64, (6, 5), elements=st.integers(0, 3)),
    arrays(np.uint8, (6, 5), elements=st.sampled_from([0, 1, 255])),
)
def test_the_share_is_that_of_a_plain_count(instances, labels):
    of_each = defaultdict(Counter)
    for number, label in zip(instances.ravel().tolist(), labels.ravel().tolist(), strict=True):
        of_each[number][label] += 1
    other = sum(sum(seen.values()) - max(seen.values()) for seen in of_each.values())
    said = said_of_instances(instances, labels)
    if len(np.unique(labels)) == 1 or (len(of_each) > 1 and not other):
        assert said == ()
    elif len(of_each) == 1:
        assert "everywhere" in said[0]
    else:
        assert said[0].startswith(f"{per_cent(other / 30)} of its pixels")


def test_a_domain_notes_what_is_odd_and_refuses_another_size(tmp_path):
    settings = CityscapesSettings(
        kind="cityscapes", root=tmp_path, size=(20, 20), classes=("a", "b", "c")
    )
    files = LayoutFiles("x", "train", "label.png", "inst.png")
    Image.fromarray(LABELS).save(tmp_path / "label.png")
    Image.fromarray(np.roll(THINGS, 2, 0).astype(np.uint16)).save(tmp_path / "inst.png")
    assert read(files, settings).notes[0].startswith("20% of its pixels have another class")
    Image.fromarray(THINGS.astype(np.uint16)).save(tmp_path / "inst.png")
    assert read(files, settings).notes == ()
    Image.fromarray(THINGS[1:].astype(np.uint16)).save(tmp_path / "inst.png")
    with pytest.raises(ValueError, match="its instance map is 20×19, its label map 20×20"):
        read(files, settings)


def test_cityscapes_own_maps_have_nothing_odd(shared):
    root = shared / "data" / "cityscapes"
    paths = sorted((root / "train_label").iterdir())[:2]
    assert paths
    settings = CityscapesSettings(kind="cityscapes", root=root)
    for path in paths:
        inst = path.name.replace("labelIds", "instanceIds")
        files = LayoutFiles("x", "train", f"train_label/{path.name}", f"train_inst/{inst}")
        assert read(files, settings).notes == ()
