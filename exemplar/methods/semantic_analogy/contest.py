"""One iteration of training: who learns what from one varied image, in either mode.

The networks of `training`, and their steps. Source: Li et al., "Semantic Image Analogy with a
Conditional Single-Image GAN", 2020, sections 3.2.1, 3.4 and 4.1.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from exemplar.labels.sides import exchanged
from exemplar.methods.semantic_analogy.augmentation import strength_at, varied
from exemplar.methods.semantic_analogy.classifier import Classifier
from exemplar.methods.semantic_analogy.coherence import Coherence
from exemplar.methods.semantic_analogy.discriminator import (
    build_discriminator,
    fooling,
    matching,
    telling,
)
from exemplar.methods.semantic_analogy.gan_settings import GanSettings, rate_factor
from exemplar.methods.semantic_analogy.generator import Change
from exemplar.methods.semantic_analogy.model import Gan
from exemplar.methods.semantic_analogy.objective import (
    fixed_point,
    reconstruction,
    semantic_alignment,
    total,
)
from exemplar.training.images import generator_at
from exemplar.training.precision import autocast


class Example(NamedTuple):
    """What the generator is given and what it is to make of it.

    Attributes:
        given: (1, 3, H, W) in [-1, 1], and its labels (1, H, W) i64.
        labels: see `given`.
        wanted: an image of the target's layout, and that layout.
        layout: see `wanted`.
    """

    given: Tensor
    labels: Tensor
    wanted: Tensor
    layout: Tensor


class Contest:
    """The networks, and how they learn; called with an iteration's number, it does it.

    What is drawn depends on the number and the seed alone.

    Args:
        gan: on its device, in training mode; learns in place.
        settings: of networks, losses and schedule.
        coherence: the patch loss, or none.
        seed: of all that is drawn.

    Attributes:
        networks: by name, for checkpoints.
        optimizers: likewise.
        first: the number of the iteration that it was called with first.
    """

    first: int | None = None

    def __init__(
        self, gan: Gan, settings: GanSettings, coherence: Coherence | None, seed: int
    ) -> None:
        self.gan, self.settings, self.coherence, self.seed = gan, settings, coherence, seed
        self.sides = torch.from_numpy(exchanged(gan.source.classes)).long()
        device = gan.image.device
        outputs = 3 if settings.code == "colours" else len(gan.source.classes)
        self.discriminator = build_discriminator(settings.discriminator)
        self.classifier = Classifier(outputs, settings.classifier)
        self.average = copy.deepcopy(gan) if settings.training.average else None
        self.networks: dict[str, nn.Module] = {
            "gan": gan,
            "discriminator": self.discriminator,
            "classifier": self.classifier,
        }
        if self.average:
            self.networks["average"] = self.average
        for network in self.networks.values():
            network.to(device).to(memory_format=torch.channels_last).train()
        training = settings.training
        self.rates = {
            "gan": training.rate,
            "discriminator": training.discriminator_rate,
            "classifier": training.classifier_rate,
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(
                self.networks[name].parameters(), rate, betas=training.betas, fused=True
            )
            for name, rate in self.rates.items()
        }

    def finished(self) -> Gan:
        """The GAN as it is to be used, in evaluation mode: a copy, of averaged weights if any."""
        return copy.deepcopy(self.average or self.gan).eval()

    def __call__(self, number: int) -> dict[str, Tensor]:
        """One iteration.

        Returns:
            Losses. Those that only some iterations have are enlarged by how seldom they are from
            one checkpoint to the next, so that means over all iterations between these are means
            over those that have them.
        """
        training = self.settings.training
        if self.first is None:
            self.first = number
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.rates[name] * rate_factor(number, training)
        drawn = generator_at(number, self.seed)
        reconstructing = self.reconstructs(number)
        example = self.example(number, reconstructing, drawn)
        terms: dict[str, list[Tensor]] = {}
        for step in range(training.generator_steps):
            image, changes = self.make(example, drawn)
            if step == 0:
                terms["discriminator"] = [self.judge(image.detach(), example.wanted)]
            place = number * training.generator_steps + step
            mode = self.reconstruction_terms if reconstructing else self.sampling_terms
            found = mode(image, changes, example, place, drawn)
            self.descend("gan", total(found, self.settings.weights))
            self.follow(place)
            for name, value in found.items():
                terms.setdefault(name, []).append(value.detach())
        if training.judged_after:
            with torch.no_grad():
                image, _ = self.make(example, drawn)
            self.judge(image, example.wanted)
        if self.classifies(number):
            terms["classifier"] = [self.classify(example)]
        factors = self.factors(number)
        return {
            name: factors.get(name, 1.0) * torch.stack(found).mean()
            for name, found in terms.items()
        }

    def reconstructs(self, number: int) -> bool:
        """Whether an iteration is in reconstruction mode."""
        every = self.settings.training.reconstruct_every
        return number % every == every - 1

    def classifies(self, number: int) -> bool:
        """Whether the classifier learns in an iteration."""
        training = self.settings.training
        mode = "reconstruction" if self.reconstructs(number) else "sampling"
        return mode == training.classifier_learns and number % training.classifier_every == 0

    def compares(self, number: int) -> bool:
        """Whether a step of an iteration has the patch loss."""
        steps = self.settings.training.generator_steps
        waits = -(number * steps) % self.settings.coherence.every
        return not self.reconstructs(number) and waits < steps

    def example(self, number: int, reconstructing: bool, drawn: Generator) -> Example:
        """What an iteration is about: the source varied, or itself."""
        gan, training = self.gan, self.settings.training
        how = self.settings.augmentation
        strength = strength_at(number, training.iterations, how.ramp)
        image, layout = varied(gan.image, gan.labels, how, strength, drawn, self.sides)
        swapped = float(torch.rand((), generator=drawn)) < training.swapped
        if reconstructing and training.reconstructs == "source":
            return Example(gan.image, gan.labels, gan.image, gan.labels)
        if swapped:
            return Example(image, layout, gan.image, gan.labels)
        return Example(gan.image, gan.labels, image, layout)

    def make(self, example: Example, drawn: Generator) -> tuple[Tensor, list[Change]]:
        """The generator's image."""
        given, noise = example.given, self.settings.training.noise
        if noise:
            spread = torch.rand(given.shape, generator=drawn).to(given.device)
            given = given + noise * (2 * spread - 1)
        with self.precise():
            return self.gan(given, example.labels, example.layout)

    def precise(self) -> torch.autocast:
        """The precision of activations."""
        return autocast(self.settings.training.precision, self.gan.image.device)

    def sampling_terms(
        self, image: Tensor, changes: list[Change], example: Example, place: int, drawn: Generator
    ) -> dict[str, Tensor]:
        """The generator's losses in sampling mode, by their weights' names (Eq. 10)."""
        weights, terms = self.settings.weights, {}
        with self.precise():
            if weights.adversarial or weights.matching:
                with torch.no_grad():
                    real = self.discriminator(example.wanted)
                with frozen(self.discriminator):
                    judged = self.discriminator(image)
                if weights.adversarial:
                    terms["adversarial"] = fooling(judged)
                if weights.matching:
                    terms["matching"] = matching(judged, real)
            if weights.semantic and self.settings.training.semantic_gradient:
                with frozen(self.classifier):
                    predicted = self.classifier(image)
                terms["semantic"] = semantic_alignment(predicted, self.shown(example.layout))
        if self.coherence and place % self.settings.coherence.every == 0:
            terms["patch"] = self.coherence(image, example.layout, drawn)
        if weights.varied:
            terms["varied"] = reconstruction(image, example.wanted)
        return terms

    def reconstruction_terms(
        self, image: Tensor, changes: list[Change], example: Example, place: int, drawn: Generator
    ) -> dict[str, Tensor]:
        """The generator's losses in reconstruction mode, by their weights' names (Eq. 13)."""
        weights = self.settings.weights
        terms = {"reconstruction": reconstruction(image, example.wanted)}
        if weights.adversarial:
            with self.precise(), frozen(self.discriminator):
                terms["adversarial"] = fooling(self.discriminator(image))
        # Of a change there is no fixed point, and an exact one needs no learning.
        learned = self.settings.generator.fixed_point == "learned"
        if weights.fixed_point and learned and self.settings.training.reconstructs == "source":
            terms["fixed_point"] = fixed_point(changes)
        return terms

    def judge(self, fake: Tensor, real: Tensor) -> Tensor:
        """One step of the discriminator; its loss."""
        if not (self.settings.weights.adversarial or self.settings.weights.matching):
            return torch.zeros(())
        with self.precise():
            loss = telling(self.discriminator(fake), self.discriminator(real))
        self.descend("discriminator", loss)
        return loss.detach()

    def classify(self, example: Example) -> Tensor:
        """One step of the classifier on an image whose layout is known (Eq. 9); its loss."""
        with self.precise():
            predicted = self.classifier(example.wanted)
        loss = semantic_alignment(predicted, self.shown(example.layout))
        self.descend("classifier", loss)
        return loss.detach()

    def shown(self, labels: Tensor) -> Tensor:
        """Labels as the classifier is to tell them: themselves, or colours that stand for them."""
        return labels if self.settings.code == "onehot" else self.gan.encode(labels)

    def descend(self, name: str, loss: Tensor) -> None:
        """One step down by one of the networks."""
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    def follow(self, place: int) -> None:
        """Lets the averaged weights follow, faster in the beginning."""
        if self.average is None:
            return
        kept = min(self.settings.training.average, (1 + place) / (10 + place))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.gan.parameters(), strict=True)
            for slow, quick in pairs:
                slow.lerp_(quick, 1 - kept)
            for slow, quick in zip(self.average.buffers(), self.gan.buffers(), strict=True):
                slow.copy_(quick)

    def factors(self, number: int) -> dict[str, float]:
        """How seldom losses are among the iterations whose means are taken together with one's."""
        training = self.settings.training
        begun = number - number % training.checkpoint_every
        end = min(begun + training.checkpoint_every, training.iterations)
        # A training that goes on may have another interval than the one before it.
        together = range(max(begun, self.first or 0), end)
        back = sum(map(self.reconstructs, together))
        counts: dict[str, int] = dict.fromkeys(("reconstruction", "fixed_point"), back)
        counts |= dict.fromkeys(("matching", "semantic", "varied"), len(together) - back)
        counts["patch"] = sum(map(self.compares, together))
        counts["classifier"] = sum(map(self.classifies, together))
        return {name: len(together) / count for name, count in counts.items() if count}


class frozen:
    """Networks that gradients pass through without staying in their weights; used by `with`."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def __enter__(self) -> None:
        self.network.requires_grad_(False)

    def __exit__(self, *_: object) -> None:
        self.network.requires_grad_(True)
