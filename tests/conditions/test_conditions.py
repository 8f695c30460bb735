"""Conditions: what is stored, what a network is given, and what is said about a user's file."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from exemplar import conditions
from exemplar.conditions import edges, labels, lowres, normals
from exemplar.conditions.given import read_condition
from exemplar.labels.domains import known_in


def _saved(path, values):
    Image.fromarray(values).save(path)
    return path


def test_lowres_is_the_mean_of_blocks():
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3)).astype(np.uint8)
    small = lowres.extract(images)
    expected = images.reshape(2, 12, 8, 12, 8, 3).mean((2, 4))
    assert small.shape == (2, 12, 12, 3)
    assert np.abs(small - expected).max() <= 0.5


def test_lowres_encoding_keeps_a_constant():
    stored = np.full((1, 12, 12, 3), 51, np.uint8)
    encoded = lowres.encode(stored, (96, 96))
    assert encoded.shape == (1, 3, 96, 96)
    assert np.allclose(encoded.numpy(), 0.2)


def test_normals_are_encoded_as_their_colours():
    field = np.array([[[[0, 0, 1], [0.6, -0.8, 0]]]], np.float32)
    encoded = normals.encode(field, (1, 2))
    expected = [[[[0.5, 0.8]], [[0.5, 0.1]], [[1.0, 0.5]]]]
    assert np.allclose(encoded, expected, atol=1e-6)


def test_edges_are_one_channel():
    stored = np.array([[[0, 0.25], [0.5, 1]]], np.float16)
    assert edges.encode(stored, (2, 2)).tolist() == [[[[0, 0.25], [0.5, 1]]]]


def test_labels_are_one_hot(tmp_path):
    values = np.zeros((96, 96), np.uint8)
    values[:, 50:] = 2
    stored, _ = read_labels(_saved(tmp_path / "l.png", values), (96, 96), ["a", "b", "c"])
    encoded = labels.encode(stored[None], (96, 96), 3).numpy()
    assert encoded.shape == (1, 3, 96, 96)
    assert (encoded.sum(1) == 1).all()
    assert encoded[0, 2, 0, 50] == 1 and encoded[0, 0, 0, 49] == 1


def test_labels_without_a_class_are_named(tmp_path):
    path = _saved(tmp_path / "l.png", np.full((8, 8), 7, np.uint8))
    assert re.search(r"labels 7 have no class; .*; classes are 0 a, 1 b", refused(path, "a", "b"))
    path = _saved(tmp_path / "rgb.png", np.full((8, 8, 3), (200, 0, 9), np.uint8))
    assert re.search("one number a pixel .* got mode RGB .*#c80009", refused(path, "a"))


def read_labels(path, size, names, how="crop"):
    """The values, and what is said of them."""
    problems: list[str] = []
    given = read_condition("labels", path, size, known_in({}, "", names), how, problems)
    assert given is not None and not problems, problems
    return given


def refused(path, *names):
    problems: list[str] = []
    assert (
        read_condition("labels", path, (96, 96), known_in({}, "", names), "crop", problems) is None
    )
    (problem,) = problems
    assert problem.startswith(f"{path}: ")
    return problem


def test_an_unknown_condition_lists_those_there_are():
    with pytest.raises(ValueError, match="lowres, edges, normals, labels, got 'depth'"):
        conditions.of("depth")


def test_labels_without_a_class_have_no_channel():
    stored = np.array([[[0, 255], [2, 1]]], np.uint8)
    encoded = labels.encode(stored, (2, 2), 3).numpy()
    naive = [[[[float(value == c) for value in row] for row in stored[0]] for c in range(3)]]
    assert encoded.tolist() == naive and encoded[0, :, 0, 1].sum() == 0
    with pytest.raises(ValueError, match=r"labels \[3\] have no class; expected 0 to 2, or 255"):
        labels.encode(np.array([[[3]]], np.uint8), (1, 1), 3)


def test_a_label_map_is_said_and_255_stays(tmp_path):
    values = np.zeros((96, 96), np.uint8)
    values[:, 60:] = 1
    values[:24] = 255
    path = _saved(tmp_path / "l.png", values)
    found, notes = read_labels(path, (48, 48), ["sky", "sea"])
    assert (found == values[::2, ::2]).all()
    assert notes == (f"{path}: 96×96, 2 classes by number: sky 47%, sea 28%; no class 25%",)
    wide = _saved(tmp_path / "wide.png", values[:48])
    padded, notes = read_labels(wide, (96, 96), ["sky", "sea"], "pad")
    assert (padded[:24] == 255).all() and (padded[24:72] == values[:48]).all()
    assert notes[0] == f"{wide}: 96×48, padded to 96×96"
