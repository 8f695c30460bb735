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
