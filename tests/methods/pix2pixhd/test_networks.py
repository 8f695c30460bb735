from __future__ import annotations

import pytest
import torch

from exemplar.methods.pix2pixhd.model import Pix2pixHD, grown, load_model, save_model
from exemplar.methods.pix2pixhd.networks import COARSE, GENERATORS, NETWORKS, variant
from exemplar.methods.pix2pixhd.unet import UNetGenerator
from exemplar.training.unet import UNetSettings
from tests.methods.pix2pixhd import tiny

UNET = UNetSettings(width=4, levels=2)
TWO = tiny.NETWORK.model_copy(
    update={"discriminators": tiny.NETWORK.discriminators.model_copy(update={"scales": 2})}
)


def test_variants_differ_in_one_thing_only():
    assert variant("global", TWO, UNET, (16, 16)) is TWO
    one = variant("one", TWO, UNET, (16, 16)).model_dump()
    assert one["discriminators"].pop("scales") == 1
    wanted = TWO.model_dump()
    assert wanted["discriminators"].pop("scales") == 2
    assert one == wanted
    unet = variant("unet", TWO, UNET, (16, 16))
    assert unet.model_copy(update={"unet": None}) == TWO and unet.unet == UNET
    deep = variant("unet", TWO, UNetSettings(width=4), (20, 33)).unet
    assert deep is not None and deep.levels == 5
    with pytest.raises(ValueError, match="expected one of global, unet, one, got 'enhancer'"):
        variant("enhancer", TWO, UNET, (16, 16))
    assert set(GENERATORS) == set(NETWORKS) == {*COARSE, "enhancer"}


def test_a_u_net_makes_images_of_any_size_from_layouts_and_looks(tmp_path):
    torch.manual_seed(0)
    network = variant("unet", tiny.NETWORK, UNET, (16, 16))
    model = Pix2pixHD(network, tiny.CLASSES, 0).eval()
    assert isinstance(model.generator, UNetGenerator)
    for parameter in model.generator.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)  # the first weights are near nothing
    labels = torch.randint(0, 3, (2, 13, 18))
    features = torch.randn(2, 2, 13, 18)
    images = model(labels, labels, features)
    assert images.shape == (2, 3, 13, 18) and images.abs().max() <= 1
    assert torch.equal(images, model(labels, labels, features))  # nothing is dropped
    assert not torch.allclose(images, model(labels, labels, -features))
    assert not torch.allclose(images, model((labels + 1) % 3, labels, features))
    path = tmp_path / "unet.safetensors"
    save_model(path, model)
    torch.testing.assert_close(load_model(path)(labels, labels, features), images)


def test_a_u_net_has_no_enhancers():
    network = variant("unet", tiny.NETWORK, UNET, (16, 16))
    with pytest.raises(ValueError, match="a level from 0 to 0, the enhancers, got 1"):
        grown(Pix2pixHD(network, tiny.CLASSES, 0))
