"""What images are compared on: one vector of features an image, by a network that is named.

A Fréchet distance or PRD means nothing without it, so its name stands in the table beside them.
By default it is the domain's own classifier, which needs no download; Inception's features make
them the published FID.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
import torch
from pydantic import Field

from exemplar.features.backbone import (
    Backbone,
    BackboneSettings,
    EstimatorTrunkSettings,
    load_backbone,
)
from exemplar.features.classifier import load_classifier
from exemplar.features.efficientnet_lite2 import PooledEfficientNet
from exemplar.features.inception import InceptionSettings, load_inception
from exemplar.features.pixelnet import chunks
from exemplar.metrics.frechet import FEATURE_LAYERS, channel_means
from exemplar.settings import Settings
from exemplar.store.weights import WeightsError


class ClassifierJudge(Settings):
    """The classifier that the stage `classifier` trained on the domain's own categories."""

    kind: Literal["classifier"] = "classifier"


NetworkSettings = Annotated[InceptionSettings | BackboneSettings, Field(discriminator="kind")]
"""By which network's features images are compared."""

EmbeddingSettings = Annotated[ClassifierJudge | NetworkSettings, Field(discriminator="kind")]
"""The same, or by the domain's own classifier."""

FINE_LAYERS = EstimatorTrunkSettings(layers=FEATURE_LAYERS)
"""The estimators' features by which PixelNN's images are compared."""


class Embedding(Protocol):
    """A network that describes whole images.

    Attributes:
        name: a stable identity with a hash of the weights.
    """

    name: str

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features (B, M) float32 of images (B, H, W, 3) u8."""
        ...


class LayerMeans:
    """A backbone as an embedding: each channel's mean over the image.

    Attributes:
        name: the backbone's, and its layers.
    """

    def __init__(self, backbone: Backbone, device: torch.device | str = "cpu") -> None:
        self.name = f"{backbone.name} means of {'+'.join(backbone.layers)}"
        self.backbone, self.device = backbone, torch.device(device)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """As `Embedding`; M is the number of channels of all layers."""
        found = []
        for part in chunks(len(images)):
            x = torch.from_numpy(images[part]).to(self.device).permute(0, 3, 1, 2).float() / 255
            with torch.inference_mode():
                found.append(channel_means(self.backbone(x)).cpu())
        return torch.cat(found).numpy() if found else np.empty((0, 0), np.float32)


class PooledFeatures:
    """EfficientNet-Lite2's features before its classifier as an embedding.

    Attributes:
        name: the network's, and the side that images are brought to.
    """

    BATCH = 4  # images at a time: more are slower on a core, each for itself too

    def __init__(self, side: int) -> None:
        self._network = PooledEfficientNet(side)
        self.name = self._network.name

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """As `Embedding`; M is 1,280."""
        found = []
        for start in range(0, len(images), self.BATCH):
            x = torch.from_numpy(images[start : start + self.BATCH]).permute(0, 3, 1, 2)
            with torch.inference_mode():
                features, _ = self._network(x.float() / 255)
            found.append(features)
        return torch.cat(found).numpy()


def load_embedding(
    settings: EmbeddingSettings | None,
    classifier: Path,
    estimators: Path,
    device: torch.device | str = "cpu",
) -> Embedding:
    """Loads what images of a domain are compared on.

    Args:
        settings: which; None for the domain's classifier or, if its images have no categories,
            the estimators' fine layers.
        classifier: where the stage `classifier` left it.
        estimators: the estimators' weights.
        device: where to run.

    Returns:
        The embedding.

    Raises:
        WeightsError: weights are missing, damaged, or do not fit; or the classifier is named but
            there is none.
        ValueError: there is no such network or layer.
    """
    if settings is None or isinstance(settings, ClassifierJudge):
        found = load_classifier(classifier, device)
        if found is not None:
            return found
        if settings is not None:
            raise WeightsError(
                f"{classifier}: the domain's images are not of two categories, so there is no "
                "classifier; name other features in params.yaml, such as {kind: inception}"
            )
        settings = FINE_LAYERS
    return load_network(settings, estimators, device)


def load_network(
    settings: NetworkSettings, estimators: Path, device: torch.device | str = "cpu"
) -> Embedding:
    """Loads a named network as an embedding; arguments and errors are as above."""
    if isinstance(settings, InceptionSettings):
        return load_inception(settings, device)
    return LayerMeans(load_backbone(settings, estimators, device), device)
