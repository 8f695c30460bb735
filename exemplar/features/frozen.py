"""A trained network as a backbone: images in, activations of named layers out.

Every kind of backbone ends here. Weights are frozen, but gradients reach the images, which the
methods that optimise an image need; wrap calls in `torch.no_grad()` where nothing does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.settings import SettingsError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Layer names in an error message; a deep network has hundreds.
_SHOWN = 60


class FrozenBackbone:
    """A network, what it wants done to images, and what it is called.

    Args:
        name: a stable identity with a hash of the weights.
        layers: the names of the maps.
        network: the module that holds the weights.
        taps: prepared images → maps, one for each layer, fine to coarse.
        device: where to run.
        mean: of each channel, subtracted.
        std: of each channel, divided by.
        side: enlarge or shrink images to this side first; for networks of one fixed size.
        magnify: without a side, enlarge images by this factor first, so that maps are finer.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[str],
        network: nn.Module,
        taps: Callable[[Tensor], Sequence[Tensor]],
        device: torch.device | str = "cpu",
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        side: int | None = None,
        magnify: float = 1.0,
    ) -> None:
        self.name = name
        self.layers = tuple(layers)
        self.network = network.to(device).eval().requires_grad_(False)
        self._taps = taps
        self._side, self._magnify = side, magnify
        self._mean = torch.tensor(mean, device=device)[:, None, None]
        self._std = torch.tensor(std, device=device)[:, None, None]

    def __call__(self, images: Tensor) -> list[Tensor]:
        """The maps of some images.

        Args:
            images: (B, 3, H, W) floating point RGB in [0, 1], on the backbone's device.

        Returns:
            One map (B, C_l, H_l, W_l) float32 for each layer, fine to coarse.

        Raises:
            ValueError: the images have another form.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"{self.name}: expected floating point images (B, 3, H, W) in [0, 1], "
                f"got {images.dtype} {tuple(images.shape)}"
            )
        return [level.float() for level in self._taps(self.prepared(images))]

    def prepared(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] as the network wants them, (B, 3, H', W') float32."""
        x = images.float()
        if self._side is not None:
            size = (self._side, self._side)
            x = functional.interpolate(x, size, mode="bilinear", antialias=True)
        else:
            x = magnified(x, self._magnify)
        return (x - self._mean) / self._std


def magnified(images: Tensor, factor: float) -> Tensor:
    """Images (B, C, H, W) enlarged, bicubic; a side has at least one pixel."""
    if factor == 1:
        return images
    size = [max(1, round(side * factor)) for side in images.shape[-2:]]
    return functional.interpolate(images, size, mode="bicubic", antialias=True)


def select_layers(wanted: Sequence[str], available: Sequence[str], network: str) -> tuple[str, ...]:
    """The wanted layers in the network's order, fine to coarse.

    Raises:
        SettingsError: a layer is not there, or none is named.
    """
    unknown = [name for name in wanted if name not in available]
    if unknown or not wanted:
        shown = ", ".join(available[:_SHOWN]) + (" …" if len(available) > _SHOWN else "")
        raise SettingsError(
            f"{network} has no layer {', '.join(unknown) or '(none named)'}; choose from {shown}"
        )
    return tuple(name for name in available if name in set(wanted))
