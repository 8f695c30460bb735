"""Candidates of an input, of a domain of drawn heads."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from exemplar.methods.pixelnn.whole.by_labels import ByLabels
from exemplar.methods.pixelnn.whole.candidates import of_input
from exemplar.methods.pixelnn.whole.settings import Member
from exemplar.patches.voting import rederive
from tests.methods.pixelnn.whole.heads import GROUND, SIDE, labels_of, opened, write_heads


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("heads"))
        photographs, settings = opened(write_heads())
        yield photographs, settings, ByLabels(photographs, np.arange(6), settings)


def by_member(made):
    return {each.member: each for each in made}


def test_neither_threads_nor_order_change_a_byte(domain, monkeypatch):
    _, settings, finder = domain
    given = labels_of(6)
    alone = by_member(of_input(finder, given, settings))
    assert list(alone) == settings.members(6)

    photo, slow = finder.photo, []

    def late(pick):
        """The first leader's photographs come last."""
        slow.append(pick)
        if len(slow) == 1:
            time.sleep(0.3)
        return photo(pick)

    monkeypatch.setattr(finder, "photo", late)
    several = settings.model_copy(update={"threads": 3})
    beside = by_member(of_input(finder, given, several))
    assert set(beside) == set(alone)
    for member, one in alone.items():
        other = beside[member]
        assert (one.image == other.image).all() and (one.source == other.source).all()
        assert one.picks == other.picks and one.votes == other.votes


def test_an_exemplar_s_own_map_gives_the_exemplar_back(domain):
    photographs, settings, finder = domain
    for mirrored in (False, True):
        given = photographs.labels(4)
        given = photographs.mirror(given) if mirrored else given
        one = by_member(of_input(finder, given, settings))[Member(1, 1)]
        assert [tuple(pick) for pick in one.picks] == [(4, mirrored)]
        image = photographs.image(4)
        assert (one.image == (image[:, ::-1] if mirrored else image)).all()
        y, x = np.mgrid[:SIDE, :SIDE]
        x = SIDE - 1 - x if mirrored else x
        assert (one.source == np.stack([0 * y, y, x], -1)).all()


def test_candidates_of_several_are_made_of_them_in_the_leader_s_colours(domain):
    _, settings, finder = domain
    made = by_member(of_input(finder, labels_of(6), settings))
    for member, one in made.items():
        assert len(one.exemplars) == len(one.picks) == member.exemplars
        assert len({pick.row for pick in one.picks}) == member.exemplars
        assert one.exemplars[0].colours is None
        assert all(exemplar.colours is not None for exemplar in one.exemplars[1:])
        assert (rederive(one.source, one.exemplars, one.votes) == one.image).all()
        # Followers' patches of the ground cost too much.
        followers = one.source[..., 0] > 0
        assert not followers[labels_of(6) == GROUND].any()
    assert any((one.source[..., 0] > 0).any() for one in made.values())
    plain = settings.model_copy(update={"recolour": False, "leaders": 1})
    for one in of_input(finder, labels_of(6), plain):
        assert all(exemplar.colours is None for exemplar in one.exemplars)


@pytest.mark.parametrize(("count", "members"), [(1, 1), (2, 4)])
def test_a_domain_may_have_fewer_exemplars_than_candidates_want(domain, count, members):
    photographs, settings, _ = domain
    many = settings.model_copy(update={"leaders": 5, "exemplars": (1, 3, 5)})
    finder = ByLabels(photographs, np.arange(count), many)
    made = by_member(of_input(finder, labels_of(6), many))
    assert list(made) == many.members(count) and len(made) == members
    for member, one in made.items():
        assert len(one.exemplars) == member.exemplars <= count


def test_a_class_that_no_exemplar_has(domain):
    """Any patch may stand there."""
    photographs, settings, _ = domain
    bare = ByLabels(photographs, np.array([1, 2, 4]), settings)  # none of them wears a hat
    given = labels_of(0)
    assert 4 in given and not any(4 in photographs.labels(row) for row in (1, 2, 4))
    for one in of_input(bare, given, settings):
        assert one.image.shape == (SIDE, SIDE, 3)
        there = np.where(given == 1, one.source[..., 0], 0)
        assert there.max() < len(one.picks)


def test_stopped_in_the_middle_no_thread_is_left(domain):
    _, settings, finder = domain
    before = set(threading.enumerate())
    several = settings.model_copy(update={"threads": 2, "leaders": 4})
    made = of_input(finder, labels_of(6), several)
    next(made)
    assert set(threading.enumerate()) > before
    made.close()
    assert set(threading.enumerate()) == before


def test_an_error_is_told_at_once(domain, monkeypatch):
    """Not after all that other leaders make."""
    _, settings, finder = domain
    before, asked = set(threading.enumerate()), []

    def gone(pick):
        asked.append(pick)
        time.sleep(0.1 * (len(asked) - 1))
        raise OSError("the disk is gone")

    monkeypatch.setattr(finder, "photo", gone)
    many = settings.model_copy(update={"leaders": 6})
    with pytest.raises(OSError, match="the disk is gone"):
        list(of_input(finder, labels_of(6), many))
    assert len(asked) < 6 and set(threading.enumerate()) == before
