import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from exemplar.methods.pix2pixhd import export as module
from exemplar.methods.pix2pixhd.encoding import boundaries, objects_of
from exemplar.methods.pix2pixhd.export import ExportError, edges, export, inputs_of
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.sampling import drawn_looks, synthesise
from exemplar.methods.pix2pixhd.styles import Styles
from tests.methods.pix2pixhd import tiny

STYLES = Styles(
    np.array([0, 0, 1, 2], np.uint8),
    np.array([[0.9, -0.5], [-0.8, 0.1], [0.3, 0.9], [-0.2, -0.9]], np.float32),
    np.ones(4, np.int64),
)


def lively(model: Pix2pixHD) -> Pix2pixHD:
    """Initial weights make grey images."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(10)
    return model.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    model = lively(tiny.model(1))
    difference = export(model, STYLES, path)
    return model, onnxruntime.InferenceSession(path), path, difference


def maps(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([height, width])
    blocks = rng.integers(0, 30, (-(-height // 5), -(-width // 5)))
    instances = blocks.repeat(5, 0).repeat(5, 1)[:height, :width]
    labels = (instances % 4).astype(np.uint8)
    labels[labels == 3] = 255
    return labels, instances


@pytest.mark.parametrize("size", [(44, 39), (16, 16), (33, 50), (5, 71), (1, 1), (64, 20)])
def test_a_runtime_makes_the_network_s_images_of_any_size(exported, size) -> None:
    model, session, *_ = exported
    labels, instances = maps(*size)
    objects = objects_of(labels, instances)
    for sample in range(2):
        looks = drawn_looks(objects, STYLES, sample=sample)
        given = inputs_of(model, labels, instances, looks.features)
        assert {each.name for each in session.get_inputs()} == set(given)
        (theirs,) = session.run(["image"], given)
        ours = synthesise(model, labels, objects, looks)
        assert theirs.dtype == np.uint8 and theirs.shape == (*size, 3)
        assert np.abs(theirs.astype(int) - ours).max() <= 1
        if min(size) > 10:
            assert ours.std() > 10


def test_looks_are_an_input(exported) -> None:
    model, session, *_ = exported
    labels, instances = maps(30, 30)
    found = objects_of(labels, instances)
    looks = drawn_looks(found, STYLES).features
    given = inputs_of(model, labels, instances, looks)
    (before,) = session.run(None, given)
    (after,) = session.run(None, given | {"looks": -looks})
    assert np.abs(before.astype(int) - after).mean() > 1


def test_the_file_says_what_its_numbers_mean(exported) -> None:
    _, session, path, difference = exported
    meta = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(meta["classes"])) == tiny.CLASSES
    assert json.loads(meta["ignore"]) == 255
    styles = json.loads(meta["styles"])
    np.testing.assert_allclose(styles["0"], STYLES.of(0))
    assert [len(styles[label]) for label in "012"] == [2, 1, 1]
    assert 0 <= difference < 0.01
    assert [file.name for file in path.parent.iterdir()] == ["tiny.onnx"]


def test_edges_are_the_boundaries_of_instances() -> None:
    for size in ((1, 1), (1, 5), (7, 1), (9, 12)):
        instances = torch.from_numpy(maps(*size)[1])
        assert torch.equal(edges(instances), boundaries(instances[None])[0, 0])


def test_what_does_not_make_the_same_images_is_not_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_require_packages", lambda: None)
    monkeypatch.setattr(module, "_write", lambda model, styles, path: path.write_text("onnx"))
    apart = np.zeros((3, 3, 3), int)
    monkeypatch.setattr(module, "compare", lambda *given: apart)
    assert export(tiny.model(), STYLES, tmp_path / "a.onnx") == 0
    apart[1, 1] = 9
    with pytest.raises(ExportError, match="image differs by 9 of 256 levels, expected at most 2"):
        export(tiny.model(), STYLES, tmp_path / "b.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_missing_packages_are_named(tmp_path: Path, monkeypatch) -> None:
    for name in ("onnxscript", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExportError, match="onnxscript, onnxruntime; install them"):
        export(tiny.model(), STYLES, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
