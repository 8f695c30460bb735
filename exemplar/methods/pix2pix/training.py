"""Training of pix2pix: a U-Net against a PatchGAN, on pairs of conditions and photographs.

Source: Isola et al., Eq. 4: G* = arg min_G max_D L_cGAN(G, D) + λ L_L1(G).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from exemplar import conditions
from exemplar.labels.colours import label_palette
from exemplar.labels.sides import Pairs as SidePairs
from exemplar.labels.sides import exchanged
from exemplar.methods.pix2pix.generator import Pix2Pix, to_bytes
from exemplar.methods.pix2pix.settings import AdversarialSettings, Pix2PixSettings
from exemplar.store.files import written
from exemplar.training.adversarial import adversarial, discriminator_loss
from exemplar.training.ahead import Ahead, ready
from exemplar.training.augment import mirrored
from exemplar.training.checkpoint import TrainingState
from exemplar.training.compiled import as_written, compile_all
from exemplar.training.images import generator_at, jitter, moved, rows_at, steps_of
from exemplar.training.patchgan import PatchGAN
from exemplar.training.precision import MixedPrecision
from exemplar.training.steps import Pace, linear_decay, run_steps
from exemplar.training.unet import UNet, levels_of

MODES = {"labels": "labels", "normals": "normals"}
"""How a condition's maps are moved; others are images."""


