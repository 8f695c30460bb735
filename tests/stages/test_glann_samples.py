"""What `glann_samples` writes, by plain means, and that it goes on where it was killed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from exemplar.methods.glann import sample_stores
from exemplar.methods.glann.model import METHODS, load_sampler
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, write_group
from exemplar.store.files import DiskError, content_hash, remove
from exemplar.store.items import read_items
from exemplar.store.weights import WeightsError
from stages import glann_samples
from tests.methods.glann import untrained
from tests.methods.glann.untrained import CODES, DOMAIN, NOISE, SEED, SIDE

OUT = layout.samples(DOMAIN, SEED)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, "--seed", str(SEED)])
    untrained.write_run()
    return glann_samples.main


def read(group: str, name: str) -> np.ndarray:
    return np.asarray(array(open_group(OUT / f"{group}.zarr"), name)[:])


def photographs(rows: np.ndarray | list[int]) -> np.ndarray:
    return np.asarray(array(open_group(layout.images(DOMAIN)), "image")[:])[rows]


def rms(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).mean() ** 0.5)


def test_samples_of_every_method(run) -> None:
    run()
    made = {method: read(method, "image") for method in METHODS}
    for method, images in made.items():
        assert images.shape == (70, SIDE, SIDE, 3)
        attributes = open_group(OUT / f"{method}.zarr").attrs
        assert (attributes["method"], attributes["seed"]) == (method, SEED)
        sampler = load_sampler(method, DOMAIN, SEED)
        # Seed 2 of the settings, of training 3; drawn sixteen at a time.
        noise = torch.randn(
            80, sampler.noise, generator=torch.Generator().manual_seed(2**40 + 2_000_009)
        )
        with torch.inference_mode():
            wanted = sampler.images(sampler.codes(noise))[:70]
        assert np.abs(wanted.astype(int) - images).max() <= 1
    several = {images.tobytes() for images in made.values()}
    assert len(several) == len(METHODS)
    assert read("glann", "noise").shape == (70, NOISE)
    codes = read("glann", "code")
    assert np.allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-5)
    with torch.inference_mode():
        again = untrained.trained().images(torch.from_numpy(codes))
    assert np.abs(again.astype(int) - made["glann"]).max() <= 1


def test_nearest_training_images_in_both_spaces(run) -> None:
    run()
    rows = [1, 3, 5, 7, 9]
    known = photographs(rows)
    codes = untrained.unit(5, CODES)[::-1]
    ids = read_items(layout.items(DOMAIN))["id"]
    assert ids.iloc[rows].tolist() == ["s-1", "s-3", "s-5", "s-7", "s-9"]
    images, made = read("glann", "image"), read("glann", "code")
    for place in (0, 33, 69):
        apart = sorted(
            (rms(images[place], each), row) for row, each in zip(rows, known, strict=True)
        )
        assert read("glann", "nearest_perceptual")[place].tolist() == [row for _, row in apart[:2]]
        assert np.allclose(
            read("glann", "nearest_perceptual_distance")[place], [d for d, _ in apart[:2]]
        )
        apart = sorted(
            (float(np.linalg.norm(made[place] - each)), row)
            for row, each in zip(rows, codes, strict=True)
        )
        assert read("glann", "nearest_latent")[place].tolist() == [row for _, row in apart[:2]]
        assert np.allclose(
            read("glann", "nearest_latent_distance")[place], [d for d, _ in apart[:2]], atol=1e-6
        )
    assert open_group(OUT / "glann.zarr").attrs["perceptual_features"] == "pixels, grey levels"
    # Four training images of five beside the others, and four held-out ones.
    assert read("training", "row").tolist() == [1, 3, 7, 9]
    assert read("held_out", "row").tolist() == [0, 2, 6, 8]
    for name in ("training", "held_out"):
        for place, row in enumerate(read(name, "row").tolist()):
            apart = sorted(
                (rms(photographs([row])[0], each), other)
                for other, each in zip(rows, known, strict=True)
                if other != row
            )
            found = read(name, "nearest_perceptual")[place].tolist()
            assert found == [other for _, other in apart[:2]]
    assert (read("training", "nearest_latent")[:, 0] != read("training", "row")).all()
    assert "nearest_latent" not in open_group(OUT / "held_out.zarr")


def test_ways_reconstructions_and_inversions(run) -> None:
    run()
    ways, samples = read("interpolations", "image"), read("glann", "image")
    assert ways.shape == (2, 3, SIDE, SIDE, 3)
    ends = np.stack([samples[[0, 2]], samples[[1, 3]]], 1)
    assert np.abs(ways[:, [0, -1]].astype(int) - ends).max() <= 1
    assert open_group(OUT / "interpolations.zarr").attrs["interpolation"] == "spherical"

    group = open_group(OUT / "reconstructions.zarr")
    assert group.attrs["rows"] == [1, 5, 9]
    pairs = read("reconstructions", "image")
    assert (pairs[:, 0] == photographs([1, 5, 9])).all()
    codes = untrained.unit(5, CODES)[[4, 2, 0]]  # of s-1, s-5, s-9
    with torch.inference_mode():
        made = untrained.trained().images(torch.from_numpy(codes.copy()))
    assert np.abs(pairs[:, 1].astype(int) - made).max() <= 1

    group = open_group(OUT / "inversions.zarr")
    assert (group.attrs["rows"], group.attrs["split"]) == ([0, 8], "test")
    pairs, noise = read("inversions", "image"), torch.from_numpy(read("inversions", "noise"))
    assert (pairs[:, 0] == photographs([0, 8])).all()
    sampler = untrained.trained()
    with torch.inference_mode():
        values = sampler.generator(sampler.codes(noise)).permute(0, 2, 3, 1).numpy()
    loss = np.abs(values - pairs[:, 0] / 255).mean(axis=(1, 2, 3))
    assert np.allclose(read("inversions", "loss"), loss, atol=1e-5)
    assert np.abs(values * 255 - pairs[:, 1]).max() <= 1
    better = read("inversions", "start_loss") - read("inversions", "loss")
    assert better.min() >= 0
    assert better.max() > 0


def test_killed_and_gone_on_with_it_is_the_same(run, monkeypatch) -> None:
    run()
    whole = content_hash(OUT)
    remove(OUT)
    for place, name in enumerate(("write_glann", "write_reconstructions")):
        with monkeypatch.context() as patch:
            patch.setattr(sample_stores, name, lambda path, _: _killed(path))
            with pytest.raises(KeyboardInterrupt):
                run()
        assert not OUT.exists()
        unfinished = list(Path(".work", OUT).glob("*/groups/.*.partial"))
        assert len(unfinished) == 1
        assert len(list(unfinished[0].parent.glob("[!.]*"))) == (0, 8)[place]
    with monkeypatch.context() as patch:  # what is there is not made again
        patch.setattr(sample_stores, "write_glann", None)
        run()
    assert content_hash(OUT) == whole
    assert not list(Path(".work", OUT).glob("*"))


def _killed(path: Path) -> None:
    """Leaves what a process leaves that is killed while it writes."""
    partial = path.with_name(f".{path.name}.123.partial")
    write_group(partial, {"image": np.zeros((1, 2), np.uint8)})
    raise KeyboardInterrupt


def test_a_domain_of_training_images_alone(run) -> None:
    untrained.write_run(("train",) * 3, channels=1)
    run()
    assert not (OUT / "held_out.zarr").exists()
    group = open_group(OUT / "inversions.zarr")
    assert (group.attrs["rows"], group.attrs["split"]) == ([0, 2], "train")
    images = read("glann", "image")
    assert (images == images[..., :1]).all()
    assert images.std() > 1


def test_what_does_not_fit_is_told_and_nothing_is_written(run) -> None:
    path = layout.glann(DOMAIN, SEED, "vae_l1")
    moved = path.rename("elsewhere")
    with pytest.raises(DiskError, match=r"specks-3-vae_l1.safetensors: no such file"):
        run()
    moved.rename(path)
    remove(layout.images(DOMAIN))
    write_group(layout.images(DOMAIN), {"image": np.zeros((10, 20, 20, 3), np.uint8)})
    with pytest.raises(StoreError, match=r"\(20, 20\) pixels, but the networks .* on 16×16"):
        run()
    params = untrained.PARAMS | {"glann_samples": {"count": 0, "way": 1}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ValueError, match=r"(?s)glann_samples.count.*glann_samples.way"):
        run()
    layout.glann_codes(DOMAIN, SEED).unlink()
    Path("params.yaml").write_text(yaml.safe_dump(untrained.PARAMS))
    with pytest.raises(WeightsError, match=r"specks-3-codes.parquet: no such file"):
        run()
    assert not OUT.exists()
