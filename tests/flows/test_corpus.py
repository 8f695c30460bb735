"""All commands that take files, on files as people have them: right, or one clear report.

Nothing is lost, nothing is written where something is wrong, and the terminal has neither a
traceback nor a warning of Python or of a library.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.data.domains import prepare_domain
from exemplar.data.inputs import DomainError
from exemplar.data.pictures import read_picture
from exemplar.methods.pix2pixhd.model import save_model
from exemplar.methods.pix2pixhd.styles import save_styles
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.files import content_hash
from exemplar.store.items import write_items
from flows import cli
from stages import index, ranking
from tests.corpus import write_corpus
from tests.methods.glann import untrained
from tests.methods.pix2pixhd import tiny
from tests.methods.pix2pixhd.test_sampling import STYLES, vivid
from tests.methods.pixelnn.noise import run, write_features
from tests.methods.pixelnn.whole import heads
from tests.stages.small_domain import CONDITION, DOMAIN, PARAMS

SIDE = 48
SIZE = (SIDE, 64)  # of the corpus' pictures
FILES, DRAWINGS = Path("files"), Path("drawings")
LAYOUTS = "boxes"
SMALL = ["--domain", DOMAIN, "--condition", CONDITION, "--method", "coherent", "--count", "2"]
WHOLE = ["--domain", heads.DOMAIN, "--condition", "labels"]
# Of each: what stands before a file, and behind it.
SEVERAL = {
    "synth-photographs": (["synth"], ["--photographs", *SMALL]),
    "synth-edges": (["synth"], SMALL),
    "synth-whole": (["synth"], ["--count", "2", *WHOLE]),
    "invert": (["sample", "--domain", untrained.DOMAIN, "--count", "1", "--model-seed",
                str(untrained.SEED), "--invert"], []),
}  # fmt: skip
SINGLE = {
    "synth-from": (["synth", "good.png", "--from"], SMALL),
    "synth-whole-from": (["synth", "labels.png", "--from"], ["--count", "2", *WHOLE]),
    "edit": (["edit"], ["--domain", LAYOUTS]),
    "edit-instances": (["edit", "labels.png", "--instances"], ["--domain", LAYOUTS]),
    "edit-from": (["edit", "labels.png", "--from"], ["--domain", LAYOUTS]),
    "analogy-a": (["analogy"], ["photo.png"]),
    "analogy-b": (["analogy", "photo.png"], []),
    "analogy-labels": (["analogy", "photo.png", "photo.png", "--labels"], []),
    "layout-source": (["layout"], ["labels.png", "labels.png"]),
    "layout-labels": (["layout", "photo.png"], ["labels.png"]),
    "layout-target": (["layout", "photo.png", "labels.png"], []),
    "layout-drawing": (["layout", "photo.png", "edges"], []),
}


def picture() -> np.ndarray:
    """Something soft with a coloured block in it: a photograph, as far as one can tell."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    made = np.stack([x * 3, y * 4, x + y], -1).astype(np.uint8)
    made[10:22, 14:40] = (200, 90, 40)
    return made


def drawing() -> np.ndarray:
    made = np.full((*SIZE, 3), 255, np.uint8)
    made[8:40, 12:14] = made[8:40, 50:52] = made[8:10, 12:52] = made[38:40, 12:52] = 0
    return made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict, dict]]:
    """Everything that the commands need, tiny; and the corpus, of a picture and of a drawing."""
    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_features(28, val=2)
        run(index)
        run(ranking)
        _write_layouts()
        untrained.write_run()
        whole = heads.write_heads()
        own = {
            **whole,
            "domains": PARAMS["domains"] | whole["domains"],
            "analogy": {"iterations": 1},
            "layout": {"patches": {"rounds": 1}},
            "pix2pixhd_samples": {"count": 1},
        }
        Path("params.yaml").write_text(yaml.safe_dump(PARAMS | untrained.PARAMS | own))
        corpora = {
            place: write_corpus(place, values)
            for place, values in ((FILES, picture()), (DRAWINGS, drawing()))
        }
        Image.fromarray(drawing()).save("good.png")
        Image.fromarray(picture()).save("photo.png")
        labels = np.zeros(SIZE, np.uint8)
        labels[10:22, 14:40], labels[30:] = 1, 2
        Image.fromarray(labels).save("labels.png")
        yield folder, dict(corpora), {path: _state(path) for path in (FILES, DRAWINGS)}


