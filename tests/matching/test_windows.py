"""The words of windows."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exemplar.matching.windows import WHOLE, check, largest, offsets, reach


@given(st.integers(1, 99))
def test_offsets_span_the_window_and_hold_the_centre(window):
    first, last = offsets(window)
    assert last - first + 1 == window
    assert first <= 0 <= last
    assert -first - last in (0, 1)


def test_the_whole_image_holds_every_window():
    assert largest((1, WHOLE, 11)) == WHOLE
    assert largest((1, 7, 11)) == 11
    assert reach(WHOLE, 5) == (-5, 5)
    assert reach(10, 5) == (-5, 4)


@pytest.mark.parametrize("windows", [(97,), (-1,), ()])
def test_a_window_that_does_not_fit_is_refused(windows):
    with pytest.raises(ValueError, match="sides from 1 to 4, the image's shorter side, or 0"):
        check(torch.ones(4, 5, 2), torch.ones(1, 4, 5, 2), windows)


def test_all_windows_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"got \[5, 9\]"):
        check(torch.ones(4, 5, 2), torch.ones(1, 4, 5, 2), (1, 5, WHOLE, 9))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"got \(4, 5, 2\) and \(1, 4, 5, 3\)"):
        check(torch.ones(4, 5, 2), torch.ones(1, 4, 5, 3), (1,))


@pytest.mark.parametrize(("name", "value"), [("query", torch.nan), ("exemplars", torch.inf)])
def test_descriptors_that_are_not_finite_are_refused(name, value):
    arrays = {"query": torch.ones(4, 5, 2), "exemplars": torch.ones(1, 4, 5, 2)}
    arrays[name].view(-1)[7] = value
    with pytest.raises(ValueError, match=f"descriptors of the {name} must be finite"):
        check(arrays["query"], arrays["exemplars"], (1,))
