import dataclasses
import functools
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from exemplar.methods.pix2pixhd import training
from exemplar.methods.pix2pixhd.model import Pix2pixHD, grown
from exemplar.methods.pix2pixhd.photographs import Photographs, batch_of, draw, with_objects
from exemplar.methods.pix2pixhd.pictures import Pictures
from exemplar.methods.pix2pixhd.schedule import (
    PUBLISHED,
    EnhancerLevelSettings,
    LevelSettings,
    lengths,
)
from exemplar.methods.pix2pixhd.training import train_level
from exemplar.training.checkpoint import CheckpointError, checkpoints
from exemplar.training.loop import TrainingError
from tests.methods.pix2pixhd import tiny
from tests.training.abreast import NEVER, Abreast, EndedError

SETTINGS = LevelSettings(unit="steps", plateau=3, decay=3, rate=0.01, batch=2, checkpoint_every=2)


def photographs(count: int = 3, side: int = 32) -> Photographs:
    return with_objects(*tiny.rectangles(count, side))


class KilledError(Exception):
    pass


def die_at(steps: int):
    def observe(_: Pix2pixHD, done: int) -> None:
        if done == steps:
            raise KilledError

    return observe


def assert_equal(a: Pix2pixHD, b: Pix2pixHD) -> None:
    for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        assert torch.equal(x, y), name


def assert_close(a: Pix2pixHD, b: Pix2pixHD) -> None:
    """Within what rounding makes of a few steps."""
    for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        torch.testing.assert_close(x, y, rtol=1e-3, atol=1e-4, msg=lambda said, n=name: n + said)


def error_of(model: Pix2pixHD, data: Photographs) -> float:
    """The mean absolute difference of images and photographs in [-1, 1]."""
    assert model.encoder is not None
    reduction = 2 ** (model.settings.generator.enhancers - model.level)
    batch = batch_of(data, np.arange(len(data.images)), reduction)
    with torch.no_grad():
        features = model.encoder(batch.images, batch.objects)[1]
        images = model(batch.labels, batch.instances, features)
    return (images - batch.images).abs().mean().item()


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("die", [2, 4, 6])
def test_killed_and_resumed_gives_the_same_weights(tmp_path: Path, level: int, die: int) -> None:
    settings = SETTINGS.model_copy(update={"frozen": 3 * level})
    through, resumed = tiny.model(level), tiny.model(level)
    history = train_level(through, photographs(), settings, tmp_path / "a", "a")
    with pytest.raises(KilledError):
        train_level(resumed, photographs(), settings, tmp_path / "b", "b", observe=die_at(die))
    torch.rand(5)  # another process has another global generator
    again = tiny.model(level, seed=9)  # the first steps' checkpoint, or none, decides
    if die == 2:
        again = tiny.model(level)
    assert train_level(again, photographs(), settings, tmp_path / "b", "b") == history
    assert_equal(again, through)
    assert not through.training
    assert [row["step"] for row in history] == [2, 4, 6]
    assert set(history[0]) == {"step", "generator", "matching", "perceptual", "discriminators"}


def test_another_training_does_not_go_on(tmp_path: Path) -> None:
    train_level(tiny.model(), photographs(), SETTINGS, tmp_path, "a")
    other = SETTINGS.model_copy(update={"rate": 0.02})
    with pytest.raises(CheckpointError, match="settings"):
        train_level(tiny.model(), photographs(), other, tmp_path, "a")


def test_while_frozen_only_the_finest_enhancer_learns(tmp_path: Path) -> None:
    first = tiny.model(2)
    before = {name: value.clone() for name, value in first.state_dict().items()}
    settings = SETTINGS.model_copy(update={"frozen": 6.0})
    train_level(first, photographs(), settings, tmp_path / "a", "a")

    def moved(model: Pix2pixHD) -> set[str]:
        state = model.state_dict()
        changed = [name for name in state if not torch.equal(state[name], before[name])]
        return {".".join(name.split(".")[:3]) for name in changed if name.startswith("generator")}

    assert moved(first) == {"generator.enhancers.1"}
    joint = tiny.model(2)
    train_level(joint, photographs(), SETTINGS, tmp_path / "b", "b")
    assert moved(joint) > {"generator.enhancers.0", "generator.enhancers.1"}
    assert any(name.startswith("generator.coarse") for name in moved(joint))
    assert all(p.requires_grad for p in first.parameters())


