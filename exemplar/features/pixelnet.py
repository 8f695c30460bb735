"""PixelNet: a VGG-shaped trunk, hypercolumns, and a multilayer perceptron on single pixels.

The regressor and the estimators are PixelNets; the estimators' trunk is the default backbone.
Source: Bansal et al., "PixelNet: Representation of the pixels, by the pixels, and for the pixels",
as used in PixelNN, section 3. Training looks at sampled pixels only; prediction is dense.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.hypercolumn import pixel_grid, resized
from exemplar.settings import Settings

LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
DEPTHS = (2, 2, 3, 3, 3)  # convolutions per block, as in VGG-16

# Images predicted at a time. With more, the maps of a 96×96 image's hypercolumn outgrow what the
# allocator keeps (32 MB), and each is paged in anew: 16 at a time run at half the speed of 8.
CHUNK = 8


class PixelNetSettings(Settings):
    """The size of a PixelNet."""

    width: int = 16
    """Channels of the first block; the others have 2, 4, 8 and 8 times as many (VGG-16: 64)."""
    hidden: int = 192
    """Units in each of the two layers on a pixel's hypercolumn (published: 4096)."""


class PixelNet(nn.Module):
    """A network from images to per-pixel values, with one linear head per kind of value.

    Args:
        channels: of the input image.
        heads: name → number of output channels.
        settings: widths.
    """

    def __init__(self, channels: int, heads: dict[str, int], settings: PixelNetSettings) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "network": "pixelnet",
            "channels": channels,
            "heads": heads,
            "settings": settings.model_dump(),
        }
        widths = [settings.width * factor for factor in (1, 2, 4, 8, 8)]
        inputs = [channels, *widths[:-1]]
        self.blocks = nn.ModuleList(
            _block(a, b, depth) for a, b, depth in zip(inputs, widths, DEPTHS, strict=True)
        )
        # The first layer on the hypercolumn, cut by the layer it reads: W·concat(h) = Σ W_l·h_l.
        self.mix = nn.ModuleList(
            nn.Conv2d(width, settings.hidden, 1, bias=level == 0)
            for level, width in enumerate(widths)
        )
        self.hidden = nn.Conv2d(settings.hidden, settings.hidden, 1)
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(settings.hidden, count, 1) for name, count in heads.items()}
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layer in self.mix:
            # Five layers are summed: keep the sum's variance that of one.
            assert isinstance(layer, nn.Conv2d)
            layer.weight.data.mul_(len(widths) ** -0.5)
        for head in self.heads.values():
            assert isinstance(head, nn.Conv2d)
            nn.init.normal_(head.weight, std=0.01)

    def trunk_maps(self, images: Tensor) -> list[Tensor]:
        """The activations conv{1_2, 2_2, 3_3, 4_3, 5_3}.

        Args:
            images: (B, C, H, W) in [0, 1] (or the condition's own range).

        Returns:
            Five maps (B, C_l, H / 2^l, W / 2^l), fine to coarse.
        """
        # Centred like the input of most networks; batch norm takes care of the rest.
        x = images - 0.5
        maps = []
        for level, block in enumerate(self.blocks):
            if level:
                x = functional.max_pool2d(x, 2, ceil_mode=True)
            x = block(x)
            maps.append(x)
        return maps

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Every head at every pixel.

        Args:
            images: (B, C, H, W).

        Returns:
            name → (B, C_head, H, W), raw values.
        """
        size = (images.shape[-2], images.shape[-1])
        # A linear layer and bilinear interpolation commute, and the layer is cheaper before it.
        mixed = [layer(x) for layer, x in zip(self.mix, self.trunk_maps(images), strict=True)]
        total = mixed[0]
        for x in mixed[1:]:
            total = total + resized(x, size)
        return self._heads(total)

    def at_pixels(self, images: Tensor, points: Tensor) -> dict[str, Tensor]:
        """Every head at some pixels.

        Args:
            images: (B, C, H, W).
            points: (B, P) int64, y · W + x.

        Returns:
            name → (B, C_head, P): the same values as `forward` gives there.
        """
        maps = self.trunk_maps(images)
        total = self.mix[0](_gather(maps[0], points)[..., None])
        grid = pixel_grid(points, (images.shape[-2], images.shape[-1]))
        for layer, level in zip(list(self.mix)[1:], maps[1:], strict=True):
            # The layer and the interpolation commute, as in `forward`.
            sampled = functional.grid_sample(
                layer(level).float(), grid, padding_mode="border", align_corners=False
            )
            total = total + sampled.transpose(2, 3)
        return {name: value[..., 0] for name, value in self._heads(total).items()}

    def _heads(self, mixed: Tensor) -> dict[str, Tensor]:
        x = functional.relu(self.hidden(functional.relu(mixed)))
        return {name: head(x) for name, head in self.heads.items()}


def build_pixelnet(config: dict[str, Any]) -> PixelNet:
    """Rebuilds a network from the config stored beside its weights."""
    if config.get("network") != "pixelnet":
        raise ValueError(f"expected the config of a pixelnet, got {config.get('network')!r}")
    return PixelNet(config["channels"], config["heads"], PixelNetSettings(**config["settings"]))


def chunks(count: int) -> list[slice]:
    """The parts in which `count` images are predicted."""
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def batches(count: int) -> list[tuple[slice, np.ndarray]]:
    """The parts of `chunks`, each with the places (CHUNK,) of its images, as often as it takes.

    Sums are rounded differently in batches of different sizes. In batches of one size an image's
    values do not depend on which others are predicted with it.
    """
    return [
        (part, np.minimum(np.arange(part.start, part.start + CHUNK), part.stop - 1))
        for part in chunks(count)
    ]


def _block(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    """3×3 convolutions, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [
            nn.Conv2d(inputs if index == 0 else outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _gather(x: Tensor, points: Tensor) -> Tensor:
    """(B, C, H, W) at (B, P) → (B, C, P)."""
    flat = x.flatten(2)
    return flat.gather(2, points[:, None].expand(-1, flat.shape[1], -1))
