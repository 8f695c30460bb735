"""Estimators: they learn what is in the pictures, come back from disk, and carry their name."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.estimators import (
    Estimators,
    EstimatorsSettings,
    load_estimators,
    save_estimators,
    train_estimators,
)
from exemplar.store.weights import WeightsError, save_weights

PARTS = ("background", "bright")


def _truth(count: int) -> dict[str, np.ndarray]:
    """Bright discs on dark grounds: spheres in front of a wall, their outlines the edges."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32] + 0.5
    image, normals, labels, edges = [], [], [], []
    for _ in range(count):
        cx, cy, radius = rng.uniform(10, 22), rng.uniform(10, 22), rng.uniform(6, 10)
        u, v = (x - cx) / radius, (cy - y) / radius
        inside = u**2 + v**2 < 1
        z = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
        normal = np.where(inside[..., None], np.stack([u, v, z], -1), [0, 0, 1])
        shade = np.where(inside, 120 + 120 * z, 30)
        image.append(np.repeat(shade[..., None], 3, -1).astype(np.uint8))
        normals.append(normal.astype(np.float16))
        labels.append(inside.astype(np.uint8))
        edges.append((np.abs(np.hypot(x - cx, y - cy) - radius) < 1).astype(np.float16))
    return {
        "image": np.stack(image),
        "normals": np.stack(normals),
        "labels": np.stack(labels),
        "edges": np.stack(edges),
    }


SETTINGS = EstimatorsSettings.model_validate(
    {
        "network": {"width": 4, "hidden": 16},
        "training": {"steps": 150, "batch": 8, "pixels": 256, "rate": 0.01},
        "zoom": (1.0, 1.2),
    }
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("estimators")
    network = train_estimators(_truth(48), PARTS, SETTINGS, folder)
    path = folder / "e.safetensors"
    save_estimators(path, network, PARTS, SETTINGS, "discs")
    return network, path


def test_they_see_discs_they_have_not_seen(trained):
    truth = {name: values[-8:] for name, values in _truth(60).items()}
    seen = load_estimators(trained[1])(
        torch.from_numpy(truth["image"]).permute(0, 3, 1, 2).float() / 255
    )
    assert (seen["parts"].numpy() == truth["labels"]).mean() > 0.9
    cosine = (seen["normals"].permute(0, 2, 3, 1).numpy() * truth["normals"]).sum(-1)
    error = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    inside = truth["labels"] == 1
    towards = np.degrees(np.arccos(np.clip(truth["normals"][..., 2].astype(float), -1, 1)))
    assert error[inside].mean() < 0.6 * towards[inside].mean()
    edges = seen["edges"].numpy()
    assert edges[truth["edges"] == 1].mean() > edges[truth["edges"] == 0].mean() + 0.2


def test_normals_are_unit_and_edges_in_range(trained):
    seen = load_estimators(trained[1])(torch.rand(11, 3, 40, 24))
    assert seen["normals"].shape == (11, 3, 40, 24) and seen["edges"].shape == (11, 40, 24)
    torch.testing.assert_close(seen["normals"].norm(dim=1), torch.ones(11, 40, 24))
    assert seen["edges"].min() >= 0 and seen["edges"].max() <= 1


def test_they_come_back_with_a_name_that_holds_their_weights(trained, tmp_path):
    network, path = trained
    again = load_estimators(path)
    images = torch.rand(3, 3, 32, 32)
    before = Estimators(network, "x", PARTS, SETTINGS.training.precision)(images)
    assert torch.equal(again(images)["edges"], before["edges"])
    assert again.identity.startswith("pixelnet-4@discs#") and again.parts == PARTS
    network.mix[0].bias.data += 1
    save_estimators(tmp_path / "other.safetensors", network, PARTS, SETTINGS, "discs")
    assert load_estimators(tmp_path / "other.safetensors").identity != again.identity
    network.mix[0].bias.data -= 1


def test_other_weights_are_refused(tmp_path):
    save_weights(tmp_path / "n.safetensors", {"a": torch.ones(1)}, {"network": "unet"})
    with pytest.raises(WeightsError, match="not estimators: expected the config of a pixelnet"):
        load_estimators(tmp_path / "n.safetensors")
