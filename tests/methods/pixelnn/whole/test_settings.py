"""The family of candidates, and what cannot be set."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from exemplar.methods.pixelnn.whole.settings import Member, WholeSettings


def test_members_by_leader():
    settings = WholeSettings(leaders=2, exemplars=(1, 3))
    assert settings.members(50) == [Member(1, 1), Member(3, 1), Member(1, 2), Member(3, 2)]
    assert str(Member(3, 2)) == "K3-from2-guides"


def test_of_few_exemplars_no_candidate_is_made_twice():
    settings = WholeSettings(leaders=8, exemplars=(1, 3, 5))
    assert settings.members(1) == [Member(1, 1)]
    assert settings.members(2) == [Member(k, leader) for leader in (1, 2) for k in (1, 2)]
    assert [m.exemplars for m in settings.members(4)] == [1, 3, 4] * 4
    assert len(settings.members(5)) == 15 and len(settings.members(100)) == 24


@pytest.mark.parametrize("wrong", [{"exemplars": ()}, {"exemplars": (1, 1)}, {"exemplars": (0,)},
                                   {"starts": ()}, {"starts": ("guides", "guides")}])  # fmt: skip
def test_lists_have_one_or_more_each_once(wrong):
    with pytest.raises(ValidationError, match="expected one or more, each once"):
        WholeSettings(**wrong)
