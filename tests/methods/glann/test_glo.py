from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exemplar.methods.glann import glo
from exemplar.methods.glann.codes import Codes
from exemplar.methods.glann.generator import Generator
from exemplar.methods.glann.glo import Embedded, Fit, to_tensor, train_glo
from exemplar.methods.glann.losses import absolute
from exemplar.methods.glann.settings import GloSettings, ImleSettings
from exemplar.store.files import remove
from exemplar.training.checkpoint import CheckpointError
from exemplar.training.loop import TrainingError
from tests.training.abreast import Abreast, EndedError

SIDE, COUNT = 8, 11
SETTINGS = GloSettings(
    generator={"codes": 4, "hidden": 16, "width": 4, "batch_norm": False},
    training={
        "epochs": 6,
        "halve_every": 2,
        "batch": 4,
        "rate": 0.05,
        "generator_rate": 0.01,
        "checkpoint_every": 5,
    },
)


def images(channels=1):
    """Bars at different places."""
    x = np.zeros((COUNT, SIDE, SIDE, channels), np.uint8)
    for number in range(COUNT):
        x[number, :, number % SIDE] = 255
        x[number, number % 3 * 2] = 200
    return x


def embedded(**changes):
    given = {"ids": [f"i{n}" for n in range(COUNT)], "images": images(), "seed": 0}
    return Embedded(**(given | changes))


def network(settings=SETTINGS):
    torch.manual_seed(3)
    return Generator(settings.generator, SIDE, 1)


def plain(device):
    return absolute


class Killed(Exception):
    pass


def run(folder, settings=SETTINGS, killed_at=None, **changes):
    """A training, perhaps ended in the middle of a step as a kill would end it."""
    generator, steps = network(settings), 0

    def loss(device):
        def measured(made, wanted):
            nonlocal steps
            steps += 1
            if steps == killed_at:
                raise Killed
            return absolute(made, wanted)

        return measured

    codes, history = train_glo(generator, embedded(**changes), settings, folder, "glo", loss)
    return generator, codes, history


def test_codes_and_generator_learn_the_images(tmp_path):
    long = GloSettings(
        generator={"codes": 8, "hidden": 64, "width": 8},
        training=SETTINGS.training.model_dump() | {"epochs": 100, "halve_every": 30},
    )
    generator, codes, history = run(tmp_path, long)
    assert history[-1]["reconstruction"] < 0.4 * history[0]["reconstruction"]
    assert np.allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-5)
    with torch.inference_mode():
        made = generator(torch.from_numpy(codes))
    ours = absolute(made, to_tensor(images())).item()
    mixed = absolute(made[torch.arange(COUNT).roll(1)], to_tensor(images())).item()
    assert ours < 0.5 * mixed
    assert not generator.training


@pytest.mark.parametrize("killed_at", [1, 4, 7, 12])
def test_killed_and_resumed_ends_like_an_uninterrupted_run(tmp_path, killed_at):
    whole, codes, history = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", killed_at=killed_at)
    again, found, written = run(tmp_path / "killed")
    assert np.array_equal(found, codes) and written == history
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_killed_twice_between_the_same_checkpoints(tmp_path):
    _, codes, _ = run(tmp_path / "whole")
    for killed_at in (8, 2, 2):  # in step 7, then twice in step 6, having gone back to 5
        with pytest.raises(Killed):
            run(tmp_path / "killed", killed_at=killed_at)
    assert np.array_equal(run(tmp_path / "killed")[1], codes)


def test_one_seed_gives_one_result(tmp_path):
    _, codes, _ = run(tmp_path / "a")
    assert np.array_equal(run(tmp_path / "b")[1], codes)
    assert not np.allclose(run(tmp_path / "c", seed=1)[1], codes, atol=1e-3)


