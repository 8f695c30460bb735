"""pix2pix's stages on a small domain: files in, files out, the same bytes each time."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
import zarr
from PIL import Image

from exemplar.methods.pix2pix.candidates import open_candidates
from exemplar.methods.pix2pix.generator import load_pix2pix
from exemplar.methods.pix2pix.settings import Pix2PixSettings
from exemplar.settings import SettingsError, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group
from exemplar.store.files import content_hash
from exemplar.store.weights import WeightsError
from exemplar.training.loop import TrainingError
from stages import pix2pix, pix2pix_candidates
from tests.conftest import ROOT
from tests.stages.small_domain import CONDITION, DOMAIN, SIDE, write_images, write_params

SECTION = {
    "network": {"width": 4, "levels": 3, "noisy": 2},
    "discriminator": {"width": 4, "layers": 1},
    "training": {"epochs": 2, "decay_epochs": 1, "batch": 3, "checkpoint_every": 4},
    "samples": 2,
}
WEIGHTS = layout.pix2pix(DOMAIN, CONDITION)
PROGRESS = WEIGHTS.with_suffix("")
STORE = layout.candidates("pix2pix", DOMAIN, CONDITION)


def run(stage) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, "--condition", CONDITION])
        stage.main()


@pytest.fixture
def domain(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_params(pix2pix=SECTION)
    write_images(list(range(14)), val=3)
    return tmp_path


def test_every_test_image_gets_as_many_candidates_as_the_schedule_has(domain):
    run(pix2pix)
    run(pix2pix_candidates)
    group = open_group(STORE)
    assert dict(group.attrs) == {"rows": [12, 13]}
    assert list(group.array_keys()) == ["image"]
    images = np.asarray(array(group, "image"))
    assert images.shape == (2, 72, SIDE, SIDE, 3) and images.dtype == np.uint8
    for place in range(2):
        assert len({image.tobytes() for image in images[place]}) == 72
    # Each is the generator's image of the stored condition.
    stored = np.asarray(array(open_group(layout.conditions(DOMAIN)), CONDITION))
    again = load_pix2pix(WEIGHTS)(stored[13:14], (SIDE, SIDE), 72, [13])
    np.testing.assert_array_equal(again[0], images[1])
    write_params(pix2pix=SECTION, candidates={"schedule": "paper"})
    run(pix2pix_candidates)
    assert array(open_group(STORE), "image").shape[1] == 50
    assert len(open_candidates(DOMAIN, CONDITION, 5, "val").rows) == 3


def test_progress_shows_losses_and_pictures(domain):
    run(pix2pix)
    losses = pd.read_csv(PROGRESS / "losses.csv")
    assert losses.columns.tolist() == ["step", "discriminator", "adversarial", "l1"]
    assert losses["step"].tolist() == [4, 8, 9]  # nine training images, three epochs of three
    pictures = sorted(path.name for path in (PROGRESS / "samples").iterdir())
    assert pictures == ["0000004.png", "0000008.png", "0000009.png"]
    last = np.asarray(Image.open(PROGRESS / "samples" / pictures[-1]))
    photographs = np.asarray(array(open_group(layout.images(DOMAIN)), "image"))
    np.testing.assert_array_equal(last[:, -SIDE:], np.concatenate(photographs[9:11]))  # of val
    assert json.loads(WEIGHTS.with_suffix(".json").read_text())["condition"] == CONDITION
    assert not list((domain / ".work").rglob("*.safetensors"))


def test_the_same_inputs_give_the_same_bytes(domain):
    made = []
    for _ in range(2):
        run(pix2pix)
        run(pix2pix_candidates)
        made.append([content_hash(path) for path in (WEIGHTS, PROGRESS, STORE)])
    assert made[0] == made[1]
    training = SECTION["training"] | {"seed": 1}
    write_params(pix2pix=SECTION | {"training": training})
    run(pix2pix)
    assert content_hash(WEIGHTS) != made[0][0]


def test_a_killed_stage_goes_on_and_ends_the_same(domain, monkeypatch):
    run(pix2pix)
    whole = [content_hash(path) for path in (WEIGHTS, PROGRESS)]
    from exemplar.methods.pix2pix import training

    class Killed(BaseException):
        pass

    steps = []
    drawn = training.batch_at

    def dying(step, *given):
        steps.append(step)
        if len(steps) == 7:
            raise Killed
        return drawn(step, *given)

    monkeypatch.setattr(training, "batch_at", dying)
    WEIGHTS.unlink()
    with pytest.raises(Killed):
        run(pix2pix)
    assert not WEIGHTS.exists()
    run(pix2pix)
    # Batches are drawn ahead, so a few of the killed one's were for nothing.
    assert steps[:7] == [*range(7)] and steps[-5:] == [*range(4, 9)]
    assert [content_hash(path) for path in (WEIGHTS, PROGRESS)] == whole


def test_a_collapse_keeps_its_checkpoint_for_a_run_that_goes_on(domain):
    training = SECTION["training"] | {"checkpoint_every": 2}
    write_params(pix2pix=SECTION | {"training": training | {"collapse": 50}})
    with pytest.raises(TrainingError, match=r"the last good checkpoint is \.work.*step-000000004"):
        run(pix2pix)
    write_params(pix2pix=SECTION | {"training": training | {"collapse": 0}})
    run(pix2pix)
    assert pd.read_csv(PROGRESS / "losses.csv")["step"].tolist() == [2, 4, 6, 8, 9]


def test_what_is_missing_is_named_with_what_to_do(domain):
    with pytest.raises(WeightsError, match="noise-edges.safetensors: no such file"):
        run(pix2pix_candidates)
    run(pix2pix)
    config = json.loads(WEIGHTS.with_suffix(".json").read_text())
    WEIGHTS.with_suffix(".json").write_text(json.dumps(config | {"condition": "normals"}))
    with pytest.raises(StoreError, match="reads normals .* but data/noise/conditions.zarr has edg"):
        run(pix2pix_candidates)
    write_params()
    with pytest.raises(SettingsError, match="no section 'pix2pix'"):
        run(pix2pix)


def test_a_domain_without_the_split_is_an_error(domain):
    run(pix2pix)
    write_images([0])
    with pytest.raises(StoreError, match="no image of the split test; give domains.noise some"):
        run(pix2pix_candidates)
    items = pd.read_parquet(layout.items(DOMAIN)).assign(split="test")
    items.to_parquet(layout.items(DOMAIN), index=False)
    with pytest.raises(StoreError, match="no image of the split train; give domains.noise some"):
        run(pix2pix)


def test_labels_carry_their_classes(domain, monkeypatch):
    group = zarr.open_group(str(layout.conditions(DOMAIN)), mode="r+")
    edges = np.asarray(group["edges"])
    group.create_array("labels", data=(edges * 2.99).astype(np.uint8))
    group.attrs["classes"] = ["a", "b", "c"]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, "--condition", "labels"])
        pix2pix.main()
        pix2pix_candidates.main()
    made = load_pix2pix(layout.pix2pix(DOMAIN, "labels"))
    assert made.classes == ("a", "b", "c") and made.network.config["channels"] == 3


def test_the_project_s_own_settings_are_the_quick_preset():
    own = section(load_params(ROOT / "params.yaml"), "pix2pix", Pix2PixSettings)
    assert own == Pix2PixSettings()
    given = load_params(ROOT / "params.yaml")["pix2pix"]
    for name in ("network", "discriminator", "training"):
        assert set(given[name]) == set(getattr(own, name).model_dump())
