from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from exemplar.methods.glann.losses import (
    VGG_LAYERS,
    ReconstructionSettings,
    absolute,
    laplacian,
    layers_of,
    perceptual,
    reconstruction,
    scales_of,
)

RANDOM = torch.Generator().manual_seed(5)


def images(side=16, channels=3, count=2):
    return torch.rand(count, channels, side, side, generator=RANDOM)


class Doubled:
    """A backbone whose maps are the image, and its mean over 2×2 pixels, times ten."""

    name, layers = "doubled", ("a", "b")

    def __call__(self, x):
        assert x.shape[1] == 3
        return [x, 10 * torch.nn.functional.avg_pool2d(x, 2)]


def test_the_absolute_difference():
    a, b = images(), images()
    assert absolute(a, b).item() == pytest.approx(np.abs(a.numpy() - b.numpy()).mean(), rel=1e-6)


def test_perceptual_adds_up_layers_and_pixels():
    a, b = images(), images()
    x, y = a.numpy(), b.numpy()
    small = [v.reshape(2, 3, 8, 2, 8, 2).mean((3, 5)) for v in (x, y)]
    pixels = np.abs(x - y).mean()
    wanted = pixels + pixels + 10 * np.abs(small[0] - small[1]).mean()
    assert perceptual(Doubled(), a, b).item() == pytest.approx(wanted, rel=1e-5)


def test_grey_images_are_seen_in_three_channels():
    a, b = images(channels=1), images(channels=1)
    both = [v.expand(-1, 3, -1, -1) for v in (a, b)]
    assert perceptual(Doubled(), a, b).item() == pytest.approx(
        perceptual(Doubled(), *both).item(), rel=1e-6
    )


def test_two_scales_are_the_image_and_a_quarter_of_it():
    a = images(side=32)
    flat, other = torch.full_like(a, 0.25), torch.full_like(a, 0.75)
    one = perceptual(Doubled(), flat, other, 1).item()
    assert perceptual(Doubled(), flat, other, 2).item() == pytest.approx(2 * one, rel=1e-5)
    # What averages out over a quarter counts at the full size alone.
    fine = 0.5 + 0.5 * (-1.0) ** (torch.arange(32)[:, None] + torch.arange(32))
    fine = fine.expand(1, 3, 32, 32)
    grey = torch.full_like(fine, 0.5)
    alone = perceptual(Doubled(), fine, grey, 1).item()
    assert perceptual(Doubled(), fine, grey, 2).item() - alone < 0.05 * alone


def test_only_what_is_made_gets_gradients():
    a, b = images().requires_grad_(), images().requires_grad_()
    perceptual(Doubled(), a, b).backward()
    assert a.grad.abs().sum() > 0
    c, d = images(), images()
    assert perceptual(Doubled(), c, d).item() == pytest.approx(
        perceptual(Doubled(), d, c).item(), rel=1e-5
    )


def reference_laplacian(a, b, levels):
    """Pyramids of each image, one value at a time, then their differences."""
    taps = np.array([1, 4, 6, 4, 1]) / 16

    def pyramid(x):
        bands = []
        for _ in range(levels):
            blurred = correlate1d(correlate1d(x, taps, 0, mode="mirror"), taps, 1, mode="mirror")
            small = blurred[::2, ::2]
            size = small.shape
            back = np.empty_like(x)
            for i in range(x.shape[0]):
                for j in range(x.shape[1]):
                    y = min(max((i + 0.5) / 2 - 0.5, 0), size[0] - 1)
                    z = min(max((j + 0.5) / 2 - 0.5, 0), size[1] - 1)
                    y0, z0 = int(y), int(z)
                    y1, z1 = min(y0 + 1, size[0] - 1), min(z0 + 1, size[1] - 1)
                    fy, fz = y - y0, z - z0
                    back[i, j] = (1 - fy) * ((1 - fz) * small[y0, z0] + fz * small[y0, z1]) + fy * (
                        (1 - fz) * small[y1, z0] + fz * small[y1, z1]
                    )
            bands.append(x - back)
            x = small
        return [*bands, x]

    return sum(np.abs(p - q).mean() for p, q in zip(pyramid(a), pyramid(b), strict=True))


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_the_laplacian_pyramid(levels):
    a, b = images(channels=1, count=1), images(channels=1, count=1)
    wanted = reference_laplacian(a[0, 0].double().numpy(), b[0, 0].double().numpy(), levels)
    assert laplacian(a, b, levels).item() == pytest.approx(wanted, rel=1e-4)


