"""Training of pix2pix: it learns, repeats itself, goes on where it was, and does Eq. 4."""

from __future__ import annotations

import functools
import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch.nn import functional

from exemplar.methods.pix2pix import training as module
from exemplar.methods.pix2pix.settings import QUICK, Pix2PixSettings
from exemplar.methods.pix2pix.training import (
    Pairs,
    batch_at,
    phases,
    start_contest,
    train_pix2pix,
)
from exemplar.training.checkpoint import CheckpointError, checkpoints
from exemplar.training.images import generator_at
from exemplar.training.loop import TrainingError
from tests.methods.pix2pix.tiny import SIDE, tiny_pairs, tiny_settings


def _weights(made):
    return made.network.state_dict()


def _assert_same(ours, theirs):
    for name, value in _weights(ours).items():
        assert torch.equal(value, _weights(theirs)[name]), name


@pytest.mark.parametrize("condition", ["edges", "labels", "normals"])
def test_it_learns(tmp_path, condition):
    pairs = tiny_pairs(condition)
    settings = tiny_settings(epochs=24, decay_epochs=8, rate=4e-3, checkpoint_every=16)
    made, history = train_pix2pix(pairs, settings, tmp_path)
    assert history[-1]["l1"] < 0.4 * history[0]["l1"]
    images = made(pairs.stored, pairs.size, 2, [0] * 6)
    error = np.abs(images.astype(int) - pairs.images[:, None]).mean()
    constant = np.abs(pairs.images.astype(int) - np.median(pairs.images, (0, 1, 2))).mean()
    assert error < 0.7 * constant


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_same_seed_gives_the_same_weights_and_another_others(tmp_path, precision):
    pairs, settings = tiny_pairs(), tiny_settings(precision=precision)
    first, losses = train_pix2pix(pairs, settings, tmp_path / "a")
    torch.rand(7)  # whatever else draws
    second, again = train_pix2pix(pairs, settings, tmp_path / "b")
    _assert_same(first, second)
    assert losses == again and [row["step"] for row in losses] == [5, 10, 12]
    other, _ = train_pix2pix(pairs, tiny_settings(precision=precision, seed=1), tmp_path / "c")
    assert any(not torch.equal(v, _weights(other)[k]) for k, v in _weights(first).items())


class Killed(Exception):
    pass


@contextmanager
def killed_at(die_at, monkeypatch):
    """The training within is killed when it draws what a step sees."""
    drawn = module.batch_at

    def dying(step, *given):
        if step == die_at:
            raise Killed
        return drawn(step, *given)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, "batch_at", dying)
        yield


@pytest.mark.parametrize("die_at", [0, 3, 5, 7, 11])
def test_killed_at_any_step_it_ends_with_the_same_weights(tmp_path, monkeypatch, die_at):
    pairs, settings = tiny_pairs(), tiny_settings()
    whole, losses = train_pix2pix(pairs, settings, tmp_path / "whole", pairs)
    with killed_at(die_at, monkeypatch):
        train_pix2pix(pairs, settings, tmp_path / "killed", pairs)
    resumed, again = train_pix2pix(pairs, settings, tmp_path / "killed", pairs)
    _assert_same(whole, resumed)
    assert losses == again
    ours, theirs = (sorted((tmp_path / n / "samples").iterdir()) for n in ("whole", "killed"))
    assert [p.name for p in ours] == ["0000005.png", "0000010.png", "0000012.png"]
    assert [p.read_bytes() for p in ours] == [p.read_bytes() for p in theirs]


def test_float16_goes_on_with_the_scale_that_it_had(tmp_path, monkeypatch):
    pairs = tiny_pairs()
    settings = tiny_settings(precision="float16")
    whole, losses = train_pix2pix(pairs, settings, tmp_path / "whole")
    with killed_at(11, monkeypatch):
        train_pix2pix(pairs, settings, tmp_path / "killed")
    resumed, again = train_pix2pix(pairs, settings, tmp_path / "killed")
    _assert_same(whole, resumed)
    assert losses == again and losses[-1]["scale"] >= 1
    images = resumed(pairs.stored, pairs.size, 1, [0] * 6)
    assert images.dtype == np.uint8 and resumed.precision == "float16"


