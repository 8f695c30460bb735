"""Networks that see edges in photographs, as functions from images to soft edges.

Every kind of edge detector ends here: the condition `edges` can be extracted with one in place of
the project's estimators, and another can judge what was made.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.frozen import magnified

SMALLEST = 8
"""Pixels a side that a network must be given."""


class EdgeNetwork:
    """Edges of photographs.

    Attributes:
        identity: a stable name with the scale and a hash of the weights, for tables.

    Args:
        identity: as above.
        network: normalised images (B, 3, H, W) → edge logits (B, 1, H, W).
        mean: of each channel of RGB in [0, 1], subtracted.
        std: of each channel, divided by.
        magnify: enlarge images by this factor before the network sees them.
        device: where to run.
    """

    def __init__(
        self,
        identity: str,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        magnify: float = 1.0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.identity = identity
        self.network = network.to(device).eval().requires_grad_(False)
        self.magnify = magnify
        self._mean = torch.tensor(mean, device=device)[:, None, None]
        self._std = torch.tensor(std, device=device)[:, None, None]

    def __call__(self, images: Tensor) -> Tensor:
        """Soft edges.

        Args:
            images: (B, 3, H, W) float RGB in [0, 1].

        Returns:
            (B, H, W) float32 in [0, 1], 1 on an edge.

        Raises:
            ValueError: the images have another form, or are too small.
        """
        height, width = images.shape[-2:]
        smaller = min(round(height * self.magnify), round(width * self.magnify))
        if images.ndim != 4 or images.shape[1] != 3 or smaller < SMALLEST:
            raise ValueError(
                f"{self.identity}: expected images (B, 3, H, W) of {SMALLEST} pixels a side or "
                f"more after magnifying {self.magnify:g} times, got {tuple(images.shape)}"
            )
        x = magnified((images.float() - self._mean) / self._std, self.magnify)
        edges = self.network(x).sigmoid()
        if self.magnify != 1:
            edges = functional.interpolate(edges, (height, width), mode="bilinear", antialias=True)
        return edges[:, 0]
