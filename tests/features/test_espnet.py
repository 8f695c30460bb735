from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from exemplar.data.layout_settings import CITYSCAPES
from exemplar.features.espnet import (
    CLASSES,
    NOTHING,
    ESPNet,
    ESPNetSettings,
    StreetSegmenter,
    load_espnet,
)
from exemplar.metrics.segmentation import judged
from exemplar.metrics.segmenters import translation
from exemplar.store.weights import WeightsError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
WEIGHTS = SHARED / "weights" / "espnet_cityscapes" / "espnet_p_2_q_8.pth"
real = pytest.mark.skipif(not WEIGHTS.is_file(), reason="needs ../shared/data/weights")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stored(path: str, depths: tuple[int, int] = (1, 2), outputs: int = 20) -> None:
    """Random weights as a checkpoint has them, without counters of batches."""
    torch.manual_seed(0)
    state = ESPNet(outputs, depths).state_dict()
    torch.save({k: v for k, v in state.items() if "num_batches" not in k}, path)


def test_depths_are_read_from_the_file_and_classes_come_at_the_images_size() -> None:
    stored("espnet.pth")
    see = load_espnet(ESPNetSettings(weights=Path("espnet.pth"), size=(32, 64)))
    assert (len(see.network.encoder.level2), len(see.network.encoder.level3)) == (1, 2)
    assert see.identity.startswith("espnet@64×32#")
    images = torch.rand(2, 3, 21, 43)
    labels = see(images)
    assert labels.shape == (2, 21, 43) and labels.dtype == torch.uint8
    assert set(labels.unique().tolist()) <= {*range(19), NOTHING}
    assert torch.equal(see(images[1:])[0], labels[1])


def test_its_last_output_is_no_class() -> None:
    """Biased to it, the network sees nothing anywhere."""
    network = ESPNet(20, (1, 1))
    torch.nn.init.zeros_(network.classifier.weight)
    see = StreetSegmenter("x", network, (32, 32))
    assert (see(torch.rand(1, 3, 8, 8)) == 0).all()  # all alike: the first
    network.classifier.weight.data[:, 19] = 1
    with torch.no_grad():
        network.conv.act.weight.fill_(-1)  # what comes in is positive
    assert (see(torch.rand(1, 3, 8, 8)) == NOTHING).all()


def test_errors_name_the_file() -> None:
    torch.save({"a": torch.ones(1)}, "other.pth")
    with pytest.raises(WeightsError, match="other.pth: expected an ESPNet .* got no outputs"):
        load_espnet(ESPNetSettings(weights=Path("other.pth")))
    stored("few.pth", outputs=5)
    with pytest.raises(WeightsError, match="got 5 outputs"):
        load_espnet(ESPNetSettings(weights=Path("few.pth")))
    with pytest.raises(ValueError, match="multiple of 8"):
        ESPNetSettings(weights=Path("x"), size=(100, 200))


@real
def test_it_sees_what_is_in_photographed_streets() -> None:
    """At a quarter of the size; at its own, 93.6 % of two photographs' pixels."""
    see = load_espnet(ESPNetSettings(weights=WEIGHTS, size=(256, 512)))
    name = "aachen_000000_000019"
    folder = SHARED / "cityscapes"
    photograph = Image.open(folder / "train_img" / f"{name}_leftImg8bit.png").convert("RGB")
    labels = Image.open(folder / "train_label" / f"{name}_gtFine_labelIds.png")
    image = np.array(photograph.resize((512, 256), Image.Resampling.LANCZOS))
    truth = np.asarray(labels.resize((512, 256), Image.Resampling.NEAREST))
    table = translation(CITYSCAPES, CLASSES)
    found, count = judged(see, image[None, None], table[truth][None], len(CLASSES))
    assert count == 1 and found.pixel_accuracy > 85
