"""A learned inverse of each block of a network: from a level's map to that of the next finer one.

What deconvolution finds by optimisation for one pair of images, a small network here has learned
from many images once, for one backbone. `inverse_training` learns it.
Source: Deep Image Analogy, section 4.3, Eq. 5, of which it is an amortised solution.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.pyramid import Pyramid
from exemplar.settings import Settings
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights

STORED = Path("models", "analogy", "inverse.safetensors")
"""Where the stage `analogy_inverse` leaves it, its config beside it, its losses in a folder."""

# A multiple of all strides, large enough for all networks.
_PROBE = 64


class InverseNetworkSettings(Settings):
    """The size of an inverse."""

    width: Annotated[float, Field(gt=0)] = 1.0
    """Channels within a block, as a multiple of those of the finer map."""


class Block(nn.Module):
    """Two convolutions on the coarse map, of which each cell becomes pixels, and two on the fine.

    Args:
        coarse: channels of the coarse map.
        fine: channels of the fine map.
        stride: pixels of the fine map a cell of the coarse one, along each side.
        width: channels in between, as a multiple of `fine`.
    """

    def __init__(self, coarse: int, fine: int, stride: int, width: float) -> None:
        super().__init__()
        within = max(8, round(width * fine))
        self.stride = stride
        self.coarse = nn.Sequential(
            _convolution(coarse, coarse), nn.ReLU(), _convolution(coarse, within * stride**2)
        )
        self.fine = nn.Sequential(
            nn.ReLU(), _convolution(within, within), nn.ReLU(), _convolution(within, fine)
        )
        # Root mean squares of both maps, with which the network has to do with values of about 1.
        self.register_buffer("coarse_size", torch.ones(()))
        self.register_buffer("fine_size", torch.ones(()))
        self.coarse_size: Tensor
        self.fine_size: Tensor

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """The fine map (B, C', *size), not negative, from the coarse one (B, C, h, w)."""
        x = functional.pixel_shuffle(self.coarse(x / self.coarse_size), self.stride)
        short = [max(0, wanted - got) for wanted, got in zip(size, x.shape[-2:], strict=True)]
        if any(short):  # where pooling rounds down
            x = functional.pad(x, (0, short[1], 0, short[0]), mode="replicate")
        return self.fine(x[..., : size[0], : size[1]]).relu() * self.fine_size


class Inverse(nn.Module):
    """One block for each level above the finest.

    Args:
        pyramid: the name of the network that is inverted.
        layers: of its levels, fine to coarse.
        channels: of its maps.
        strides: of its steps after the first: cells of a level for one of the next coarser.
        settings: sizes.

    Attributes:
        config: JSON values from which the same network is built.
    """

    def __init__(
        self,
        pyramid: str,
        layers: tuple[str, ...],
        channels: tuple[int, ...],
        strides: tuple[int, ...],
        settings: InverseNetworkSettings,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "network": "analogy inverse",
            "pyramid": pyramid,
            "layers": list(layers),
            "channels": list(channels),
            "strides": list(strides),
            "settings": settings.model_dump(),
        }
        self.blocks = nn.ModuleList(
            Block(channels[level], channels[level - 1], strides[level - 1], settings.width)
            for level in range(1, len(layers))
        )

    def forward(self, x: Tensor, level: int, size: tuple[int, int]) -> Tensor:
        """The next finer map.

        Args:
            x: (B, C, h, w) float32, the map of a level, or one like it.
            level: which, from 2, as the pyramid counts.
            size: (H, W) of the map of level − 1, which cannot be told from (h, w): pooling rounds.

        Returns:
            (B, C', H, W) float32, not negative.

        Raises:
            ValueError: there is no such level, or the sizes do not belong together.
        """
        block = self.block(level)
        for cells, pixels in zip(x.shape[-2:], size, strict=True):
            if abs(cells * block.stride - pixels) >= block.stride:
                raise ValueError(
                    f"expected a map of level {level - 1} about {block.stride} times as large as "
                    f"{tuple(x.shape[-2:])}, got {size}"
                )
        return block(x, size)

    def block(self, level: int) -> Block:
        """The block that goes from a level to the one below.

        Raises:
            ValueError: there is none.
        """
        if not 2 <= level <= len(self.blocks) + 1:
            raise ValueError(f"expected a level of 2 to {len(self.blocks) + 1}, got {level}")
        block = self.blocks[level - 2]
        assert isinstance(block, Block)
        return block


def new_inverse(pyramid: Pyramid, settings: InverseNetworkSettings) -> Inverse:
    """An inverse of a pyramid, not trained, on the pyramid's device."""
    image = torch.zeros(1, 3, _PROBE, _PROBE, device=pyramid.device)
    with torch.no_grad():
        maps = pyramid(image)
    strides = tuple(round(a.shape[-1] / b.shape[-1]) for a, b in pairwise(maps))
    channels = tuple(x.shape[1] for x in maps)
    return Inverse(pyramid.name, pyramid.layers, channels, strides, settings).to(pyramid.device)


def save_inverse(path: Path, inverse: Inverse, facts: dict[str, Any]) -> None:
    """Writes weights and config, with what else is known of the training."""
    save_weights(path, inverse.state_dict(), inverse.config | {"facts": facts})


def load_inverse(path: Path, pyramid: Pyramid) -> Inverse:
    """Reads what `save_inverse` wrote, for the pyramid it was trained for.

    Args:
        path: a file ending in `.safetensors`, its config beside it.
        pyramid: whose features are to be inverted.

    Returns:
        The inverse on the pyramid's device, weights frozen.

    Raises:
        WeightsError: the file is missing, damaged, of another network, or of another pyramid.
    """
    state, config = load_weights(path)
    try:
        if config["network"] != "analogy inverse":
            raise ValueError(f"of {config['network']!r}")
        inverse = Inverse(
            config["pyramid"],
            tuple(config["layers"]),
            tuple(config["channels"]),
            tuple(config["strides"]),
            InverseNetworkSettings(**config["settings"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: not the inverse of a backbone: {error}") from error
    own, other = (pyramid.name, pyramid.layers), (config["pyramid"], tuple(config["layers"]))
    if own != other:
        raise WeightsError(
            f"{path}: the inverse of another backbone: expected that of {_said(*own)}, got that of "
            f"{_said(*other)}; run the stage `analogy_inverse` with the backbone named under "
            "`analogy` in params.yaml, or choose another reconstruction"
        )
    fit_weights(inverse, state, str(path))
    return inverse.to(pyramid.device).eval().requires_grad_(False)


def _said(name: str, layers: tuple[str, ...]) -> str:
    return f"{name} at {', '.join(layers)}"


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """3×3; maps go on beyond their border as they end, for zeros would be strange to them."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
