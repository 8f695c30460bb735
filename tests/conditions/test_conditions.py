"""Conditions: what is stored, what a network is given, and what is said about a user's file."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from exemplar import conditions
from exemplar.conditions import edges, labels, lowres, normals
from exemplar.conditions.files import InputError


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
    stored = labels.read(_saved(tmp_path / "l.png", values), (96, 96), ["a", "b", "c"])
    encoded = labels.encode(stored[None], (96, 96), 3).numpy()
    assert encoded.shape == (1, 3, 96, 96)
    assert (encoded.sum(1) == 1).all()
    assert encoded[0, 2, 0, 50] == 1 and encoded[0, 0, 0, 49] == 1


def test_labels_without_a_class_are_named(tmp_path):
    path = _saved(tmp_path / "l.png", np.full((8, 8), 7, np.uint8))
    with pytest.raises(InputError, match=r"labels \[7\] have no class; classes are 0 a, 1 b"):
        labels.read(path, (96, 96), ["a", "b"])
    path = _saved(tmp_path / "rgb.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="one class number a pixel .* got mode RGB"):
        labels.read(path, (96, 96), ["a"])


def test_an_unknown_condition_lists_those_there_are():
    with pytest.raises(ValueError, match="lowres, edges, normals, labels, got 'depth'"):
        conditions.of("depth")
