"""A U-Net for images of any size, with dropout that stays alive.

The generator of pix2pix, and one of those that pix2pixHD is compared with. Source: Isola et al.,
"Image-to-Image Translation with Conditional Adversarial Networks", section 3.2 and appendix 6.1.1.
The noise is dropout's alone, and drawn from a generator that is given, so that an image is known
by its seed.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional

from exemplar.settings import Settings
from exemplar.training.normalisation import InstanceNorm
from exemplar.training.patchgan import start

KEEP = 0.5  # what dropout leaves


class UNetSettings(Settings):
    """The size of a U-Net; as published by default."""

    width: int = Field(default=64, ge=1)
    """Channels of the finest level; each coarser one has twice as many, at most eight times."""
    levels: int | None = Field(default=None, ge=2, le=12)
    """How often the resolution is halved; by default until a single pixel is left. Images are
    padded to multiples of 2^levels."""
    noisy: int = Field(default=3, ge=0)
    """Levels of the decoder with dropout, the coarsest ones."""
    upsampling: Literal["deconvolution", "nearest"] = "deconvolution"
    """As published, or magnification and a 3×3 convolution, which leaves no checkerboard."""


class UNet(nn.Module):
    """From a condition to an image.

    Every normalisation is over one image: what batch norm amounts to in the published batches of
    one, in training and, as there, at test. So an image does not depend on its neighbours.

    Args:
        channels: of the condition.
        settings: sizes; `levels` must be known.
    """

    def __init__(self, channels: int, settings: UNetSettings) -> None:
        super().__init__()
        if settings.levels is None:
            raise ValueError("expected a number of levels; `levels_of` gives it for an image size")
        levels = settings.levels
        self.settings = settings
        self.config: dict[str, Any] = {
            "network": "unet",
            "channels": channels,
            "settings": settings.model_dump(),
        }
        widths = [settings.width * min(2**level, 8) for level in range(levels)]
        inputs = [channels, *widths[:-1]]
        # Neither the finest nor the coarsest level is normalised; the latter may be one pixel.
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1, bias=level in (0, levels - 1))
            for level, (a, b) in enumerate(zip(inputs, widths, strict=True))
        )
        self.down_norm = nn.ModuleList(_norm(width) for width in widths[1:-1])
        outputs = [3, *widths[:-1]]
        # The layer on [from below, skip], cut in two: W·concat(x, s) = W_x·x + W_s·s. The second
        # part is the same for all images of one input.
        self.up = nn.ModuleList(
            _raise(a, b, settings.upsampling, bias=level == 0)
            for level, (a, b) in enumerate(zip(widths, outputs, strict=True))
        )
        self.skip = nn.ModuleList(
            _raise(a, b, settings.upsampling, bias=False)
            for a, b in zip(widths[:-1], outputs[:-1], strict=True)
        )
        self.up_norm = nn.ModuleList(_norm(width) for width in outputs[1:])
        self.apply(start)

    def forward(self, condition: Tensor, noise: Generator | None, count: int = 1) -> Tensor:
        """Images of every condition, each with its own dropout.

        Args:
            condition: (B, channels, H, W) in [0, 1]; any H and W.
            noise: what dropout draws from, on the network's device; with none nothing is dropped.
            count: n, images of each condition.

        Returns:
            (B, n, 3, H, W) in [−1, 1].
        """
        height, width = condition.shape[-2:]
        padded, (top, left) = padded_to(2 * condition - 1, 2**self.levels)
        image = self.decode(self.encode(padded), noise, count)
        return image[..., top : top + height, left : left + width]

    @property
    def levels(self) -> int:
        """How often the resolution is halved."""
        return len(self.down)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Maps (B, C_l, H / 2^(l+1), W / 2^(l+1)), fine to coarse; nothing in them is random."""
        maps = []
        for level, layer in enumerate(self.down):
            x = layer(functional.leaky_relu(x, 0.2) if level else x)
            if 0 < level < self.levels - 1:
                x = self.down_norm[level - 1](x)
            maps.append(x)
        return maps

    def decode(self, maps: list[Tensor], noise: Generator | None, count: int = 1) -> Tensor:
        """Images (B, n, 3, H, W) in [−1, 1] of what `encode` gave."""
        x, batch = maps[-1], len(maps[-1])
        for level in reversed(range(self.levels)):
            x = self.up[level](functional.relu(x))
            if level < self.levels - 1:
                # All images of a condition are one until the first dropout.
                skip = self.skip[level](functional.relu(maps[level]))
                x = (x.unflatten(0, (batch, -1)) + skip[:, None]).flatten(0, 1)
            if level:
                x = self.up_norm[level - 1](x)
                if noise is not None and self.levels - 1 - level < self.settings.noisy:
                    if len(x) == batch:
                        x = x.repeat_interleave(count, 0)
                    x = _dropped(x, noise)
        if len(x) == batch:
            x = x.repeat_interleave(count, 0)
        return torch.tanh(x.float()).unflatten(0, (batch, count))


def levels_of(size: tuple[int, int]) -> int:
    """How often an image (H, W) is halved until its shorter side is one pixel: 8 for 256."""
    return max(2, math.ceil(math.log2(min(size))))


def padded_to(x: Tensor, multiple: int) -> tuple[Tensor, tuple[int, int]]:
    """Repeats the border until both sides are multiples; gives the place (y, x) of the image."""
    rows, columns = (-side % multiple for side in x.shape[-2:])
    top, left = rows // 2, columns // 2
    if rows or columns:
        x = functional.pad(x, [left, columns - left, top, rows - top], mode="replicate")
    return x, (top, left)


def build_unet(config: dict[str, Any]) -> UNet:
    """Rebuilds a network from the config stored beside its weights."""
    if config.get("network") != "unet":
        raise ValueError(f"expected the config of a unet, got {config.get('network')!r}")
    return UNet(config["channels"], UNetSettings(**config["settings"]))


def _norm(width: int) -> nn.Module:
    return InstanceNorm(width, affine=True)


def _raise(inputs: int, outputs: int, upsampling: str, bias: bool) -> nn.Module:
    """A layer that doubles the resolution."""
    if upsampling == "deconvolution":
        return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    return nn.Sequential(nn.Upsample(scale_factor=2), layer)


def _dropped(x: Tensor, noise: Generator) -> Tensor:
    """Dropout with a generator of its own."""
    kept = torch.rand(x.shape, generator=noise, device=x.device) < KEEP
    return x * kept / KEEP
