"""timm's image models as backbones, with published weights or a local file.

Layers are timm's stages (or the blocks of a transformer), named by number from fine to coarse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from exemplar.features.frozen import FrozenBackbone
from exemplar.settings import Settings, SettingsError
from exemplar.store.convert import read_state, state_hash
from exemplar.store.weights import WeightsError


class TimmSettings(Settings):
    """A network of timm."""

    kind: Literal["timm"] = "timm"
    name: str
    """As in `timm.list_models()`, with the tag of its weights if it has several."""
    weights: Path | Literal["published"] = "published"
    """`published` downloads once; a path names a state dict on disk."""
    indices: tuple[int, ...] | None = None
    """Stages or blocks to read, from 0; None reads all."""
    side: int | None = None
    """Resize images to this side first: transformers accept only the size they were made for."""


def load_timm(settings: TimmSettings, device: torch.device | str = "cpu") -> FrozenBackbone:
    """Loads a network.

    Args:
        settings: which network, weights and stages.
        device: where to run.

    Returns:
        The backbone; its layers are `stage0`, `stage1`, ….

    Raises:
        WeightsError: the weights cannot be had, or do not fit.
        SettingsError: there is no such network or stage.
    """
    network = _build(settings)
    if not hasattr(network, "forward_intermediates"):
        raise SettingsError(f"timm's {settings.name} gives no intermediate maps; choose another")
    available = range(len(network.feature_info))
    wanted = available if settings.indices is None else settings.indices
    unknown = [index for index in wanted if index not in available]
    if unknown or not wanted:
        raise SettingsError(
            f"timm's {settings.name} has no stage {unknown}; choose from {list(available)}"
        )
    indices = sorted(set(wanted))

    def taps(x: Tensor) -> list[Tensor]:
        return network.forward_intermediates(
            x, indices=indices, stop_early=True, intermediates_only=True, output_fmt="NCHW"
        )

    return FrozenBackbone(
        name=f"timm/{settings.name}#{state_hash(network.state_dict())}",
        layers=[f"stage{index}" for index in indices],
        network=network,
        taps=taps,
        device=device,
        mean=network.pretrained_cfg["mean"],
        std=network.pretrained_cfg["std"],
        side=settings.side,
    )


def _build(settings: TimmSettings) -> Any:
    """The network with its weights, every tensor accounted for."""
    import timm

    if settings.name.partition(".")[0] not in timm.list_models():
        raise SettingsError(f"timm has no network {settings.name!r}; see timm.list_models()")
    if settings.weights != "published":
        state = read_state(settings.weights)
        try:
            return timm.create_model(
                settings.name, pretrained=True, pretrained_cfg_overlay={"state_dict": state}
            )
        except (RuntimeError, KeyError) as error:
            raise WeightsError(
                f"{settings.weights}: the weights do not fit timm's {settings.name}: {error}"
            ) from error
    try:
        return timm.create_model(settings.name, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"cannot get the published weights of timm's {settings.name} ({error}). Without a "
            f"network, fetch {_origin(settings.name)} elsewhere and name the file with `weights:` "
            "in params.yaml"
        ) from error


def _origin(name: str) -> str:
    """Where a network's published weights are."""
    import timm

    config = timm.get_pretrained_cfg(name)
    if config is not None and config.hf_hub_id:
        return f"model.safetensors of {config.hf_hub_id} on the Hugging Face hub"
    return str(config.url) if config is not None and config.url else "a state dict"
