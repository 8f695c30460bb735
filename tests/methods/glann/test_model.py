from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from exemplar.methods.glann.codes import first_codes, write_codes
from exemplar.methods.glann.generator import Generator, GeneratorSettings
from exemplar.methods.glann.losses import ReconstructionSettings
from exemplar.methods.glann.mapping import Mapping, MappingSettings
from exemplar.methods.glann.model import (
    gaussian,
    load_sampler,
    noise_generator,
    save_network,
    to_bytes,
)
from exemplar.methods.glann.stored import (
    Pictures,
    channels_of,
    earlier,
    earlier_codes,
    files_of,
    loss_files,
    training_images,
)
from exemplar.store import layout
from exemplar.store.arrays import StoreError, write_group
from exemplar.store.weights import WeightsError
from tests.stages.glann_run import write_domain

SMALL = GeneratorSettings(codes=6, hidden=8, width=4)
IDS = [f"image-{number}" for number in range(30)]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Untrained models where stages leave them."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    save_network(layout.glann("d", 1, "glo"), Generator(SMALL, 8, 1))
    save_network(layout.glann("d", 1, "imle"), Mapping(MappingSettings(noise=3, hidden=5), 6))
    save_network(layout.glann("d", 1, "vae_l1"), Generator(SMALL, 8, 3, sphere=False))
    write_codes(layout.glann_codes("d", 1), IDS, first_codes(IDS, 6, 0))


def test_a_gaussian_has_the_codes_mean_and_covariance():
    codes = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32) @ np.diag(
        [3, 1, 0.1, 0]
    )
    fitted = gaussian(codes.astype(np.float32))
    assert np.allclose(fitted.mean.numpy(), codes.mean(0), atol=1e-6)
    covariance = fitted.root.numpy() @ fitted.root.numpy().T
    centred = codes - codes.mean(0)
    assert np.allclose(covariance, centred.T @ centred / 49, atol=1e-5)
    drawn = fitted(torch.randn(200_000, 4, generator=torch.Generator().manual_seed(1))).numpy()
    assert np.allclose(np.cov(drawn.T), covariance, atol=0.1)


def test_samplers_of_all_kinds(models):
    glann = load_sampler("glann", "d", 1)
    noise = glann.draw(5, torch.Generator().manual_seed(2))
    assert noise.shape == (5, 3)
    codes = glann.codes(noise)
    assert torch.allclose(codes.norm(dim=1), torch.ones(5), atol=1e-6)
    assert glann.images(codes).shape == (5, 8, 8, 3)
    fitted = load_sampler("glo_gaussian", "d", 1)
    assert fitted.noise == 6
    assert torch.allclose(fitted.codes(torch.randn(4, 6)).norm(dim=1), torch.ones(4), atol=1e-6)
    vae = load_sampler("vae_l1", "d", 1)
    noise = torch.randn(2, 6)
    assert torch.equal(vae.codes(noise), noise)
    assert len(np.unique(vae.sample(2, 0)[0].reshape(-1, 3), axis=0)) > 3  # in colours


def test_a_seed_gives_the_same_samples(models):
    sampler = load_sampler("glann", "d", 1)
    first = sampler.sample(300, 7)
    assert np.array_equal(first, sampler.sample(300, 7))
    assert not np.array_equal(first, sampler.sample(300, 8))
    wanted = sampler.generator(sampler.codes(torch.randn(300, 3, generator=noise_generator(7))))
    rounded = np.floor(wanted[:, 0].detach().numpy() * 255 + 0.5)
    assert np.abs(first[..., 0] - rounded).max() <= 1
    assert (first == first[..., :1]).all()


def test_bytes_are_rounded_and_grey_is_repeated():
    x = torch.tensor([0.0, 0.499 / 255, 0.51 / 255, 1.0, 1.2, -1.0]).view(6, 1, 1, 1)
    assert to_bytes(x)[:, 0, 0].tolist() == [[v] * 3 for v in (0, 0, 1, 255, 255, 0)]


def test_models_that_do_not_fit_each_other(models):
    write_codes(layout.glann_codes("d", 1), IDS, first_codes(IDS, 7, 0))
    with pytest.raises(WeightsError, match="codes of 7 values, the generator takes 6"):
        load_sampler("glo_gaussian", "d", 1)
    save_network(layout.glann("d", 1, "imle"), Mapping(MappingSettings(noise=3, hidden=5), 9))
    with pytest.raises(WeightsError, match="maps to codes of 9 values, the generator takes 6"):
        load_sampler("glann", "d", 1)


