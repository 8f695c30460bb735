from pathlib import Path

import numpy as np
import pytest

from exemplar.methods.pix2pixhd.requests import Request, RequestError, check
from exemplar.methods.pix2pixhd.styles import NO_STYLES
from exemplar.methods.pix2pixhd.wishes import Edit
from tests.methods.pix2pixhd import tiny
from tests.methods.pix2pixhd.conftest import save
from tests.methods.pix2pixhd.test_editing import town
from tests.methods.pix2pixhd.test_sampling import STYLES
from tests.methods.pix2pixhd.test_wishes import animal


def changed(request: Request, **values) -> Request:
    return Request(**(vars(request) | values))


def test_a_transparent_photograph_lies_on_white_and_deep_grey_is_scaled(tmp_path, files):
    clear = np.zeros((24, 24, 4), np.uint8)
    clear[:12] = (10, 20, 30, 255)
    found = check(
        changed(files, photograph=save(tmp_path / "clear.png", clear)), tiny.CLASSES, STYLES
    )
    assert found.photograph is not None
    assert (found.photograph[:12] == (10, 20, 30)).all() and (found.photograph[12:] == 255).all()
    deep = save(tmp_path / "deep.png", np.full((24, 24), 30000, np.uint16))
    found = check(changed(files, photograph=deep), tiny.CLASSES, STYLES)
    assert found.photograph is not None and (found.photograph == round(30000 / 257)).all()


def test_what_was_asked_for_is_read(files: Request, tmp_path: Path) -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    path = save(tmp_path / "photo.png", photograph)
    request = changed(files, photograph=path, relabel=("box=hole",), styles=("0=4",))
    found = check(request, tiny.CLASSES, STYLES)
    (layout,) = found.layouts
    assert (layout.labels == town().labels).all() and (layout.instances == town().instances).all()
    assert found.edits == [Edit({(None, 1): 2}, {(0, None): 4})]
    assert found.photograph is not None and (found.photograph == photograph).all()
    assert found.choices == []


def test_255_is_no_class_unless_otherwise_told(files: Request, tmp_path: Path) -> None:
    labels = town().labels
    labels[0] = 255
    request = changed(files, labels=save(tmp_path / "open.png", labels))
    (layout,) = check(request, tiny.CLASSES, STYLES).layouts
    assert (layout.labels == labels).all()
    with pytest.raises(RequestError, match="labels 255 have no class"):
        check(changed(request, ignore=()), tiny.CLASSES, STYLES)


def test_every_style_of_an_object(files: Request) -> None:
    request = changed(files, choices="12", styles=("0=1",))
    found = check(request, tiny.CLASSES, STYLES)
    assert found.choices == [Edit({}, {(0, None): 1, (12, 1): style}) for style in range(3)]
    relabelled = changed(files, choices="12", relabel=("12:box=ground",))
    assert len(check(relabelled, tiny.CLASSES, STYLES).choices) == 5
    for choices, message in (
        ("99", "style of instance 99: town has no such instance"),
        ("12:ground", "style of ground of instance 12: town has none; the instance has box"),
        ("12:lid", "expects classes, got 'lid'"),
        ("box", "--choices box: INSTANCE or INSTANCE:CLASS: expected an instance's number"),
    ):
        with pytest.raises(RequestError, match=message):
            check(changed(files, choices=choices), tiny.CLASSES, STYLES)


def test_of_an_instance_of_several_classes_one_is_chosen(tmp_path: Path) -> None:
    layout = animal()
    request = Request(
        save(tmp_path / "a.png", layout.labels),
        save(tmp_path / "i.png", layout.instances.astype(np.uint16)),
        choices="11",
    )
    with pytest.raises(RequestError, match="several classes; choose one of 11:box, 11:hole"):
        check(request, tiny.CLASSES, STYLES)
    assert len(check(changed(request, choices="11:box"), tiny.CLASSES, STYLES).choices) == 3
    with pytest.raises(RequestError, match="hole has no styles"):
        check(changed(request, choices="11:hole"), tiny.CLASSES, STYLES)


def test_what_is_for_one_layout_is_not_for_several(files: Request, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / "labels" / f"{name}.png", town().labels)
    photograph = save(tmp_path / "photo.png", np.zeros((24, 24, 3), np.uint8))
    request = Request(tmp_path / "labels", photograph=photograph, choices="1")
    with pytest.raises(RequestError) as caught:
        check(request, tiny.CLASSES, STYLES)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("photo.png: is for one layout, got 2 label maps")
    assert lines[1] == "--choices 1: is for one layout, got 2 label maps"


def test_everything_wrong_comes_in_one_report(files: Request, tmp_path: Path) -> None:
    small = save(tmp_path / "small.png", np.zeros((20, 24, 3), np.uint8))
    request = changed(files, photograph=small, relabel=("box=lid",), styles=("a=1",), choices="box")
    with pytest.raises(RequestError) as caught:
        check(request, tiny.CLASSES, NO_STYLES)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [
        "--relabel box=lid", "--style a=1", "--choices box",
    ]  # fmt: skip
    assert lines[3].endswith("small.png: the model has no encoder, so it sees no looks")
    assert lines[4].endswith("small.png: expected 24×24 as its label map, got 24×20")
    request = changed(files, relabel=("box=lid", "hole=box"), styles=("12=3",))
    with pytest.raises(RequestError, match="'lid'(.|\n)*town has none(.|\n)*box has 3 styles"):
        check(request, tiny.CLASSES, STYLES)
    lost = changed(files, labels=tmp_path / "none.png", photograph=tmp_path / "lost.png")
    with pytest.raises(RequestError, match="lost.png: no such file(.|\n)*none.png: no such file"):
        check(lost, tiny.CLASSES, STYLES)
    (tmp_path / "cut.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n")
    odd = changed(files, labels=tmp_path / "none.png", photograph=tmp_path / "cut.png")
    with pytest.raises(
        RequestError, match="cut.png: not .*PostScript(.|\n)*none.png: no such file"
    ):
        check(odd, tiny.CLASSES, STYLES)
    with pytest.raises(RequestError) as caught:
        check(changed(files, relabel=("hole=box",), choices="12"), tiny.CLASSES, STYLES)
    assert str(caught.value) == "relabel hole: town has none; it has ground, box"
