"""The mapping T from noise to latent codes, by which images are sampled.

`imle` learns it, samplers use it. Source: paper, section 4.1; sizes and what the text leaves open
from the released code.
"""

from __future__ import annotations

import math
from typing import Any

from pydantic import Field
from torch import Tensor, nn

from exemplar.methods.glann.generator import start
from exemplar.settings import Settings


class MappingSettings(Settings):
    """The size of the mapping; as published by default."""

    noise: int = Field(default=32, ge=1)
    """e, the length of a noise vector."""
    hidden: int = Field(default=128, ge=1)
    """Nodes of each of the two hidden layers."""


class Mapping(nn.Module):
    """Two dense layers with batch norm and rectifiers, and one without; no biases.

    Args:
        settings: sizes.
        codes: d.

    Attributes:
        config: JSON values from which `build_mapping` makes the same network.
    """

    def __init__(self, settings: MappingSettings, codes: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "network": "glann mapping",
            "settings": settings.model_dump(),
            "codes": codes,
        }
        self.noise, hidden = settings.noise, settings.hidden
        last = nn.Linear(hidden, codes, bias=False)
        self.layers = nn.Sequential(
            nn.Linear(settings.noise, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            last,
        )
        self.apply(start)
        # Of unit length on average from the start, as codes are. Longer ones are all far away: the
        # few shortest of them would be nearest to every code, and nothing else would ever be used.
        nn.init.normal_(last.weight, std=math.sqrt(2 / (hidden * codes)))

    def forward(self, noise: Tensor) -> Tensor:
        """Codes of noise.

        Args:
            noise: (B, e), from a standard normal distribution.

        Returns:
            (B, d), near the sphere but not on it: the generator brings them there.
        """
        return self.layers(noise)


def build_mapping(config: dict[str, Any]) -> Mapping:
    """Rebuilds a network from the config stored beside its weights.

    Raises:
        ValueError: the config is of something else.
    """
    if config.get("network") != "glann mapping":
        raise ValueError(f"expected the config of a mapping, got {config.get('network')!r}")
    return Mapping(MappingSettings(**config["settings"]), config["codes"])
