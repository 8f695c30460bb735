"""A linear projection of hypercolumns to few dimensions, learned once per feature store.

Backbone maps come in, unit descriptors go out to the pixel search. The directions are those of
the greatest mean square of unit-length hypercolumns (an uncentred PCA), so the cosine of two
descriptors approximates the cosine of their hypercolumns as closely as a linear map can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.features.backbone import Backbone, BackboneSettings, EstimatorTrunkSettings
from exemplar.features.hypercolumn import resized, scales_from_energy
from exemplar.features.moments import (
    ProjectionError,
    leading_directions,
    measure_layers,
    require_finite,
    second_moment,
)
from exemplar.settings import Settings
from exemplar.store.weights import WeightsError, load_weights, save_weights


class ProjectionSettings(Settings):
    """The section `projection` of `params.yaml`: how descriptors are made from hypercolumns."""

    backbone: BackboneSettings = EstimatorTrunkSettings()
    dimensions: int = Field(default=64, ge=1)
    pixels: int = Field(default=512, ge=1)
    """Pixels an image gives to the fit."""
    equalise: bool = True
    """Give every layer the same energy; the released system does not."""
    whiten: bool = False
    """Give every direction the same variance: sharper matches, noisier descriptors."""
    seed: int = 0
    sample: int = Field(default=128, ge=1)
    """Training images the projection is learned from."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""


@dataclass(frozen=True)
class Projection:
    """A learned projection.

    Attributes:
        backbone: the name of the backbone whose maps it is for.
        layers: the names of its L layers.
        channels: their channels; C is the sum.
        scales: (L,) float32, the factor of each layer before concatenation.
        matrix: (C, D) float32, applied to the scaled hypercolumn.
        kept: (C,) float32, entry d − 1 the share of energy in the first d directions.
        whiten: whether the matrix divides by standard deviations.
    """

    backbone: str
    layers: tuple[str, ...]
    channels: tuple[int, ...]
    scales: Tensor
    matrix: Tensor
    kept: Tensor
    whiten: bool

    @property
    def dimensions(self) -> int:
        """D, the length of a descriptor."""
        return self.matrix.shape[1]


@dataclass(frozen=True)
class Sampled:
    """Hypercolumns of some images, summed up.

    Attributes:
        backbone: the name of the backbone.
        layers: the names of its L layers.
        channels: their channels; C is the sum.
        scales: (L,) float32, the factor of each layer before concatenation.
        moment: (C, C) float64, their second moment at unit length.
        pixels: how many there were.
    """

    backbone: str
    layers: tuple[str, ...]
    channels: tuple[int, ...]
    scales: Tensor
    moment: Tensor
    pixels: int


def sample_hypercolumns(
    backbone: Backbone, batches: Iterable[Tensor], settings: ProjectionSettings
) -> Sampled:
    """Sums up hypercolumns at random pixels, in memory that does not grow with the images.

    Args:
        backbone: gives the maps.
        batches: images (B, 3, H, W) float32 in [0, 1]; gone through twice, so a list or another
            collection, not an iterator. Batches may differ in size.
        settings: how to sample.

    Raises:
        ProjectionError: there are no images, or values that are not finite.
    """
    if iter(batches) is batches:
        raise ProjectionError("batches are gone through twice: expected a list, got an iterator")
    energy, channels = measure_layers(backbone, batches)
    ones = torch.ones(len(channels))
    scales = scales_from_energy(energy) if settings.equalise else ones
    moment, pixels = second_moment(backbone, batches, scales, settings.pixels, settings.seed)
    return Sampled(backbone.name, tuple(backbone.layers), channels, scales, moment, pixels)


def projection_of(sampled: Sampled, dimensions: int, whiten: bool = False) -> Projection:
    """The projection to the directions of most energy.

    Args:
        sampled: hypercolumns.
        dimensions: D.
        whiten: give every direction the same variance.

    Returns:
        The projection, on the CPU; each direction's largest entry is positive.

    Raises:
        ProjectionError: fewer channels or sampled pixels than dimensions.
    """
    total = sum(sampled.channels)
    if dimensions > total:
        raise ProjectionError(
            f"cannot project to {dimensions} dimensions: {sampled.backbone} has {total} "
            f"channels in {', '.join(sampled.layers)}; lower `dimensions` or name more layers"
        )
    if sampled.pixels < dimensions:
        raise ProjectionError(
            f"{sampled.pixels} sampled pixels are too few for {dimensions} dimensions; "
            "give more images or raise `pixels`"
        )
    matrix, kept = leading_directions(sampled.moment, dimensions, whiten)
    return Projection(
        sampled.backbone, sampled.layers, sampled.channels, sampled.scales, matrix, kept, whiten
    )


