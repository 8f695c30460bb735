from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from exemplar.methods.glann import baselines
from exemplar.methods.glann.baselines import (
    BaselinesSettings,
    Encoder,
    divergence,
    objective,
    train_imle_pixels,
    train_vae,
)
from exemplar.methods.glann.generator import Generator, GeneratorSettings
from exemplar.methods.glann.losses import absolute

SMALL = GeneratorSettings(codes=3, hidden=16, width=4, batch_norm=False)
SETTINGS = BaselinesSettings(
    imle_pixels={"epochs": 6, "batch": 4, "rate": 0.01, "search_every": 2},
    vae={"epochs": 4, "batch": 4, "rate": 0.01},
)


def images(count=11):
    x = np.zeros((count, 8, 8, 1), np.uint8)
    for number in range(count):
        x[number, :, number % 8] = 255
    return x


def networks(sphere):
    torch.manual_seed(2)
    return Generator(SMALL, 8, 1, sphere), Encoder(SMALL, 8, 1)


def imle(folder, training=SETTINGS.imle_pixels):
    generator, _ = networks(True)
    history = train_imle_pixels(generator, images(), training, folder, "imle", 0)
    return generator, history


def vae(folder, training=SETTINGS.vae):
    generator, encoder = networks(False)
    history = train_vae(generator, encoder, images(), absolute, training, folder, "vae", 0)
    return generator, history


def test_imle_on_pixels_comes_near_every_image(tmp_path):
    long = SETTINGS.imle_pixels.model_copy(update={"epochs": 60, "draws": 8})
    generator, history = imle(tmp_path, long)
    assert history[-1]["distance"] < 0.6 * history[0]["distance"]
    assert not generator.training
    codes = torch.randn(400, 3, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        made = generator(codes).permute(0, 2, 3, 1).numpy()
    grey = images().astype(np.float32) / 255
    apart = [np.square(made - one).mean((1, 2, 3)).min() for one in grey]
    assert np.mean(apart) < np.square(grey - grey.mean(0)).mean()


def test_a_vae_learns_to_reconstruct_and_to_stay_normal(tmp_path):
    long = SETTINGS.vae.model_copy(update={"epochs": 80})
    generator, history = vae(tmp_path, long)
    assert history[-1]["reconstruction"] < 0.7 * history[0]["reconstruction"]
    assert 0.1 < history[-1]["divergence"] < 50
    assert not generator.training


@pytest.mark.parametrize("train", [imle, vae])
def test_killed_and_resumed_ends_like_an_uninterrupted_run(tmp_path, train, monkeypatch):
    whole, history = train(tmp_path / "whole")
    steps, descend = 0, baselines._descend

    def killed(*given):
        nonlocal steps
        steps += 1
        if steps > 5:
            raise KeyboardInterrupt
        descend(*given)

    with monkeypatch.context() as patch:
        patch.setattr(baselines, "_descend", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "killed")
    again, found = train(tmp_path / "killed")
    assert found == history
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_the_divergence_is_that_of_normal_distributions():
    mean, log_variance = torch.randn(4, 3), torch.randn(4, 3)
    ours = Normal(mean, (log_variance / 2).exp())
    wanted = kl_divergence(ours, Normal(torch.zeros(3), torch.ones(3))).sum(1)
    assert torch.allclose(divergence(mean, log_variance), wanted, atol=1e-5)
    assert divergence(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [0, 0]


def test_the_objective_is_the_best_laplace_distributions():
    distance, nats, values = 0.07, 12.0, 64

    def bound(scale):
        """The negative logarithm of a Laplace distribution, summed over values, and nats."""
        return values * (math.log(2 * scale) + distance / scale) + nats

    best = min(bound(scale) for scale in np.geomspace(0.01, 1, 4001))
    ours = objective(torch.tensor(distance), torch.tensor(nats), values).item()
    assert ours * values + values * (math.log(2) + 1) == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("side", [8, 28, 64, 128])
def test_encoders_of_all_sizes(side):
    mean, log_variance = Encoder(SMALL, side, 3)(torch.rand(2, 3, side, side))
    assert mean.shape == log_variance.shape == (2, 3)
