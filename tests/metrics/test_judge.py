"""The judge's one pass gives what separate passes give."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.estimators import Estimators
from exemplar.features.perceptual import perceptual
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.metrics.judge import Judge


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def judge(request: pytest.FixtureRequest) -> Judge:
    torch.manual_seed(0)
    heads = {"normals": 3, "edges": 1, "parts": 3}
    network = PixelNet(3, heads, PixelNetSettings(width=4, hidden=8)).eval()
    for head in network.heads.values():  # or all pixels would have the same part
        torch.nn.init.normal_(head.get_parameter("weight"))
    return Judge(Estimators(network, "tiny#0", ("a", "b", "c"), request.param))


IMAGES = np.random.default_rng(0).integers(0, 256, (11, 24, 24, 3), np.uint8)


def test_conditions_are_those_of_the_estimators(judge: Judge) -> None:
    seen = judge(IMAGES)
    expected = judge.estimators(torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255)
    np.testing.assert_array_equal(seen.normals, expected["normals"].permute(0, 2, 3, 1))
    np.testing.assert_array_equal(seen.edges, expected["edges"])
    np.testing.assert_array_equal(seen.parts, expected["parts"])
    assert len(np.unique(seen.parts)) > 1


def test_features_are_those_of_a_pass_of_their_own(judge: Judge) -> None:
    seen = judge(IMAGES)
    bfloat16 = judge.estimators.precision == "bfloat16"
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        expected = perceptual(judge.estimators.network.trunk_maps, IMAGES)
    np.testing.assert_allclose(seen.perceptual, expected, atol=1e-2 if bfloat16 else 1e-5)
    np.testing.assert_array_equal(seen.means, judge.means(IMAGES))
    assert seen.means.shape == (11, 4 + 8 + 16)
    assert seen.means.std() > 0


def test_nothing_stays_on_the_network(judge: Judge) -> None:
    judge(IMAGES[:1])
    with pytest.raises(RuntimeError):
        judge(IMAGES[:1, :, :, :2])
    assert not any(block._forward_hooks for block in judge.estimators.network.blocks)


def test_another_network_may_see_the_edges(judge: Judge) -> None:
    other = Judge(judge.estimators, lambda x: x[:, 0], "red#1")
    seen = other(IMAGES)
    np.testing.assert_allclose(seen.edges, IMAGES[..., 0] / 255, rtol=1e-6)
    np.testing.assert_array_equal(seen.normals, judge(IMAGES).normals)
    assert other.identity == "normals tiny#0, edges red#1"
