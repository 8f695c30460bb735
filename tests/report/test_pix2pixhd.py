"""The page of pix2pixHD: tiles, scores, and edits made by a tiny network."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.labels.colours import label_palette
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.wishes import EditError
from exemplar.metrics.segmentation import COLUMNS
from exemplar.report.pix2pixhd import classes_in, layout_tile, picture_tile, scores, smaller
from exemplar.report.pix2pixhd_edits import Editor
from exemplar.report.tables import FEW_IMAGES
from exemplar.report.tiles import Tile
from tests.methods.pix2pixhd.test_editing import town
from tests.methods.pix2pixhd.test_sampling import STYLES, vivid

ROWS = [
    ("real", "", "89.44", "0.4082", "20"),
    ("U-Net", "multi-scale", "70.004", "0.30", "120"),
    ("global", "one", "75.2", "0.2", "120"),
    ("global + enhancer", "multi-scale", "75.201", "0.25", "120"),
]


def seen(tile: Tile) -> np.ndarray:
    """A tile's picture."""
    data = base64.b64decode(tile.picture.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)))


def table() -> pd.DataFrame:
    """A domain's scores, as text."""
    names = ["generator", "discriminator", "pixel_accuracy", "mean_iou", "images"]
    made = pd.DataFrame(ROWS, columns=names).assign(domain="boxes", judge="net")
    unlabelled = {"pixel_accuracy_with_ignore": "", "mean_iou_with_ignore": ""}
    unlabelled |= {"fid": ["", "2.5", "2.5004", "3"], "f8": ["", "0.2", "0.3", "0.4"], "f1_8": ""}
    unlabelled |= {"fid_features": ["", "deep means", "deep means", "deep means"]}
    return made.assign(**unlabelled).reindex(columns=list(COLUMNS))


def plain(name: str) -> Layout:
    return Layout(name, town().labels * 0, town().instances * 0)


def editor(*layouts: Layout) -> Editor:
    return Editor(vivid(), STYLES, layouts, list(range(len(layouts))), 64)


def test_large_pictures_are_made_smaller_and_layouts_get_no_new_colours() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 20, 3), np.uint8)
    assert smaller(image, 10).shape == (10, 5, 3)
    assert (seen(picture_tile(image, 40)) == image).all()
    labels = np.random.default_rng(0).integers(0, 3, (40, 20), np.uint8)
    found = {tuple(colour) for colour in seen(layout_tile(labels, 10)).reshape(-1, 3).tolist()}
    assert found == {tuple(colour) for colour in label_palette()[:3].tolist()}


def test_what_a_layout_is_about_keeps_its_colours() -> None:
    labels = town().labels
    picture = seen(layout_tile(labels, 24, about=labels == 1))
    assert (picture[labels == 1] == label_palette()[1]).all()
    assert (picture[labels == 0] > label_palette()[0]).all()


def test_the_classes_that_are_there_have_their_colours() -> None:
    found = classes_in(("ground", "box", "hole"), [np.array([[0, 255]]), np.array([[2]])])
    assert [name for name, _ in found] == ["ground", "hole"]
    assert found[0][1] == "#e2e2de"


def test_the_best_generator_leads_but_no_photograph() -> None:
    ours, published = scores(table())
    assert ours.ours and (ours.domain, ours.judge) == ("boxes", "net")
    # Columns without a number are left out.
    assert ours.headings == ["Pixel accuracy, %", "Mean IoU", "FID", "F8"]
    assert (ours.features, published.features) == ("deep means", "")
    assert (ours.notes, published.notes) == ([FEW_IMAGES], [])
    assert [row[0] for row in ours.rows] == ["photographs", "U-Net", "global", "global + enhancer"]
    accuracy, iou, fid, f8 = zip(*(row[3] for row in ours.rows), strict=True)
    assert [cell.text for cell in accuracy] == ["89.44", "70.00", "75.20", "75.20"]
    assert [cell.value for cell in accuracy] == ["89.44", "70.004", "75.2", "75.201"]
    assert [cell.leads for cell in accuracy] == [False, False, True, True]  # ties as printed
    assert [cell.leads for cell in iou] == [False, True, False, False]
    assert [cell.text for cell in fid] == ["–", "2.500", "2.500", "3.000"]
    assert [cell.leads for cell in fid] == [False, True, True, False]  # the nearest
    assert [cell.leads for cell in f8] == [False, False, False, True]
    assert not published.ours
    assert ("global + enhancer", "1, 3, 5", "multi-scale") in [row[:3] for row in published.rows]
    led = [row[1] for row in published.rows if row[3][0].leads]
    assert led == ["1, 3, 5"]


def test_an_object_in_every_style_of_its_class() -> None:
    (behind,) = editor(plain("plain")).choices([0])
    assert behind.what == "ground of instance 0"  # there is nothing else
    first = editor(town(), plain("plain")).choices([0])
    assert len(first) == 1
    for one in first:  # the ground is the most common, so a box each time
        assert one.what in ("box of instance 11", "box of instance 12", "box of instance 13")
        assert [tile.caption for tile in one.styles] == ["style 0", "style 1", "style 2"]
        assert sum(tile.marked for tile in one.styles) == 1
        images = [seen(tile) for tile in one.styles]
        number = int(one.what.rpartition(" ")[2])
        inside = town().instances == number
        assert (images[0][inside] != images[1][inside]).any()
        assert (seen(one.layout)[inside] == label_palette()[1]).all()


def test_an_edit_is_shown_on_the_first_layout_that_has_it() -> None:
    both = editor(plain("plain"), town())
    (one,) = both.relabellings(["box=ground"])
    assert (one.id, one.wish) == ("town", "box=ground")
    boxes = town().labels == 1
    assert (seen(one.before[0])[boxes] == label_palette()[1]).all()
    assert (seen(one.after[0])[boxes] == label_palette()[0]).all()
    assert (seen(one.before[1])[boxes] != seen(one.after[1])[boxes]).any()
    with pytest.raises(EditError) as caught:
        both.relabellings(["hole=box", "box=lid", "7:box=hole"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "pix2pixhd_report.relabel in params.yaml:"
    assert lines[1] == "--relabel hole=box: no test layout has that class"
    assert "'lid'" in lines[2]
    assert lines[3] == "--relabel 7:box=hole: no test layout has that class"
