"""What a training of pix2pix left behind, as the page shows it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.report.tables import TableError
from exemplar.report.training import film_strip, read_training
from tests.report.test_gallery import pixels

SIDE = 6


def write_training(folder: Path, steps: list[int]) -> Path:
    """A finished training; its pictures are as bright as their step. Gives the config's path."""
    (folder / "samples").mkdir(parents=True)
    pd.DataFrame({"step": steps, "l1": 0.5}).to_csv(folder / "losses.csv", index=False)
    for step in steps:
        sheet = np.zeros((2 * SIDE, 3 * SIDE, 3), np.uint8)
        sheet[:, SIDE : 2 * SIDE], sheet[:, 2 * SIDE :] = step, 255
        Image.fromarray(sheet).save(folder / "samples" / f"{step:07d}.png")
    config = folder.with_suffix(".json")
    config.write_text(json.dumps({"settings": {"width": 8}}))
    return config


def test_steps_are_spread_evenly_and_the_last_is_among_them(tmp_path: Path) -> None:
    folder = tmp_path / "pets-edges"
    found = read_training(folder, write_training(folder, list(range(10, 210, 10))), "pets-edges")
    assert found.network == "U-Net from scratch, width 8, 200 steps"
    assert ">l1</text>" in found.plot
    captions = [tile.caption for tile in found.strip]
    assert captions == ["input", "step 10", "step 60", "step 110", "step 150", "step 200", "truth"]
    for tile, level in zip(found.strip, (0, 10, 60, 110, 150, 200, 255), strict=True):
        picture = pixels(tile.picture)
        assert picture.shape == (2 * SIDE, SIDE, 3) and (picture == level).all()


def test_a_short_training_shows_every_step_once(tmp_path: Path) -> None:
    folder = tmp_path / "pets-edges"
    found = read_training(folder, write_training(folder, [4, 7]), "pets-edges")
    assert [tile.caption for tile in found.strip] == ["input", "step 4", "step 7", "truth"]


@pytest.mark.parametrize("file", ["losses.csv", "config"])
def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "pets-edges"
    config = write_training(folder, [4])
    (config if file == "config" else folder / file).unlink()
    with pytest.raises(TableError, match=r"no such file; the stage pix2pix@pets-edges has not run"):
        read_training(folder, config, "pets-edges")


def test_empty_losses_and_absent_pictures_are_reported_together(tmp_path: Path) -> None:
    folder = tmp_path / "pets-edges"
    config = write_training(folder, [4])
    (folder / "samples" / "0000004.png").unlink()
    (folder / "losses.csv").write_text("step,l1\n")
    with pytest.raises(
        TableError, match="got the columns step, l1, 0 rows and 0 pictures; `exempl"
    ):
        read_training(folder, config, "pets-edges")


def test_pictures_of_other_sizes_are_named(tmp_path: Path) -> None:
    write_training(tmp_path / "run", [4, 7, 9])
    samples = sorted((tmp_path / "run" / "samples").iterdir())
    Image.new("RGB", (3 * SIDE, SIDE)).save(samples[1])
    with pytest.raises(TableError, match=r"one size, with three columns, got 0000007.png: 18 × 6 "):
        film_strip(samples)
    for path in samples:
        Image.new("RGB", (3 * SIDE + 1, SIDE)).save(path)
    with pytest.raises(TableError, match=r"got 0000004.png: 19 × 6, 0000007.png: 19 × 6, "):
        film_strip(samples)
