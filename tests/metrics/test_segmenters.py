from __future__ import annotations

import numpy as np
import torch

from exemplar.features.pixelnet import PixelNetSettings
from exemplar.metrics.segmentation import judged
from exemplar.metrics.segmenters import IGNORE, TrainedJudge, train_segmenter, translation
from exemplar.training.loop import TrainingSettings

COLOURS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]], np.uint8)
SETTINGS = TrainedJudge(
    network=PixelNetSettings(width=4, hidden=16),
    training=TrainingSettings(steps=60, batch=4, pixels=128, precision="float32", rate=1e-2),
    photometry=0.1,
)


def coloured(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images whose colours are their classes, (N, 16, 24, 3) and (N, 16, 24)."""
    coarse = np.random.default_rng(seed).integers(0, 3, (count, 4, 6))
    labels = coarse.repeat(4, 1).repeat(4, 2).astype(np.uint8)
    return COLOURS[labels], labels


def test_a_segmenter_is_trained_on_photographs(tmp_path):
    images, labels = coloured(12, 0)
    labels = np.where(np.arange(24) < 2, IGNORE, labels)  # a border without classes
    see = train_segmenter(images, labels, ("a", "b", "c"), SETTINGS, tmp_path / "x", "blocks")
    assert see.identity.startswith("pixelnet-4@blocks#") and see.classes == ("a", "b", "c")
    fresh, truth = coloured(5, 1)
    found, count = judged(see, fresh[:, None], truth, 3)
    assert count == 5 and found.pixel_accuracy > 90
    wrong, _ = judged(see, fresh[:, None], (truth + 1) % 3, 3)
    assert wrong.pixel_accuracy < 10
    again = train_segmenter(images, labels, ("a", "b", "c"), SETTINGS, tmp_path / "y", "blocks")
    assert again.identity == see.identity
    pixels = torch.from_numpy(fresh).permute(0, 3, 1, 2).float() / 255
    assert torch.equal(see(pixels), again(pixels))


def test_batches_without_any_class_leave_a_network_whole(tmp_path):
    """A mean over no pixel would be NaN, and so would all weights."""
    images, labels = coloured(4, 0)
    few = SETTINGS.model_copy(update={"training": TrainingSettings(steps=2, batch=2, pixels=8)})
    nothing = np.full_like(labels, IGNORE)
    see = train_segmenter(images, nothing, ("a", "b"), few, tmp_path, "empty")
    assert all(value.isfinite().all() for value in see.network.state_dict().values())


def test_several_images_of_a_layout_are_compared_with_its_labels():
    """By hand: of three images of the first layout one is right, of the second all."""
    labels = np.array([[[0, 1]], [[1, IGNORE]]])
    images = np.zeros((2, 3, 1, 2, 3), np.uint8)
    images[0, 0, 0, 1] = 255  # white is class 1
    images[1, :, 0, 0] = 255

    def see(x: torch.Tensor) -> torch.Tensor:
        assert x.max() <= 1 and x.shape[1:] == (3, 1, 2)
        return (x[:, 0] > 0.5).to(torch.uint8)

    found, count = judged(see, images, labels, 2)
    assert count == 6
    assert found.pixel_accuracy == 100 * 7 / 9  # 3 + 1 of the first, 3 of the second
    assert found.pixel_accuracy_with_ignore == 100 * 7 / 12


def test_classes_are_translated_by_their_names():
    table = translation(["sky", "road", "ego vehicle"], ("road", "sky", "car"))
    assert table[:3].tolist() == [1, 0, IGNORE]
    assert (table[3:] == IGNORE).all()