def test_other_settings_are_another_training(tmp_path):
    run(tmp_path)
    loud = SETTINGS.model_copy(
        update={"training": SETTINGS.training.model_copy(update={"rate": 0.5})}
    )
    with pytest.raises(CheckpointError, match="settings"):
        run(tmp_path, loud)


def test_every_image_is_seen_once_an_epoch_and_rates_are_halved(tmp_path):
    data = embedded()
    codes = Codes(tmp_path, data.ids, 4, 0)
    codes.begin(0)
    generator = network()
    optimizer = torch.optim.Adam(generator.parameters(), 1)
    fit = Fit(generator, codes, data, SETTINGS, optimizer, absolute)
    for number in range(10):
        fit(number)
        assert optimizer.param_groups[0]["lr"] == 0.01 * 0.5 ** (number // 4)
    # Two of four an epoch, so eight of eleven: five epochs of eight codes.
    assert codes.steps.sum() == 40 and codes.steps.max() <= 5


def test_a_step_is_a_step_of_adam_on_both(tmp_path):
    data = embedded()
    codes = Codes(tmp_path, data.ids, 4, 0)
    codes.begin(0)
    generator, twin = network(), network()
    optimizer = torch.optim.Adam(generator.parameters(), 1, betas=(0.5, 0.999))
    before = np.array(codes.code)
    Fit(generator, codes, data, SETTINGS, optimizer, absolute)(0)
    rows = np.flatnonzero(codes.steps)
    free = torch.nn.Parameter(torch.from_numpy(before[rows]))
    absolute(twin(free), to_tensor(images()[rows])).backward()
    # Adam's first step is the rate in the gradient's direction, whatever its size.
    moved = before[rows] - 0.05 * free.grad.numpy() / (np.abs(free.grad.numpy()) + 1e-8)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    assert np.allclose(codes.code[rows], moved, atol=1e-5)
    for ours, theirs in zip(generator.parameters(), twin.parameters(), strict=True):
        assert theirs.grad is not None
        wanted = theirs - 0.01 * theirs.grad / (theirs.grad.abs() + 1e-8)
        assert torch.allclose(ours, wanted, atol=1e-5)


def squared(made, wanted):
    return (made - wanted).square().mean()


def smooth(device):
    """A loss whose gradient does not jump, so that rounding stays as small as it is."""
    return squared


@pytest.mark.slow
def test_two_processes_learn_what_one_does_even_if_broken_off(tmp_path):
    long = SETTINGS.training.model_dump() | {"epochs": 14, "halve_every": 5}
    one = GloSettings(generator=SETTINGS.generator, training=long)
    two = GloSettings(generator=SETTINGS.generator, training=long | {"devices": 2})
    codes, history = train_glo(network(), embedded(), one, tmp_path / "one", "one", smooth)
    # Broken off as two threads: it takes seconds to start two processes.
    with pytest.raises(EndedError, match="is killed"):
        by_two(tmp_path / "two", Abreast([0, 1], (45, 45)), two)
    torn = np.load(tmp_path / "two" / "codes" / "code.npy")
    found, means = train_glo(network(), embedded(), two, tmp_path / "two", "two", smooth)
    assert np.abs(found - codes).max() < 1e-4
    assert not np.allclose(torn, found, atol=1e-3)
    for ours, theirs in zip(means, history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)


SHORT = SETTINGS.training.model_dump() | {"epochs": 5, "checkpoint_every": 3}
BOTH = GloSettings(generator=SETTINGS.generator, training=SHORT | {"devices": 2})


def by_two(folder, both, settings=BOTH, **changes):
    """What two processes learn that run as is said."""
    with mock.patch.object(glo, "launch", both):
        return train_glo(network(), embedded(**changes), settings, folder, "two", smooth)


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory):
    """What two processes learn of which now one is ahead, now the other."""
    return by_two(tmp_path_factory.mktemp("turns"), Abreast([0, 1]))


