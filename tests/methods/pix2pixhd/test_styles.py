from pathlib import Path

import numpy as np
import pytest
import torch

from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.layouts import IGNORE
from exemplar.methods.pix2pixhd.photographs import with_objects
from exemplar.methods.pix2pixhd.styles import (
    Recorded,
    Styles,
    StylesSettings,
    learn_styles,
    load_styles,
    record,
    save_styles,
)
from exemplar.store.weights import WeightsError, save_weights
from tests.methods.pix2pixhd import tiny


def recorded(features: np.ndarray, labels=0, shares=1.0) -> Recorded:
    n = len(features)
    return Recorded(
        np.full(n, labels, np.uint8),
        np.zeros(n, np.int64),
        np.arange(n),
        np.broadcast_to(np.float32(shares), n),
        features.astype(np.float32),
    )


@pytest.mark.parametrize("level", [1, 2])
def test_every_object_is_recorded_with_its_features(level: int) -> None:
    images, labels, instances = tiny.rectangles(5)
    labels[0, :4] = IGNORE
    model = tiny.model(level).eval()
    assert model.encoder is not None
    found = record(model, with_objects(images, labels, instances), batch=2)
    step = 2 ** (2 - level)
    at = 0
    for n in range(5):
        small = [a[n, step // 2 :: step, step // 2 :: step] for a in (labels, instances)]
        pixels = images[n].reshape(16 // step, step, 16 // step, step, 3).mean((1, 3))
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
        objects = objects_of(*small)
        with torch.no_grad():
            dense = model.encoder(x, torch.arange(x[0, 0].numel()).view(1, *x.shape[2:]))[1]
        for number, label in enumerate(objects.labels):
            if label != IGNORE:
                here = torch.from_numpy(objects.index == number)
                np.testing.assert_allclose(found.features[at], dense[0][:, here].mean(1), atol=1e-5)
                assert found.labels[at] == label and found.rows[at] == n
                assert found.instances[at] == objects.instances[number]
                assert found.shares[at] == pytest.approx(here.float().mean().item())
                at += 1
    assert at == len(found.labels)


def test_without_an_encoder_there_are_no_styles() -> None:
    bare = tiny.NETWORK.model_copy(update={"encoder": None})
    with pytest.raises(ValueError, match="trained without an encoder"):
        record(tiny.model(network=bare), with_objects(*tiny.rectangles(1)))


def test_clusters_of_each_class_the_most_frequent_first() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([[0.9, 0.0], [-0.5, 0.5], [0.0, -0.8]])
    members = np.repeat([0, 1, 2], [5, 30, 12])
    a = recorded(truth[members] + rng.normal(0, 0.01, (47, 2)))
    b = recorded(np.array([[0.3, 0.3]] * 4), labels=2)
    both = Recorded(*(np.concatenate(pair) for pair in zip(a, b, strict=True)))
    styles = learn_styles(both, StylesSettings(styles=3))
    np.testing.assert_allclose(styles.of(0), truth[[1, 2, 0]], atol=0.02)
    assert styles.sizes.tolist() == [30, 12, 5, 4]
    np.testing.assert_allclose(styles.of(2), [[0.3, 0.3]])
    assert styles.of(1).shape == (0, 2)


def test_the_same_objects_in_another_order_give_the_same_numbers() -> None:
    rng = np.random.default_rng(1)
    features = np.repeat(rng.normal(size=(4, 3)), [9, 7, 5, 3], axis=0)
    features = features + rng.normal(0, 1e-3, features.shape)
    settings = StylesSettings(styles=4)
    one = learn_styles(recorded(features), settings)
    other = learn_styles(recorded(features[rng.permutation(24)]), settings)
    np.testing.assert_allclose(one.centres, other.centres, atol=1e-6)
    again = learn_styles(recorded(features), settings)
    assert (one.centres == again.centres).all()


def test_small_objects_count_only_where_there_are_no_others() -> None:
    small = recorded(np.array([[0.1, 0.1], [0.2, 0.2]]), labels=0, shares=0.001)
    large = recorded(np.array([[0.9, 0.9]]), labels=0, shares=0.5)
    lone = recorded(np.array([[0.4, 0.4]]), labels=1, shares=0.001)
    all_of = Recorded(*(np.concatenate(parts) for parts in zip(small, large, lone, strict=True)))
    styles = learn_styles(all_of, StylesSettings())
    np.testing.assert_allclose(styles.of(0), [[0.9, 0.9]])
    np.testing.assert_allclose(styles.of(1), [[0.4, 0.4]])
    every = learn_styles(all_of, StylesSettings(smallest=0))
    assert len(every.of(0)) == 3


def test_never_more_styles_than_asked_for() -> None:
    features = np.random.default_rng(2).normal(size=(50, 3))
    styles = learn_styles(recorded(features), StylesSettings(styles=10))
    assert len(styles.of(0)) == 10
    assert styles.sizes.sum() == 50
    assert (np.diff(styles.sizes) <= 0).all()


def test_styles_seen_together_are_known() -> None:
    looks = np.array([[0.9], [-0.9], [0.1], [0.8], [-0.8], [0.0]])
    seen = Recorded(
        np.array([0, 0, 2, 0, 2, 2], np.uint8),
        np.array([0, 0, 0, 1, 1, 1]),
        np.array([5, 9, 5, 5, 5, 7]),
        np.array([1, 1, 0.001, 1, 1, 1], np.float32),
        looks.astype(np.float32),
    )
    styles = learn_styles(seen, StylesSettings(styles=2, combined=True))
    # Class 0: 0.85 (two), -0.9; class 2, of its large objects: -0.8, 0.0 (one each, in order).
    np.testing.assert_allclose(styles.of(0), [[0.85], [-0.9]])
    np.testing.assert_allclose(styles.of(2), [[-0.8], [0.0]])
    # Photograph 0 with instances 5 and 9, photograph 1 with 5 and 7.
    assert styles.combinations.tolist() == [[0, -1, 1], [1, -1, -1], [0, -1, 0], [-1, -1, 1]]
    alone = learn_styles(seen, StylesSettings(styles=2))
    assert alone.combinations.size == 0


def test_styles_come_back_from_their_file(tmp_path: Path) -> None:
    styles = Styles(
        np.array([0, 2], np.uint8), np.array([[0.5], [1]], np.float32), np.array([3, 1]),
        np.array([[0, -1, 0]], np.int16),
    )  # fmt: skip
    save_styles(tmp_path / "s.safetensors", styles, {"classes": ["a"]})
    again = load_styles(tmp_path / "s.safetensors")
    for name, value in vars(styles).items():
        assert (getattr(again, name) == value).all()
        assert getattr(again, name).dtype == value.dtype
    save_weights(tmp_path / "other.safetensors", {"x": torch.zeros(1)}, {})
    with pytest.raises(WeightsError, match="expected styles .* got x"):
        load_styles(tmp_path / "other.safetensors")
