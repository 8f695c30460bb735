"""Second moments of hypercolumns over many images, and the directions that carry most of them.

Images stream through the backbone a batch at a time; `projection` turns the result into a
matrix. Nothing here grows with the number of images.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Generator, Tensor
from torch.nn import functional

from exemplar.features.backbone import Backbone
from exemplar.features.hypercolumn import hypercolumn_at, layer_energy

# Below this share of the greatest eigenvalue a direction is rounding noise.
_NOISE = 1e-10


class ProjectionError(ValueError):
    """A projection cannot be learned, or does not fit the maps it is given."""


def measure_layers(backbone: Backbone, batches: Iterable[Tensor]) -> tuple[Tensor, tuple[int, ...]]:
    """How strong and how wide each layer is.

    Args:
        backbone: gives the maps.
        batches: images (B, 3, H, W).

    Returns:
        Mean squared lengths (L,) float64 on the CPU, and L numbers of channels.

    Raises:
        ProjectionError: there are no images, or activations are not finite.
    """
    energy, count, channels = torch.zeros(len(backbone.layers), dtype=torch.float64), 0, ()
    for images in batches:
        with torch.no_grad():
            maps = backbone(images)
        energy += layer_energy(maps).cpu() * len(images)
        count += len(images)
        channels = tuple(x.shape[1] for x in maps)
        require_finite(energy, backbone.name)
    if not count:
        raise ProjectionError("expected at least one batch of images to learn from, got none")
    return energy / count, channels


def second_moment(
    backbone: Backbone, batches: Iterable[Tensor], scales: Tensor, pixels: int, seed: int
) -> tuple[Tensor, int]:
    """The mean of h hᵀ over unit-length hypercolumns h at random pixels.

    Args:
        backbone: gives the maps.
        batches: images (B, 3, H, W).
        scales: (L,), each layer's factor before the length is made 1.
        pixels: sampled in each image, with repeats.
        seed: of the sample.

    Returns:
        (C, C) float64 on the CPU, and the number of pixels.

    Raises:
        ProjectionError: activations are not finite.
    """
    generator = Generator().manual_seed(seed)
    total, count = torch.zeros((), dtype=torch.float64), 0
    for images in batches:
        height, width = images.shape[-2:]
        points = torch.randint(height * width, (len(images), pixels), generator=generator)
        with torch.no_grad():
            maps = backbone(images)
            column = hypercolumn_at(maps, (height, width), points.to(images.device), scales)
        flat = functional.normalize(column.transpose(1, 2).flatten(0, 1).double(), dim=1)
        total = total + (flat.T @ flat).cpu()
        count += len(flat)
    require_finite(total, backbone.name)
    return total / count, count


def leading_directions(moment: Tensor, dimensions: int, whiten: bool) -> tuple[Tensor, Tensor]:
    """The eigenvectors with the greatest eigenvalues.

    Args:
        moment: (C, C) float64, symmetric, without negative eigenvalues.
        dimensions: D, at most C.
        whiten: divide each direction by the root of its eigenvalue.

    Returns:
        (C, D) float32, each column's largest entry positive; and (C,) float32, entry d − 1 the
        share of the trace in the first d directions.

    Raises:
        ProjectionError: whitening asks for more directions than the moment has.
    """
    values, vectors = torch.linalg.eigh(moment)
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)[:, :dimensions]
    # An eigenvector's sign is arbitrary; fix it so that equal data give equal descriptors.
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    vectors = vectors * largest.sign()
    if whiten:
        rank = int((values > _NOISE * values[0]).sum())
        if rank < dimensions:
            raise ProjectionError(
                f"cannot whiten {dimensions} dimensions: the sample spans only {rank}; "
                "lower `dimensions`, sample more pixels, or set `whiten: false`"
            )
        vectors = vectors * values[:dimensions].rsqrt()
    return vectors.float().contiguous(), (values.cumsum(0) / values.sum()).float()


def require_finite(values: Tensor, backbone: str) -> None:
    """Checks activations, or what was made of them.

    Raises:
        ProjectionError: a value is NaN or infinite.
    """
    if not bool(values.isfinite().all()):
        raise ProjectionError(
            f"{backbone} gave values that are not finite; its weights are damaged, "
            "or the images hold NaN"
        )
