"""Adversarial losses: closed forms, extremes, and feature matching against loops."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exemplar.training import adversarial as module
from exemplar.training.adversarial import adversarial, discriminator_loss, feature_matching


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6), st.booleans())
def test_losses_are_the_papers_means(values, real):
    logits = torch.tensor(values)
    p = [1 / (1 + math.exp(-v)) for v in logits.double().tolist()]
    cross_entropy = -np.mean([math.log(q if real else 1 - q) for q in p])
    assert adversarial(logits, real, "vanilla").item() == pytest.approx(
        cross_entropy, rel=1e-4, abs=1e-6
    )
    squared = np.mean([(v - real) ** 2 for v in logits.double().tolist()])
    assert adversarial(logits, real, "lsgan").item() == pytest.approx(squared, rel=1e-4, abs=1e-6)


def test_an_undecided_discriminator_loses_log_2_and_a_quarter():
    zero, half = torch.zeros(2, 1, 3, 3), torch.full((2, 1, 3, 3), 0.5)
    assert discriminator_loss(zero, zero, "vanilla").item() == pytest.approx(math.log(2))
    assert discriminator_loss(half, half, "lsgan").item() == pytest.approx(0.25)
    # Fakes come first: called real they cost, called made up they do not.
    sure = torch.full((1,), 30.0)
    assert discriminator_loss(-sure, sure, "vanilla").item() == pytest.approx(0, abs=1e-9)
    assert discriminator_loss(sure, -sure, "vanilla").item() == pytest.approx(30)


def test_a_generator_that_is_found_out_still_learns():
    logits = torch.tensor([-1e4], requires_grad=True)
    adversarial(logits, True, "vanilla").backward()
    assert logits.grad.item() == pytest.approx(-1)  # log(1 − D) would give 0
    assert adversarial(torch.tensor([1e4, -1e4]), False, "vanilla").item() == pytest.approx(5e3)


def test_losses_are_float32_of_half_precision_logits():
    logits = torch.full((1000,), 0.3, dtype=torch.bfloat16)
    for kind in ("vanilla", "lsgan"):
        assert adversarial(logits, True, kind).dtype == torch.float32


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind must be vanilla or lsgan, got 'hinge'"):
        adversarial(torch.zeros(1), True, "hinge")


def _features(scales, layers, seed, gradient=False):
    draw = torch.Generator().manual_seed(seed)
    return [
        [
            torch.randn(2, 3, 4 - scale, 5, generator=draw, requires_grad=gradient)
            for _ in range(layers)
        ]
        for scale in range(scales)
    ]


@pytest.mark.parametrize(("scales", "layers"), [(1, 5), (3, 5), (2, 3)])
def test_feature_matching_by_loops(scales, layers):
    fake, real = _features(scales, layers, 0), _features(scales, layers, 1)
    total = 0.0
    for ours, theirs in zip(fake, real, strict=True):
        for a, b in zip(ours[:-1], theirs[:-1], strict=True):
            differences = np.abs(a.numpy().ravel() - b.numpy().ravel())
            total += 4 / (layers - 1) * sum(differences.tolist()) / differences.size
    assert feature_matching(fake, real).item() == pytest.approx(total / scales, rel=1e-5)


def test_logits_and_photographs_get_no_gradient():
    fake, real = _features(2, 4, 0, True), _features(2, 4, 1, True)
    feature_matching(fake, real).backward()
    assert all(x.grad is not None and x.grad.abs().sum() > 0 for maps in fake for x in maps[:-1])
    assert all(maps[-1].grad is None for maps in fake)
    assert all(x.grad is None for maps in real for x in maps)


@pytest.mark.parametrize("wrong", [_features(1, 5, 0), _features(2, 4, 0), [[torch.zeros(1)]] * 2])
def test_features_of_other_discriminators_are_refused(wrong):
    with pytest.raises(ValueError, match="expected the features of two batches from the same"):
        feature_matching(_features(2, 5, 0), wrong)


def test_the_example_runs():
    found = doctest.testmod(module)
    assert (found.attempted, found.failed) == (1, 0)
