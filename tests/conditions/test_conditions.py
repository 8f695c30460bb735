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


def test_a_file_of_a_normal_map_comes_back(tmp_path):
    rng = np.random.default_rng(1)
    field = rng.normal(size=(96, 96, 3)) + [0, 0, 2]
    field /= np.linalg.norm(field, axis=-1, keepdims=True)
    path = _saved(tmp_path / "n.png", np.rint((field + 1) * 127.5).astype(np.uint8))
    again = normals.read(path, (96, 96), [])
    assert np.abs(again - field).max() < 0.01
    encoded = normals.encode(again[None], (96, 96))
    assert np.allclose(encoded[0].permute(1, 2, 0).numpy() * 2 - 1, field, atol=0.01)


def test_a_photograph_is_not_a_normal_map(tmp_path):
    path = _saved(tmp_path / "photo.png", np.full((96, 96, 3), 30, np.uint8))
    with pytest.raises(InputError, match="expected a normal map .* add --photographs"):
        normals.read(path, (96, 96), [])


@pytest.mark.parametrize("ground", [0, 255])
def test_lines_are_ones_whatever_the_ground(tmp_path, ground):
    drawing = np.full((96, 96), ground, np.uint8)
    drawing[40] = 255 - ground
    stored = edges.read(_saved(tmp_path / "e.png", drawing), (96, 96), [])
    assert (stored[40] == 1).all() and np.delete(stored, 40, 0).max() == 0


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
    with pytest.raises(InputError, match=r"labels 7 have no class; .*; classes are 0 a, 1 b"):
        labels.read(path, (96, 96), ["a", "b"])
    path = _saved(tmp_path / "rgb.png", np.full((8, 8, 3), (200, 0, 9), np.uint8))
    with pytest.raises(InputError, match="one number a pixel .* got mode RGB .*#c80009"):
        labels.read(path, (96, 96), ["a"])


def test_unreadable_files_say_why(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        lowres.read(tmp_path / "missing.png", (96, 96), [])
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(InputError, match="not a readable image"):
        lowres.read(tmp_path / "text.png", (96, 96), [])
    whole = _saved(tmp_path / "a.png", np.zeros((64, 64, 3), np.uint8)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a readable image"):
        edges.read(tmp_path / "cut.png", (96, 96), [])


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


def test_a_label_map_is_said_and_255_stays(tmp_path, capsys):
    values = np.zeros((96, 96), np.uint8)
    values[:, 60:] = 1
    values[:24] = 255
    path = _saved(tmp_path / "l.png", values)
    found = labels.read(path, (48, 48), ["sky", "sea"])
    assert (found == values[::2, ::2]).all()
    said = capsys.readouterr().err
    assert said == f"{path}: 96×96, 2 classes by number: sky 47%, sea 28%; no class 25%\n"
