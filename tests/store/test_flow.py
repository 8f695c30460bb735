"""Flow files: the published bytes, unknown pixels, and what damaged files say."""

from __future__ import annotations

import lzma
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.store.flow import FlowError, field_of, flow_of, read_flow, write_flow


def test_the_bytes_are_those_of_the_published_layout(tmp_path: Path) -> None:
    flow = np.array([[[1.5, -2.0], [0.0, 3.0], [np.nan, np.nan]]])
    write_flow(tmp_path / "a.flo", flow)
    raw = (tmp_path / "a.flo").read_bytes()
    assert raw[:4] == b"PIEH"
    assert struct.unpack("<ii", raw[4:12]) == (3, 1)  # width first
    assert struct.unpack("<6f", raw[12:]) == (1.5, -2.0, 0.0, 3.0, 1e10, 1e10)


@pytest.mark.parametrize("name", ["a.flo", "a.flo.xz"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    flow = np.random.default_rng(0).normal(0, 30, (4, 7, 2)).astype(np.float32)
    flow[1, 2] = np.nan
    write_flow(tmp_path / name, flow)
    np.testing.assert_array_equal(read_flow(tmp_path / name, (4, 7)), flow)


def test_a_pixel_is_unknown_if_one_of_its_components_is(tmp_path: Path) -> None:
    pairs = (1666666752.0, 5.0, 1.0, -2e9, float("nan"), 0.0, 4.0, 5.0)
    (tmp_path / "a.flo").write_bytes(struct.pack("<fii8f", 202021.25, 2, 2, *pairs))
    found = read_flow(tmp_path / "a.flo")
    assert np.isnan(found).all(-1).tolist() == [[True, True], [True, False]]
    assert found[1, 1].tolist() == [4.0, 5.0]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_displacements_and_places_are_each_others_inverse(h: int, w: int, seed: int) -> None:
    field = np.random.default_rng(seed).integers(0, 50, (h, w, 2), dtype=np.int32)
    flow = flow_of(field)
    for row in range(h):
        for column in range(w):
            x, y = flow[row, column]
            assert (row + y, column + x) == tuple(field[row, column])
    np.testing.assert_array_equal(field_of(flow), field)


def damaged(tmp_path: Path, content: bytes, name: str = "a.flo") -> str:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FlowError) as told:
        read_flow(tmp_path / name, (2, 2))
    assert str(tmp_path / name) in str(told.value)
    return str(told.value)


def test_damaged_files_are_told(tmp_path: Path) -> None:
    head = struct.pack("<fii", 202021.25, 2, 2)
    assert "begins with the four bytes PIEH, got b'hell'" in damaged(tmp_path, b"hello there")
    assert "got b''" in damaged(tmp_path, b"")
    assert "got 0 × 2" in damaged(tmp_path, struct.pack("<fii", 202021.25, 0, 2))
    assert "2 × 2 pixels, got 3 × 2" in damaged(
        tmp_path, struct.pack("<fii", 202021.25, 3, 2) + bytes(48)
    )
    assert "expected 32 bytes" in damaged(tmp_path, head + bytes(31))
    assert "got more" in damaged(tmp_path, head + bytes(33))
    assert "damaged" in damaged(tmp_path, b"no archive", "a.flo.xz")
    assert "damaged" in damaged(tmp_path, lzma.compress(head + bytes(32))[:-20], "a.flo.xz")
    with pytest.raises(FlowError, match="there is none"):
        read_flow(tmp_path / "absent.flo")


def test_what_is_no_flow_is_not_written(tmp_path: Path) -> None:
    for wrong in (
        np.zeros((2, 2)),
        np.zeros((2, 2, 3)),
        np.zeros((0, 2, 2)),
        np.full((1, 1, 2), "a"),
    ):
        with pytest.raises(FlowError, match=r"expected a flow \(H, W, 2\)"):
            write_flow(tmp_path / "a.flo", wrong)
    with pytest.raises(FlowError, match="NaN where they are unknown, got 2e"):
        write_flow(tmp_path / "a.flo", np.full((1, 1, 2), 2e9))
    assert not list(tmp_path.iterdir())


def test_real_files_are_read(shared: Path) -> None:
    root = shared / "data/middlebury/other-gt-flow"
    found = read_flow(root / "Dimetrodon/flow10.flo.xz", (388, 584))
    assert np.isnan(found).all(-1).mean() == pytest.approx(0.048, abs=0.001)
    car = read_flow(shared / "data/tss/JODS/car_01_02/flow1.flo")
    assert 0 < np.isnan(car).all(-1).mean() < 1 and car.shape[1] == 340
