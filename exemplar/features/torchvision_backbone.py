"""torchvision's classifiers as backbones, with published weights or a local file.

VGG layers go by their usual names, conv1_2 … conv5_3, after the ReLU; those of other networks by
torchvision's own (`layer1`). PixelNN's hypercolumns are VGG-16's default layers here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from exemplar.features.frozen import IMAGENET_MEAN, IMAGENET_STD, FrozenBackbone, select_layers
from exemplar.settings import Settings, SettingsError
from exemplar.store.convert import read_state, state_hash
from exemplar.store.weights import WeightsError, fit_weights

VGG_LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
RESNET_LAYERS = ("relu", "layer1", "layer2", "layer3", "layer4")


class TorchvisionSettings(Settings):
    """A classifier of torchvision."""

    kind: Literal["torchvision"] = "torchvision"
    name: str = "vgg16"
    """As in `torchvision.models.list_models(module=torchvision.models)`."""
    weights: Path | Literal["published"] = "published"
    """`published` downloads once; a path names a state dict on disk."""
    layers: tuple[str, ...] | None = None
    """None: the five of PixelNN for a VGG, the five stages of a ResNet."""


def load_torchvision(
    settings: TorchvisionSettings, device: torch.device | str = "cpu"
) -> FrozenBackbone:
    """Loads a network up to the deepest layer asked for.

    Args:
        settings: which network, weights and layers.
        device: where to run.

    Returns:
        The backbone.

    Raises:
        WeightsError: the weights cannot be had, or do not fit.
        SettingsError: there is no such network or layer.
    """
    from torchvision.models.feature_extraction import create_feature_extractor

    network, on_meta = _build(settings.name)
    names = _layer_nodes(network)
    default = RESNET_LAYERS if settings.name.startswith(("res", "wide_res")) else VGG_LAYERS
    layers = select_layers(settings.layers or default, list(names), settings.name)
    known = set(network.state_dict())
    extractor = create_feature_extractor(network, {names[layer]: layer for layer in layers})
    if on_meta:
        extractor = extractor.to_empty(device="cpu")
    where, state = _state(settings)
    # The classifier is not needed: neither asked for nor complained about.
    needed = set(extractor.state_dict())
    used = {name: value for name, value in state.items() if name in needed or name not in known}
    fit_weights(extractor, used, where)
    mean, std = _normalisation(settings.name)

    def taps(x: Tensor) -> list[Tensor]:
        maps = extractor(x)
        return [maps[layer] for layer in layers]

    name = f"torchvision/{settings.name}#{state_hash(used)}"
    return FrozenBackbone(name, layers, extractor, taps, device, mean, std)


def _build(name: str) -> tuple[nn.Module, bool]:
    """The network without weights, and whether it has no memory yet."""
    from torchvision import models

    if name not in models.list_models(module=models):
        raise SettingsError(
            f"torchvision has no classifier {name!r}; it has "
            f"{', '.join(models.list_models(module=models))}"
        )
    options: dict[str, Any] = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    try:
        # Most of a classifier's memory is its head, which is cut off before weights come in.
        with torch.device("meta"):
            return models.get_model(name, **options).eval(), True
    except NotImplementedError:
        return models.get_model(name, **options).eval(), False


def _layer_nodes(network: nn.Module) -> dict[str, str]:
    """Layer name → the node of the network's graph that computes it, fine to coarse."""
    features = getattr(network, "features", None)
    if type(network).__name__ == "VGG" and isinstance(features, nn.Sequential):
        nodes, block, position = {}, 1, 0
        for index, module in enumerate(features):
            if isinstance(module, nn.Conv2d):
                position += 1
            elif isinstance(module, nn.ReLU):
                nodes[f"conv{block}_{position}"] = f"features.{index}"
            elif isinstance(module, nn.MaxPool2d):
                block, position = block + 1, 0
        return nodes
    from torchvision.models.feature_extraction import get_graph_node_names

    # A node stands for the last operation inside; parents of nodes are layers too.
    names: dict[str, str] = {}
    for node in get_graph_node_names(network)[1]:
        parts = node.split(".")
        for depth in range(1, len(parts) + 1):
            parent = ".".join(parts[:depth])
            names.pop(parent, None)
            names[parent] = parent
    return names


def _state(settings: TorchvisionSettings) -> tuple[str, dict[str, Tensor]]:
    """Where the weights come from, and the weights."""
    if settings.weights != "published":
        return str(settings.weights), read_state(settings.weights)
    path = _published(settings.name)
    return str(path), read_state(path)


def _published(name: str) -> Path:
    """The published file in torch's own cache, downloaded if it is not there."""
    from torchvision.models import get_model_weights

    url = next(iter(get_model_weights(name))).url
    file = url.rsplit("/", 1)[-1]
    path = Path(torch.hub.get_dir()) / "checkpoints" / file
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = file.removesuffix(".pth").rpartition("-")[2]
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=digest, progress=False)
        except (OSError, RuntimeError) as error:
            raise WeightsError(
                f"cannot download the published weights of {name} ({error}). Without a network, "
                f"fetch {url} elsewhere and put it at {path}, or name any local state dict "
                "with `weights:` in params.yaml"
            ) from error
    return path


def _normalisation(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and deviation the published network was trained with."""
    from torchvision.models import get_model_weights

    for weights in get_model_weights(name):
        preset = weights.transforms()
        return tuple(preset.mean), tuple(preset.std)
    return IMAGENET_MEAN, IMAGENET_STD
