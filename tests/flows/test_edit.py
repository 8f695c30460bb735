"""`exemplar edit`: a domain's own images by their ids, and what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.methods.pix2pixhd.model import save_model
from exemplar.methods.pix2pixhd.requests import Request, RequestError
from exemplar.methods.pix2pixhd.styles import save_styles
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.items import read_items, write_items
from flows.edit import EditDomainError, edit
from tests.methods.pix2pixhd import tiny
from tests.methods.pix2pixhd.test_sampling import STYLES, vivid

DOMAIN = "boxes"


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> tuple[np.ndarray, ...]:
    """A domain of three images, the last without a photograph, and a network."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump({"pix2pixhd_samples": {"count": 2}}))
    images, labels, instances = tiny.rectangles(3)
    labels[0, 0] = 255
    photographed = np.array([1, 1, 0], np.uint8)
    arrays = {"image": images, "instances": instances.astype(np.uint16)}
    for path, stored in (
        (layout.images(DOMAIN), arrays | {"photographed": photographed}),
        (layout.conditions(DOMAIN), {"labels": labels}),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_group(path, stored, {"classes": list(tiny.CLASSES)})
    table = {"id": ["b-0", "b-1", "b-2"], "split": "test", "category": "", "source": "",
             "sha256": "", "licence": "", "width": 16, "height": 16}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))
    save_model(layout.pix2pixhd(DOMAIN, "enhancer"), vivid())
    save_styles(layout.pix2pixhd_styles(DOMAIN, "enhancer"), STYLES, {})
    return images, labels, instances


