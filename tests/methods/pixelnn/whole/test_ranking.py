"""Cues of whole pictures against naive references, and what is chosen by them."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.methods.pixelnn.whole.candidates import Asked, Whole
from exemplar.methods.pixelnn.whole.choice import Pick
from exemplar.methods.pixelnn.whole.ranking import astray, broken, ranked
from exemplar.methods.pixelnn.whole.settings import Member
from exemplar.patches.exemplars import Exemplar
from exemplar.patches.levels import Guides
from tests.patches.scenes import photograph, striped

SIZE = (24, 20)
WEIGHTS = (1.0, 1.5, 2.0)


def whole(source, exemplars, image=None):
    picks = tuple(Pick(place, each.mirrored) for place, each in enumerate(exemplars))
    image = np.zeros((*SIZE, 3), np.uint8) if image is None else image
    return Whole(Member(len(exemplars), 1), image, source, tuple(exemplars), picks, 0)


def copied(size=SIZE, mirrored=False):
    """Every pixel its own source in the first exemplar."""
    y, x = np.mgrid[: size[0], : size[1]]
    return np.stack([0 * y, y, size[1] - 1 - x if mirrored else x], -1).astype(np.int32)


def strewn(seed, exemplars):
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(exemplars), SIZE)
    places = rng.random((*SIZE, 2)) * np.array([e.image.shape[:2] for e in exemplars])[which]
    return np.concatenate([which[..., None], places.astype(int)], -1).astype(np.int32)


def labelled(seed, size=SIZE, mirrored=False):
    labels = striped(size, seed=seed)
    return Exemplar(photograph(seed, size), Guides(labels), mirrored=mirrored)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_copied_photograph_is_not_astray_nor_broken(mirrored):
    exemplar = labelled(0, mirrored=mirrored)
    asked = Asked(exemplar.guides, SIZE, WEIGHTS)
    one = whole(copied(mirrored=mirrored), [exemplar, labelled(1)])
    assert astray(one, asked) == 0 and broken(one) == 0


def test_astray_is_the_mean_distance_of_classes_where_pixels_come_from():
    """At a size at which a pixel has one class, that of two classes is both weights' squares."""
    exemplars = [labelled(0), labelled(1), labelled(2, mirrored=True)]
    source, wanted = strewn(3, exemplars), striped(SIZE, seed=5)
    total = 0
    for (y, x), own in np.ndenumerate(wanted):
        which, row, column = source[y, x]
        column = SIZE[1] - 1 - column if which == 2 else column  # guides are as it is used
        there = exemplars[which].guides.labels[row, column]
        total += 0 if there == own else WEIGHTS[there] ** 2 + WEIGHTS[own] ** 2
    asked = Asked(Guides(wanted), SIZE, WEIGHTS)
    assert astray(whole(source, exemplars), asked) == pytest.approx(total / wanted.size, rel=1e-5)


def test_astray_by_values():
    rng = np.random.default_rng(0)
    values = rng.random((3, *SIZE, 4)).astype(np.float32)
    exemplars = [Exemplar(photograph(n, SIZE), Guides(values=values[n])) for n in range(2)]
    source = strewn(1, exemplars)
    found = values[source[..., 0], source[..., 1], source[..., 2]]
    expected = np.square(found - values[2]).sum(-1).mean()
    one = whole(source, exemplars)
    assert astray(one, Asked(Guides(values=values[2]), SIZE)) == pytest.approx(expected, rel=1e-5)


def test_broken_counts_neighbours_whose_sources_are_none():
    exemplars = [labelled(0), labelled(1)]
    source = copied()
    source[10:14, 5:11, 0] = 1  # a block of the other, in place
    rows, columns = SIZE
    down, right = 2 * 6 / ((rows - 1) * columns), 2 * 4 / (rows * (columns - 1))
    assert broken(whole(source, exemplars)) == pytest.approx((down + right) / 2)
    source = strewn(0, exemplars)
    apart = [[], []]
    for y, x in np.ndindex(SIZE):
        for axis, (there, step) in enumerate((((y + 1, x), (0, 1, 0)), ((y, x + 1), (0, 0, 1)))):
            if there[0] < rows and there[1] < columns:
                apart[axis].append((source[there] != source[y, x] + step).any())
    expected = np.mean([np.mean(each) for each in apart])
    assert broken(whole(source, exemplars)) == pytest.approx(expected)


def test_scores_are_deviations_of_both_cues_and_the_few_differ():
    exemplars = [labelled(0), labelled(1)]
    asked = Asked(exemplars[0].guides, SIZE, WEIGHTS)
    images = [photograph(seed, SIZE) for seed in range(5)]
    images[1] = images[0]
    sources = [copied(), copied(), *(strewn(seed, exemplars) for seed in range(3))]
    sources[2][:, 2:] = copied()[:, 2:]
    made = [whole(*each) for each in zip(sources, [exemplars] * 5, images, strict=True)]
    made = [one._replace(member=Member(3, 1 + place)) for place, one in enumerate(made)]
    cues = np.array([[astray(one, asked), broken(one)] for one in made])
    expected = ((cues - cues.mean(0)) / cues.std(0)).mean(1)
    score, few = ranked(made, asked, 2, 0.6)
    assert score == pytest.approx(expected, abs=1e-5) and score.dtype == np.float32
    assert few.tolist() == [0, 2]  # the second looks like the first
    assert ranked(made, asked, 9, 0.6).few.tolist() == np.argsort(score, kind="stable").tolist()
    same = ranked(made[:2], asked, 1, 0.5)
    assert same.score.tolist() == [0, 0] and same.few.tolist() == [0]


def test_the_few_are_of_different_leaders_while_these_last():
    exemplars = [labelled(0), labelled(1)]
    asked = Asked(exemplars[0].guides, SIZE, WEIGHTS)
    leaders, images = (1, 1, 2, 2, 3, 3), [photograph(seed, SIZE) for seed in range(6)]
    sources = [strewn(seed, exemplars) for seed in range(6)]
    made = [
        whole(source, exemplars, image)._replace(member=Member(1 + place % 2, leader))
        for place, (source, image, leader) in enumerate(zip(sources, images, leaders, strict=True))
    ]
    score, few = ranked(made, asked, 3, 1.0)
    best = [min((0, 1), key=score.__getitem__), min((2, 3), key=score.__getitem__),
            min((4, 5), key=score.__getitem__)]  # fmt: skip
    assert sorted(few.tolist()) == best
    assert score[few].tolist() == sorted(score[few])
    five = ranked(made, asked, 5, 1.0).few.tolist()
    assert set(best) < set(five) and score[five].tolist() == sorted(score[five])
