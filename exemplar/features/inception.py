"""The Inception network of the published Fréchet distances, by torch-fidelity.

A judge of images made and photographs (`embedding`): its last pooled layer is what other papers'
FID and PRD are measured on. Its weights are not those of torchvision's network of the same name.
Source: Heusel et al., "GANs trained by a two time-scale update rule", 2017; GLANN, section 4.1.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from exemplar.settings import Settings
from exemplar.store.convert import read_state, state_hash
from exemplar.store.weights import WeightsError, fit_weights

DIMENSIONS = 2048
LAYER = str(DIMENSIONS)
"""By torch-fidelity's name."""

BATCH = 16
"""Images at a time: enlarged to 299×299, each takes 60 MB of maps."""


class InceptionSettings(Settings):
    """The network of the published FID."""

    kind: Literal["inception"] = "inception"
    weights: Path | Literal["published"] = "published"
    """`published` downloads once; a path names the same file on disk, or one of safetensors."""


class Inception:
    """The features of images.

    Attributes:
        name: `inception`, which is what papers mean, or that the weights are others; with their
            hash.
        network: torch-fidelity's, in evaluation mode.
        device: where it is.
    """

    def __init__(
        self, network: nn.Module, published: bool, device: torch.device | str = "cpu"
    ) -> None:
        called = "inception" if published else "inception with other weights"
        self.name = f"{called}#{state_hash(network.state_dict())}"
        self.network, self.device = network.to(device).eval(), torch.device(device)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features (B, 2048) float32 of images (B, H, W, 3) u8 of any size.

        They are enlarged to 299×299 as the network's first program did it: bilinear, from bytes,
        without smoothing; other ways give other distances.
        """
        found = []
        for start in range(0, len(images), BATCH):
            x = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2)
            with torch.inference_mode():
                found.append(self.network(x.to(self.device))[0].cpu())
        return torch.cat(found).numpy() if found else np.empty((0, DIMENSIONS), np.float32)


def load_inception(settings: InceptionSettings, device: torch.device | str = "cpu") -> Inception:
    """Loads the network.

    Raises:
        WeightsError: torch-fidelity is missing, the weights cannot be had, or they do not fit.
    """
    network = _without_weights()
    path = _published() if settings.weights == "published" else Path(settings.weights)
    state = read_state(path)
    for name, value in network.state_dict().items():
        # Counts of batches, which only training reads; older files have none.
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, value)
    fit_weights(network, state, str(path))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Inception(network, digest.startswith(_digest(_url())), device)


def _without_weights() -> nn.Module:
    """torch-fidelity's network as it was before it read any weights."""
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise WeightsError(
            f"the features `inception` need the package torch-fidelity ({error}); install it, or "
            "name other features in params.yaml"
        ) from error

    class Unfilled(FeatureExtractorInceptionV3):
        # The library unpickles whatever file it is given. It is given an empty one, and weights
        # come in by `fit_weights`, from tensors alone.
        def load_state_dict(
            self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
        ) -> Any:
            return super().load_state_dict(state_dict, strict, assign) if state_dict else None

    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    return Unfilled("exemplar", [LAYER], feature_extractor_weights_path=empty)


def _url() -> str:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    return URL_INCEPTION_V3


def _digest(url: str) -> str:
    """The beginning of a published file's SHA-256, with which its name ends."""
    return url.removesuffix(".pth").rpartition("-")[2]


def _published() -> Path:
    """The published file in torch's own cache, where torch-fidelity looks too."""
    url = _url()
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=_digest(url), progress=False)
        except (OSError, RuntimeError) as error:
            raise WeightsError(
                f"cannot download the published weights of Inception ({error}). Without a network, "
                f"fetch {url} elsewhere and put it at {path}, or name a local copy with `weights:` "
                "in params.yaml"
            ) from error
    return path
