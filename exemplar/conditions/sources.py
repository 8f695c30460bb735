"""Where conditions come from: given with the image, exact, or seen by a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Discriminator, Tag
from torch import Tensor

from exemplar.conditions import lowres
from exemplar.estimators import Estimators
from exemplar.features.hed import HedSettings, load_hed
from exemplar.features.pidinet import PiDiNetSettings, load_pidinet
from exemplar.features.pixelnet import chunks
from exemplar.settings import Settings


def kind(source: Any) -> Any:
    """By what a source is told: the word itself, or its kind."""
    if isinstance(source, dict):
        return source.get("kind")
    return getattr(source, "kind", source)


EdgeSource = Annotated[
    Annotated[Literal["estimator"], Tag("estimator")]
    | Annotated[HedSettings, Tag("hed")]
    | Annotated[PiDiNetSettings, Tag("pidinet")],
    Discriminator(kind),
]
"""Which network sees edges: the estimators, HED from its package, or PiDiNet from a local file."""


class ConditionsSettings(Settings):
    """The section `conditions` of `params.yaml`."""

    edges: EdgeSource = "estimator"
    """Which network sees edges in photographs without given or exact ones."""
    threads: int = 1


def edge_network(
    source: EdgeSource, estimators: Estimators
) -> tuple[Callable[[Tensor], Tensor] | None, str]:
    """The network that sees edges in place of the estimators, if one is named, and its name.

    Args:
        source: from the settings.
        estimators: the default.

    Returns:
        (B, 3, H, W) in [0, 1] → (B, H, W) in [0, 1], or None for the estimators; the name.
    """
    if source == "estimator":
        return None, estimators.identity
    network = load_hed(source) if isinstance(source, HedSettings) else load_pidinet(source)
    return network, network.identity


def extract(
    images: np.ndarray, estimators: Estimators, edges: Callable[[Tensor], Tensor] | None = None
) -> dict[str, np.ndarray]:
    """Every condition of photographs, as it is stored.

    Args:
        images: (B, H, W, 3) u8.
        estimators: sees normals, parts and, by default, edges.
        edges: sees edges instead.

    Returns:
        `lowres` (B, 12, 12, 3) u8, `edges` (B, H, W) f16, `normals` (B, H, W, 3) f16 and
        `labels` (B, H, W) u8.
    """
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    seen = estimators(x)
    strengths = seen["edges"]
    if edges is not None:
        strengths = torch.cat([edges(x[part]) for part in chunks(len(x))])
    return {
        "lowres": lowres.extract(images),
        "edges": strengths.numpy().astype(np.float16),
        "normals": seen["normals"].permute(0, 2, 3, 1).numpy().astype(np.float16),
        "labels": seen["parts"].numpy(),
    }
