"""Requests read: maps, clusters and edges, targets and edits, and all that is wrong at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from exemplar.methods.semantic_analogy.requests import Given, Request, read_request
from exemplar.methods.semantic_analogy.targets import RESERVED
from exemplar.report.layout_results import PREVIEWS, SOURCE_FILES

COLOURS = np.array([(10, 10, 200), (200, 10, 10), (10, 160, 10)], np.uint8)
PHOTO = Path("photo.png")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels = np.zeros((40, 50), np.uint8)
    labels[20:] = 1
    grain = np.random.default_rng(0).integers(-9, 10, (40, 50, 3))
    save(np.clip(COLOURS[labels] + grain, 0, 255), "photo.png")
    save(COLOURS[labels], "labels.png")
    save(COLOURS[labels.T], "target.png")
    save(COLOURS[np.where(labels == 1, 2, 0)], "other.png")


def save(values: np.ndarray, name: str) -> None:
    Image.fromarray(values.astype(np.uint8)).save(name)


def network(images: Tensor) -> list[Tensor]:
    return [images]


def read(
    labels: str = "labels.png",
    targets: Sequence[str] = ("target.png",),
    method="patches",
    image: Path = PHOTO,
    loaded=network,
    **more,
) -> tuple[Given | None, list[str]]:
    problems: list[str] = []
    request = Request(image, labels, tuple(map(Path, targets)), **more)
    return read_request(request, method, lambda: loaded, 0, problems), problems


def test_a_map_and_targets_of_another_size() -> None:
    given, problems = read(edits=("remove:#c80a0a",))
    assert given is not None and not problems and not given.notes
    assert given.said == [
        "labels.png: 50×40, 2 classes by colour: #0a0ac8 50%, #c80a0a 50%",
        "target.png: 40×50, 2 classes by the source's: #0a0ac8 50%, #c80a0a 50%",
    ]
    assert given.source.classes == ("#0a0ac8", "#c80a0a")
    assert [target.name for target in given.targets] == ["target", "remove-c80a0a"]
    assert given.targets[0].labels.shape == (50, 40)
    assert (given.targets[0].labels == given.labels.T).all()
    assert (given.targets[1].labels == 0).all()


def test_clusters_take_maps_of_their_own_colours_and_photographs() -> None:
    given, problems = read("clusters", (), clusters=2)
    assert given is not None and not problems and given.targets == []
    assert given.palette.names == ("cluster-1", "cluster-2")
    assert len(set(given.labels[:18].ravel())) == 1 != len(set(given.labels.ravel()))
    save(given.palette.colours[given.labels[::-1]], "painted.png")
    upside = np.asarray(Image.open(PHOTO))[::-1]
    save(upside, "upside.png")
    given, problems = read("clusters", ("painted.png", "upside.png"), clusters=2)
    assert given is not None and not problems
    for target in given.targets:
        assert (target.labels == given.labels[::-1]).mean() > 0.9
    # Half a map is neither.
    half = given.palette.colours[given.labels].copy()
    half[:10] = 77
    save(half, "half.png")
    given, problems = read("clusters", ("half.png",), clusters=2)
    assert given is None and "#4d4d4d (25.0%) is a class that the source lacks" in problems[0]


def test_what_is_taken_for_a_photograph_is_said() -> None:
    given, _ = read("clusters", (), clusters=2)
    assert given is not None
    painted = Image.fromarray(given.palette.colours[given.labels])
    painted.save("painted.png")
    painted.save("compressed.jpg", quality=50)
    given, problems = read("clusters", ("painted.png",), clusters=2)
    assert given is not None and not given.notes
    given, problems = read("clusters", ("compressed.jpg", "photo.png"), clusters=2)
    assert given is not None and not problems
    assert given.notes[0].startswith("compressed.jpg: was taken for a photograph, as it does not")
    assert "give --snap" in given.notes[0]
    assert given.notes[1].startswith("photo.png: is no label map of the clusters' colours")
    given, _ = read("clusters", ("compressed.jpg",), clusters=2, snap=0)
    assert given is not None and (given.targets[0].labels == given.labels).mean() > 0.99
    assert not any("photograph" in note for note in given.notes)


def test_edges_of_a_flat_source_are_refused() -> None:
    save(np.full((40, 50, 3), 90), "flat.png")
    given, problems = read("edges", ("target.png",), image=Path("flat.png"))
    assert given is None and len(problems) == 1
    assert "flat.png: expected a photograph with edges, found none" in problems[0]


def test_clusters_do_not_depend_on_the_size_that_methods_work_at() -> None:
    sides = []
    one = np.zeros((300, 600, 3))
    one[:, 300:] = 200
    save(one, "large.png")
    read("clusters", (), image=Path("large.png"), clusters=2,
         loaded=lambda images: sides.append(tuple(images.shape[2:])) or [images])  # fmt: skip
    assert sides == [(128, 256)]


def test_edges_take_drawings() -> None:
    drawing = np.full((60, 44), 255)
    drawing[30, 5:40] = 0
    save(drawing, "drawing.png")
    given, problems = read("edges", ("drawing.png",))
    assert given is not None and not problems
    assert given.palette.names == ("ground", "line")
    assert given.labels[18:22].any(0).mean() > 0.9
    assert given.targets[0].labels[30, 8:36].all() and given.targets[0].labels.shape == (60, 44)


def test_all_that_is_wrong_is_told_at_once() -> None:
    save(np.zeros((20, 90)), "small.png")
    given, problems = read(
        targets=("other.png", "none.png", "target.png", "./target.png", "small.png"),
        method="gan", edits=("move:sea:1,1", "remove:#c80a0a", "remove:#c80a0a"),
        mapping=("x", "y=sea", "#0aa00b=#0a0ac8"), clusters=4,
    )  # fmt: skip
    assert given is None
    told = "\n".join(problems)
    for said in (
        "--clusters: goes with the word clusters",
        "--map 'x': expected TARGETCLASS=SOURCECLASS",
        "--map 'y=sea': the source has no class 'sea'",
        "other.png: #0aa00a (50.0%) is a class that the source lacks",
        "none.png: no such file",
        "target.png: the method `gan` makes images of the source's size, 50×40, got 40×50",
        "target.png: is given 2 times; name it once",
        "small.png: 0 (100.0%)",
        "--edit 'move:sea:1,1': the source has no class 'sea'",
        "remove:#c80a0a: is given 2 times",
    ):
        assert said in told, told


def test_mappings_that_no_target_has_are_told() -> None:
    given, problems = read(targets=("other.png",), mapping=("#0aa00a=#c80a0a",))
    assert given is not None and (given.targets[0].labels == given.labels).all()
    _, problems = read(mapping=("#0aa00a=#c80a0a",))
    assert problems == ["--map: no target has #0aa00a; leave it out"]


def test_one_class_is_refused_for_the_gan_and_noted_for_patches() -> None:
    save(np.full((40, 50), 3), "flat.png")
    save(np.full((64, 64), 3), "wide.png")
    given, problems = read("flat.png", ("wide.png",))
    assert given is not None and given.notes[0].startswith(
        "the source's labels have one class only"
    )
    save(np.full((40, 50), 3), "same.png")
    given, problems = read("flat.png", ("same.png",), method="gan")
    assert given is None and "there is no layout to learn from" in problems[0]


def test_sources_that_cannot_be_used_are_told_and_targets_looked_for() -> None:
    save(np.zeros((31, 50, 3)), "low.png")
    assert read(image=Path("low.png"), targets=("none.png",))[1] == [
        "low.png: expected at least 32 pixels a side, got 50×31; take a larger image",
        "none.png: no such file",
    ]
    assert read("target.png")[1] == [
        "target.png: expected 50×40 pixels as its image, got 40×50; give the label map of photo.png"
    ]
    assert read(targets=())[1][0].startswith("expected a target: name label maps")
    assert read("edges", (), palette="p.csv", mapping=("a=b",))[1] == [
        "--palette: names classes of a label map, not of edges",
        "--map: edges have no classes to be mapped",
        "p.csv: no such file",
    ]
    assert read("clusters", (), loaded=None) == (None, [])  # the loader has told why


def test_names_of_other_results_and_equal_names_are_refused() -> None:
    Path("a").mkdir()
    for name in ("preview.png", "a/Target.png"):
        Path(name).write_bytes(Path("target.png").read_bytes())
    _, problems = read(targets=("preview.png", "target.png", "a/Target.png"))
    assert problems[0].startswith("preview.png: its results would be a folder 'preview'")
    assert problems[1].startswith("target.png, a/Target.png: have one name, target")
    assert {PREVIEWS, *SOURCE_FILES} == RESERVED


def test_features_are_not_asked_for_a_label_map() -> None:
    def loaded() -> None:
        pytest.fail("loaded")

    problems: list[str] = []
    request = Request(PHOTO, "labels.png", (Path("target.png"),))
    assert read_request(request, "patches", loaded, 0, problems) is not None
    assert torch.is_grad_enabled()
