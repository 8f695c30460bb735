"""Discriminators that judge patches, and the same at several scales.

They read a condition and an image, concatenated, and feed the losses of `adversarial`.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from exemplar.settings import SettingsError
from exemplar.training.normalisation import InstanceNorm

Norm = Literal["instance", "batch"]
KERNEL = 4


class PatchGAN(nn.Module):
    """Convolutions that call every patch of an image real or made up.

    Source: pix2pix, section 3.2 and appendix 6.1.2 (C64-C128-C256-C512); three layers see patches
    of 70×70 pixels, as `receptive_field` says.

    Args:
        channels: of the input: the condition's and the image's.
        width: channels of the first layer; each further layer has twice as many, at most eight
            times.
        layers: those after the first; all but the last halve the resolution, as the first does.
        norm: `batch` (pix2pix) or `instance`, without learned scales (pix2pixHD). The first layer
            and the logits have none.
        padding: pixels of zeros around each layer's input: 1 in pix2pix, 2 in pix2pixHD.
    """

    def __init__(
        self,
        channels: int,
        width: int = 64,
        layers: int = 3,
        norm: Norm = "batch",
        padding: int = 1,
    ) -> None:
        super().__init__()
        if layers < 1 or norm not in ("batch", "instance"):
            raise ValueError(f"expected layers ≥ 1, norm batch or instance; got {layers}, {norm!r}")
        self.norm = norm
        self.padding = padding
        widths = [channels, *(width * min(2**level, 8) for level in range(layers + 1))]
        self.strides = [2] * layers + [1]
        blocks = []
        for level, stride in enumerate(self.strides):
            inputs, outputs = widths[level : level + 2]
            first = level == 0
            # What a bias adds, normalisation takes away.
            block: list[nn.Module] = [
                nn.Conv2d(inputs, outputs, KERNEL, stride, padding, bias=first)
            ]
            if not first:
                batch = norm == "batch"
                block.append(nn.BatchNorm2d(outputs) if batch else InstanceNorm(outputs))
            blocks.append(nn.Sequential(*block, nn.LeakyReLU(0.2)))
        blocks.append(nn.Conv2d(widths[-1], 1, KERNEL, 1, padding))
        self.blocks = nn.ModuleList(blocks)
        self.apply(start)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every layer.

        Args:
            x: (B, channels, H, W).

        Returns:
            `layers` + 2 maps (B, C_l, H_l, W_l), fine to coarse; the last, (B, 1, h, w), are the
            logits.

        Raises:
            SettingsError: the image is too small for so many layers.
        """
        self._check(len(x), x.shape[-2], x.shape[-1])
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return maps

    def _check(self, batch: int, height: int, width: int) -> None:
        sides, sizes = [height, width], []
        for stride in self.strides:
            sides = [(side + 2 * self.padding - KERNEL) // stride + 1 for side in sides]
            sizes.append(sides[0] * sides[1])
        # A single value, normalised, would be 0 whatever it was.
        together = batch if self.norm == "batch" else 1
        alone = (self.training or self.norm == "instance") and together * min(sizes[1:]) == 1
        if min(sides) + 2 * self.padding < KERNEL or min(sides) < 1 or alone:
            raise SettingsError(
                f"an image of {height}×{width} is too small for a discriminator of "
                f"{len(self.strides) - 1} layers; use fewer layers or scales, or larger images"
            )


class MultiScale(nn.Module):
    """Equal discriminators of an image at several scales, each half of the one before.

    Source: pix2pixHD, section 3.2 and Eq. 3.

    Args:
        count: D, the number of scales.
        channels: as for `PatchGAN`.
        width: as for `PatchGAN`.
        layers: as for `PatchGAN`.
        norm: as for `PatchGAN`.
        padding: as for `PatchGAN`.
    """

    def __init__(
        self,
        count: int,
        channels: int,
        width: int = 64,
        layers: int = 3,
        norm: Norm = "instance",
        padding: int = 1,
    ) -> None:
        super().__init__()
        if count < 1:
            raise ValueError(f"expected at least one scale, got {count}")
        self.scales = nn.ModuleList(
            PatchGAN(channels, width, layers, norm, padding) for _ in range(count)
        )

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        """Features at every scale.

        Args:
            x: (B, channels, H, W).

        Returns:
            D lists as `PatchGAN` gives them, the finest scale first.
        """
        found = []
        for level, judge in enumerate(self.scales):
            if level:
                # Borders are means of what is there, not of zeros around it.
                x = functional.avg_pool2d(x, 3, 2, padding=1, count_include_pad=False)
            found.append(judge(x))
        return found


def receptive_field(layers: int) -> int:
    """The side in pixels of the patches that a PatchGAN judges: 16, 34, 70, 142 for 1, 2, 3, 4."""
    side = 1
    for stride in [1, 1] + [2] * layers:
        side = side * stride + KERNEL - stride
    return side


def start(module: nn.Module) -> None:
    """Initial weights N(0, 0.02), scales N(1, 0.02), biases 0, for `Module.apply`.

    Source: pix2pix, section 6.2; pix2pixHD's code. Draws from torch's global generator.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
