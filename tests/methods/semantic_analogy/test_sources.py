"""Sources of the evaluation: labels from everywhere, targets of all kinds, and what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from exemplar.data.rendered import PARTS, Posing, RenderedSettings, render
from exemplar.data.settings import PrepareSettings
from exemplar.data.synthetic import prepare_rendered
from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.methods.semantic_analogy.judging import _learned_from
from exemplar.methods.semantic_analogy.labelled_images import (
    central_part,
    resized_labels,
    working_size,
)
from exemplar.methods.semantic_analogy.source_settings import SourceSettings
from exemplar.methods.semantic_analogy.sources import NamedSource, read_source
from exemplar.store import layout
from exemplar.store.arrays import write_group
from tests.methods.semantic_analogy.labelled import (
    CLASSES,
    COUNT,
    DOMAIN,
    SIDE,
    image_of,
    labels_of,
    write_domain,
)

FACADES = Path(__file__).parents[4] / "shared/data/facades/train"
STORED = {"domain": DOMAIN, "id": "b-0"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_domain()


def read(settings: dict[str, Any], params: dict[str, Any] | None = None) -> NamedSource:
    problems: list[str] = []
    found = read_source("s", _checked(settings), params or {}, problems)
    assert not problems, problems
    assert found is not None
    return found


def problems_of(settings: dict[str, Any], params: dict[str, Any] | None = None) -> list[str]:
    problems: list[str] = []
    assert read_source("s", _checked(settings), params or {}, problems) is None
    return problems


def _checked(settings: dict[str, Any]) -> SourceSettings:
    return TypeAdapter(SourceSettings).validate_python(settings)


def test_an_image_of_a_domain_brings_its_labels_and_only_the_classes_that_occur() -> None:
    found = read({"image": STORED, "side": 64})
    np.testing.assert_array_equal(found.source.labels, labels_of(0))
    np.testing.assert_array_equal(found.source.image, image_of(labels_of(0)))
    assert found.source.classes == CLASSES[:3]
    (identity,) = found.targets
    assert identity.name == "identity" and identity.labels is found.source.labels
    assert identity.truth is found.source.image
    assert found.licence == "CC0-1.0"


def test_another_images_labels_are_a_target_by_the_names_of_their_classes() -> None:
    target = {"image": {"domain": DOMAIN, "id": "b-1"}}
    found = read({"image": STORED, "targets": {"other": target}})
    other = found.targets[1]
    np.testing.assert_array_equal(other.labels, labels_of(1))
    np.testing.assert_array_equal(other.photograph, image_of(labels_of(1), 1))
    assert other.truth is None and not other.edited


def test_classes_that_the_source_lacks_are_told_with_their_shares_and_can_be_mapped() -> None:
    target: dict[str, Any] = {"image": {"domain": DOMAIN, "id": "b-3"}}
    (wrong,) = problems_of({"image": STORED, "targets": {"other": target}})
    assert wrong == (
        "sources.s.targets.other: the source lacks roof (10.0%); it has ground, wall, door: say "
        "under map: which of these they are"
    )
    found = read({"image": STORED, "targets": {"other": target | {"map": {"roof": "wall"}}}})
    assert (found.targets[1].labels[:4] == 1).all()
    wrong = problems_of({"image": STORED, "targets": {"o": target | {"map": {"sky": "wall"}}}})
    assert len(wrong) == 1 and wrong[0].startswith(
        "sources.s.targets.o.map: expected one of ground"
    )


def test_labels_are_numbered_by_the_sources_classes() -> None:
    numbers = np.where(labels_of(0) == 2, 7, 3).astype(np.uint8)
    Image.fromarray(numbers).save("a.png")
    Image.fromarray(np.where(numbers == 7, 3, 7).astype(np.uint8)).save("b.png")
    Image.fromarray(image_of(labels_of(0))).save("photo.png")
    classes = {"door": 7, "rest": 3, "unseen": 9}
    found = read(
        {
            "image": "photo.png",
            "labels": {"file": "a.png", "classes": classes},
            "targets": {"swapped": {"labels": {"file": "b.png", "classes": classes}}},
        }
    )
    assert found.source.classes == ("door", "rest")
    np.testing.assert_array_equal(found.source.labels, (labels_of(0) != 2).astype(np.uint8))
    np.testing.assert_array_equal(found.targets[1].labels, 1 - found.source.labels)
    assert found.targets[1].photograph is None
    unnamed = read({"image": "photo.png", "labels": {"file": "a.png"}})
    assert unnamed.source.classes == ("3", "7")


def test_an_edit_makes_a_target_of_the_sources_labels() -> None:
    found = read({"image": STORED, "targets": {"e": {"edit": "remove:door:wall; move:wall:0,-5"}}})
    target = found.targets[1]
    assert target.edited and target.photograph is None
    wall = labels_of(0) > 0
    np.testing.assert_array_equal(target.labels, np.roll(wall, -5, 0).astype(np.uint8))
    (wrong,) = problems_of({"image": STORED, "targets": {"e": {"edit": "remove:roof"}}})
    assert wrong.startswith("sources.s.targets.e.edit: 'remove:roof'")


def test_clusters_serve_as_labels_and_other_photographs_get_the_same() -> None:
    for number in (0, 1):
        Image.fromarray(image_of(labels_of(number))).save(f"{number}.png")
    target = {"mirrored": {"image": "1.png"}, "moved": {"edit": "remove:cluster-2"}}
    settings = {"image": "0.png", "labels": {"clusters": 3}, "targets": target}
    (wrong,) = problems_of(settings, {"layout": {}})
    assert wrong.startswith("sources.s.labels: clusters need a network: models/estimators")
    torch.manual_seed(0)
    heads = {"normals": 3, "edges": 1, "parts": 2}
    network = PixelNet(3, heads, PixelNetSettings(width=8, hidden=8))
    save_estimators(layout.ESTIMATORS, network, ("a", "b"), EstimatorsSettings(), "rendered")
    found = read(settings, {"layout": {}})
    assert found.source.classes[:2] == ("cluster-1", "cluster-2")
    # Colours alone tell ground and wall apart.
    wall = found.source.labels == found.source.labels[14, 20]
    assert (wall == (labels_of(0) == 1)).mean() > 0.8
    assert not np.array_equal(found.targets[1].labels, found.source.labels)
    assert (found.targets[2].labels != 1).all()
    assert read(settings, {"layout": {}}).identity() == found.identity()


def test_side_by_side_files_bring_both() -> None:
    if not FACADES.is_dir():
        pytest.skip("no ../shared/data/facades")
    pair = {"pair": str(FACADES / "1.jpg"), "classes": "facades"}
    found = read({"image": pair, "side": 64})
    assert found.source.image.shape == (64, 64, 3)
    assert "window" in found.source.classes and len(found.source.classes) >= 4
    (wrong,) = problems_of({"image": pair | {"photo_left": False}})
    assert "is the photograph on the other side?" in wrong


def test_pairs_are_halved_and_read_by_their_colours() -> None:
    labels = labels_of(0)
    colours = {"ground": [0, 0, 255], "wall": [255, 0, 0], "door": [0, 255, 0]}
    drawn = np.array(list(colours.values()), np.uint8)[labels]
    Image.fromarray(np.concatenate([drawn, image_of(labels)], 1)).save("pair.png")
    found = read({"image": {"pair": "pair.png", "classes": colours, "photo_left": False}})
    np.testing.assert_array_equal(found.source.labels, labels)
    np.testing.assert_array_equal(found.source.image, image_of(labels))


def rendered(size: int) -> tuple[dict[str, Any], RenderedSettings]:
    """Parameters of a rendered domain of few heads, which is prepared."""
    settings = RenderedSettings(train=2, val=0, test=0, two_animals=0, close_up=0)
    common = PrepareSettings(image_size=size, seed=5, workers=1)
    prepare_rendered(Path("data/rendered"), settings, common)
    domains = {"rendered": settings.model_dump(mode="json")}
    return {"domains": domains, "prepare": common.model_dump()}, settings


def test_a_posed_scene_is_rendered_anew_and_its_image_is_the_truth() -> None:
    params, settings = rendered(48)
    posing = {"right": 0.1}
    found = read(
        {
            "image": {"domain": "rendered", "id": "rendered-00001"},
            "targets": {"moved": {"posed": posing}},
        },
        params,
    )
    made = render(1, settings, 48, 5, Posing(**posing))
    moved = found.targets[1]
    np.testing.assert_array_equal(moved.truth, made.image)
    assert moved.photograph is moved.truth
    names = np.array(found.source.classes)[moved.labels]
    np.testing.assert_array_equal(names, np.array(PARTS)[made.labels])
    params["prepare"]["seed"] = 6
    (wrong,) = problems_of(
        {
            "image": {"domain": "rendered", "id": "rendered-00001"},
            "targets": {"moved": {"posed": posing}},
        },
        params,
    )
    assert "rendered-00001 comes out other than it is stored" in wrong


def test_other_domains_cannot_be_posed() -> None:
    (wrong,) = problems_of({"image": STORED, "targets": {"m": {"posed": {"up": 0.1}}}})
    assert wrong.startswith("sources.s.targets.m: only an image of a rendered domain can be posed")


def test_large_images_are_made_smaller_and_targets_cut_to_their_proportions() -> None:
    labels = labels_of(0, 96)[:72]
    Image.fromarray(image_of(labels)).save("photo.png")
    Image.fromarray(labels).save("labels.png")
    found = read(
        {
            "image": "photo.png",
            "labels": {"file": "labels.png", "classes": {"ground": 0, "wall": 1, "door": 2}},
            "side": 48,
            "targets": {"other": {"image": {"domain": DOMAIN, "id": "b-1"}}},
        }
    )
    assert found.source.labels.shape == (36, 48)
    other = found.targets[1]
    assert other.labels.shape == (36, 48)
    cut = labels_of(1)[5:35]
    np.testing.assert_array_equal(central_part(labels_of(1), (36, 48)), cut)
    np.testing.assert_array_equal(other.labels, resized_labels(cut, (36, 48)))


def test_the_most_frequent_class_of_what_a_pixel_covers_is_its_class() -> None:
    labels = np.array([[0, 1, 2, 2], [1, 1, 0, 2]], np.uint8)
    np.testing.assert_array_equal(resized_labels(labels, (1, 2)), [[1, 2]])
    assert working_size((300, 451), 128) == (85, 128)
    assert working_size((30, 45), 128) == (30, 45)


def unclassed(number: int, rows: int) -> np.ndarray:
    """Labels of which the first rows have no class."""
    labels = labels_of(number)
    labels[:rows] = 255
    return labels


def rewrite_domain(labels: list[np.ndarray]) -> None:
    """The domain with other labels of its first images."""
    stored = np.stack([*labels, *(labels_of(number) for number in range(len(labels), COUNT))])
    images = np.stack([image_of(labels_of(number)) for number in range(COUNT)])
    shutil.rmtree(layout.images(DOMAIN))
    write_group(layout.images(DOMAIN), {"image": images, "labels": stored}, {"classes": CLASSES})


def test_few_pixels_of_a_domain_without_a_class_get_the_nearest_and_that_is_told() -> None:
    rewrite_domain([unclassed(0, 1), unclassed(1, 1)])
    target = {"image": {"domain": DOMAIN, "id": "b-1"}}
    found = read({"image": STORED, "targets": {"other": target}})
    np.testing.assert_array_equal(found.source.labels, labels_of(0))
    np.testing.assert_array_equal(found.targets[1].labels, labels_of(1))
    assert found.notes == tuple(
        f"{DOMAIN} b-{n}: the 2.5% of its pixels that have no class got the nearest one"
        for n in (0, 1)
    )


@pytest.mark.parametrize("side", [64, 32])
def test_many_pixels_without_a_class_are_one_of_their_own(side: int) -> None:
    rewrite_domain([unclassed(0, 10), unclassed(1, 10)])
    target = {"image": {"domain": DOMAIN, "id": "b-1"}}
    found = read({"image": STORED, "side": side, "targets": {"other": target}})
    assert found.source.classes == (*CLASSES[:3], "no class")
    top = found.source.labels.shape[0] // 4
    assert (found.source.labels[:top] == 3).all() and (found.source.labels[top:] < 3).all()
    assert (found.targets[1].labels[:top] == 3).all() and (found.targets[1].labels[top:] < 3).all()
    (told,) = problems_of({"image": {"domain": DOMAIN, "id": "b-2"}, "targets": {"o": target}})
    assert "the source lacks no class (25.0%); it has ground, wall, door: say under map" in told
    mapped = target | {"map": {"no class": "wall"}}
    found = read({"image": {"domain": DOMAIN, "id": "b-2"}, "targets": {"o": mapped}})
    assert (found.targets[1].labels[:10] == 1).all()


def test_a_judge_learns_what_has_no_class_where_the_source_has_such() -> None:
    rewrite_domain([unclassed(0, 10), unclassed(1, 10)])
    settings = _checked({"image": STORED, "learned_from": {"domain": DOMAIN}})
    _, labels, data = _learned_from(read({"image": STORED}), settings)
    assert data == DOMAIN and (labels[:2, :10] == 3).all() and (labels[2] == labels_of(2)).all()
    _, labels, _ = _learned_from(read({"image": {"domain": DOMAIN, "id": "b-2"}}), settings)
    assert (labels[:2, :10] == 255).all() and (labels[:2, 10:] < 3).all()


def test_label_files_are_read_as_everywhere_else() -> None:
    Image.fromarray(image_of(labels_of(0))).save("photo.png")
    classes = {"ground": 0, "wall": 1, "door": 2}
    named = {"image": "photo.png", "labels": {"file": "labels.png", "classes": classes}}
    Image.fromarray(unclassed(0, 8)).save("labels.png")
    found = read(named)
    assert found.source.classes == (*classes, "no class") and (found.source.labels[:8] == 3).all()
    assert found.notes == (
        "labels.png: the 20% of its pixels that have no class are one, called no class",
    )
    Image.fromarray(unclassed(0, 30)).save("labels.png")
    (told,) = problems_of(named)
    assert told.startswith("labels.png: 75% of the pixels have no class, more than 50%; name each")
    mask = Image.fromarray((labels_of(0) > 0).astype(np.uint8) * 255)
    mask.save("mask.png")
    two = {"off": 0, "on": 1}
    found = read({"image": "photo.png", "labels": {"file": "mask.png", "classes": two}})
    np.testing.assert_array_equal(found.source.labels, labels_of(0) > 0)
    assert found.notes == (
        "mask.png: masks of 0 and 255 were taken for the two classes: black is off, white is on",
    )
    drawn = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250]], np.uint8)[labels_of(0)]
    Image.fromarray(drawn).save("colours.png")
    found = read({"image": "photo.png", "labels": {"file": "colours.png"}})
    assert sorted(found.source.classes) == ["#0000fa", "#00fa00", "#fa0000"]
    names = np.array(found.source.classes)[found.source.labels]
    np.testing.assert_array_equal(names, np.array(["#fa0000", "#00fa00", "#0000fa"])[labels_of(0)])


def test_everything_wrong_is_told_together() -> None:
    Image.fromarray(image_of(labels_of(0))).save("photo.png")
    Image.fromarray(labels_of(0)[:, :30]).save("narrow.png")
    told = problems_of(
        {
            "image": STORED,
            "targets": {
                "gone": {"image": "gone.png"},
                "unlabelled": {"image": "photo.png"},
                "narrow": {"image": "photo.png", "labels": {"file": "narrow.png"}},
                "far": {"edit": "move:door:400,0"},
            },
        }
    )
    assert [line.split(":")[0] for line in told] == [
        "gone.png", "sources.s.targets.unlabelled", "narrow.png", "sources.s.targets.far.edit",
    ]  # fmt: skip
    (wrong,) = problems_of({"image": "photo.png"})
    assert "has no labels; name a file or clusters" in wrong
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save("one.png")
    (wrong,) = problems_of({"image": "photo.png", "labels": {"file": "one.png"}})
    assert "two classes, got 40×40 and 0" in wrong


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"e": {}}, "expected either image or labels, or edit, or posed"),
        ({"e": {"edit": "remove:door", "posed": {}}}, "expected either image or labels"),
        ({"identity": {"edit": "remove:door"}}, "a file's name other than identity"),
        ({"a/b": {"edit": "remove:door"}}, "a file's name other than identity"),
    ],
)
def test_targets_that_make_no_sense_are_settings_errors(target: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _checked({"image": STORED, "targets": target})
    with pytest.raises(ValidationError, match="only an image of a rendered domain can be posed"):
        _checked({"image": "photo.png", "targets": {"m": {"posed": {"up": 0.1}}}})


def test_the_identity_of_what_is_given_changes_with_every_part() -> None:
    settings = {"image": STORED, "targets": {"other": {"image": {"domain": DOMAIN, "id": "b-1"}}}}
    found = read(settings)
    assert read(settings).identity() == found.identity()
    changed = found.targets[1]._replace(labels=labels_of(0))
    others = [
        found._replace(targets=(found.targets[0], changed)),
        found._replace(targets=(found.targets[0], found.targets[1]._replace(photograph=None))),
        found._replace(source=found.source._replace(classes=("a", "b", "c"))),
        found._replace(name="t"),
    ]
    assert len({str(each.identity()) for each in [found, *others]}) == 5
