"""The schedules against the facts of the paper and of the authors' code."""

from __future__ import annotations

from typing import get_args

from exemplar.data.splits import NEEDED
from exemplar.matching.windows import WHOLE
from exemplar.methods.pixelnn.schedule import (
    Candidate,
    Schedule,
    candidates,
    exemplars_needed,
    windows_of,
)


def test_released_is_eighteen_pairs_by_four_windows():
    members = candidates("released")
    assert len(members) == len(set(members)) == 72
    assert len({(m.neighbours, m.first) for m in members}) == 18
    assert windows_of(members) == (1, 7, 11, WHOLE)
    assert exemplars_needed(members) == 11
    assert {m.first for m in members if m.neighbours == 1} == set(range(1, 11))


def test_paper_is_ten_by_five():
    members = candidates("paper")
    assert len(members) == len(set(members)) == 50
    assert windows_of(members) == (1, 3, 5, 10, WHOLE)
    assert exemplars_needed(members) == 10
    assert {m.first for m in members} == {1}


def test_ranks_are_a_slice_of_the_ranked_list():
    assert list(range(20))[Candidate(3, 5, 7).ranks] == [4, 5, 6]
    assert str(Candidate(3, 5, 7)) == "K3-from5-T7"
    assert str(Candidate(1, 1, WHOLE)) == "K1-from1-Twhole"


def test_a_domain_that_is_prepared_has_as_many_exemplars_as_any_schedule_draws_on():
    assert NEEDED["train"] == max(exemplars_needed(candidates(s)) for s in get_args(Schedule))
