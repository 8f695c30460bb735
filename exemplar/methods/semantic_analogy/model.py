"""A GAN of one image, trained: it brings its source into any layout of the same size.

Between `generator` and what uses it: `training` here, stages and the command line at the end.
Source: Li et al., "Semantic Image Analogy with a Conditional Single-Image GAN", 2020, section 3.2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn
from torch.nn import functional

from exemplar.methods.semantic_analogy.gan_settings import Code
from exemplar.methods.semantic_analogy.generator import Change, Generator, GeneratorSettings
from exemplar.methods.semantic_analogy.source import SMALLEST_SIDE, Source
from exemplar.settings import SettingsError
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights


class Gan(nn.Module):
    """The generator and the source that it rearranges.

    Attributes:
        source: at its own size.
        code: how labels are put to the generator.
        generator: with the segmentation encoder.
        image: (1, 3, H, W) float32, the source in [-1, 1], padded to what the generator takes.
        labels: (1, H, W) i64, padded likewise.
    """

    image: Tensor
    labels: Tensor

    def __init__(self, source: Source, settings: GeneratorSettings, code: Code = "onehot") -> None:
        """Builds the generator with random weights.

        Args:
            source: of at least 32 pixels a side.
            settings: sizes.
            code: see `GanSettings`.

        Raises:
            SettingsError: the source is too small, or its image, labels and classes do not fit.
        """
        super().__init__()
        _check(source)
        self.source, self.code = source, code
        channels = 3 if code == "colours" else len(source.classes)
        self.generator = Generator(channels, settings)
        self.multiple = 2**settings.stages
        image = torch.from_numpy(source.image.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        labels = torch.from_numpy(source.labels.copy())[None].long()
        self.register_buffer("image", padded(image, self.multiple), persistent=False)
        whole = padded(labels[:, None].float(), self.multiple)[:, 0].long()
        self.register_buffer("labels", whole, persistent=False)
        # The layout decides the last bits, so it is the same wherever a GAN comes from.
        self.to(memory_format=torch.channels_last)

    def encode(self, labels: Tensor) -> Tensor:
        """Labels (B, H, W) i64 as the networks read them, (B, K, H, W) float32."""
        if self.code == "colours":
            table = colours(len(self.source.classes)).to(labels.device)
            return table[labels].permute(0, 3, 1, 2)
        shown = functional.one_hot(labels, len(self.source.classes))
        return shown.permute(0, 3, 1, 2).float()

    def forward(
        self, images: Tensor, source: Tensor, target: Tensor
    ) -> tuple[Tensor, list[Change]]:
        """Brings images (B, 3, H, W) from labels (B, H, W) to others; see `Generator`."""
        return self.generator(images, self.encode(source), self.encode(target))

    def render(self, targets: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The source in other layouts.

        Args:
            targets: (M, H, W) u8, places in the source's classes, of its size.

        Returns:
            (M, H, W, 3) u8 RGB; an image does not depend on which others are asked for.

        Raises:
            ValueError: targets have another form, size, or classes.
        """
        height, width = self.source.labels.shape
        if targets.ndim != 3 or targets.shape[1:] != (height, width) or targets.dtype != np.uint8:
            raise ValueError(
                f"expected targets (M, {height}, {width}) uint8, the size of the source that this "
                f"GAN was trained on, got {targets.shape} {targets.dtype}; resize the label maps "
                "to it"
            )
        if targets.size and int(targets.max()) >= len(self.source.classes):
            raise ValueError(
                f"expected places in the source's {len(self.source.classes)} classes, got "
                f"{int(targets.max())}"
            )
        training = self.training
        self.eval()
        made = []
        with torch.inference_mode():
            for target in targets:
                wanted = torch.from_numpy(target.astype(np.float32))[None, None]
                wanted = padded(wanted, self.multiple)[:, 0].long().to(self.image.device)
                image, _ = self(self.image, self.labels, wanted)
                made.append(to_pixels(image[0, :, :height, :width]))
        self.train(training)
        return np.stack(made) if made else np.empty((0, height, width, 3), np.uint8)


def padded(maps: Tensor, multiple: int) -> Tensor:
    """Maps (B, C, H, W) mirrored at the right and at the bottom, to multiples of so many pixels."""
    below, right = (-size % multiple for size in maps.shape[-2:])
    return functional.pad(maps, (0, right, 0, below), mode="reflect")


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) in [-1, 1] → (H, W, 3) u8."""
    values = (image.float() + 1).mul(127.5).round().clamp(0, 255)
    return values.to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def colours(count: int) -> Tensor:
    """Colours (count, 3) float32 in [-1, 1] far from each other, the first black.

    The bits of a class's number in turn are the highest bits of red, green and blue, as in the
    PASCAL VOC label maps.
    """
    numbers = np.arange(count)
    table = np.zeros((count, 3), np.int64)
    for place in range(24):
        table[:, place % 3] |= ((numbers >> place) & 1) << (7 - place // 3)
    return torch.from_numpy(table).float() / 127.5 - 1


def save_gan(path: Path | str, gan: Gan) -> None:
    """Writes weights and the source, and beside them the architecture."""
    config = {
        "generator": gan.generator.settings.model_dump(mode="json"),
        "code": gan.code,
        "classes": list(gan.source.classes),
    }
    kept = {
        "source.image": torch.from_numpy(gan.source.image.copy()),
        "source.labels": torch.from_numpy(gan.source.labels.copy()),
    }
    save_weights(path, gan.state_dict() | kept, config)


def load_gan(path: Path | str, device: torch.device | str = "cpu") -> Gan:
    """Reads what `save_gan` wrote.

    Returns:
        The GAN, in evaluation mode.

    Raises:
        WeightsError: a file is missing, damaged, or of another network.
    """
    state, config = load_weights(path)
    try:
        source = Source(
            state.pop("source.image").numpy(),
            state.pop("source.labels").numpy(),
            tuple(config["classes"]),
        )
        settings = GeneratorSettings.model_validate(config["generator"])
        gan = Gan(source, settings, TypeAdapter(Code).validate_python(config["code"]))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise WeightsError(f"{path}: not a GAN of one image: {error}") from error
    fit_weights(gan, state, str(path))
    return gan.to(device).eval()


def _check(source: Source) -> None:
    """Raises `ValueError` with all that is wrong with a source."""
    shapes = source.image.shape, source.labels.shape
    problems: list[str] = []
    if source.image.ndim != 3 or shapes[0][2:] != (3,) or source.image.dtype != np.uint8:
        problems.append(f"expected an image (H, W, 3) uint8, got {shapes[0]} {source.image.dtype}")
    if shapes[1] != shapes[0][:2] or source.labels.dtype != np.uint8:
        problems.append(
            f"expected labels {shapes[0][:2]} uint8, as the image, got {shapes[1]} "
            f"{source.labels.dtype}"
        )
    if min(shapes[0][:2], default=0) < SMALLEST_SIDE:
        problems.append(
            f"expected at least {SMALLEST_SIDE} pixels a side, got {shapes[0][:2]}; enlarge the "
            "image and its labels"
        )
    if source.labels.size and int(source.labels.max()) >= len(source.classes):
        problems.append(
            f"expected labels below {len(source.classes)}, the number of classes, got "
            f"{int(source.labels.max())}"
        )
    if problems:
        raise SettingsError("; ".join(problems))
