import copy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from exemplar.methods.semantic_analogy.coherence import Coherence
from exemplar.methods.semantic_analogy.contest import Contest
from exemplar.methods.semantic_analogy.gan_settings import GanTraining, rate_factor
from exemplar.methods.semantic_analogy.model import Gan, load_gan, save_gan
from exemplar.methods.semantic_analogy.training import train_gan
from exemplar.training.checkpoint import CheckpointError, checkpoints
from exemplar.training.images import generator_at
from tests.methods.semantic_analogy import small

ROOT = Path(__file__).resolve().parents[3]
BASIC = {"fast", "paper", "released"}


class KilledError(Exception):
    pass


def assert_equal(a: nn.Module, b: nn.Module) -> None:
    for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        assert torch.equal(x, y), name


def contest(preset: str, **training: object) -> Contest:
    torch.manual_seed(0)
    settings = small.settings(preset, **training)
    gan = Gan(small.source(), settings.generator, settings.code).train()
    coherence = Coherence(small.backbone, gan.image, gan.labels, settings.coherence)
    return Contest(gan, settings, coherence, seed=0)


@pytest.mark.parametrize("preset", sorted(BASIC))
def test_killed_at_a_checkpoint_it_ends_as_if_it_had_not_been(preset, tmp_path):
    settings = small.settings(preset)
    source = small.source()

    def train(folder: str, observe=None):
        return train_gan(source, settings, tmp_path / folder, "a", lambda: small.backbone, observe)

    def die(done: int, _: Gan) -> None:
        if done == 4:
            raise KilledError

    whole, history = train("whole")
    with pytest.raises(KilledError):
        train("killed", die)
    assert [int(path.name[-3:]) for path in checkpoints(tmp_path / "killed")] == [2]
    resumed, again = train("killed")
    assert_equal(whole, resumed)
    without = [[{k: v for k, v in row.items() if k != "seconds"} for row in rows]
               for rows in (history, again)]  # fmt: skip
    assert without[0] == without[1]
    assert [row["step"] for row in again] == [2, 4, 6]
    seconds = [row["seconds"] for row in again]
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_a_killed_process_goes_on(tmp_path):
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from exemplar.methods.semantic_analogy.contest import Contest\n"
        "from exemplar.methods.semantic_analogy.training import train_gan\n"
        "from tests.methods.semantic_analogy import small\n"
        "step = Contest.__call__\n"
        "def last(contest, number):\n"
        "    losses = step(contest, number)\n"
        "    if number == 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return losses\n"
        "Contest.__call__ = last\n"
        "settings = small.settings('fast', iterations=4, checkpoint_every=1)\n"
        "train_gan(small.source(), settings, Path(sys.argv[1]), 'a', lambda: small.backbone)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "killed"], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert int(checkpoints(tmp_path / "killed")[-1].name[-3:]) == 2
    settings = small.settings("fast", iterations=4, checkpoint_every=1)
    resumed, _ = train_gan(
        small.source(), settings, tmp_path / "killed", "a", lambda: small.backbone
    )
    whole, _ = train_gan(small.source(), settings, tmp_path / "whole", "a", lambda: small.backbone)
    assert_equal(whole, resumed)


def test_another_source_or_other_settings_do_not_go_on(tmp_path):
    train_gan(small.source(), small.settings(), tmp_path, "a")
    with pytest.raises(CheckpointError, match="source"):
        train_gan(small.source(seed=1), small.settings(), tmp_path, "a")
    with pytest.raises(CheckpointError, match="settings"):
        train_gan(small.source(), small.settings(iterations=8), tmp_path, "a")


def test_a_seed_decides(tmp_path):
    settings = small.settings(iterations=2)
    first, _ = train_gan(small.source(), settings, tmp_path / "1", "a", seed=1)
    same, _ = train_gan(small.source(), settings, tmp_path / "2", "a", seed=1)
    other, _ = train_gan(small.source(), settings, tmp_path / "3", "a", seed=2)
    assert_equal(first, same)
    assert not torch.equal(
        first.generator.decoder.image.weight, other.generator.decoder.image.weight
    )


def test_what_is_observed_is_what_is_kept_and_does_not_disturb(tmp_path):
    settings, source = small.settings("fast"), small.source()
    seen = []

    def look(done: int, gan: Gan) -> None:
        assert not gan.training
        seen.append((done, gan.render(source.labels[None])))

    watched, _ = train_gan(source, settings, tmp_path / "a", "a", observe=look)
    alone, _ = train_gan(source, settings, tmp_path / "b", "a")
    assert_equal(watched, alone)
    assert [done for done, _ in seen] == [2, 4, 6]
    assert not np.array_equal(seen[0][1], seen[1][1])
    np.testing.assert_array_equal(seen[-1][1], alone.render(source.labels[None]))


@pytest.mark.parametrize("preset", sorted(BASIC))
def test_the_generator_learns_from_the_classifier_but_not_as_released(preset):
    given = contest(preset)
    drawn = generator_at(0, 0)
    example = given.example(500, False, drawn)
    image = example.wanted.flip(3).requires_grad_(True)
    terms = given.sampling_terms(image, [], example, 0, drawn)
    if preset == "released":
        assert "semantic" not in terms
        return
    terms["semantic"].backward()
    assert image.grad is not None
    assert float(image.grad.abs().sum()) > 0
    assert all(weight.grad is None for weight in given.classifier.parameters())