def test_files_that_are_something_else(models):
    path = layout.glann("d", 1, "glo")
    with pytest.raises(WeightsError, match="no such file"):
        load_sampler("glann", "d", 2)
    config = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(config | {"network": "unet"}))
    with pytest.raises(WeightsError, match="expected the config of a generator, got 'unet'"):
        load_sampler("glann", "d", 1)
    path.with_suffix(".json").write_text(json.dumps(config | {"side": 12}))
    with pytest.raises(WeightsError, match="the weights do not fit the network"):
        load_sampler("glann", "d", 1)


def test_an_earlier_training_gives_its_generator_and_its_codes(models):
    path = layout.glann("d", 1, "glo")
    generator = Generator(SMALL, 8, 1)
    earlier(path, generator)
    wanted = load_sampler("glann", "d", 1).generator
    for name, value in wanted.state_dict().items():
        assert torch.equal(generator.state_dict()[name], value)
    with pytest.raises(WeightsError, match="expected a generator of .*'side': 12"):
        earlier(path, Generator(SMALL, 12, 1))
    files = files_of(path)
    assert files == [path, path.with_suffix(".json"), layout.glann_codes("d", 1)]
    codes = earlier_codes(files[-1], ["new", "image-7", "image-2"], 6, 5)
    found = np.concatenate([codes(slice(0, 2)), codes(slice(2, 3))])
    assert np.array_equal(found[1:], first_codes(["image-7", "image-2"], 6, 0))
    assert np.array_equal(found[0], first_codes(["new"], 6, 5)[0])
    with pytest.raises(WeightsError, match="expected codes of 7 values, got 6"):
        earlier_codes(files[-1], ["a"], 7, 0)
    files[1].unlink()
    files[2].unlink()
    with pytest.raises(
        WeightsError, match=f"no such file: {files[1]}, {files[2]}; expected copies"
    ):
        files_of(path)


def test_a_loss_depends_on_its_networks_weights(models):
    layout.ESTIMATORS.touch()
    assert loss_files(ReconstructionSettings()) == [layout.ESTIMATORS]
    assert loss_files(ReconstructionSettings(kind="l1")) == []
    weights = layout.glann("d", 1, "glo")
    small = ReconstructionSettings(backbone={"kind": "vgg19_small", "weights": weights})
    assert loss_files(small) == [weights]
    published = ReconstructionSettings(backbone={"kind": "torchvision"})
    assert loss_files(published) == []


def test_training_images_are_the_split_train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_domain("d")
    ids, images = training_images("d", tmp_path / "work")
    assert list(ids) == [f"d-{number}" for number in range(12)]
    assert images.shape == (12, 16, 16, 3) and images.dtype == np.uint8


def test_grey_images_have_one_channel(tmp_path, monkeypatch):
    grey = np.repeat(np.random.default_rng(0).integers(0, 256, (5000, 2, 2, 1)), 3, 3)
    assert channels_of(grey) == 1
    grey[4999, 1, 1, 2] ^= 1
    assert channels_of(grey) == 3
    monkeypatch.chdir(tmp_path)
    write_domain("d")
    write_group(layout.images("e"), {"image": np.repeat(grey[:18, :, :, :1], 3, 3).astype("u1")})
    (layout.images("e").parent / "items.parquet").write_bytes(layout.items("d").read_bytes())
    assert training_images("e", tmp_path / "work")[1].shape == (12, 2, 2, 1)


def test_images_that_are_not_square(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_domain("d")
    write_group(layout.images("e"), {"image": np.zeros((18, 4, 6, 3), np.uint8)})
    (layout.images("e").parent / "items.parquet").write_bytes(layout.items("d").read_bytes())
    with pytest.raises(StoreError, match="square ones; got 12 of 6×4"):
        training_images("e", tmp_path / "work")


def test_pictures_have_images_above_their_reconstructions(tmp_path):
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype(np.uint8)
    generator, codes = Generator(SMALL, 8, 1).eval(), first_codes(IDS, 6, 0)
    Pictures(images, np.array([3, 20]), tmp_path)(generator, codes, 40)
    picture = np.asarray(Image.open(tmp_path / "0000040.png"))
    assert picture.shape == (16, 16, 3)
    assert np.array_equal(picture[:8, 8:, 1], images[1, ..., 0])
    made = to_bytes(generator(torch.from_numpy(codes[[20]])).detach())[0]
    assert np.abs(picture[8:, 8:].astype(int) - made).max() <= 1


def test_samples_are_of_noise_that_no_training_has_seen():
    from exemplar.training.images import generator_at

    seen = {generator_at(step, seed).initial_seed() for step in range(3000) for seed in range(30)}
    assert not seen & {noise_generator(seed).initial_seed() for seed in [*range(3000), 2_000_009]}
    assert len({noise_generator(seed).initial_seed() for seed in range(30)}) == 30
