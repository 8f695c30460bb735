import doctest

import numpy as np
import pytest

from exemplar.methods.pix2pixhd import editing
from exemplar.methods.pix2pixhd.editing import (
    Edit,
    EditError,
    edited,
    joined,
    parse_edit,
    relabelled,
)
from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.sampling import drawn_looks, keys, seen_looks, synthesise
from tests.methods.pix2pixhd import tiny
from tests.methods.pix2pixhd.test_sampling import STYLES, vivid


def town() -> Layout:
    labels = np.zeros((24, 24), np.uint8)
    instances = np.zeros((24, 24), np.int64)
    for number, (y, x) in enumerate([(2, 2), (2, 15), (16, 3)]):
        labels[y : y + 5, x : x + 5] = 1
        instances[y : y + 5, x : x + 5] = 11 + number
    return Layout("town", labels, instances)


def looks_of(layout: Layout):
    return drawn_looks(objects_of(layout.labels, layout.instances), STYLES)


def test_requests_are_read() -> None:
    edit = parse_edit(["box=hole", "0=1"], ["12=3", "-4=0"], tiny.CLASSES)
    assert edit == Edit({1: 2, 0: 1}, {12: 3, -4: 0})
    found = doctest.testmod(editing)
    assert found.attempted and not found.failed


def test_everything_wrong_with_requests_is_told() -> None:
    with pytest.raises(EditError) as caught:
        parse_edit(["box", "box=lid", "1=0", "box=2"], ["x=1", "3=2", "3=1", "4=-1"], tiny.CLASSES)
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    assert "--relabel box: expected FROM=TO" in lines[0]
    assert "'lid'; classes are 0 ground, 1 box, 2 hole" in lines[1]
    assert "--relabel box=2: another request asks for 0" in lines[2]
    assert "--style x=1: expected INSTANCE=K" in lines[3]
    assert "--style 3=1: another request asks for 2" in lines[4]
    assert "--style 4=-1" in lines[5]


def test_classes_can_be_exchanged() -> None:
    layout = town()
    found = relabelled(layout, {0: 1, 1: 0})
    assert (found.labels == 1 - layout.labels).all()
    assert (found.instances == layout.instances).all()


def test_a_chosen_style_changes_its_instance_alone() -> None:
    layout, model = town(), vivid()
    looks = looks_of(layout)
    objects = objects_of(layout.labels, layout.instances)
    row = keys(objects).index((12, 1))
    style = (int(looks.styles[row]) + 1) % 3
    found = edited(model, STYLES, layout, looks, Edit(styles={12: style}), margin=3)
    assert (found.changed == (layout.instances == 12)).all()
    assert found.looks.styles[row] == style
    others = np.arange(len(objects.labels)) != row
    assert (found.looks.features[others] == looks.features[others]).all()
    assert (found.before == synthesise(model, layout.labels, objects, looks)).all()
    whole = synthesise(model, layout.labels, objects, found.looks)
    inside = found.changed
    assert (found.after[inside] == whole[inside]).all()
    assert (found.after[inside] != found.before[inside]).any()
    # The bare generator shifts colours far away; the edit does not.
    far = np.zeros_like(inside)
    far[11:] = True
    assert (found.after[far] == found.before[far]).all()
    assert (whole[far] != found.before[far]).any()


def test_relabelled_objects_get_a_style_of_their_new_class_and_others_keep_theirs() -> None:
    layout, model = town(), vivid()
    looks = looks_of(layout)
    found = edited(model, STYLES, layout, looks, Edit(relabel={1: 0}, styles={13: 4}), margin=2)
    assert (found.layout.labels == 0).all()
    assert (found.changed == (layout.labels == 1)).all()
    objects = objects_of(found.layout.labels, layout.instances)
    styles = dict(zip(keys(objects), found.looks.styles.tolist(), strict=True))
    was = dict(
        zip(keys(objects_of(layout.labels, layout.instances)), looks.styles.tolist(), strict=True)
    )
    assert styles[0, 0] == was[0, 0]
    assert styles[13, 0] == 4
    assert set(styles) == {(0, 0), (11, 0), (12, 0), (13, 0)}


def test_looks_of_a_photograph_are_kept() -> None:
    images, labels, instances = tiny.rectangles(1)
    layout, model = Layout("photo", labels[0], instances[0]), vivid()
    objects = objects_of(layout.labels, layout.instances)
    looks = seen_looks(model, images[0], objects)
    number = int(objects.instances[objects.labels == 1][0])
    found = edited(model, STYLES, layout, looks, Edit(styles={number: 0}), margin=2)
    same = objects.instances != number
    assert (found.looks.features[same] == looks.features[same]).all()


def test_without_a_change_nothing_changes() -> None:
    layout = town()
    found = edited(vivid(), STYLES, layout, looks_of(layout), Edit(), margin=2)
    assert not found.changed.any() and (found.before == found.after).all()


def test_images_are_joined_over_the_margin() -> None:
    before, after = np.zeros((1, 8, 3), np.uint8), np.full((1, 8, 3), 100, np.uint8)
    changed = np.array([[True] + [False] * 7])
    assert joined(before, after, changed, 4)[0, :, 0].tolist() == [100, 75, 50, 25, 0, 0, 0, 0]
    assert joined(before, after, changed, 0)[0, :, 0].tolist() == [100] + [0] * 7
    assert (joined(before, after, changed, float("inf")) == after).all()


def test_requests_that_do_not_fit_the_layout_are_told_together() -> None:
    layout = town()
    edit = Edit(relabel={2: 0}, styles={99: 0, 11: 3})
    with pytest.raises(EditError) as caught:
        edited(vivid(), STYLES, layout, looks_of(layout), edit, margin=2)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0] == "relabel hole: town has none; it has ground, box"
    assert "no such instance; it has 0, 11, 12, 13" in lines[1]
    assert lines[2] == "style 3 of instance 11: box has 3 styles, from 0"