def test_compiled_or_not_a_checkpoint_goes_on(tmp_path, monkeypatch):
    eager = functools.partial(torch.compile, backend="aot_eager")  # needs no C++ compiler
    monkeypatch.setattr(torch, "compile", eager)
    pairs, short = tiny_pairs(), {"decay_epochs": 0, "checkpoint_every": 3}
    plain, _ = train_pix2pix(pairs, tiny_settings(**short), tmp_path / "a")
    with killed_at(4, monkeypatch):
        train_pix2pix(pairs, tiny_settings(**short), tmp_path / "b")
    compiled, _ = train_pix2pix(pairs, tiny_settings(compile=True, **short), tmp_path / "b", pairs)
    for name, value in _weights(plain).items():
        torch.testing.assert_close(_weights(compiled)[name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("count", [1, 2])
def test_gradients_do_not_depend_on_how_tensors_lie(count):
    """Of one image, too: those of PyTorch's own normalisation are wrong then."""
    pairs = tiny_pairs()
    settings = tiny_settings(batch=count)
    found = []
    for layout, kind in (
        (torch.channels_last, torch.float32),
        (torch.contiguous_format, torch.float64),
    ):
        network = start_contest(pairs, settings).generator.to(kind).to(memory_format=layout)
        x, y = batch_at(0, pairs, settings.training)
        fake = network(x.to(kind).contiguous(memory_format=layout), None)[:, 0]
        (fake * y.to(kind)).sum().backward()
        found.append([p.grad.double() for p in network.parameters()])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4 * theirs.abs().max().item())


@pytest.mark.parametrize("kind", ["vanilla", "lsgan"])
def test_a_step_is_equation_4(kind):
    """Against gradients of the losses written out, with both networks as they were."""
    pairs = tiny_pairs()
    settings = tiny_settings(kind=kind, l1=7.0, rate=0.01)
    contest, twin = (start_contest(pairs, settings) for _ in range(2))
    found = contest(0)
    x, y = batch_at(0, pairs, settings.training)
    fake = twin.generator(x, generator_at(0, 1))[:, 0]
    for name, network in (("generator", twin.generator), ("discriminator", twin.discriminator)):
        # Unfused: a fused one would be wrong were gradients laid out otherwise than weights.
        twin.optimizers[name] = torch.optim.Adam(network.parameters(), 0.01, (0.5, 0.999))

    def error(logits, target):
        wanted = torch.full_like(logits, target)
        if kind == "lsgan":
            return functional.mse_loss(logits, wanted)
        return functional.binary_cross_entropy_with_logits(logits, wanted)

    def judge(image):
        return twin.discriminator(torch.cat([2 * x - 1, image], 1))[-1]

    wrong = (error(judge(fake.detach()), 0.0) + error(judge(y), 1.0)) / 2
    twin.optimizers["discriminator"].zero_grad()
    wrong.backward()
    twin.optimizers["discriminator"].step()
    fooled, distance = error(judge(fake), 1.0), functional.l1_loss(fake, y)
    (fooled + 7 * distance).backward()
    twin.optimizers["generator"].step()
    for name, value in (("discriminator", wrong), ("adversarial", fooled), ("l1", distance)):
        assert found[name].item() == pytest.approx(value.item(), rel=1e-5), name
    for ours, theirs in zip(
        [*contest.generator.parameters(), *contest.discriminator.parameters()],
        [*twin.generator.parameters(), *twin.discriminator.parameters()],
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
        assert ours.requires_grad


def test_a_step_s_batch_is_varied_together():
    """The photograph's mask is the condition, wherever the crop lies."""
    pairs = tiny_pairs("labels")
    settings = tiny_settings(batch=6, zoom=1.3).training
    x, y = batch_at(3, pairs, settings)
    assert x.shape == (6, 2, SIDE, SIDE) and y.shape == (6, 3, SIDE, SIDE)
    assert y.min() >= -1.001 and y.max() <= 1.001
    bright = y[:, 0] > 0
    agreement = (bright == (x[:, 1] > 0.5)).float().mean()
    assert agreement > 0.97
    plain = batch_at(3, pairs, tiny_settings(batch=6, zoom=1, flip=False).training)[0]
    assert not torch.equal(plain, x)
    assert torch.equal(batch_at(3, pairs, settings)[0], x)


def test_the_rate_is_constant_and_then_falls(monkeypatch):
    pairs, settings = tiny_pairs(), tiny_settings(epochs=1, decay_epochs=2, rate=0.01)
    assert phases(settings.training, pairs) == (3, 6)
    contest = start_contest(pairs, settings)
    rates = []
    for step in (0, 2, 3, 8):
        contest(step)
        groups = [o.param_groups[0] for o in contest.optimizers.values()]
        assert len({group["lr"] for group in groups}) == 1
        assert all(group["betas"] == (0.5, 0.999) for group in groups)
        rates.append(groups[0]["lr"])
    assert rates == pytest.approx([0.01, 0.01, 0.01 * 6 / 7, 0.01 / 7])


def test_pictures_show_input_synthesised_and_photograph(tmp_path):
    pairs = tiny_pairs("labels", 3)
    pairs.stored[:, :4] = 255
    made, _ = train_pix2pix(pairs, tiny_settings(), tmp_path, pairs)
    last = np.asarray(Image.open(sorted((tmp_path / "samples").iterdir())[-1]))
    assert last.shape == (3 * SIDE, 3 * SIDE, 3)
    middle = made(pairs.stored, pairs.size, 1, [0] * 3)[:, 0]
    for place in range(3):
        row = last[place * SIDE : (place + 1) * SIDE]
        colours = {0: (226, 226, 222), 1: (230, 159, 0), 255: (0, 0, 0)}
        for label, colour in colours.items():
            here = (row[:, :SIDE] == colour).all(-1)
            np.testing.assert_array_equal(here, pairs.stored[place] == label)
        np.testing.assert_array_equal(row[:, SIDE : 2 * SIDE], middle[place])
        np.testing.assert_array_equal(row[:, 2 * SIDE :], pairs.images[place])


def test_a_diverged_training_says_what_to_do(tmp_path):
    with pytest.raises(TrainingError) as caught:
        train_pix2pix(tiny_pairs(), tiny_settings(rate=1e30), tmp_path)
    assert "there is no checkpoint yet; lower the learning rate" in str(caught.value)


def test_a_collapsed_discriminator_stops_it_and_it_can_be_told_to_go_on(tmp_path):
    settings = tiny_settings(checkpoint_every=2, collapse=10)
    with pytest.raises(TrainingError, match="discriminator has collapsed: below 10") as caught:
        train_pix2pix(tiny_pairs(), settings, tmp_path)
    assert "set collapse: 0" in str(caught.value)
    assert checkpoints(tmp_path)[-1].name == "step-000000004"
    told = tiny_settings(checkpoint_every=2, collapse=0)
    made, history = train_pix2pix(tiny_pairs(), told, tmp_path)
    assert [row["step"] for row in history] == [2, 4, 6, 8, 10, 12]
    whole, _ = train_pix2pix(tiny_pairs(), told, tmp_path / "whole")
    _assert_same(made, whole)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    train_pix2pix(tiny_pairs(), tiny_settings(), tmp_path)
    with pytest.raises(CheckpointError, match="condition: expected 'labels', got 'edges'"):
        train_pix2pix(tiny_pairs("labels"), tiny_settings(), tmp_path)


def test_unequal_pairs_are_refused():
    pairs = tiny_pairs()
    with pytest.raises(ValueError, match="got 5 of edges and 6 photographs"):
        Pairs(pairs.stored[:5], pairs.images, "edges")
    with pytest.raises(ValueError, match="at least one; got 0 of edges and 0"):
        Pairs(pairs.stored[:0], pairs.images[:0], "edges")


def test_images_too_small_for_the_discriminator_are_an_error_before_training(tmp_path):
    settings = Pix2PixSettings.model_validate({"preset": "published", "network": {"width": 2}})
    pairs = Pairs(np.zeros((2, 16, 16), np.float16), np.zeros((2, 16, 16, 3), np.uint8), "edges")
    with pytest.raises(ValueError, match="an image of 16×16 is too small for a discriminator of 3"):
        train_pix2pix(pairs, settings, tmp_path)


def test_presets_fill_what_is_not_said():
    published = Pix2PixSettings.model_validate({"preset": "published"})
    assert (published.network.width, published.network.levels) == (64, None)
    assert (published.discriminator.width, published.discriminator.layers) == (64, 3)
    training = published.training
    assert (training.epochs, training.decay_epochs, training.batch) == (100, 100, 1)
    assert (training.rate, training.momentum, training.l1, training.kind) == (
        2e-4, 0.5, 100, "vanilla",
    )  # fmt: skip
    assert math.isclose(training.zoom, 286 / 256) and training.precision == "float32"
    quick = Pix2PixSettings.model_validate({"network": {"width": 5}, "training": {"batch": 7}})
    assert quick.network.width == 5 and quick.network.levels == QUICK["network"]["levels"]
    assert quick.training.batch == 7
    assert quick.training.model_dump().items() >= (QUICK["training"] | {"batch": 7}).items()
    assert Pix2PixSettings() == Pix2PixSettings.model_validate({"preset": "quick"})
    with pytest.raises(ValidationError, match="nothing would be learned"):
        Pix2PixSettings.model_validate({"training": {"epochs": 0, "decay_epochs": 0}})
    with pytest.raises(ValidationError, match="Extra inputs"):
        Pix2PixSettings.model_validate({"training": {"epoch": 3}})
    with pytest.raises(ValidationError, match="network"):
        Pix2PixSettings.model_validate({"network": 3})
