"""The judge of a table: which networks see normals and edges in synthesised and real images.

What the judge sees in the real photograph counts as the truth. Source: PixelNN, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from exemplar.estimators import Estimators
from exemplar.features.pixelnet import chunks


@dataclass(frozen=True)
class Judge:
    """Networks that see normals and edges.

    Attributes:
        estimators: sees normals, and edges unless another network does.
        edges: (B, 3, H, W) in [0, 1] → (B, H, W) in [0, 1], in place of the estimators'.
        edges_identity: that network's name.
    """

    estimators: Estimators
    edges: Callable[[Tensor], Tensor] | None = None
    edges_identity: str = ""

    @property
    def identity(self) -> str:
        """As written into the table's `judge` column."""
        if self.edges is None:
            return self.estimators.identity
        return f"normals {self.estimators.identity}, edges {self.edges_identity}"

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Looks at images.

        Args:
            images: (B, H, W, 3) u8.

        Returns:
            Normals (B, H, W, 3) float32, unit; edges (B, H, W) float32 in [0, 1].
        """
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        seen = self.estimators(x)
        edges = seen["edges"]
        if self.edges is not None:
            edges = torch.cat([self.edges(x[part]) for part in chunks(len(x))])
        return seen["normals"].permute(0, 2, 3, 1).numpy(), edges.numpy()