def _write_layouts() -> None:
    """A domain of label maps and its network."""
    images, labels, instances = tiny.rectangles(3)
    arrays = {"image": images, "instances": instances.astype(np.uint16)}
    for path, stored in (
        (layout.images(LAYOUTS), arrays),
        (layout.conditions(LAYOUTS), {"labels": labels}),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_group(path, stored, {"classes": list(tiny.CLASSES)})
    table = {"id": ["b-0", "b-1", "b-2"], "split": "test", "category": "", "source": "",
             "sha256": "", "licence": "", "width": 16, "height": 16}  # fmt: skip
    write_items(layout.items(LAYOUTS), pd.DataFrame(table))
    save_model(layout.pix2pixhd(LAYOUTS, "enhancer"), vivid())
    save_styles(layout.pix2pixhd_styles(LAYOUTS, "enhancer"), STYLES, {})


@pytest.fixture
def corpora(project, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """The corpora; whatever a test does, their files are what they were."""
    folder, files, states = project
    monkeypatch.chdir(folder)
    yield files
    for path, state in states.items():
        assert _state(path) == state


def _state(folder: Path) -> dict[str, object]:
    """What lies in a folder: of plain files their content, of others what they are."""
    return {
        path.name: content_hash(path) if path.is_file() and not path.is_symlink()
        else (path.lstat().st_mode, path.is_symlink() and path.readlink())
        for path in folder.iterdir()
    }  # fmt: skip


def command(arguments: list[object], capfd: pytest.CaptureFixture) -> tuple[int, str]:
    """The exit status and all that reached the terminal on the way of errors."""
    said = io.StringIO()
    capfd.readouterr()
    with redirect_stderr(said), redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("always")
        status = cli.main([str(argument) for argument in arguments])
    return status, said.getvalue() + capfd.readouterr().err


def check_told(said: str) -> None:
    """Lines for people only."""
    assert "Traceback" not in said
    assert not re.search(r"\w*Warning\b", said), said
    assert not re.search(r"0x[0-9a-f]{6,}|<[\w.]+ object", said), said


def check_report(said: str, name: str, paths: list[Path]) -> None:
    """Every path stands in one report, with a reason behind it."""
    check_told(said)
    assert len(re.findall(rf"^exemplar {name}: ", said, re.M)) == 1, said
    for path in paths:
        found = re.search(rf"(^|\s|: ){re.escape(str(path))}: \S.{{8,}}", said)
        assert found, f"{path} is not in the report:\n{said}"


def as_inputs(before: list[str], paths: list[Path], behind: list[str], out: Path) -> list[object]:
    return [*before, *paths, *behind, "--out", out]


@pytest.mark.parametrize("name", SEVERAL)
def test_all_bad_files_are_in_one_report(corpora, tmp_path, capfd, name: str) -> None:
    before, behind = SEVERAL[name]
    sound, broken = corpora[DRAWINGS if name == "synth-edges" else FILES]
    out = tmp_path / "out"
    status, said = command(as_inputs(before, [sound[0], *broken], behind, out), capfd)
    assert status == 1
    check_report(said, before[0], broken)
    assert not out.exists()


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SINGLE)
def test_each_bad_file_is_told(corpora, tmp_path, capfd, name: str, every: int) -> None:
    """Commands share their readers of files: each has a third of the files, and others the rest."""
    before, behind = SINGLE[name]
    out = tmp_path / "out"
    for path in corpora[FILES][1][list(SINGLE).index(name) % every :: every]:
        if name == "edit" and path.name == "folder.png":
            continue  # a folder of label maps is one way to ask
        status, said = command(as_inputs(before, [path], behind, out), capfd)
        assert status == 1, f"{path} was taken"
        check_report(said, before[0], [path])
        assert not out.exists(), path


def test_sound_drawings_give_the_plain_one_s_candidates(corpora, tmp_path, capfd) -> None:
    """Whatever file the drawing is in, the first candidate is nearly the same."""
    sound = [path for path in corpora[DRAWINGS][0] if not path.name.startswith("turned")]
    made = {}
    for path in sound[::4]:  # names are told apart by their stems, and many share one
        folder = tmp_path / f"{len(made)}"
        status, said = command(
            as_inputs(["synth"], [path.resolve()], [*SMALL, "--count", "1"], folder), capfd
        )
        check_told(said)
        assert status == 0, said
        (first,) = folder.glob("*/candidates/*.png")
        made[path.name] = np.asarray(Image.open(first)).astype(int)
    for name, image in made.items():
        assert np.abs(image - made["plain.png"]).mean() < 6, name


@pytest.mark.parametrize("name", ["analogy-b", "layout-source", "edit-from"])
def test_sound_photographs_are_taken(corpora, tmp_path, capfd, name: str) -> None:
    before, behind = SINGLE[name]
    sound = corpora[FILES][0]
    for place, path in enumerate(sound[:: 4 if name == "analogy-b" else 2]):
        out = tmp_path / f"{place}"
        status, said = command(as_inputs(before, [path.resolve()], behind, out), capfd)
        check_told(said)
        assert status == 0, f"{path}: {said}"
        assert any(each.is_file() for each in out.rglob("*"))


def test_turned_photographs_are_upright(corpora) -> None:
    for path in corpora[FILES][0]:
        problems: list[str] = []
        found = read_picture(path, problems)
        assert found is not None, problems
        grey = "grey" in path.name or path.suffix == ".pgm"
        wanted = picture() if not grey else np.repeat(
            np.asarray(Image.fromarray(picture()).convert("L"))[..., None], 3, -1)  # fmt: skip
        assert found.image.shape == wanted.shape, path
        apart = np.abs(found.image.astype(int) - wanted).mean()
        assert apart < 8, f"{path.name}: {apart}"


@pytest.mark.parametrize("kind", ["folder", "pairs"])
def test_every_file_of_a_folder_is_used_or_named(corpora, capfd, kind: str) -> None:
    settings: dict[str, object] = {"kind": kind, "root": str(FILES), "min_side": 16}
    if kind == "pairs":  # one that the pictures are not
        folders = {"train": ".", "val": None, "test": None}
        settings |= {"photo": "left", "condition": "edges", "folders": folders}
    common = {"image_size": 16, "seed": 0, "rejected_limit": 0.99, "workers": 1}
    params = {"prepare": common, "domains": {kind: settings}}
    used: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        if kind == "folder":
            prepare_domain(kind, params)
            used = set(pd.read_parquet(layout.items(kind))["source"])
            assert "plain.png" in used or "-dash.png" in used
        else:
            with pytest.raises(DomainError, match="no input can be used"):
                prepare_domain(kind, params)
    rejected = pd.read_csv(f"data/{kind}/rejected.csv", keep_default_na=False)["source"]
    assert not used & set(rejected)
    files = {path.name for path in FILES.iterdir() if not path.is_dir()}
    assert files == used | set(rejected)
    check_told(capfd.readouterr().err)
