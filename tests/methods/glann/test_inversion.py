"""Noise of images: made images are found again, each by itself, and nothing gets worse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.methods.glann.inversion import InversionSettings, invert
from exemplar.methods.glann.losses import absolute
from exemplar.methods.glann.model import Sampler
from tests.methods.glann import untrained


def made(sampler: Sampler, count: int, seed: int = 9) -> np.ndarray:
    return sampler.sample(count, seed)


def loss_of(sampler: Sampler, noise: np.ndarray, image: np.ndarray) -> float:
    """The mean absolute difference in [0, 1], from pixels to pixels."""
    with torch.no_grad():
        values = sampler.generator(sampler.codes(torch.from_numpy(noise)[None]))[0]
    wanted = image.transpose(2, 0, 1)[: sampler.generator.channels] / 255
    return float(np.abs(values.numpy() - wanted).mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_images_that_it_made_are_found_again(channels: int) -> None:
    sampler = untrained.sampler(channels)
    wanted = made(sampler, 4)
    found = invert(sampler, wanted, absolute, InversionSettings(draws=20))
    assert found.noise.shape == (4, untrained.NOISE)
    # Bytes are rounded: the noise they were made of has a loss of a quarter of a grey level.
    assert (found.loss < 0.75 / 255).all()
    assert (found.start > 2 * found.loss).all()
    assert np.abs(found.images.astype(int) - wanted).mean() < 0.75
    for place in range(4):
        assert np.isclose(loss_of(sampler, found.noise[place], wanted[place]), found.loss[place],
                          atol=1e-5)  # fmt: skip
    assert all(weight.grad is None for weight in sampler.generator.parameters())


def test_each_image_is_sought_by_itself(monkeypatch) -> None:
    sampler, settings = untrained.sampler(), InversionSettings(steps=20, starts=2, draws=30)
    wanted = made(sampler, 5)
    together = invert(sampler, wanted, absolute, settings)
    monkeypatch.setattr("exemplar.methods.glann.inversion.PIXELS", 1)
    alone = invert(sampler, wanted, absolute, settings)
    assert np.allclose(together.noise, alone.noise, atol=1e-3)
    again = invert(sampler, wanted, absolute, settings)
    assert (again.noise == alone.noise).all()
    other = invert(sampler, wanted, absolute, settings, seed=1)
    assert (other.noise != alone.noise).any()


def test_descent_that_leads_astray_does_not_count() -> None:
    sampler = untrained.sampler()
    settings = InversionSettings(steps=3, rate=1e4, draws=30)
    found = invert(sampler, made(sampler, 3), absolute, settings)
    assert (found.loss <= found.start).all()


def test_without_steps_it_is_the_best_that_was_drawn() -> None:
    sampler = untrained.sampler()
    settings = InversionSettings(steps=0, starts=5, draws=40)
    wanted = made(sampler, 3)
    found = invert(sampler, wanted, absolute, settings, seed=4)
    drawn = sampler.draw(40, torch.Generator().manual_seed(4)).numpy()
    for image, noise, loss in zip(wanted, found.noise, found.loss, strict=True):
        distances = []
        for each in drawn:
            with torch.no_grad():
                values = sampler.generator(sampler.codes(torch.from_numpy(each)[None]))[0]
            distances.append(np.square(values.numpy() - image.transpose(2, 0, 1) / 255).sum())
        nearest = drawn[np.argsort(distances)[:5]]
        losses = [loss_of(sampler, each, image) for each in nearest]
        assert np.isclose(min(losses), loss, atol=1e-6)
        assert (noise == nearest[int(np.argmin(losses))]).all()


def test_it_may_start_from_a_training_images_code() -> None:
    sampler = untrained.sampler()
    drawn = sampler.draw(25, torch.Generator().manual_seed(0))
    with torch.no_grad():
        codes = sampler.codes(drawn).numpy()
    near = codes[[7, 19]] + 1e-4  # of training images, whose match by Eq. 4 is the draw
    settings = InversionSettings(steps=0, starts=1, draws=25)
    found = invert(sampler, made(sampler, 2), absolute, settings, near=near)
    assert (found.noise == drawn[[7, 19]].numpy()).all()


def test_images_are_of_the_generators_size() -> None:
    with pytest.raises(ValueError, match=r"expected images \(n, 16, 16, 3\) uint8, got \(1, 8, 8"):
        invert(untrained.sampler(), np.zeros((1, 8, 8, 3), np.uint8), absolute, InversionSettings())