@dataclass(frozen=True)
class Pairs:
    """Conditions and the photographs they were made from.

    Attributes:
        stored: (N, …), the condition as it is stored.
        images: (N, H, W, 3) u8.
        condition: its name.
        classes: the names of label classes; empty for other conditions.
        mirrors: pairs of them that a mirror exchanges; none: those that names say.
    """

    stored: np.ndarray
    images: np.ndarray
    condition: str
    classes: tuple[str, ...] = ()
    mirrors: SidePairs | None = None

    def __post_init__(self) -> None:
        if not len(self.images) or len(self.stored) != len(self.images):
            raise ValueError(
                "expected as many conditions as photographs, at least one; got "
                f"{len(self.stored)} of {self.condition} and {len(self.images)} photographs"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def channels(self) -> int:
        """Of the encoded condition."""
        return conditions.of(self.condition).CHANNELS or len(self.classes)

    def encoded(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Conditions (B, C, H, W) and photographs (B, 3, H, W), both in [0, 1]."""
        encode = conditions.of(self.condition).encode
        x = encode(self.stored[rows], self.size, len(self.classes))
        return x, torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).float() / 255


@dataclass
class Contest:
    """Both networks and their optimizers; called with a step's number, it does the step.

    Attributes:
        generator: G.
        discriminator: D.
        optimizers: of `generator` and `discriminator`.
        pairs: what they learn from.
        settings: of the training.
        mixed: the precision that they compute in.
        batches: what a step sees, by its number; `batch_at` by default.
    """

    generator: UNet
    discriminator: PatchGAN
    optimizers: dict[str, torch.optim.Optimizer]
    pairs: Pairs
    settings: AdversarialSettings
    mixed: MixedPrecision
    batches: Callable[[int], tuple[Tensor, Tensor]] | None = None

    def __call__(self, step: int) -> dict[str, Tensor]:
        """One step of D, then one of G; gives the losses `discriminator`, `adversarial`, `l1`."""
        settings = self.settings
        device = torch.device(settings.device)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * linear_decay(step, *phases(settings, self.pairs))
        batch = self.batches(step) if self.batches else batch_at(step, self.pairs, settings)
        x, y = (values.to(device, non_blocking=True) for values in batch)
        # Two sources of noise: of data on the CPU, and of dropout where the network is.
        noise = generator_at(step, settings.seed + 1, device)
        with self.mixed.forward():
            fake = self.generator(x, noise)[:, 0]
            judged = self._judge(x, fake.detach()), self._judge(x, y)
        wrong = discriminator_loss(*judged, settings.kind)
        self._minimise("discriminator", wrong)

        self.discriminator.requires_grad_(False)
        with self.mixed.forward():
            logits = self._judge(x, fake)
        fooled = adversarial(logits, True, settings.kind)
        distance = (fake - y).abs().mean()
        self._minimise("generator", fooled + settings.l1 * distance)
        self.discriminator.requires_grad_(True)
        losses = {"discriminator": wrong, "adversarial": fooled, "l1": distance}
        return losses | self.mixed.measured()

    def _judge(self, x: Tensor, image: Tensor) -> Tensor:
        return self.discriminator(torch.cat([2 * x - 1, image], 1))[-1]

    def _minimise(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        self.mixed.backward(loss)
        self.mixed.descend([self.optimizers[name]])


def phases(settings: AdversarialSettings, pairs: Pairs) -> tuple[int, int]:
    """Steps at the full rate, and steps while it falls."""
    count, whole = len(pairs.images), settings.epochs + settings.decay_epochs
    constant = steps_of(settings.epochs, count, settings.batch) if settings.epochs else 0
    return constant, max(0, steps_of(whole, count, settings.batch) - constant)


def batch_at(step: int, pairs: Pairs, settings: AdversarialSettings) -> tuple[Tensor, Tensor]:
    """What a step sees.

    Args:
        step: its number.
        pairs: all of them.
        settings: batch, variation, seed, and the device they are made ready for.

    Returns:
        Conditions (B, C, H, W) in [0, 1] and photographs (B, 3, H, W) in [−1, 1], on the CPU,
        channels last.
    """
    x, y = pairs.encoded(rows_at(step, settings.batch, len(pairs.images), settings.seed))
    if settings.zoom > 1 or settings.flip:
        chance = generator_at(step, settings.seed)
        transform = jitter(len(x), settings.zoom, settings.flip, chance)
        x = moved(x, transform, MODES.get(pairs.condition, "image"))
        if pairs.condition == "labels":
            channels = exchanged(pairs.classes, pairs.mirrors)[: len(pairs.classes)].tolist()
            turned = mirrored(transform)
            x[turned] = x[turned][:, channels]
        y = moved(y, transform)
    x, y = (each.contiguous(memory_format=torch.channels_last) for each in (x, 2 * y - 1))
    return ready(x, settings.device), ready(y, settings.device)


def start_contest(pairs: Pairs, settings: Pix2PixSettings) -> Contest:
    """Builds untrained networks, the same ones for the same seed.

    Raises:
        ValueError: the images are too small for the discriminator.
    """
    training = settings.training
    torch.manual_seed(training.seed)
    levels = settings.network.levels or levels_of(pairs.size)
    network = settings.network.model_copy(update={"levels": levels})
    generator = UNet(pairs.channels, network)
    discriminator = PatchGAN(
        pairs.channels + 3, settings.discriminator.width, settings.discriminator.layers
    )
    optimizers = {}
    for name, module in (("generator", generator), ("discriminator", discriminator)):
        module.to(training.device).to(memory_format=torch.channels_last)
        betas = (training.momentum, 0.999)
        # Unfused, it takes a sixth of a step.
        optimizers[name] = torch.optim.Adam(module.parameters(), training.rate, betas, fused=True)
    if training.compile:
        compile_all([generator, discriminator])
    mixed = MixedPrecision(training.precision, training.device)
    return Contest(generator, discriminator, optimizers, pairs, training, mixed)


def train_pix2pix(
    pairs: Pairs, settings: Pix2PixSettings, folder: Path, shown: Pairs | None = None
) -> tuple[Pix2Pix, list[dict[str, float]]]:
    """Trains a generator, going on from a checkpoint if the folder has one.

    Args:
        pairs: what to learn from.
        settings: sizes and length.
        folder: for checkpoints, and for pictures `samples/<step>.png` of `shown`: the input, the
            synthesised image and the photograph, one row each.
        shown: pairs pictured at each checkpoint.

    Returns:
        The trained generator, and its losses: `step`, `discriminator`, `adversarial` and `l1` (of
        images in [−1, 1]), each the mean since the row before.

    Raises:
        TrainingError: the training diverged or collapsed; the last good checkpoint is kept.
        CheckpointError: the folder is another training's.
    """
    training = settings.training
    torch.set_num_threads(training.threads)
    contest = start_contest(pairs, settings)
    modules = {"generator": contest.generator, "discriminator": contest.discriminator}
    about = {"condition": pairs.condition, "images": len(pairs.images), "size": list(pairs.size)}
    config, scaling = settings.identity() | about, {"precision": contest.mixed}
    state = TrainingState(modules, contest.optimizers, config, scaling)
    classes, precision = pairs.classes, training.precision
    made = Pix2Pix(contest.generator, pairs.condition, classes, precision)

    def observe(step: int) -> None:
        if shown:
            with as_written(training.compile):
                pictured = picture(made, shown)
            with written(folder / "samples" / f"{step:07d}.png") as partial:
                Image.fromarray(pictured).save(partial, format="PNG")

    pace = Pace(
        sum(phases(training, pairs)),
        training.batch,
        training.checkpoint_every,
        {"discriminator": training.collapse},
    )
    with Ahead(lambda step: batch_at(step, pairs, training), pace.steps) as contest.batches:
        run_steps(f"pix2pix {pairs.condition}", folder, state, contest, pace, observe)
    return made, state.history


def picture(made: Pix2Pix, shown: Pairs) -> np.ndarray:
    """Inputs, synthesised images and photographs, side by side: (N·H, 3·W, 3) u8.

    Labels have the colours of `label_palette`, of which that of no class is black.
    """
    if shown.condition == "labels":
        inputs = label_palette()[shown.stored]
    else:
        x, _ = shown.encoded(np.arange(len(shown.images)))
        inputs = to_bytes(x.expand(-1, 3, -1, -1))
    fake = made(shown.stored, shown.size, 1, [0] * len(inputs))[:, 0]
    return np.concatenate(np.concatenate([inputs, fake, shown.images], 2), 0)
