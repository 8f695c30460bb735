"""Targets of a layout by edges: drawings as people make them, photographs, and blank pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from exemplar.data.drawings import LARGE, BlankPage
from exemplar.data.pictures import Picture
from exemplar.methods.semantic_analogy.conditions import drawn_lines
from exemplar.methods.semantic_analogy.line_drawings import edge_labels, target_labels


def drawing(ink, paper, side=160, width=2) -> np.ndarray:
    image = Image.new("RGB", (side, side), paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((side // 6, side // 6, 3 * side // 4, side // 2), outline=ink, width=width)
    return np.asarray(image)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [((0, 0, 0), (230, 230, 230)), ((150, 150, 150), (250, 235, 140)),
     ((200, 30, 40), (255, 255, 255)), ((255, 255, 255), (30, 60, 160))],
)  # fmt: skip
def test_lines_do_not_depend_on_ink_and_paper(ink, paper) -> None:
    plain = target_labels(drawing((0, 0, 0), (255, 255, 255)))
    assert plain.sum() > 300
    assert (target_labels(drawing(ink, paper)) == plain).all()


def test_lines_of_large_pages_lie_where_they_are() -> None:
    side = LARGE + 400
    labels = target_labels(drawing((0, 0, 0), (255, 255, 255), side, 5))
    assert labels.shape == (side, side)
    rows = np.flatnonzero(labels[:, side // 2])
    assert abs(rows[: len(rows) // 2].mean() - (side // 6 + 2)) <= 2
    assert abs(rows[len(rows) // 2 :].mean() - (side // 2 - 2)) <= 2


def test_a_photograph_has_its_edges_and_a_blank_page_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[0:120, 0:120]
    photograph = np.dstack([120 + 60 * np.sin(x / 9), 90 + 70 * np.cos(y / 13), 60 + y]).astype(
        np.uint8
    )
    photograph[30:80, 40:90] = (photograph[30:80, 40:90] * 0.3).astype(np.uint8)
    assert (target_labels(photograph) == edge_labels(photograph)).all()
    blank = np.clip(np.random.default_rng(0).normal(235, 4, (90, 90, 3)), 0, 255).astype(np.uint8)
    with pytest.raises(BlankPage):
        target_labels(blank)
    Image.fromarray(blank).save("blank.png")
    problems: list[str] = []
    condition = drawn_lines(Picture("photo.png", photograph, ""), problems)
    assert condition is not None and problems == []
    assert condition.read_target(Path("blank.png"), {}, False, problems) is None
    assert problems == [
        "blank.png: expected a drawing, but the page is blank: no lines stand out from it"
    ]
