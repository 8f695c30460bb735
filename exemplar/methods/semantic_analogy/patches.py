"""A layout composed of patches of the source, coarse to fine, without any training.

The source is the only exemplar, and its classes guide (`exemplar.patches`): each patch of the
target takes the nearest patch of its class, all of the source's being used. So every pixel has a
source.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from exemplar.methods.semantic_analogy.settings import PatchesSettings
from exemplar.methods.semantic_analogy.source import Layout, Source
from exemplar.patches import composing
from exemplar.patches.exemplars import Exemplar
from exemplar.patches.levels import Guides
from exemplar.patches.library import Library


def compose(
    source: Source,
    target: NDArray[np.uint8],
    settings: PatchesSettings,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Layout:
    """Brings a source into a target's layout.

    Args:
        source: the image and its labels.
        target: (H', W') u8, places in the source's classes, of any size.
        settings: patches, weights, rounds.
        seed: of the random search at fine levels; equal seeds give equal layouts.
        device: where to work.

    Returns:
        The image (H', W', 3) and the place in the source that each of its pixels matches.

    Raises:
        ValueError: the target has classes that the source lacks.
    """
    lacking = np.setdiff1d(target, source.labels)
    if lacking.size:
        raise ValueError(
            f"the target has classes {lacking.tolist()} that the source lacks, which has "
            f"{np.unique(source.labels).tolist()}; give these pixels one of its classes"
        )
    exemplar = Exemplar(source.image, Guides(source.labels), side=max(source.labels.shape))
    weights = [1.0] * len(source.classes)
    library = Library([exemplar], max(target.shape), settings, weights, device)
    wanted = composing.Wanted(Guides(target), seed=seed)
    (made,) = composing.compose(library, [wanted], (target.shape[0], target.shape[1]))
    return Layout(made.image, np.ascontiguousarray(made.source[..., 1:]), made.votes)
