from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from exemplar.methods.deep_analogy.inverse import Inverse, InverseNetworkSettings, new_inverse
from exemplar.methods.deep_analogy.inverse_training import (
    InverseSettings,
    InverseTraining,
    batch_at,
    crops,
    losses,
    train_inverse,
)
from exemplar.training import steps
from tests.methods.deep_analogy.small_pyramid import small_pyramid

SETTINGS = InverseSettings(
    network=InverseNetworkSettings(width=3),
    training=InverseTraining(steps=120, batch=4, rate=0.01, checkpoint_every=30),
    side=20,
)


def smooth(count: int = 6, side: int = 32) -> np.ndarray:
    """Waves of all colours and directions."""
    draw = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    waves = draw.uniform(-0.4, 0.4, (count, 3, 2))
    phase = waves[..., :1, None] * y + waves[..., 1:, None] * x
    return np.moveaxis(127 + 120 * np.sin(phase), 1, -1).astype(np.uint8)


def untrained() -> Inverse:
    torch.manual_seed(3)
    return new_inverse(small_pyramid(), SETTINGS.network)


def short(count: int, every: int = 10) -> InverseSettings:
    training = SETTINGS.training.model_copy(update={"steps": count, "checkpoint_every": every})
    return SETTINGS.model_copy(update={"training": training})


def test_reconstructions_come_near_on_images_not_seen(tmp_path: Path) -> None:
    pyramid, inverse = small_pyramid(), untrained()
    unseen = torch.from_numpy(smooth(9)[6:]).movedim(-1, 1).float() / 255
    history = train_inverse(inverse, pyramid, smooth(), SETTINGS, tmp_path, "inverse")
    assert list(history[0]) == ["step", "a", "a→b", "b", "b→c"]
    assert [row["step"] for row in history] == [30, 60, 90, 120]
    with torch.no_grad():
        found = {name: float(value) for name, value in losses(inverse, pyramid, unseen).items()}
    # Of four pixels pooling keeps the largest: of the finest map more is lost than of the others.
    assert found["a"] < 0.35 and found["b"] < 0.15
    assert found["a→b"] < 0.05 and found["b→c"] < 0.05
    assert found["a"] < 0.5 * history[0]["a"]
    assert not any(weight.requires_grad for weight in inverse.parameters())


def test_losses_are_shares_of_the_energy() -> None:
    pyramid, inverse = small_pyramid(), untrained()
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        for block in inverse.blocks:
            block.fine_size.fill_(0)  # so that nothing comes out
        found = losses(inverse, pyramid, images)
        maps = pyramid(images)
        of_nothing = pyramid.between(torch.zeros_like(maps[1]), 2, 3)
    assert float(found["a"]) == pytest.approx(1)
    assert float(found["b"]) == pytest.approx(1)
    expected = ((of_nothing - maps[2]) ** 2).sum() / (maps[2] ** 2).sum()
    assert float(found["b→c"]) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("after", [1, 2])
def test_killed_and_resumed_ends_like_an_uninterrupted_run(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, whole = short(30), untrained()
    history = train_inverse(
        whole, small_pyramid(), smooth(), settings, tmp_path / "whole", "inverse"
    )
    saved, save = 0, steps.save_checkpoint

    def die(*given: object, **named: object) -> None:
        nonlocal saved
        save(*given, **named)  # type: ignore[arg-type]
        saved += 1
        if saved == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, "save_checkpoint", die)
        with pytest.raises(KeyboardInterrupt):
            train_inverse(
                untrained(), small_pyramid(), smooth(), settings, tmp_path / "killed", "inverse"
            )
    again = untrained()
    resumed = train_inverse(
        again, small_pyramid(), smooth(), settings, tmp_path / "killed", "inverse"
    )
    assert resumed == history
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_a_batch_depends_on_its_number_alone() -> None:
    images = smooth()
    first = batch_at(7, images, SETTINGS)
    batch_at(3, images, SETTINGS)
    assert torch.equal(batch_at(7, images, SETTINGS), first)
    assert not torch.equal(batch_at(8, images, SETTINGS), first)
    assert first.shape == (4, 3, 20, 20)
    assert float(first.min()) >= 0 and float(first.max()) <= 1


def test_crops_keep_angles_of_images_that_are_not_square() -> None:
    """A circle stays one, at its magnification, wherever it is cut and however it is turned."""
    y, x = np.mgrid[:40, :120]
    ramp = torch.from_numpy(np.stack([y, x, 0 * y]).astype(np.float32))[None]
    images = ramp.expand(8, 3, 40, 120)
    cut = crops(images, 11, (2.0, 2.0), 30.0, torch.Generator().manual_seed(0))
    for rows, columns in cut[:, :2].numpy():
        down = np.array([rows[1:, :] - rows[:-1, :], columns[1:, :] - columns[:-1, :]])
        right = np.array([rows[:, 1:] - rows[:, :-1], columns[:, 1:] - columns[:, :-1]])
        step_down, step_right = down.mean((1, 2)), right.mean((1, 2))
        # Magnified twice, a pixel's step is half of one, and the two are at right angles.
        assert np.linalg.norm(step_down) == pytest.approx(0.5, abs=1e-3)
        assert np.linalg.norm(step_right) == pytest.approx(0.5, abs=1e-3)
        assert step_down @ step_right == pytest.approx(0, abs=1e-3)
        assert abs(math.degrees(math.atan2(step_down[1], step_down[0]))) < 30.1
    assert len({round(float(v), 3) for v in cut[:, 1].mean((1, 2))}) == 8


def test_bad_input_is_refused(tmp_path: Path) -> None:
    pyramid, inverse = small_pyramid(), untrained()
    none = np.empty((0, 32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="at least one image to learn from, got none"):
        train_inverse(inverse, pyramid, none, SETTINGS, tmp_path, "inverse")
    tiny = SETTINGS.model_copy(update={"side": 7})
    with pytest.raises(ValueError, match=r"analogy_inverse\.side: expected at least 8.*got 7"):
        train_inverse(inverse, pyramid, smooth(), tiny, tmp_path, "inverse")