@pytest.mark.parametrize("preset", sorted(BASIC))
def test_each_network_learns_by_its_own_losses_alone(preset):
    given = contest(preset)
    before = copy.deepcopy(given.networks["gan"]), copy.deepcopy(given.discriminator)
    drawn = generator_at(0, 0)
    example = given.example(0, False, drawn)
    image, _ = given.make(example, drawn)
    given.judge(image.detach(), example.wanted)
    weights = [p.detach() for p in given.gan.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before[0].parameters(), weights, strict=True))
    judged = [p.detach() for p in given.discriminator.parameters()]
    moved = [not torch.equal(a, b) for a, b in zip(before[1].parameters(), judged, strict=True)]
    assert any(moved)


def test_modes_alternate_as_often_as_is_said():
    given = contest("paper", reconstruct_every=3)
    found = [set(given(number)) for number in range(6)]
    assert ["reconstruction" in names for names in found] == [False, False, True] * 2
    assert ["classifier" in names for names in found] == [True, True, False] * 2
    assert {"fixed_point", "adversarial", "discriminator"} < found[2]
    assert {"patch", "semantic", "adversarial", "matching"} < found[0]


def test_reconstruction_is_of_the_source_itself_but_of_its_variation_as_released():
    ours, theirs = contest("paper"), contest("released", swapped=0.0)
    example = ours.example(900, True, generator_at(900, 0))
    assert example.given is example.wanted
    assert torch.equal(example.labels, example.layout)
    example = theirs.example(900, True, generator_at(900, 0))
    assert torch.equal(example.given, theirs.gan.image)
    assert not torch.equal(example.wanted, theirs.gan.image)


def test_swapped_sources_are_made_from_their_variations():
    given = contest("released", swapped=1.0)
    example = given.example(900, False, generator_at(900, 0))
    assert torch.equal(example.wanted, given.gan.image)
    assert not torch.equal(example.given, given.gan.image)


def test_training_brings_the_source_back(tmp_path):
    source = small.source()
    settings = small.settings("fast", iterations=80, checkpoint_every=40, rate=0.01)
    gan, _ = train_gan(source, settings, tmp_path, "a", lambda: small.backbone)
    image = source.image.astype(float)
    made = gan.render(source.labels[None])[0]
    plain = np.abs(image - image.mean((0, 1))).mean()
    assert np.abs(made - image).mean() < 0.5 * plain


def test_rates_fall_linearly_to_their_last():
    training = GanTraining(iterations=20, plateau=0.5, last=0.1)
    assert [rate_factor(i, training) for i in (0, 9)] == [1, 1]
    assert rate_factor(14, training) == pytest.approx(0.55)
    assert rate_factor(19, training) == pytest.approx(0.1)
    assert rate_factor(1999, GanTraining()) == 1


@pytest.mark.parametrize("preset", sorted(BASIC))
def test_a_gan_that_is_saved_makes_the_same_images(preset, tmp_path):
    source = small.source(35, 45)
    settings = small.settings(preset)
    torch.manual_seed(0)
    gan = Gan(source, settings.generator, settings.code)
    gan(gan.image, gan.labels, gan.labels)  # spectral norms move in training
    targets = np.stack([source.labels, source.labels[:, ::-1]])
    save_gan(tmp_path / "gan.safetensors", gan)
    again = load_gan(tmp_path / "gan.safetensors")
    np.testing.assert_array_equal(gan.render(targets), again.render(targets))
    np.testing.assert_array_equal(again.source.image, source.image)
    np.testing.assert_array_equal(again.source.labels, source.labels)
    assert again.source.classes == source.classes


def test_exceptions_of_the_process_leave_no_partial_checkpoints(tmp_path):
    def stop(done: int, _: Gan) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_gan(small.source(), small.settings(), tmp_path, "a", observe=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000002", "step-000000004"]


def test_ctrl_c_shows_what_was_learned_and_changes_nothing(tmp_path, monkeypatch):
    settings, source, seen = small.settings(), small.source(), []
    iterate = Contest.__call__

    def stopped(self, number: int):
        if number == 3:
            raise KeyboardInterrupt
        return iterate(self, number)

    def look(done: int, gan: Gan) -> None:
        assert not gan.training
        seen.append((done, copy.deepcopy(gan.state_dict())))

    def train(folder: str, of=settings) -> Gan:
        return train_gan(source, of, tmp_path / folder, "a", interrupted=look)[0]

    with monkeypatch.context() as patched:
        patched.setattr(Contest, "__call__", stopped)
        with pytest.raises(KeyboardInterrupt):
            train("stopped")
        patched.setattr(Contest, "__call__", lambda *given: stopped(given[0], 3))
        with pytest.raises(KeyboardInterrupt):
            train("nothing")  # was learned
    assert [done for done, _ in seen] == [3]
    assert [int(path.name[-3:]) for path in checkpoints(tmp_path / "stopped")] == [2]
    assert_equal(train("stopped"), train("whole"))
    assert [done for done, _ in seen] == [3]