def fit_projection(
    backbone: Backbone, batches: Iterable[Tensor], settings: ProjectionSettings
) -> Projection:
    """Learns the projection from some images.

    Args:
        backbone: gives the maps.
        batches: as for `sample_hypercolumns`.
        settings: dimensions and sampling.

    Returns:
        The projection.

    Raises:
        ProjectionError: as `sample_hypercolumns` and `projection_of`.
    """
    sampled = sample_hypercolumns(backbone, batches, settings)
    return projection_of(sampled, settings.dimensions, settings.whiten)


def project(column: Tensor, projection: Projection) -> Tensor:
    """Descriptors from hypercolumns.

    Args:
        column: (B, C, H, W), from `hypercolumn` with the projection's scales.
        projection: learned from the same backbone.

    Returns:
        (B, D, H, W), unit length over channels (zero where the hypercolumn is zero).

    Raises:
        ProjectionError: another number of channels, or values that are not finite.
    """
    _require_channels((column.shape[1],), (sum(projection.channels),), projection)
    matrix = projection.matrix.to(column)
    return _unit(torch.einsum("bchw,cd->bdhw", column, matrix), projection)


def describe(maps: list[Tensor], size: tuple[int, int], projection: Projection) -> Tensor:
    """Descriptors straight from maps: what `project` makes of the hypercolumn, much cheaper.

    A linear map and bilinear interpolation commute, so each layer is projected at its own size
    and only then enlarged; the hypercolumn's length cancels when the result is made unit.

    Args:
        maps: L maps (B, C_l, H_l, W_l), from the backbone the projection was learned from.
        size: (H, W) of the descriptors.
        projection: from `fit_projection`.

    Returns:
        (B, D, H, W), unit length over channels.

    Raises:
        ProjectionError: the maps are another backbone's, or have values that are not finite.
    """
    channels = tuple(x.shape[1] for x in maps)
    _require_channels(channels, projection.channels, projection)
    total: Tensor | None = None
    for x, rows, scale in zip(
        maps, projection.matrix.split(list(channels)), projection.scales, strict=True
    ):
        weight = (rows * scale).T[:, :, None, None].to(x)
        if x.shape[-2] * x.shape[-1] <= size[0] * size[1]:
            part = resized(functional.conv2d(x, weight), size)
        else:
            part = functional.conv2d(resized(x, size), weight)
        total = part if total is None else total + part
    assert total is not None
    return _unit(total, projection)


def require_backbone(projection: Projection, backbone: Backbone) -> None:
    """Checks that a projection, and descriptors made with it, belong to a backbone.

    Raises:
        ProjectionError: they are another's.
    """
    if projection.backbone != backbone.name or projection.layers != tuple(backbone.layers):
        raise ProjectionError(
            f"the descriptors are of {projection.backbone} ({', '.join(projection.layers)}), "
            f"the backbone is {backbone.name} ({', '.join(backbone.layers)}); "
            "run the stage `projection` again, or name the former backbone in params.yaml"
        )


def save_projection(path: Path | str, projection: Projection) -> None:
    """Writes a projection as safetensors with a JSON config beside."""
    state = {name: getattr(projection, name) for name in ("matrix", "scales", "kept")}
    config = {
        "backbone": projection.backbone,
        "layers": list(projection.layers),
        "channels": list(projection.channels),
        "whiten": projection.whiten,
    }
    save_weights(path, state, config)


def load_projection(path: Path | str) -> Projection:
    """Reads what `save_projection` wrote.

    Raises:
        WeightsError: the file is missing, damaged, or not a projection.
    """
    state, config = load_weights(path)
    try:
        return Projection(
            backbone=config["backbone"],
            layers=tuple(config["layers"]),
            channels=tuple(config["channels"]),
            whiten=config["whiten"],
            **{name: state[name] for name in ("matrix", "scales", "kept")},
        )
    except KeyError as error:
        raise WeightsError(f"{path}: not a projection: no {error}") from None


def _unit(descriptors: Tensor, projection: Projection) -> Tensor:
    require_finite(descriptors, projection.backbone)
    return functional.normalize(descriptors, dim=1)


def _require_channels(
    got: tuple[int, ...], expected: tuple[int, ...], projection: Projection
) -> None:
    if got != expected:
        raise ProjectionError(
            f"the projection is for {projection.backbone} with {expected} channels, "
            f"got {got}: descriptors of another backbone; run the stage `projection` again"
        )
