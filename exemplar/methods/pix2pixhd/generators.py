"""The coarse-to-fine generator: a global network and any number of local enhancers.

From encoded layouts, with the features of styles beside them, to images. Convolutions pad by
reflection, instances are normalised without learned scales. Source: pix2pixHD, section 3.2,
Figure 2 and appendix B.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.settings import Settings, SettingsError
from exemplar.training.normalisation import InstanceNorm
from exemplar.training.patchgan import start

Upsampling = Literal["deconvolution", "nearest"]


class GeneratorSettings(Settings):
    """Sizes of the generator; the defaults are the published ones."""

    width: int = Field(default=64, ge=2)
    """Channels of the global network at its own resolution; each enhancer has half as many."""
    downsamplings: int = Field(default=4, ge=1)
    """Halvings within the global network. The published four leave 64 x 32 places."""
    blocks: int = Field(default=9, ge=0)
    """Residual blocks of the global network."""
    enhancers: int = Field(default=1, ge=0)
    """Local enhancers; each doubles the resolution."""
    enhancer_blocks: int = Field(default=3, ge=0)
    """Residual blocks of an enhancer."""
    upsampling: Upsampling = "deconvolution"
    """As published, or magnification and a 3 x 3 convolution, which leaves no checkerboard and
    takes longer."""


class Generator(nn.Module):
    """G = {G1, G2, …}: the global network at the coarsest resolution, enhancers above it.

    It is trained with no enhancer on small images first, then with one more at a time on images of
    twice the size.

    Attributes:
        coarse: the global network.
        enhancers: from the coarsest to the finest.
    """

    def __init__(self, channels: int, settings: GeneratorSettings) -> None:
        """Builds it with weights drawn from N(0, 0.02).

        Args:
            channels: of the input.
            settings: sizes.

        Raises:
            SettingsError: the width cannot be halved once for each enhancer.
        """
        super().__init__()
        if settings.width % 2**settings.enhancers:
            raise SettingsError(
                f"expected a width that {settings.enhancers} enhancers can halve, a multiple of "
                f"{2**settings.enhancers}, got {settings.width}"
            )
        self.coarse = GlobalGenerator(channels, settings)
        self.enhancers = nn.ModuleList(
            LocalEnhancer(channels, settings.width // 2**level, settings)
            for level in range(1, settings.enhancers + 1)
        )
        self.multiple = 2 ** (settings.downsamplings + settings.enhancers)
        self.apply(start)

    def forward(self, x: Tensor) -> Tensor:
        """Images of layouts of any size.

        Sizes that cannot be halved as often as needed are padded by repeating the border; the
        image is cropped to the size of the input.

        Args:
            x: (B, C, H, W) encoded layouts, with features.

        Returns:
            (B, 3, H, W) in [-1, 1].
        """
        height, width = x.shape[2:]
        pyramid = [padded(x, self.multiple)]
        for _ in self.enhancers:
            pyramid.append(halved(pyramid[-1]))
        maps = self.coarse.maps(pyramid.pop())
        last: GlobalGenerator | LocalEnhancer = self.coarse
        for enhancer in self.enhancers:
            assert isinstance(enhancer, LocalEnhancer)
            maps, last = enhancer.maps(pyramid.pop(), maps), enhancer
        return torch.tanh(last.image(maps))[:, :, :height, :width]


class GlobalGenerator(nn.Module):
    """G1: a front-end that halves, residual blocks, a back-end that doubles.

    c7s1-64, d128, d256, d512, d1024, R1024 x 9, u512, u256, u128, u64, c7s1-3.
    """

    def __init__(self, channels: int, settings: GeneratorSettings) -> None:
        super().__init__()
        width, halvings = settings.width, range(settings.downsamplings)
        deepest = width * 2**settings.downsamplings
        self.maps = nn.Sequential(
            _wide(channels, width),
            *(down(width * 2**i, width * 2 ** (i + 1)) for i in halvings),
            *(Residual(deepest) for _ in range(settings.blocks)),
            *(
                up(width * 2 ** (i + 1), width * 2**i, settings.upsampling)
                for i in reversed(halvings)
            ),
        )
        self.image = image_of(width)


class LocalEnhancer(nn.Module):
    """G2 and above: c7s1-32, d64, plus the maps of the coarser network, R64 x 3, u32, c7s1-3."""

    def __init__(self, channels: int, width: int, settings: GeneratorSettings) -> None:
        super().__init__()
        self.front = nn.Sequential(_wide(channels, width), down(width, 2 * width))
        self.back = nn.Sequential(
            *(Residual(2 * width) for _ in range(settings.enhancer_blocks)),
            up(2 * width, width, settings.upsampling),
        )
        self.image = image_of(width)

    def maps(self, x: Tensor, coarse: Tensor) -> Tensor:
        """The last maps before the image.

        Args:
            x: (B, C, H, W), H and W even.
            coarse: (B, 2 width, H/2, W/2), of the coarser network.

        Returns:
            (B, width, H, W).
        """
        return self.back(self.front(x) + coarse)


class Residual(nn.Module):
    """Two convolutions beside a path that skips them; no activation after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            _convolution(width, width, 3, bias=False),
            InstanceNorm(width),
            nn.ReLU(),
            _convolution(width, width, 3, bias=False),
            InstanceNorm(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Of (B, width, H, W), at least 2 x 2."""
        return x + self.path(x)


def padded(x: Tensor, multiple: int) -> Tensor:
    """Repeats the last row and column up to a multiple of a size, and at least twice that.

    With less than 2 x 2 places at the coarsest, there would be nothing to normalise or reflect.
    """
    sides = x.shape[2:]
    # An exported network is padded whatever the size, which may be another each time.
    height, width = (
        torch.sym_max(2, (side + multiple - 1) // multiple) * multiple for side in sides
    )
    amounts = [0, width - sides[1], 0, height - sides[0]]
    if torch.compiler.is_exporting() or any(amounts):
        return functional.pad(x, amounts, mode="replicate")
    return x


def halved(x: Tensor) -> Tensor:
    """Half the size, as the networks and discriminators see it: means of 3 x 3 places."""
    return functional.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)


def down(inputs: int, outputs: int) -> nn.Sequential:
    """`d`: half the size."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, InstanceNorm(outputs), nn.ReLU())


def up(inputs: int, outputs: int, upsampling: Upsampling = "deconvolution") -> nn.Sequential:
    """`u`: twice the size."""
    if upsampling == "nearest":
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return nn.Sequential(
            nn.Upsample(scale_factor=2), convolution, InstanceNorm(outputs), nn.ReLU()
        )
    convolution = nn.ConvTranspose2d(
        inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=False
    )
    return nn.Sequential(convolution, InstanceNorm(outputs), nn.ReLU())


def image_of(width: int, channels: int = 3) -> nn.Module:
    """The last convolution, before the hyperbolic tangent."""
    return _convolution(width, channels, 7)


def _wide(inputs: int, outputs: int) -> nn.Sequential:
    """`c7s1`: 7 x 7, the same size."""
    convolution = _convolution(inputs, outputs, 7, bias=False)
    return nn.Sequential(convolution, InstanceNorm(outputs), nn.ReLU())


def _convolution(inputs: int, outputs: int, side: int, bias: bool = True) -> nn.Conv2d:
    """Pads by reflection. What a bias adds, normalisation takes away, so before it there is none.

    It would be moved at random: its true gradient is 0, and Adam makes whole steps of what
    rounding leaves.
    """
    return nn.Conv2d(inputs, outputs, side, padding=side // 2, padding_mode="reflect", bias=bias)
