"""Mixed precision: float16 scales its losses, skips what overflows, and is resumed as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from exemplar.training.checkpoint import TrainingState, checkpoints
from exemplar.training.loop import TrainingError
from exemplar.training.precision import MixedPrecision, autocast
from exemplar.training.steps import Pace, run_steps


def _problem(precision, spoil=(), die_at=None, start_scale=None):
    torch.manual_seed(0)
    network = nn.Linear(3, 3)
    optimizer = torch.optim.Adam(network.parameters(), 0.05, fused=True)
    mixed = MixedPrecision(precision, "cpu")
    if start_scale:
        mixed.scaler = torch.amp.GradScaler("cpu", init_scale=start_scale, growth_interval=4)
    state = TrainingState({"n": network}, {"n": optimizer}, schedules={"precision": mixed})

    def step(number):
        if number == die_at:
            raise KeyboardInterrupt
        x = torch.randn(4, 3, generator=torch.Generator().manual_seed(number))
        with mixed.forward():
            out = network(x)
        loss = (out.float() - x).square().mean()
        optimizer.zero_grad()
        mixed.backward(Overflow.apply(loss) if number in spoil else loss)
        mixed.descend([optimizer])
        return {"loss": loss} | mixed.measured()

    return state, step


class Overflow(torch.autograd.Function):
    """Gradients that are infinite, of a loss that is not."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return torch.full_like(gradient, torch.inf)


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)],
)
def test_networks_compute_in_it_and_keep_their_weights(precision, dtype):
    network = nn.Linear(2, 2)
    with autocast(precision, "cpu"):
        assert network(torch.ones(1, 2)).dtype == dtype
    assert network.weight.dtype == torch.float32
    mixed = MixedPrecision(precision, "cpu")
    with mixed.forward():
        assert network(torch.ones(1, 2)).dtype == dtype
    assert set(mixed.measured()) == ({"scale"} if precision == "float16" else set())


def test_scaled_gradients_take_the_very_step_of_unscaled_ones():
    """A scale is a power of two, so dividing it out again changes no bit."""
    weights = []
    for scale in (1.0, 2.0**12):
        state, step = _problem("float16", start_scale=scale)
        step(0)
        weights.append(state.modules["n"].weight.detach().clone())
    assert torch.equal(*weights)


def test_a_step_that_overflows_changes_nothing_and_halves_the_scale():
    state, step = _problem("float16", spoil={1}, start_scale=1024.0)
    assert step(0)["scale"] == 1024
    before = state.modules["n"].weight.detach().clone()
    assert step(1)["scale"] == 512
    assert torch.equal(state.modules["n"].weight, before)
    step(2)
    assert not torch.equal(state.modules["n"].weight, before)


@pytest.mark.parametrize("die_at", [3, 6, 9])
def test_killed_and_resumed_the_scale_and_the_weights_are_the_same(tmp_path, die_at):
    # It grows after four good steps, so where in these it was must be known.
    pace = Pace(steps=12, images=4, every=3)
    whole, step = _problem("float16", spoil={4}, start_scale=64.0)
    run_steps("toy", tmp_path / "whole", whole, step, pace)
    state, step = _problem("float16", spoil={4}, die_at=die_at, start_scale=64.0)
    with pytest.raises(KeyboardInterrupt):
        run_steps("toy", tmp_path / "killed", state, step, pace)
    state, step = _problem("float16", spoil={4}, start_scale=8.0)
    run_steps("toy", tmp_path / "killed", state, step, pace)
    assert state.history == whole.history
    assert len({row["scale"] for row in whole.history}) > 2
    ours, theirs = (each.schedules["precision"].state_dict() for each in (state, whole))
    assert ours == theirs
    assert torch.equal(state.modules["n"].weight, whole.modules["n"].weight)


def test_a_training_whose_every_step_overflows_stops_and_says_so(tmp_path):
    state, step = _problem("float16", spoil=range(2, 99), start_scale=4.0)
    with pytest.raises(TrainingError, match="toy: gradients overflow in float16") as caught:
        run_steps("toy", tmp_path, state, step, Pace(20, 1, 2))
    said = str(caught.value)
    last = checkpoints(tmp_path)[-1]
    assert str(last) in said and said.endswith("use precision: bfloat16 or float32")
    assert state.step < 10 and last.name >= "step-000000002"