@pytest.mark.parametrize("count", [COUNT, 5, 7])
def test_two_processes_in_turn_learn_what_one_does(tmp_path, count):
    """Also where a batch cannot be halved: `count` images are fewer than two batches."""
    some = {"ids": [f"i{n}" for n in range(count)], "images": images()[:count]}
    training = SHORT | {"batch": 4 if count == COUNT else 8}
    one, two = (
        GloSettings(generator=SETTINGS.generator, training=training | {"devices": devices})
        for devices in (1, 2)
    )
    codes, history = train_glo(network(), embedded(**some), one, tmp_path / "a", "one", smooth)
    found, means = by_two(tmp_path / "b", Abreast([0, 1]), two, **some)
    assert np.abs(found - codes).max() < 2e-5
    for ours, theirs in zip(means, history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_each_device_needs_two_images(tmp_path):
    some = {"ids": ["a", "b", "c"], "images": images()[:3]}
    with pytest.raises(ValueError, match="two training images for each of 2 devices, 4 in all, go"):
        by_two(tmp_path, Abreast([0]), **some)


MOMENTS = st.integers(0, 45)  # there are about forty, so some are not killed


@settings(max_examples=20)
@example(order=[0], ends=(99, 99))
@example(order=[1], ends=(99, 99))
@given(order=st.lists(st.integers(0, 1), min_size=1, max_size=7), ends=st.tuples(MOMENTS, MOMENTS))
def test_whoever_is_ahead_and_killed_they_learn_the_same(in_turn, tmp_path_factory, order, ends):
    folder = tmp_path_factory.mktemp("two")
    try:
        found, history = by_two(folder, Abreast(order, ends))
    except EndedError:
        found, history = by_two(folder, Abreast(order))
    assert np.array_equal(found, in_turn[0]) and history == in_turn[1]


def test_a_checkpoint_without_its_codes_is_not_gone_on_with(tmp_path):
    run(tmp_path)
    remove(tmp_path / "codes")
    with pytest.raises(CheckpointError, match="its codes are gone; remove it to begin anew"):
        run(tmp_path)


def test_other_checkpoints_are_the_same_training(tmp_path):
    _, codes, _ = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", killed_at=8)
    often = SETTINGS.model_copy(
        update={"training": SETTINGS.training.model_copy(update={"checkpoint_every": 3})}
    )
    assert np.array_equal(run(tmp_path / "killed", often)[1], codes)


def test_divergence_is_told(tmp_path):
    def broken(device):
        return lambda made, wanted: made.sum() * float("nan")

    with pytest.raises(TrainingError, match="reconstruction is nan near step 5"):
        train_glo(network(), embedded(), SETTINGS, tmp_path, "glo", broken)


def test_a_single_image(tmp_path):
    with pytest.raises(ValueError, match="at least two training images, got 1"):
        run(tmp_path, ids=["a"], images=images()[:1])


def test_presets_fill_what_is_not_said():
    paper = GloSettings()
    assert (paper.training.epochs, paper.training.halve_every) == (500, 50)
    assert (paper.training.rate, paper.training.generator_rate) == (0.01, 0.001)
    released = GloSettings(preset="released", training={"epochs": 3})
    assert (released.training.epochs, released.training.halve_every) == (3, 20)
    faces = GloSettings(preset="celeba").training
    assert (faces.rate, faces.generator_rate, faces.epochs) == (0.003, 0.0003, 500)
    fine = GloSettings(preset="celeba_hq")
    assert fine.generator.codes == 256 and fine.training.halve_every == 10
    assert ImleSettings(preset="celeba_hq").mapping.noise == 100
    assert ImleSettings().training.epochs == 50 and ImleSettings().mapping.noise == 32


def test_batches_must_divide():
    with pytest.raises(ValueError, match="batch must be a multiple of devices, got 5 and 2"):
        GloSettings(training={"batch": 5, "devices": 2})
    with pytest.raises(ValueError, match="two images for each of 3 devices, got 3"):
        GloSettings(training={"batch": 3, "devices": 3})
