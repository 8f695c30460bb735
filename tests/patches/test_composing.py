from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.patches.composing import Wanted, compose
from exemplar.patches.exemplars import Exemplar
from exemplar.patches.levels import Guides
from exemplar.patches.library import Library
from exemplar.patches.settings import PatchSettings
from exemplar.patches.voting import rederive, shares
from tests.patches.scenes import photograph, striped

SETTINGS = PatchSettings(coarsest=10, whole_side=20, rounds=3)


def scene(seed, size=(40, 36)):
    labels = striped(size, seed=seed)
    return (photograph(seed, size) // 3 + labels[..., None] * 70).astype(np.uint8), labels


def test_a_picture_made_of_itself_with_its_own_guides_is_itself():
    image, labels = scene(0)
    values = np.random.default_rng(0).random((20, 18, 2))
    guides = Guides(labels, values)
    library = Library([Exemplar(image, guides)], 40, SETTINGS)
    made = compose(library, [Wanted(guides)], (40, 36))[0]
    assert np.array_equal(made.image, image)
    y, x = np.mgrid[:40, :36]
    assert np.array_equal(made.source, np.stack([0 * y, y, x], -1))


def test_matches_stay_in_their_class_and_sources_make_the_picture():
    (one, first), (two, second) = scene(0), scene(1, (50, 60))
    exemplars = [Exemplar(one, Guides(first)), Exemplar(two, Guides(second), mirrored=True)]
    exemplars[1] = exemplars[1]._replace(guides=Guides(np.ascontiguousarray(second[:, ::-1])))
    wanted = striped((40, 36), seed=2)
    library = Library(exemplars, 40, SETTINGS, [1, 1, 1.5])
    bias = np.array([[0, 0, 300], [0, 0, 0]])  # so that both are used
    made = compose(library, [Wanted(Guides(wanted), bias=bias)], (40, 36))[0]
    assert np.array_equal(rederive(made.source, exemplars, made.votes), made.image)
    assert shares(made.source, exemplars, made.votes).sum() == pytest.approx(1)
    which, y, x = np.moveaxis(made.source, -1, 0)
    there = np.where(which == 0, first[y % 40, x % 36], second[y % 50, x % 60])
    assert set(np.unique(which)) == {0, 1}
    # The second is used smaller: its classes are those of the nearest pixels.
    assert (there == wanted)[which == 0].all() and (there == wanted).mean() > 0.93


def test_pictures_made_side_by_side_are_those_made_alone():
    exemplars = [Exemplar(image, Guides(labels)) for image, labels in map(scene, range(3))]
    some = [
        Wanted(Guides(striped((40, 36), seed=4)), exemplars=(0, 2), seed=3),
        Wanted(Guides(striped((40, 36), seed=5)), start=scene(1)[0]),
    ]
    both = compose(Library(exemplars, 40, SETTINGS), some, (40, 36))
    for one, beside in zip(some, both, strict=True):
        alone = compose(Library(exemplars, 40, SETTINGS), [one], (40, 36))[0]
        assert np.array_equal(alone.image, beside.image)
    assert set(np.unique(both[0].source[..., 0])) <= {0, 2}


def test_pictures_do_not_depend_on_the_number_of_threads():
    exemplars = [Exemplar(*scene(number)[:1], Guides(scene(number)[1])) for number in range(2)]
    former, made = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            library = Library(exemplars, 64, SETTINGS)
            made.append(compose(library, [Wanted(Guides(striped((64, 60))))], (64, 60))[0])
    finally:
        torch.set_num_threads(former)
    assert np.array_equal(made[0].source, made[1].source)
    assert np.array_equal(made[0].image, made[1].image)


def test_values_guide_where_there_are_no_labels():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, :20], image[:, 20:] = (200, 30, 30), (30, 30, 200)
    image[::3] //= 2
    bright = np.zeros((40, 40, 1))
    bright[:, 20:] = 1
    library = Library([Exemplar(image, Guides(values=bright))], 40, SETTINGS)
    made = compose(library, [Wanted(Guides(values=bright.transpose(1, 0, 2)))], (40, 40))[0].image
    assert (made[4:14, 4:36, 0] > 60).all() and (made[26:36, 4:36, 2] > 60).all()


def test_a_start_is_taken_up():
    image = photograph(0)
    settings = PatchSettings(patch=3, coarsest=20, whole_side=20, rounds=2, place=0, alpha=100)
    library = Library([Exemplar(image)], 40, settings)
    moved = np.roll(image, (9, 14), (0, 1))
    made = compose(library, [Wanted(start=moved)], (40, 36))[0].image.astype(float)
    plain = compose(library, [Wanted()], (40, 36))[0].image.astype(float)
    assert np.abs(made - moved).mean() < 0.5 * np.abs(plain - moved).mean()


def test_a_bias_keeps_a_class_to_the_leader():
    exemplars = [Exemplar(image, Guides(labels)) for image, labels in map(scene, range(2))]
    wanted = striped((40, 36), seed=3)
    bias = np.array([[0, 0, 0], [300, 0, 0]])
    library = Library(exemplars, 40, SETTINGS)
    which = compose(library, [Wanted(Guides(wanted), bias=bias)], (40, 36))[0].source[..., 0]
    assert (which[wanted == 0] == 0).all() and (which[wanted == 1] == 1).any()


def test_all_that_does_not_fit_is_told_together():
    image, labels = scene(0)
    library = Library([Exemplar(image, Guides(labels))], 40, SETTINGS)
    wrong = Wanted(Guides(labels + 4, np.zeros((3, 3, 2))), exemplars=(1,), bias=np.zeros(2))
    with pytest.raises(ValueError, match="picture 0") as error:
        compose(library, [Wanted(Guides(labels), start=image), wrong], (30, 30))
    size = "the library is for pictures of 40 pixels, got 30"
    assert str(error.value) == (
        f"picture 0: {size}; picture 1: {size}; picture 1: exemplars [1] of 1; "
        "picture 1: 2 biases for 1 exemplars; "
        "picture 1: class 6 is wanted, the exemplars' are 0 to 2; "
        "picture 1: 2 guides, while the exemplars have 0"
    )


def test_exemplars_that_do_not_go_together():
    image, labels = scene(0)
    with pytest.raises(ValueError, match="labels or none.*exemplar 1: expected .H, W, 3. uint8"):
        Library([Exemplar(image, Guides(labels)), Exemplar(image[..., 0])], 40, SETTINGS)
    with pytest.raises(ValueError, match="needs an exemplar"):
        Library([], 40, SETTINGS)
    with pytest.raises(ValueError, match="1 label weights for 3 classes"):
        Library([Exemplar(image, Guides(labels))], 40, SETTINGS, [1.0])
