from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from exemplar.features.vgg19_encoder import (
    NormalisedVggSettings,
    SmallVggSettings,
    load_vgg19_encoder,
)
from exemplar.store.weights import WeightsError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
SMALL = SHARED / "weights" / "vgg19_16x_small_encoders"
NORMALISED = SHARED / "weights" / "vgg19_normalised" / "vgg_normalised_conv3_1.pth"
real = pytest.mark.skipif(not SMALL.is_dir(), reason="needs ../shared/data/weights")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def small_state() -> dict[str, Tensor]:
    """A narrow encoder up to conv2_1."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "conv0": (3, 3, 1, 1),
        "conv11": (4, 3, 3, 3),
        "conv12": (5, 4, 3, 3),
        "conv21": (6, 5, 3, 3),
        "conv21_aux": (8, 6, 1, 1),
    }
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = torch.randn(shape, generator=generator)
        state[f"{name}.bias"] = torch.randn(shape[0], generator=generator)
    return state


def by_hand(state: dict[str, Tensor], images: Tensor) -> dict[str, Tensor]:
    """The same encoder as a chain of modules."""

    def conv(name: str, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"])

    pad = nn.ReflectionPad2d(1)
    first = conv("conv11", pad(conv("conv0", images))).clamp_min(0)
    second = conv("conv12", pad(first)).clamp_min(0)
    third = conv("conv21", pad(nn.MaxPool2d(2)(second))).clamp_min(0)
    return {
        "conv1_1": first,
        "conv1_2": second,
        "conv2_1": third,
        "conv2_1_aux": conv("conv21_aux", third).clamp_min(0),
    }


def test_layers_equal_a_chain_by_hand() -> None:
    state = small_state()
    torch.save({"epoch": 1, "model": state}, "2SE.pth")
    images = torch.rand(2, 3, 8, 10)
    expected = by_hand(state, images)
    settings = SmallVggSettings(weights=Path("2SE.pth"), layers=tuple(expected))
    backbone = load_vgg19_encoder(settings)
    assert backbone.layers == tuple(expected)
    for got, level in zip(backbone(images), expected.values(), strict=True):
        torch.testing.assert_close(got, level)


def test_errors_name_the_file_and_the_layers() -> None:
    state = small_state()
    torch.save({"model": state}, "2SE.pth")
    with pytest.raises(ValueError, match=r"2SE\.pth\) has no layer conv5_1; choose from conv1_1"):
        load_vgg19_encoder(SmallVggSettings(weights=Path("2SE.pth"), layers=("conv5_1",)))
    with pytest.raises(WeightsError, match=r"2SE\.pth: not a normalised VGG-19.*tensor conv0"):
        load_vgg19_encoder(NormalisedVggSettings(weights=Path("2SE.pth")))
    torch.save({"0.weight": torch.ones(1)}, "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth: not a small VGG-19.*tensor 0\.weight"):
        load_vgg19_encoder(SmallVggSettings(weights=Path("other.pth")))
    del state["conv12.bias"]
    torch.save(state, "less.pth")
    with pytest.raises(WeightsError, match=r"missing convolutions\.12\.bias"):
        load_vgg19_encoder(SmallVggSettings(weights=Path("less.pth"), layers=("conv1_1",)))


def test_images_too_small_for_a_layer_are_refused() -> None:
    torch.save(small_state(), "2SE.pth")
    backbone = load_vgg19_encoder(SmallVggSettings(weights=Path("2SE.pth"), layers=("conv2_1",)))
    assert backbone(torch.rand(1, 3, 3, 3))[0].shape == (1, 6, 2, 2)
    with pytest.raises(ValueError, match=r"\(2, 8\) are too small for conv2_1: .* exceed 2 pixels"):
        backbone(torch.rand(1, 3, 2, 8))


@real
def test_default_taps_of_the_real_encoder() -> None:
    backbone = load_vgg19_encoder(SmallVggSettings(weights=SMALL / "5SE.pth"))
    maps = backbone(torch.rand(1, 3, 96, 96))
    assert [m.shape[1:] for m in maps] == [
        (16, 96, 96),
        (32, 48, 48),
        (64, 24, 24),
        (128, 12, 12),
        (128, 6, 6),
    ]


@real
def test_real_encoders_agree_with_each_other() -> None:
    """The distilled features, mapped to VGG's channels, point where the normalised VGG's do."""
    photo = SHARED / "dia-demo" / "1photo2style" / "01_BP.png"
    pixels = np.array(Image.open(photo).convert("RGB"))
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    layers = ("conv1_1", "conv2_1", "conv3_1")
    truth = load_vgg19_encoder(NormalisedVggSettings(weights=NORMALISED, layers=layers))(images)
    for block, expected in enumerate((0.99, 0.93, 0.86), start=1):
        weights = SMALL / f"{block}SE.pth"
        backbone = load_vgg19_encoder(
            SmallVggSettings(weights=weights, layers=(f"conv{block}_1_aux",))
        )
        # With the colour order swapped they agree less.
        cosine, swapped = (
            float(torch.cosine_similarity(backbone(x)[0], truth[block - 1], dim=1).mean())
            for x in (images, images.flip(1))
        )
        assert cosine == pytest.approx(expected, abs=0.03)
        assert swapped < cosine - 0.02