def read(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_an_image_of_the_domain_is_taken_by_its_id(project) -> None:
    images, labels, instances = project
    request = Request(Path("b-0"), relabel=("box=ground",), count=2)
    made = edit(request, DOMAIN, Path("out"))
    assert [str(path) for path in made] == ["out/b-0-0.png", "out/b-0-1.png"]
    assert (read("out/layouts/b-0.png") == labels[0]).all()
    assert Image.open("out/layouts/b-0.png").mode == "P"  # so that it can be seen
    assert (read("out/layouts/b-0-instances.png") == instances[0]).all()
    assert (read("out/layouts/b-0-photograph.png") == images[0]).all()
    # What was written can be asked for in turn, and gives the same.
    request = Request(
        Path("out/layouts/b-0.png"), Path("out/layouts/b-0-instances.png"), ("box=ground",), count=2
    )
    again = edit(request, DOMAIN, Path("again"))
    for one, other in zip(made, again, strict=True):
        assert (read(one) == read(other)).all()
    edit(Request(Path("b-2")), DOMAIN, Path("out"))
    assert not Path("out/layouts/b-2-photograph.png").exists()


@pytest.mark.parametrize("highest", [7, 700])
def test_label_maps_have_the_numbers_of_the_domains_files(project, highest: int) -> None:
    _, labels, _ = project
    numbers = {"ground": 4, "box": 0, "hole": highest}
    domain = {"kind": "cityscapes", "root": "raw", "classes": numbers}
    params = {"pix2pixhd_samples": {}, "domains": {DOMAIN: domain}}
    before = edit(Request(Path("b-1"), relabel=("box=ground",)), DOMAIN, Path("before"))
    Path("params.yaml").write_text(yaml.safe_dump(params))
    made = edit(Request(Path("b-1"), relabel=("0=4",)), DOMAIN, Path("out"))
    written = read("out/layouts/b-1.png")
    assert (written == np.array([4, 0, highest])[labels[1]]).all()
    assert (read(made[0]) == read(before[0])).all()


def test_an_id_is_found_in_the_other_unicode_form(project) -> None:
    items = read_items(layout.items(DOMAIN)).assign(id=["b-0", "b[1]", "cafe\u0301"])
    write_items(layout.items(DOMAIN), items)
    first, second = (edit(Request(Path(i)), DOMAIN, Path("out")) for i in ("caf\u00e9", "b[1]"))
    assert (read(first[0]) != read(second[0])).any()
    assert Path("out/layouts/cafe\u0301.png").exists() and Path("out/layouts/b[1].png").exists()
    with pytest.raises(EditDomainError, match=r"did you mean 'b\[1\]'"):
        edit(Request(Path("B[1]")), DOMAIN, Path("out"))


def test_what_is_missing_is_told(project) -> None:
    with pytest.raises(EditDomainError, match=r"b-7: no such file, and boxes has no image .* b-0"):
        edit(Request(Path("b-7")), DOMAIN, Path("out"))
    with pytest.raises(EditDomainError, match="reproduce pix2pixhd_styles@cars-enhancer"):
        edit(Request(Path("b-0")), "cars", Path("out"))
    with pytest.raises(RequestError, match="'lid'"):
        edit(Request(Path("b-0"), relabel=("lid=box",)), DOMAIN, Path("out"))
    assert not list(Path("out").glob("*.png"))


def paint(path: Path | str, value: int) -> bytes:
    """What a user's program leaves: other values, the same palette."""
    image = Image.open(path)
    image.paste(value, (0, 0, 4, 4))
    image.save(path)
    return Path(path).read_bytes()


def test_a_painted_map_is_never_overwritten_and_can_be_asked_for(project) -> None:
    first = edit(Request(Path("b-0")), DOMAIN, Path("out"))
    before = read(first[0])
    painted = paint("out/layouts/b-0.png", 2)
    Path("out/notes.txt").write_text("mine")
    with pytest.raises(RequestError) as told:
        edit(Request(Path("b-0"), count=2), DOMAIN, Path("out"))
    assert "out/layouts: has b-0.png, changed since this command wrote it" in str(told.value)
    assert "exemplar edit out/layouts/b-0.png --instances out/layouts/b-0-instances.png" in str(
        told.value
    )
    assert Path("out/layouts/b-0.png").read_bytes() == painted
    maps = Path("out/layouts/b-0.png"), Path("out/layouts/b-0-instances.png")
    made = edit(Request(*maps), DOMAIN, Path("out"))
    assert made == first and (read(made[0]) != before).any()
    assert Path("out/layouts/b-0.png").read_bytes() == painted
    assert Path("out/notes.txt").read_text() == "mine"
    edit(Request(Path("b-1")), DOMAIN, Path("out"))  # another image may be begun beside it
    assert Path("out/layouts/b-0.png").read_bytes() == painted


def test_maps_that_nobody_painted_on_are_used_again(project) -> None:
    edit(Request(Path("b-0")), DOMAIN, Path("out"))
    kept = {path: path.stat().st_mtime_ns for path in Path("out/layouts").iterdir()}
    edit(Request(Path("b-0"), instances=Path("out/layouts/b-0-instances.png")), DOMAIN, Path("out"))
    assert {path: path.stat().st_mtime_ns for path in Path("out/layouts").iterdir()} == kept


def test_an_earlier_request_leaves_nothing_among_new_images_unsaid(project, capsys) -> None:
    def names() -> list[str]:
        return sorted(path.name for path in Path("out").glob("b-0*"))

    edit(Request(Path("b-0"), relabel=("box=ground",), count=3), DOMAIN, Path("out"))
    assert "b-0-2-before.png" in names()
    edit(Request(Path("b-0")), DOMAIN, Path("out"))
    assert names() == ["b-0-0.png", "b-0-edit.json", "b-0-objects.csv"]
    said = "note: out: replaces 7 results of an earlier `exemplar edit`\n"
    assert capsys.readouterr().err == said
    edit(Request(Path("b-0")), DOMAIN, Path("out"))
    assert capsys.readouterr().err == ""
    edit(Request(Path("b-1")), DOMAIN, Path("out"))
    said = "note: out: also keeps the results of other requests, listed in b-0-edit.json\n"
    assert capsys.readouterr().err == said
    assert len(names()) == 3


def test_users_files_of_the_names_of_images_are_kept(project) -> None:
    edit(Request(Path("b-0")), DOMAIN, Path("out"))
    one = paint("out/b-0-0.png", 0)
    Path("out/b-0-1.png").write_text("mine")
    with pytest.raises(RequestError) as told:
        edit(Request(Path("b-0"), count=2), DOMAIN, Path("out"))
    assert "out: has b-0-0.png, changed since this command wrote it" in str(told.value)
    assert "out: has b-0-1.png, which this command would replace but" in str(told.value)
    assert Path("out/b-0-0.png").read_bytes() == one
    edit(Request(Path("b-1")), DOMAIN, Path("out"))
    with pytest.raises(RequestError, match="out/b-1-0.png: would be replaced or removed"):
        edit(Request(Path("b-1"), photograph=Path("out/b-1-0.png")), DOMAIN, Path("out"))
    maps = Path("maps")
    maps.mkdir()
    Path("out/layouts/b-0.png").rename(maps / "a.png")
    with pytest.raises(RequestError, match="--out maps: is the folder of the inputs"):
        edit(Request(maps), DOMAIN, maps)
    assert [path.name for path in maps.iterdir()] == ["a.png"]


def test_nothing_is_written_before_all_is_checked(project) -> None:
    with pytest.raises(RequestError, match="'lid'"):
        edit(Request(Path("b-0"), relabel=("lid=box",)), DOMAIN, Path("out"))
    Path("file").touch()
    with pytest.raises(RequestError, match="'lid'[^$]*\n--out file: expected a folder, but"):
        edit(Request(Path("b-0"), relabel=("lid=box",)), DOMAIN, Path("file"))
    long = Path("n" * 240 + ".png")
    Image.fromarray(project[1][0]).save(long)
    with pytest.raises(RequestError, match="a name of more than 255 bytes"):
        edit(Request(long), DOMAIN, Path("out"))
    assert not Path("out").exists()
