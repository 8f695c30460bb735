import numpy as np
import pytest

from exemplar.methods.pix2pixhd.editing import edited, joined
from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.sampling import drawn_looks, keys, seen_looks, synthesise
from exemplar.methods.pix2pixhd.wishes import Edit, EditError
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


def test_a_chosen_style_changes_its_instance_alone() -> None:
    layout, model = town(), vivid()
    looks = looks_of(layout)
    objects = objects_of(layout.labels, layout.instances)
    row = keys(objects).index((12, 1))
    style = (int(looks.styles[row]) + 1) % 3
    found = edited(model, STYLES, layout, looks, Edit(styles={(12, None): style}), margin=3)
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
    found = edited(
        model, STYLES, layout, looks, Edit(relabel={(None, 1): 0}, styles={(13, None): 4}), margin=2
    )
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
    found = edited(model, STYLES, layout, looks, Edit(styles={(number, None): 0}), margin=2)
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


def test_where_classes_are_the_objects_what_is_relabelled_joins_its_new_class() -> None:
    labels = town().labels
    layout, model = Layout("town", labels, labels.astype(np.int64), mapped=False), vivid()
    looks = looks_of(layout)
    found = edited(model, STYLES, layout, looks, Edit(relabel={(None, 1): 0}), margin=2)
    objects = objects_of(found.layout.labels, found.layout.instances)
    assert keys(objects) == [(0, 0)]
    assert (found.looks.features == looks.features[:1]).all()
    assert (found.changed == (labels == 1)).all()


def test_an_edit_that_does_not_fit_runs_no_network(monkeypatch) -> None:
    layout, model = town(), vivid()
    monkeypatch.setattr(model, "forward", lambda *_: pytest.fail("a network ran"))
    edit = Edit(relabel={(None, 2): 0}, styles={(11, None): 3})
    with pytest.raises(EditError, match="relabel hole: town has none.*\n.*box has 3 styles"):
        edited(model, STYLES, layout, looks_of(layout), edit, margin=2)
