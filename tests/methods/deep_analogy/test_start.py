"""The field that votes of offsets start from, at a level's size and in a mirror."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.correspondence import Correspondence
from exemplar.methods.deep_analogy import analogy, start
from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.methods.deep_analogy.start import at_level, in_mirror
from tests.methods.deep_analogy.small_pyramid import small_pyramid


def picture(seed: int = 0, height: int = 24, width: int = 28) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def own(height: int, width: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)


def field_at(field: np.ndarray, other, size, keys_size) -> np.ndarray:
    return np.stack([each.numpy() for each in at_level(field, other, size, keys_size, "cpu")], -1)


@pytest.mark.parametrize("size", [(24, 28), (12, 14), (6, 7), (2, 2)])
def test_the_same_place_is_the_same_cell(size: tuple[int, int]) -> None:
    same = own(24, 28).astype(np.float32)
    assert (field_at(same, (24, 28), size, size) == own(*size)).all()


def test_a_cell_goes_where_the_pixels_at_its_centre_go() -> None:
    field = np.zeros((8, 12, 2), np.float32)
    field[4:, :] = 11.4, 3.2  # of 16×20 pixels, rows 11 and columns 3
    found = field_at(field, (16, 20), (2, 3), (4, 5))
    assert (found[0] == 0).all() and (found[1] == (2, 0)).all()
    # Beyond the last pixel's centre there is no further cell.
    field[:] = 15.49, 19.49
    assert (field_at(field, (16, 20), (2, 3), (4, 5)) == (3, 4)).all()
    assert (field_at(field, (16, 20), (2, 3), (16, 20)) == (15, 19)).all()


def test_turning_over_twice_changes_nothing() -> None:
    draw = np.random.default_rng(0)
    forward, backward = draw.integers(0, 7, (6, 5, 2)), draw.integers(0, 5, (9, 8, 2))
    there, back = in_mirror(forward, backward)
    for y, x in np.ndindex(6, 5):
        assert there[y, x].tolist() == [forward[y, x, 0], 7 - forward[y, x, 1]]
    assert (back[:, 0] == backward[:, 7]).all()
    for again, first in zip(in_mirror(there, back), (forward, backward), strict=True):
        assert (again == first).all()


def found(forward: np.ndarray, backward: np.ndarray, mirrored: bool = False) -> Correspondence:
    sure = np.ones(forward.shape[:2], np.float32), np.ones(backward.shape[:2], np.float32)
    fields = forward.astype(np.float32), backward.astype(np.float32)
    return Correspondence(*fields, *sure, mirrored)


def test_votes_are_where_the_search_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise moved by a quarter: what no search nearby would find from the same places."""
    a = picture(1, 48, 48)
    b = np.roll(a, (20, 20), (0, 1))
    truth = (own(48, 48) + 20) % 48
    monkeypatch.setattr(analogy, "voted", lambda *_: found(truth, (own(48, 48) - 20) % 48))
    made = make_analogy(a, b, small_pyramid(), AnalogySettings(start="votes", iterations=1))
    right = (made.forward == truth).all(-1).mean()
    assert right > 0.8 and "votes" in made.seconds and not made.mirrored
    # Neither other start asks for votes.
    monkeypatch.setattr(analogy, "voted", None)
    for other in ("identity", "random"):
        by = AnalogySettings(start=other, iterations=1)
        assert "votes" not in make_analogy(a, b, small_pyramid(), by).seconds


@pytest.mark.parametrize("begin", ["votes", "identity"])
def test_in_a_mirror_fields_and_images_are_in_the_pixels_of_b_itself(
    begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = picture(2), picture(3, 20, 26)
    mirror = b[:, ::-1].copy()
    same = own(24, 28) * (20 / 24, 26 / 28), own(20, 26) * (24 / 20, 28 / 26)
    fields = {False: same, True: in_mirror(*same)}
    asked = []

    def voted(a, b_prime, device, mirrored):
        asked.append(mirrored)
        return found(*fields[mirrored == "always"], mirrored == "always")

    monkeypatch.setattr(analogy, "voted", voted)
    by = AnalogySettings(start=begin, iterations=2)
    plain = make_analogy(a, mirror, small_pyramid(), by)
    turned = make_analogy(a, b, small_pyramid(), by.model_copy(update={"mirror": "always"}))
    assert asked == (["never"] if begin == "votes" else []) + ["always"]
    assert turned.mirrored and not plain.mirrored
    for mine, other in zip(turned.as_matched(), plain.as_matched(), strict=True):
        assert (mine == other).all()
    assert (turned.a_prime == plain.a_prime).all() and (turned.b == plain.b[:, ::-1]).all()
    for y, x in np.ndindex(24, 28):
        row, column = turned.forward[y, x]
        assert (b[row, column] == mirror[tuple(plain.forward[y, x])]).all()


def test_votes_ask_for_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(start, "correspond", lambda a, b, by: asked.append((by.device, by.mirror)))
    start.voted(picture(), picture(), "cpu", "auto")
    assert asked == [("cpu", "auto")]
