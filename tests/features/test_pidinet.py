from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from exemplar.features import pidinet
from exemplar.features.pidinet import PiDiNet, PiDiNetSettings, load_pidinet
from exemplar.features.pixel_difference import Kind
from exemplar.store.weights import WeightsError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
WEIGHTS = SHARED / "weights" / "pidinet"
FILES = ("table5_pidinet.pth", "table5_pidinet-tiny.pth")
real = pytest.mark.skipif(not WEIGHTS.is_dir(), reason="needs ../shared/data/weights")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stored(width: int, side: int) -> dict[str, torch.Tensor]:
    """Random weights as a checkpoint has them: every difference kernel 3×3."""
    torch.manual_seed(0)
    state = PiDiNet(width, side).state_dict()
    return {
        name: torch.randn(*value.shape[:2], 3, 3) * 0.1 if value.shape[-1] == 5 else value
        for name, value in state.items()
    }


def test_sizes_are_read_from_the_file_and_edges_come_at_the_images_size() -> None:
    state = stored(6, 3)
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, "edges.pth")
    images = torch.rand(2, 3, 29, 45)
    for magnify in (1.0, 2.0):
        detect = load_pidinet(PiDiNetSettings(weights=Path("edges.pth"), magnify=magnify))
        edges = detect(images)
        assert edges.shape == (2, 29, 45)
        assert 0 <= float(edges.min()) <= float(edges.max()) <= 1
        torch.testing.assert_close(detect(images[1:])[0], edges[1], atol=1e-5, rtol=0)
    assert detect.identity.startswith("pidinet@2x#")


def test_colour_shifts_do_not_count_inside_the_first_layer() -> None:
    """The first convolution weighs differences from the centre, so an even tint vanishes."""
    torch.save(stored(6, 3), "edges.pth")
    first = load_pidinet(PiDiNetSettings(weights=Path("edges.pth"))).network.init_block
    images = torch.rand(1, 3, 8, 8)
    tinted = images + torch.tensor([0.3, -0.2, 0.1])[:, None, None]
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(first(tinted)[inside], first(images)[inside], atol=1e-5, rtol=0)


def test_errors_name_the_file() -> None:
    torch.save({"a": torch.ones(1)}, "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth: not a PiDiNet .* 'init_block\.weight'"):
        load_pidinet(PiDiNetSettings(weights=Path("other.pth")))
    state = stored(6, 3)
    state.pop("classifier.bias")
    torch.save(state, "less.pth")
    with pytest.raises(WeightsError, match=r"less\.pth: the weights do not fit.*\n.*classifier\.b"):
        load_pidinet(PiDiNetSettings(weights=Path("less.pth")))
    torch.save(PiDiNet(6, 3).state_dict(), "ordinary.pth")
    with pytest.raises(WeightsError, match=r"block1_2\.conv1\.weight has kernels \(5, 5\)"):
        load_pidinet(PiDiNetSettings(weights=Path("ordinary.pth")))
    torch.save(stored(6, 3), "edges.pth")
    detect = load_pidinet(PiDiNetSettings(weights=Path("edges.pth")))
    with pytest.raises(ValueError, match=r"magnifying 2 times, got \(1, 3, 3, 9\)"):
        detect(torch.rand(1, 3, 3, 9))


@real
@pytest.mark.parametrize("file", FILES)
def test_the_real_network_outlines_a_disc(file: str) -> None:
    y, x = torch.meshgrid(torch.arange(96), torch.arange(96), indexing="ij")
    radius = ((y - 48.0) ** 2 + (x - 48.0) ** 2).sqrt()
    images = torch.where(radius < 25, 0.8, 0.3).expand(1, 3, 96, 96).contiguous()
    edges = load_pidinet(PiDiNetSettings(weights=WEIGHTS / file))(images)[0]
    assert float(edges[(radius - 25).abs() < 1].mean()) > 0.8
    assert float(edges[(radius < 15) | ((radius > 35) & (radius < 44))].mean()) < 0.1


@real
@pytest.mark.parametrize("file", FILES)
def test_wrong_kernels_would_blur_photographs(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The differences' directions are those of training: turned, the edges are less certain."""
    photo = sorted((SHARED / "oxford-pets" / "images").glob("*.jpg"))[0]
    pixels = np.array(Image.open(photo).convert("RGB").resize((192, 192)))
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    settings = PiDiNetSettings(weights=WEIGHTS / file, magnify=1)

    def doubt() -> float:
        edges = load_pidinet(settings)(images)
        return float((edges * (1 - edges)).mean())

    right, kernel = doubt(), pidinet.difference_kernel

    def anticlockwise(weight: torch.Tensor, kind: Kind) -> torch.Tensor:
        return kernel(weight.mT, kind).mT if kind == "ad" else kernel(weight, kind)

    def columns_first(weight: torch.Tensor, kind: Kind) -> torch.Tensor:
        return kernel(weight.mT if kind == "rd" else weight, kind)

    for wrong in (anticlockwise, columns_first):
        monkeypatch.setattr(pidinet, "difference_kernel", wrong)
        assert doubt() > right * 1.1
