"""Palettes of many maps: one that a program has numbered anew is found by the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exemplar.labels.agreement import exchanged_palettes

RED, GREEN, BLUE = 0xFF0000, 0x00FF00, 0x0000FF
OWN = {1: RED, 2: GREEN, 3: BLUE}


def test_the_one_that_differs_is_told_with_its_numbers_and_the_usual_ones():
    wrong = exchanged_palettes([OWN, {1: RED, 2: GREEN}, {1: GREEN, 2: RED, 3: BLUE}, OWN, {}])
    assert list(wrong) == [2]
    assert wrong[2].startswith(
        "its palette has other numbers than those of other maps, as if a program had written it "
        "anew: #00ff00 is 1, in others 2, #ff0000 is 2, in others 1; save it"
    )


def test_maps_of_different_classes_agree():
    assert exchanged_palettes([{1: RED}, {2: GREEN}, {3: BLUE}, {}]) == {}
    assert exchanged_palettes([]) == {}
    assert exchanged_palettes([{1: RED}]) == {}


def test_each_colour_is_decided_by_its_own_majority():
    maps = [{1: RED, 2: GREEN}, {1: RED, 5: GREEN}, {4: RED, 5: GREEN}]
    wrong = exchanged_palettes(maps)
    assert {place: text.partition("anew: ")[2].partition(";")[0] for place, text in wrong.items()} \
        == {0: "#00ff00 is 2, in others 5", 2: "#ff0000 is 4, in others 1"}  # fmt: skip


@given(st.permutations([1, 2, 3]), st.integers(0, 4), st.integers(3, 6))
def test_of_many_equal_palettes_and_one_other_just_that_is_wrong(numbers, place, count):
    palettes = [OWN] * count
    palettes.insert(place, dict(zip(numbers, OWN.values(), strict=True)))
    place = min(place, count)
    expected = [] if list(numbers) == [1, 2, 3] else [place]
    assert list(exchanged_palettes(palettes)) == expected
