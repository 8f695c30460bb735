"""The networks that the table compares: generators, and discriminators of one or several scales.

All are variants of one architecture, trained on the same images by the same objective; the stages
train and judge each under its name. Source: pix2pixHD, section 4.1 and Tables 3 and 5.
"""

from __future__ import annotations

from typing import Literal, get_args

from exemplar.methods.pix2pixhd.model import NetworkSettings
from exemplar.training.unet import UNetSettings, levels_of

Network = Literal["global", "unet", "one", "enhancer"]
NETWORKS: tuple[Network, ...] = get_args(Network)
"""`global`, the global network; `unet`, a U-Net in its place; `one`, the global network against a
single discriminator; `enhancer`, the global network and its enhancers, jointly."""
COARSE = NETWORKS[:3]
"""Those of the coarsest resolution, each trained from nothing."""
GENERATORS: dict[Network, str] = {
    "unet": "U-Net",
    "one": "global",
    "global": "global",
    "enhancer": "global + enhancer",
}
"""What a table calls the generator, in the order of its rows."""


def variant(
    network: Network, settings: NetworkSettings, unet: UNetSettings, size: tuple[int, int]
) -> NetworkSettings:
    """The architecture of one of `COARSE`.

    Args:
        network: which.
        settings: of the global network.
        unet: of the U-Net; where it does not say how often it halves, until one pixel is left.
        size: (H, W) of the images that it is trained on.

    Returns:
        The settings, all else alike.

    Raises:
        ValueError: there is no such variant.
    """
    if network == "global":
        return settings
    if network == "one":
        judges = settings.discriminators.model_copy(update={"scales": 1})
        return settings.model_copy(update={"discriminators": judges})
    if network == "unet":
        levels = unet.levels or levels_of(size)
        return settings.model_copy(update={"unet": unet.model_copy(update={"levels": levels})})
    raise ValueError(f"expected one of {', '.join(COARSE)}, got {network!r}")