def test_pyramids_end_where_images_do():
    a, b = images(8), images(8)
    assert laplacian(a, b, 2).item() == laplacian(a, b, 9).item()


@pytest.mark.parametrize(
    ("side", "layers", "scales"),
    [(28, 3, 1), (32, 3, 1), (64, 4, 1), (128, 5, 2), (256, 5, 2), (1024, 5, 3)],
)
def test_layers_and_scales_grow_with_the_image(side, layers, scales):
    assert (layers_of(side), scales_of(side)) == (layers, scales)


def test_a_loss_is_named_by_what_it_uses():
    one = ReconstructionSettings(kind="l1", levels=2).identity()
    assert one == ReconstructionSettings(kind="l1", levels=5).identity() == {"kind": "l1"}
    pyramid = ReconstructionSettings(kind="laplacian", levels=2).identity()
    assert pyramid == {"kind": "laplacian", "levels": 2}


@pytest.fixture
def backbone(tmp_path):
    """A tiny encoder in VGG-19's order, and its settings."""
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(1)
    state, inputs = {}, 3
    for name, width in {"0": 3, "11": 4, "12": 4, "21": 5, "22": 5, "31": 6}.items():
        side = 1 if name == "0" else 3
        state[f"conv{name}.weight"] = torch.randn(width, inputs, side, side, generator=generator)
        state[f"conv{name}.bias"] = torch.zeros(width)
        inputs = width
    save_file(state, tmp_path / "small.safetensors")
    layers = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]
    return {"kind": "vgg19_small", "weights": tmp_path / "small.safetensors", "layers": layers}


def test_small_images_are_compared_on_the_finest_layers(backbone):
    from exemplar.features.backbone import load_backbone

    settings = ReconstructionSettings(backbone=backbone)
    a, b = images(side=32), images(side=32)
    whole = load_backbone(settings.backbone, None)
    wanted = absolute(a, b) + sum(
        absolute(p, q) for p, q in zip(whole(a)[:3], whole(b)[:3], strict=True)
    )
    assert reconstruction(settings, 32, None)(a, b).item() == pytest.approx(float(wanted), rel=1e-4)
    two = ReconstructionSettings(backbone=backbone, layers=2)
    assert reconstruction(two, 32, None)(a, b) < reconstruction(settings, 32, None)(a, b)


def test_more_layers_than_there_are(backbone):
    with pytest.raises(ValueError, match="layers: the backbone vgg19_small.* has 5, got 6"):
        reconstruction(ReconstructionSettings(backbone=backbone, layers=6), 32, None)


def test_a_vgg_is_looked_at_where_the_released_code_does(tmp_path):
    """Which takes outputs 2, 7, 12, 21 of `features`; rectifiers in place have changed them."""
    from torchvision.models import vgg

    torch.manual_seed(0)
    features = vgg.make_layers(vgg.cfgs["D"], batch_norm=False).eval()
    state = {f"features.{name}": value for name, value in features.state_dict().items()}
    torch.save(state, tmp_path / "vgg16.pth")
    given = {"kind": "torchvision", "name": "vgg16", "weights": tmp_path / "vgg16.pth"}
    settings = ReconstructionSettings(backbone=given, layers=4)
    a, b = images(side=16), images(side=16)

    def taps(x):
        mean, std = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        x, found = (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1), []
        for number, layer in enumerate(features[:23]):
            x = layer(x)
            found += [x] if number in (2, 7, 12, 21) else []
        return found

    with torch.no_grad():
        wanted = absolute(a, b) + sum(absolute(p, q) for p, q in zip(taps(a), taps(b), strict=True))
        assert reconstruction(settings, 64, None)(a, b).item() == pytest.approx(float(wanted), 1e-5)


def test_layers_that_are_said_and_other_networks_stay():
    def layers(**given):
        return ReconstructionSettings(backbone={"kind": "torchvision"} | given).backbone.layers

    assert layers() == layers(name="vgg16_bn") == VGG_LAYERS
    assert layers(layers=["conv1_1", "conv3_3"]) == ("conv1_1", "conv3_3")
    assert layers(name="resnet18") is None
    said = ReconstructionSettings(backbone={"kind": "torchvision"}).identity()
    assert said["backbone"]["layers"] == list(VGG_LAYERS)
