"""Who is given what in an iteration: every wire of the contest, by exact values."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.methods.semantic_analogy import contest as module
from exemplar.methods.semantic_analogy.coherence import Coherence
from exemplar.methods.semantic_analogy.contest import Contest, Example
from exemplar.methods.semantic_analogy.gan_settings import GanSettings, rate_factor
from exemplar.methods.semantic_analogy.model import Gan
from exemplar.training.checkpoint import TrainingState
from exemplar.training.images import generator_at
from exemplar.training.steps import Pace, run_steps
from tests.methods.semantic_analogy import small


def contest(preset: str = "paper", **training: Any) -> Contest:
    torch.manual_seed(0)
    exact = {"precision": "float32"}
    return contest_of(small.settings(preset, **(exact | training)))


def contest_of(settings: GanSettings) -> Contest:
    gan = Gan(small.source(), settings.generator, settings.code).train()
    coherence = Coherence(small.backbone, gan.image, gan.labels, settings.coherence)
    return Contest(gan, settings, coherence, seed=0)


def other_example(given: Contest) -> Example:
    """What is given and what is wanted differ in image and labels."""
    gan = given.gan
    return Example(gan.image, gan.labels, gan.image.flip(3), gan.labels.flip(2))


def test_the_patch_loss_compares_by_the_layout_that_is_wanted():
    given = contest()
    example = other_example(given)
    seen: list[tuple[Tensor, Tensor]] = []

    def spy(image: Tensor, labels: Tensor, _: torch.Generator) -> Tensor:
        seen.append((image, labels))
        return torch.tensor(0.25)

    given.coherence = spy  # pyright: ignore[reportAttributeAccessIssue]
    given.settings = given.settings.model_copy(
        update={"coherence": given.settings.coherence.model_copy(update={"every": 3})}
    )
    image = torch.zeros_like(example.wanted)
    # Every third generator step has it.
    found = [given.sampling_terms(image, [], example, n, generator_at(0, 0)) for n in range(4)]
    assert ["patch" in terms for terms in found] == [True, False, False, True]
    assert float(found[0]["patch"]) == 0.25
    assert all(shown is image and labels is example.layout for shown, labels in seen)


def test_the_generator_is_told_by_the_wanted_layout_and_image():
    given = contest("fast")
    example = other_example(given)
    image = 0.5 * example.wanted
    with torch.no_grad():
        terms = given.sampling_terms(image, [], example, 1, generator_at(0, 0))
        semantic = functional.cross_entropy(given.classifier(image), example.layout)
    torch.testing.assert_close(terms["semantic"], semantic)
    torch.testing.assert_close(terms["varied"], 0.5 * example.wanted.abs().mean())


def test_the_classifier_learns_the_wanted_image_by_the_wanted_layout():
    given = contest()
    example = other_example(given)
    with torch.no_grad():
        predicted = copy.deepcopy(given.classifier)(example.wanted)
    wanted = functional.cross_entropy(predicted, example.layout)
    torch.testing.assert_close(given.classify(example), wanted)
    # And it learns: at once it tells better what it has seen.
    for _ in range(5):
        given.classify(example)
    assert given.classify(example) < wanted


def test_randomness_of_variations_rises_with_the_iterations(monkeypatch):
    given = contest(iterations=40)
    seen: list[float] = []

    def spy(image: Tensor, labels: Tensor, how: object, strength: float, *_: object):
        assert how is given.settings.augmentation
        seen.append(strength)
        return image, labels

    monkeypatch.setattr(module, "varied", spy)
    for number in (0, 10, 30):
        given.example(number, False, generator_at(number, 0))
    assert seen == [0.0, 0.25, 0.75]


def test_each_network_steps_at_its_falling_rate(monkeypatch):
    given = contest(
        "paper", iterations=10, plateau=0.2, last=0.1,
        rate=1e-3, discriminator_rate=2e-3, classifier_rate=4e-3,
    )  # fmt: skip
    used: dict[str, float] = {}
    descend = given.descend

    def spy(name: str, loss: Tensor) -> None:
        used[name] = given.optimizers[name].param_groups[0]["lr"]
        descend(name, loss)

    monkeypatch.setattr(given, "descend", spy)
    full = {"gan": 1e-3, "discriminator": 2e-3, "classifier": 4e-3}
    given(0)
    assert used == full
    given(6)
    factor = rate_factor(6, given.settings.training)
    assert factor == pytest.approx(1 - 0.9 * 5 / 8)
    assert used == pytest.approx({name: factor * rate for name, rate in full.items()})


def test_the_generator_is_given_noise_of_the_size_that_is_said():
    given = contest(noise=0.125)
    example = other_example(given)
    seen: list[tuple[Any, ...]] = []
    given.gan.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    given.make(example, generator_at(3, 0))
    given.settings = contest().settings
    given.make(example, generator_at(3, 0))
    noisy, plain = seen
    assert plain[0] is example.given
    drawn = torch.rand(example.given.shape, generator=generator_at(3, 0))
    torch.testing.assert_close(noisy[0], example.given + 0.125 * (2 * drawn - 1))
    for inputs in seen:
        assert inputs[1] is example.labels and inputs[2] is example.layout


@pytest.mark.parametrize("after", [False, True])
def test_the_discriminator_learns_again_of_what_the_generator_makes_then(after, monkeypatch):
    given = contest(judged_after=after)
    seen: list[Tensor] = []
    weights: list[Tensor] = []

    def spy(fake: Tensor, real: Tensor) -> Tensor:
        seen.append(fake.clone())
        weights.append(given.gan.generator.decoder.image.weight.detach().clone())
        return torch.zeros(())

    monkeypatch.setattr(given, "judge", spy)
    given(0)
    assert len(seen) == 1 + after
    assert not any(fake.requires_grad for fake in seen)
    if after:
        assert not torch.equal(*weights) and not torch.equal(*seen)


def test_averaged_weights_follow_the_generators():
    given = contest(average=0.3, iterations=30)
    assert given.average is not None
    slow = [p.detach().clone() for p in given.average.parameters()]
    for number, kept in ((0, 0.1), (1, 2 / 11), (20, 0.3)):  # (1 + n) / (10 + n), at most 0.3
        given(number)
        quick = [p.detach() for p in given.gan.parameters()]
        slow = [kept * s + (1 - kept) * q for s, q in zip(slow, quick, strict=True)]
        for found, wanted in zip(given.average.parameters(), slow, strict=True):
            torch.testing.assert_close(found.detach(), wanted, rtol=1e-4, atol=1e-6)
        slow = [p.detach().clone() for p in given.average.parameters()]
    finished = given.finished()
    assert not finished.training
    for found, wanted in zip(finished.parameters(), slow, strict=True):
        assert torch.equal(found, wanted)
    assert any(not torch.equal(s, q) for s, q in zip(slow, given.gan.parameters(), strict=True))


@pytest.mark.parametrize(
    ("steps", "compared", "reconstruct", "classifier", "learns", "interval", "first"),
    [
        (1, 4, 4, 3, "sampling", 12, 0),  # as `fast`: every fourth step never is a reconstruction
        (1, 1, 2, 1, "sampling", 5, 0),
        (1, 3, 4, 2, "sampling", 7, 0),
        (3, 2, 5, 1, "reconstruction", 10, 0),
        (2, 5, 3, 1, "sampling", 8, 3),  # goes on from a checkpoint of another interval
    ],
)
def test_history_has_the_means_over_those_that_have_a_loss(
    steps, compared, reconstruct, classifier, learns, interval, first, monkeypatch, tmp_path
):
    end = 26
    settings = small.settings(
        "fast", iterations=end, generator_steps=steps, reconstruct_every=reconstruct,
        classifier_every=classifier, classifier_learns=learns, checkpoint_every=interval,
    )  # fmt: skip
    every = settings.coherence.model_copy(update={"every": compared})
    given = contest_of(settings.model_copy(update={"coherence": every}))
    said: list[tuple[int, str, float]] = []
    now = 0

    def say(name: str, value: float) -> Tensor:
        said.append((now, name, value))
        return torch.tensor(value)

    def sampling(image, changes, example, place: int, drawn) -> dict[str, Tensor]:
        found = {name: say(name, float(place + 1)) for name in ("adversarial", "varied")}
        return found | ({"patch": say("patch", float(place + 2))} if place % compared == 0 else {})

    def back(image, changes, example, place: int, drawn) -> dict[str, Tensor]:
        return {name: say(name, place + 0.5) for name in ("adversarial", "reconstruction")}

    monkeypatch.setattr(given, "make", lambda example, drawn: (torch.zeros(()), []))
    monkeypatch.setattr(given, "descend", lambda name, loss: None)
    monkeypatch.setattr(given, "sampling_terms", sampling)
    monkeypatch.setattr(given, "reconstruction_terms", back)
    monkeypatch.setattr(given, "judge", lambda fake, real: say("discriminator", now + 0.25))
    monkeypatch.setattr(given, "classify", lambda example: say("classifier", now + 0.75))

    def iteration(number: int) -> dict[str, Tensor]:
        nonlocal now
        now = number
        return given(number)

    state = TrainingState({"a": torch.nn.Linear(1, 1)}, {}, {})
    state.step = first
    monkeypatch.setattr("exemplar.training.steps.load_checkpoint", lambda *_: first)
    run_steps("a", tmp_path, state, iteration, Pace(end, 1, interval))
    begun = first
    for row in state.history:
        within = [(n, name, value) for n, name, value in said if begun <= n < row["step"]]
        begun = int(row["step"])
        assert set(row) == {"step"} | {name for _, name, _ in within}
        for name in set(row) - {"step"}:
            each: dict[int, list[float]] = {}
            for number, other, value in within:
                if other == name:
                    each.setdefault(number, []).append(value)
            means = [sum(values) / len(values) for values in each.values()]
            assert row[name] == pytest.approx(sum(means) / len(means), rel=1e-5), (name, row)
