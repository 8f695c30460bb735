from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.methods.pix2pixhd import answers
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.requests import Request, RequestError, check
from exemplar.methods.pix2pixhd.sampling import samples
from exemplar.methods.pix2pixhd.styles import Styles
from tests.methods.pix2pixhd.conftest import save
from tests.methods.pix2pixhd.test_editing import town
from tests.methods.pix2pixhd.test_requests import changed
from tests.methods.pix2pixhd.test_sampling import STYLES, vivid


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def answer(model: Pix2pixHD, styles: Styles, request: Request, out: Path) -> list[Path]:
    """All layouts' images, whose files are among those that were said before."""
    found = check(request, model.classes, styles)
    made, said = [], set()
    out.mkdir(exist_ok=True)
    for place in range(len(found.layouts)):
        said |= answers.answer_files(found, request, place)
        made += answers.answer(model, styles, request, found, place, out)
    assert {path.name for path in out.iterdir()} <= said
    return [out / name for name in made]


def test_images_without_an_edit_are_samples(files: Request, tmp_path: Path) -> None:
    model, out = vivid(), tmp_path / "out"
    made = answer(model, STYLES, changed(files, count=3, seed=5), out)
    assert [path.name for path in made] == ["town-0.png", "town-1.png", "town-2.png"]
    layout = town()
    expected, numbers = samples(model, Layout("t", layout.labels, layout.instances), STYLES, 3, 5)
    for path, image in zip(made, expected, strict=True):
        assert (read(path) == image).all()
    assert sorted(p.name for p in out.iterdir()) == [
        "town-0.png", "town-1.png", "town-2.png", "town-objects.csv",
    ]  # fmt: skip
    table = pd.read_csv(out / "town-objects.csv")
    assert table["instance"].tolist() == [0, 11, 12, 13]
    assert table["class"].tolist() == ["ground", "box", "box", "box"]
    assert table["styles"].tolist() == [5, 3, 3, 3]
    chosen = table[["style-0", "style-1", "style-2"]].to_numpy().T
    assert (chosen == numbers).all()


def test_an_edit_leaves_the_rest_as_it_was(files: Request, tmp_path: Path) -> None:
    request = changed(files, relabel=("box=hole",), count=1)
    (path,) = answer(vivid(), STYLES, request, tmp_path / "out")
    before, after = read(tmp_path / "out" / "town-0-before.png"), read(path)
    boxes = town().labels == 1
    assert (after[boxes] != before[boxes]).any()
    assert (after[12:14, 16:] == before[12:14, 16:]).all()  # further than 24 / 12 pixels
    table = pd.read_csv(tmp_path / "out" / "town-objects.csv")
    assert table["class"].tolist() == ["ground", "hole", "hole", "hole"]
    assert table["style-0"].isna().tolist() == [False, True, True, True]


def test_an_object_in_all_its_styles(files: Request, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = answer(vivid(), STYLES, changed(files, choices="12"), out)
    assert [path.name for path in made] == [f"town-0-style-{k}.png" for k in range(3)]
    table = pd.read_csv(out / "town-objects.csv")
    several = table[[f"style-0-style-{k}" for k in range(3)]].to_numpy()
    assert several[2].tolist() == [0, 1, 2]
    assert (several[[0, 1, 3]] == several[[0, 1, 3], :1]).all()  # others keep theirs
    images = [read(path) for path in made]
    far = np.zeros((24, 24), bool)
    far[12:] = True
    inside = town().instances == 12
    for one, other in zip(images, images[1:], strict=False):
        assert (one[inside] != other[inside]).any()
        assert (one[far] == other[far]).all()
    (alone,) = answer(vivid(), STYLES, changed(files, styles=("12=2",)), tmp_path / "alone")
    assert (read(alone) == images[2]).all()


def test_the_looks_of_a_photograph(files: Request, tmp_path: Path) -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    path = save(tmp_path / "photo.png", photograph)
    request = changed(files, photograph=path, styles=("12=1",), count=4)
    made = answer(vivid(), STYLES, request, tmp_path / "out")
    assert len(made) == 1  # there is one look to keep
    table = pd.read_csv(tmp_path / "out" / "town-objects.csv")
    assert table["style-0"].fillna(-1).tolist() == [-1, -1, 1, -1]


def test_each_layout_of_a_folder_gets_the_part_that_fits(tmp_path: Path) -> None:
    layout = town()
    save(tmp_path / "labels" / "a.png", layout.labels)
    save(tmp_path / "labels" / "b.png", layout.labels * 0)
    request = Request(tmp_path / "labels", relabel=("box=ground",))
    made = answer(vivid(), STYLES, request, tmp_path / "out")
    assert [path.name for path in made] == ["a-0.png", "b-0.png"]
    assert (tmp_path / "out" / "a-0-before.png").is_file()
    assert not (tmp_path / "out" / "b-0-before.png").exists()


def test_nothing_is_made_before_all_is_checked(files: Request, tmp_path: Path, monkeypatch) -> None:
    model = vivid()
    monkeypatch.setattr(model, "forward", lambda *_: pytest.fail("a network ran"))
    with pytest.raises(RequestError, match="style 9 of instance 11: box has 3 styles"):
        answer(model, STYLES, changed(files, styles=("11=9",)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
