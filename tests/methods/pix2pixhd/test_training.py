from pathlib import Path

import numpy as np
import pytest
import torch

from exemplar.methods.pix2pixhd.model import Pix2pixHD, grown
from exemplar.methods.pix2pixhd.photographs import Photographs, draw, with_objects
from exemplar.methods.pix2pixhd.schedule import PUBLISHED, LevelSettings, lengths
from exemplar.methods.pix2pixhd.training import train_level
from exemplar.training.checkpoint import CheckpointError
from exemplar.training.loop import TrainingError
from tests.methods.pix2pixhd import tiny

SETTINGS = LevelSettings(unit="steps", plateau=3, decay=3, rate=0.01, batch=2, checkpoint_every=2)


def photographs(count: int = 3, side: int = 32) -> Photographs:
    return with_objects(*tiny.rectangles(count, side))


class KilledError(Exception):
    pass


def die_at(steps: int):
    def observe(done: int) -> None:
        if done == steps:
            raise KilledError

    return observe


def assert_equal(a: Pix2pixHD, b: Pix2pixHD) -> None:
    for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        assert torch.equal(x, y), name


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
        with_it, photographs(), SETTINGS, tmp_path / "b", "b", lambda images: [images]
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
    assert first.factor(297_499) == 1
    assert first.factor(297_500 + 148_750) == pytest.approx(0.5, abs=1e-4)
    assert 0 < first.factor(594_999) < 1e-5
    with pytest.raises(ValueError, match="nothing to train"):
        lengths(SETTINGS.model_copy(update={"plateau": 0, "decay": 0}), 5)


def test_networks_are_compiled_if_asked(tmp_path: Path, monkeypatch) -> None:
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(type(self)))
    model = tiny.model()
    train_level(model, photographs(), SETTINGS.model_copy(update={"compile": True}), tmp_path, "a")
    assert compiled == [type(model.generator), type(model.discriminators), type(model.encoder)]
