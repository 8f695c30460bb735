import doctest

import numpy as np
import pytest

from exemplar.methods.pix2pixhd import wishes
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.styles import NO_STYLES
from exemplar.methods.pix2pixhd.wishes import (
    Edit,
    EditError,
    fitting,
    parse_edit,
    problems_of,
    relabelled,
)
from tests.methods.pix2pixhd import tiny
from tests.methods.pix2pixhd.test_editing import town
from tests.methods.pix2pixhd.test_sampling import STYLES


def animal() -> Layout:
    """One instance of two classes on a ground."""
    layout = town()
    labels = layout.labels.copy()
    labels[2:4, 2:7] = 2
    return Layout("animal", labels, layout.instances)


def test_requests_are_read() -> None:
    problems: list[str] = []
    styles = ["12=3", "-4=0", "12:hole=1"]
    edit = parse_edit(["box=hole", "0=1", "12:box=0"], styles, tiny.CLASSES, problems)
    assert not problems
    assert edit.relabel == {(None, 1): 2, (None, 0): 1, (12, 1): 0}
    assert edit.styles == {(12, None): 3, (-4, None): 0, (12, 2): 1}
    assert [edit.style_of(key) for key in [(12, 1), (12, 2), (13, 1)]] == [3, 1, None]
    found = doctest.testmod(wishes)
    assert found.attempted and not found.failed


def test_classes_may_have_any_numbers() -> None:
    problems: list[str] = []
    numbers = (7, 0, 300)
    edit = parse_edit(["0=300", "hole=7"], ["5:300=1"], tiny.CLASSES, problems, numbers)
    assert edit == Edit({(None, 1): 2, (None, 2): 0}, {(5, 2): 1})
    parse_edit(["1=0"], [], tiny.CLASSES, problems, numbers)
    assert "got '1'; classes are 7 ground, 0 box, 300 hole" in problems[0]


def test_everything_wrong_with_requests_is_told() -> None:
    styles = ["x=1", "3=2", "3=1", "4=-1", "4:lid=1", "5"]
    lines: list[str] = []
    edit = parse_edit(["box", "box=lid", "1=0", "box=2"], styles, tiny.CLASSES, lines)
    assert edit == Edit({(None, 1): 0}, {(3, None): 2})
    assert len(lines) == 8
    assert "--relabel box: FROM=TO expects classes, got ''" in lines[0]
    assert "'lid'; classes are 0 ground, 1 box, 2 hole" in lines[1]
    assert "--relabel box=2: another request asks for 0" in lines[2]
    assert "--style x=1: INSTANCE=K: expected an instance's number, got 'x'" in lines[3]
    assert "--style 3=1: another request asks for 2" in lines[4]
    assert "--style 4=-1: expected a style's number after =, got '-1'" in lines[5]
    assert "--style 4:lid=1" in lines[6] and "'lid'" in lines[6]
    assert "--style 5: INSTANCE=K: expected an instance's number, got ''" in lines[7]


def test_classes_can_be_exchanged() -> None:
    layout = town()
    found = relabelled(layout, {(None, 0): 1, (None, 1): 0})
    assert (found.labels == 1 - layout.labels).all()
    assert (found.instances == layout.instances).all()


def test_one_instance_can_be_relabelled_otherwise_than_the_others() -> None:
    layout = town()
    found = relabelled(layout, {(12, 1): 0, (None, 1): 2})
    expected = np.where(layout.labels == 1, 2, 0)
    assert (found.labels == np.where(layout.instances == 12, 0, expected)).all()


def test_requests_that_do_not_fit_the_layout_are_told_together() -> None:
    edit = Edit({(None, 2): 0, (12, 0): 1}, {(99, None): 0, (11, None): 3, (12, 0): 0})
    lines = problems_of(tiny.CLASSES, STYLES, town(), edit)
    assert lines == [
        "relabel hole: town has none; it has ground, box",
        "relabel ground of instance 12: town has none; it has ground, box",
        "style of instance 99: town has no such instance; it has 0, 11, 12, 13",
        "style 3 of instance 11: box has 3 styles, from 0",
        "style of ground of instance 12: town has none; the instance has box",
    ]
    assert problems_of(tiny.CLASSES, STYLES, town(), Edit({}, {(12, None): 2, (0, 0): 4})) == []


def test_a_class_of_its_own_style_need_not_have_that_of_its_instance() -> None:
    layout = animal()
    assert problems_of(tiny.CLASSES, STYLES, layout, Edit({}, {(11, None): 2})) == [
        "style 2 of instance 11: hole has no styles"
    ]
    assert not problems_of(tiny.CLASSES, STYLES, layout, Edit({}, {(11, 1): 2}))
    # Once relabelled, it is of a class that has some.
    edit = Edit({(11, 2): 0}, {(11, 0): 4, (11, None): 2})
    assert not problems_of(tiny.CLASSES, STYLES, layout, edit)


def test_without_an_encoder_there_are_no_styles() -> None:
    (line,) = problems_of(tiny.CLASSES, NO_STYLES, town(), Edit({}, {(11, None): 0}))
    assert "trained without an encoder" in line


def test_each_layout_gets_the_part_that_fits() -> None:
    plain = Layout("plain", town().labels * 0, town().instances * 0)
    edit = Edit({(None, 1): 0, (12, 1): 2}, {(0, None): 1, (12, 2): 0})
    one, other = fitting([town(), plain], edit, tiny.CLASSES)
    assert one == edit
    assert other == Edit({}, {(0, None): 1})
    lost = Edit({(None, 2): 0, (7, 1): 0}, {(7, None): 0, (12, 2): 0})
    with pytest.raises(EditError) as caught:
        fitting([town(), plain], lost, tiny.CLASSES)
    assert str(caught.value).splitlines() == [
        "relabel hole: none of the 2 layouts has it",
        "relabel box of instance 7: none of the 2 layouts has it",
        "style of instance 7: none of the 2 layouts has it",
        "style of hole of instance 12: none of the 2 layouts has it",
    ]
    assert fitting([town()], lost, tiny.CLASSES) == [lost]  # told by `problems_of`