def test_all_levels_in_turn_learn_the_colours(tmp_path: Path) -> None:
    data = photographs(4, 32)
    settings = SETTINGS.model_copy(update={"plateau": 30, "decay": 10, "checkpoint_every": 10})
    model = tiny.model()
    errors = []
    for level in range(3):
        if level:
            model = grown(model)
            settings = settings.model_copy(update={"frozen": 10.0})
        batch = draw(data, 0, settings, 2 ** (2 - level))

        def error(batch=batch, model=model) -> float:
            assert model.encoder is not None
            with torch.no_grad():
                features = model.encoder(batch.images, batch.objects)[1]
                images = model(batch.labels, batch.instances, features)
            return (images - batch.images).abs().mean().item()

        start = error()
        train_level(model, data, settings, tmp_path / str(level), "tiny")
        errors.append((start, error()))
        assert batch.images.shape[-1] == 8 * 2**level
    assert all(after < 0.7 * before for before, after in errors), errors


def test_precision_and_missing_encoder(tmp_path: Path) -> None:
    bare = tiny.NETWORK.model_copy(update={"encoder": None})
    settings = SETTINGS.model_copy(update={"precision": "bfloat16"})
    model = tiny.model(0, network=bare)
    history = train_level(model, photographs(), settings, tmp_path, "a")
    assert np.isfinite([list(row.values()) for row in history]).all()
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_the_perceptual_loss_is_minimised_too(tmp_path: Path) -> None:
    plain, with_it = tiny.model(), tiny.model()
    train_level(plain, photographs(), SETTINGS, tmp_path / "a", "a")
    history = train_level(
        with_it,
        photographs(),
        SETTINGS,
        tmp_path / "b",
        "b",
        lambda device: lambda images: [images],
    )
    assert history[-1]["perceptual"] > 0
    assert any(
        not torch.equal(a, b) for a, b in zip(plain.parameters(), with_it.parameters(), strict=True)
    )


def test_divergence_and_collapse_stop_with_the_last_checkpoint(tmp_path: Path) -> None:
    wild = SETTINGS.model_copy(update={"rate": 1e38})
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train_level(tiny.model(), photographs(), wild, tmp_path / "a", "wild")
    strict = SETTINGS.model_copy(update={"collapse": 1e6})
    with pytest.raises(TrainingError, match="discriminators has collapsed"):
        train_level(tiny.model(), photographs(), strict, tmp_path / "b", "strict")
    regardless = strict.model_copy(update={"collapse": 0})
    history = train_level(tiny.model(), photographs(), regardless, tmp_path / "b", "strict")
    assert history[-1]["step"] == 6


def test_the_published_schedules_in_steps() -> None:
    first = lengths(PUBLISHED[0], 2975)
    assert (first.plateau, first.decay, first.frozen) == (297_500, 297_500, 0)
    second = lengths(PUBLISHED[1], 2975)
    assert (second.plateau, second.decay, second.frozen) == (148_750, 148_750, 29_750)
    # Where something else is said, the rest stays as published.
    assert EnhancerLevelSettings(batch=4).frozen == PUBLISHED[1].frozen == 10
    assert first.factor(297_499) == 1
    assert first.factor(297_500 + 148_750) == pytest.approx(0.5, abs=1e-4)
    assert 0 < first.factor(594_999) < 1e-5
    with pytest.raises(ValueError, match="nothing to train"):
        lengths(SETTINGS.model_copy(update={"plateau": 0, "decay": 0}), 5)


HALF = SETTINGS.model_copy(update={"precision": "float16"})


@pytest.mark.parametrize("die", [2, 4])
def test_float16_is_resumed_with_its_scale(tmp_path: Path, die: int) -> None:
    through = tiny.model(1)
    history = train_level(through, photographs(), HALF, tmp_path / "a", "a")
    with pytest.raises(KilledError):
        train_level(tiny.model(1), photographs(), HALF, tmp_path / "b", "b", observe=die_at(die))
    again = tiny.model(1)
    assert train_level(again, photographs(), HALF, tmp_path / "b", "b") == history
    assert_equal(again, through)
    # It begins so high that the first steps overflow, and is halved.
    assert history[0]["scale"] > history[-1]["scale"] >= 1


def test_float16_learns_what_float32_does(tmp_path: Path) -> None:
    images = []
    for precision in ("float16", "float32"):
        longer = {"plateau": 40, "decay": 20, "precision": precision}
        model = tiny.model()
        settings = SETTINGS.model_copy(update=longer)
        history = train_level(model, photographs(), settings, tmp_path / precision, "a")
        assert history[-1]["matching"] < 0.5 * history[0]["matching"]
        images.append(error_of(model, photographs()))
    assert images[0] < 1.3 * images[1] < 0.4


