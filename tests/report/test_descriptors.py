"""The table of descriptor lengths, as it was measured."""

from __future__ import annotations

import pandas as pd
import pytest

from exemplar.report.descriptors import read_descriptors
from exemplar.report.tables import TableError


def test_rows_are_the_measured_ones(tmp_path):
    measured = pd.DataFrame(
        [(16, 11, 0.8, 0.99, 0.7), (16, 0, 0.7, 0.98, 0.7), (8, 11, 0.6, 0.9, 0.5),
         (8, 0, 0.5, 0.8, 0.5)],
        columns=["dimensions", "window", "agreement", "similarity", "variance_kept"],
    )  # fmt: skip
    measured.to_csv(tmp_path / "a.csv", index=False)
    table = read_descriptors(tmp_path / "a.csv", 16)
    assert table.windows == ["11 × 11", "whole image"]
    assert table.rows == [
        (8, 0.5, [(0.6, 0.9), (0.5, 0.8)]),
        (16, 0.7, [(0.8, 0.99), (0.7, 0.98)]),
    ]


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(TableError, match="no such table; `exemplar reproduce projection`"):
        read_descriptors(tmp_path / "a.csv", 16)
    (tmp_path / "a.csv").write_text("dimensions,window\n8,0\n")
    with pytest.raises(TableError, match="agreement, similarity, variance_kept missing"):
        read_descriptors(tmp_path / "a.csv", 16)
