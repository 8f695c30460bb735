import pytest
import torch
from torch.nn import functional

from exemplar.features.frozen import FrozenBackbone
from exemplar.methods.pix2pixhd.encoding import encode
from exemplar.methods.pix2pixhd.objective import Batch, ObjectiveSettings, losses, perceptual
from tests.methods.pix2pixhd import tiny


def batch() -> Batch:
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(0, 3, (2, 16, 16), generator=generator)
    images = torch.rand(2, 3, 16, 16, generator=generator) * 2 - 1
    return Batch(images, labels, labels, labels)


def test_losses_are_those_of_the_paper() -> None:
    model, given = tiny.model(1), batch()
    assert model.encoder is not None
    found = losses(model, given, ObjectiveSettings(feature_matching=7))
    with torch.no_grad():
        x = encode(given.labels, given.instances, 3)
        image = model(given.labels, given.instances, model.encoder(given.images, given.objects)[1])
        fake = model.discriminators(torch.cat([x, image], 1))
        real = model.discriminators(torch.cat([x, given.images], 1))
        g = sum(((maps[-1] - 1) ** 2).mean() for maps in fake)
        d = sum(
            (a[-1] ** 2).mean() / 2 + ((b[-1] - 1) ** 2).mean() / 2
            for a, b in zip(fake, real, strict=True)
        )
    torch.testing.assert_close(found.generator, g)
    torch.testing.assert_close(found.discriminators, d)
    assert found.perceptual == 0 and found.matching > 0
    once = losses(model, given, ObjectiveSettings(feature_matching=1)).matching
    torch.testing.assert_close(found.matching, 7 * once)


def test_each_side_gets_its_own_gradients() -> None:
    model = tiny.model(1)
    found = losses(model, batch(), ObjectiveSettings())
    found.synthesis.backward()
    assert all(p.grad is None for p in model.discriminators.parameters())
    ours = [*model.generator.parameters(), *model.encoder.parameters()]
    # The images of coarser levels alone are not synthesised.
    unused = {p for m in (model.generator.coarse.image,) for p in m.parameters()}
    assert all((p.grad is None) == (p in unused) for p in ours)
    for p in ours:
        p.grad = None
    found.discriminators.backward()
    assert all(p.grad is None for p in ours)
    assert all(p.grad is not None for p in model.discriminators.parameters())


def test_perceptual_layers_have_the_released_weights() -> None:
    def backbone(images: torch.Tensor) -> list[torch.Tensor]:
        return [images * 10**i for i in range(5)]

    image, truth = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5)
    expected = 0.25 * sum(w * 10**i for i, w in enumerate([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1]))
    assert perceptual(backbone, image, truth).item() == pytest.approx(expected)
    found = losses(tiny.model(), batch(), ObjectiveSettings(), lambda x: [x])
    assert found.perceptual > 0
    off = losses(tiny.model(), batch(), ObjectiveSettings(perceptual=0), lambda x: [x])
    assert off.perceptual == 0


def test_a_frozen_backbone_passes_gradients_to_the_image() -> None:
    network = torch.nn.Conv2d(3, 2, 3)
    backbone = FrozenBackbone("tiny", ("conv",), network, lambda x: [network(x)])
    image = torch.zeros(1, 3, 8, 8, requires_grad=True)
    perceptual(backbone, image, torch.ones(1, 3, 8, 8)).backward()
    assert image.grad is not None and (image.grad != 0).any()
    assert network.weight.grad is None


def test_without_feature_matching_it_is_left_out() -> None:
    found = losses(tiny.model(), batch(), ObjectiveSettings(feature_matching=0))
    assert found.matching == 0
    torch.testing.assert_close(found.synthesis, found.generator)
    assert functional.relu(found.generator) > 0