def test_float16_that_diverges_stops_with_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch
) -> None:
    losses = training.losses

    def spoilt(model, *given):
        found = losses(model, *given)
        wild = torch.inf if steps.pop(0) >= 3 else 1
        return found._replace(generator=found.generator * wild)

    steps = list(range(6))
    monkeypatch.setattr(training, "losses", spoilt)
    model = tiny.model()
    with pytest.raises(TrainingError, match="generator is inf near step 4") as caught:
        train_level(model, photographs(), HALF, tmp_path, "a")
    assert str(checkpoints(tmp_path)[-1]) in str(caught.value)
    assert checkpoints(tmp_path)[-1].name == "step-000000002"
    # The steps that overflowed were left out, so even the weights in memory are sound.
    assert all(p.isfinite().all() for p in model.parameters())


def test_compiled_or_not_a_checkpoint_goes_on(tmp_path: Path, monkeypatch) -> None:
    eager = functools.partial(torch.compile, backend="aot_eager")  # needs no C++ compiler
    monkeypatch.setattr(torch, "compile", eager)
    plain = SETTINGS.model_copy(update={"batch": 1})  # where normalisation is our own
    compiled = plain.model_copy(update={"compile": True})
    through, killed, resumed, other = (tiny.model() for _ in range(4))
    train_level(through, photographs(), compiled, tmp_path / "a", "a")
    with pytest.raises(KilledError):
        train_level(killed, photographs(), compiled, tmp_path / "b", "b", observe=die_at(4))
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    train_level(resumed, photographs(), compiled, tmp_path / "b", "b")
    assert_equal(resumed, through)
    train_level(other, photographs(), plain, tmp_path / "c", "c")
    assert_close(other, through)


@pytest.mark.slow
def test_compiled_for_real_it_learns_the_same(tmp_path: Path) -> None:
    plain, fast = tiny.model(1), tiny.model(1)
    train_level(plain, photographs(), SETTINGS, tmp_path / "a", "a")
    compiled = SETTINGS.model_copy(update={"compile": True})
    train_level(fast, photographs(), compiled, tmp_path / "b", "b")
    assert_close(fast, plain)


def test_batches_are_to_be_shared_equally() -> None:
    with pytest.raises(ValidationError, match="a multiple of 2, got 3"):
        LevelSettings(batch=3, devices=2)


def test_photographs_go_to_other_processes_by_name(tmp_path: Path) -> None:
    data = photographs()
    np.save(tmp_path / "images.npy", data.images)
    mapped = dataclasses.replace(
        data, images=np.load(tmp_path / "images.npy", mmap_mode="r"), labels=data.labels
    )
    state = mapped.__getstate__()
    assert state["images"] == tmp_path / "images.npy"
    assert isinstance(state["labels"], np.ndarray)
    part = dataclasses.replace(mapped, images=mapped.images[1:])
    assert isinstance(part.__getstate__()["images"], np.ndarray)
    copied = object.__new__(Photographs)
    copied.__setstate__(state)
    assert isinstance(copied.images, np.memmap)
    assert all(np.array_equal(vars(copied)[name], vars(data)[name]) for name in vars(data))


@pytest.mark.slow
def test_two_devices_learn_what_one_does(tmp_path: Path) -> None:
    data = photographs()
    np.save(tmp_path / "images.npy", data.images)
    data = dataclasses.replace(data, images=np.load(tmp_path / "images.npy", mmap_mode="r"))
    one, two = tiny.model(1), tiny.model(1)
    history = train_level(one, data, SETTINGS, tmp_path / "one", "one", load_grey)
    shared = SETTINGS.model_copy(update={"devices": 2})
    pictures = Pictures(data.some(np.array([0])), tmp_path / "samples")
    found = train_level(two, data, shared, tmp_path / "two", "two", load_grey, pictures)
    assert_close(two, one)
    assert not two.training
    for ours, theirs in zip(found, history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
    assert len(list((tmp_path / "samples").iterdir())) == 3


@pytest.mark.parametrize("order", [[0], [1], [0, 1, 1]])
@pytest.mark.parametrize("ends", [(NEVER, NEVER), (3, NEVER), (10, 9), (NEVER, 12)])
def test_whoever_is_ahead_and_killed_they_learn_what_one_does(
    tmp_path: Path, order: list[int], ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(update={"plateau": 2, "decay": 1, "devices": 2})
    alone, both = tiny.model(1), tiny.model(1)
    data, one = photographs(), settings.model_copy(update={"devices": 1})
    history = train_level(alone, data, one, tmp_path / "one", "one")
    for killed in [ends] if ends == (NEVER, NEVER) else [ends, (NEVER, NEVER)]:
        monkeypatch.setattr(training, "launch", Abreast(order, killed))
        may = nullcontext() if killed == (NEVER, NEVER) else pytest.raises(EndedError)
        with may:
            found = train_level(both, data, settings, tmp_path / "two", "two")
    assert_close(both, alone)
    for ours, theirs in zip(found, history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)


def grey(images: torch.Tensor) -> list[torch.Tensor]:
    return [images.mean(1, keepdim=True)]


def load_grey(device: torch.device):
    return grey
