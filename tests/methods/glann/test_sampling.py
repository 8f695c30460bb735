"""Noise that does not depend on how much there is, and nearest training images of several sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.methods.glann.looks import Shown, load_look
from exemplar.methods.glann.sampling import Compared, codes_of, draw, near_training
from exemplar.methods.glann.training_images import held_out, open_training, spread
from exemplar.store import layout
from exemplar.store.arrays import StoreError, read_rows
from exemplar.store.items import read_items, write_items
from tests.methods.glann import untrained
from tests.methods.glann.untrained import CODES, DOMAIN, NOISE, SEED


@pytest.fixture
def run(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    untrained.write_run()


def test_the_first_noise_does_not_depend_on_how_much_there_is() -> None:
    sampler = untrained.sampler()
    whole = draw(sampler, 100, 7)
    assert whole.shape == (100, NOISE)
    for count in (1, 2, 3, 13, 99):
        assert (draw(sampler, count, 7) == whole[:count]).all()
    assert (draw(sampler, 3, 8) != whole[:3]).all()


def test_codes_are_of_unit_length() -> None:
    sampler = untrained.sampler()
    codes = codes_of(sampler, draw(sampler, 300, 0))
    assert codes.shape == (300, CODES)
    assert torch.allclose(codes.norm(dim=1), torch.ones(300), atol=1e-5)


def test_training_images_are_found_by_their_ids(run) -> None:
    training = open_training(DOMAIN, SEED)
    assert training.rows.tolist() == [1, 3, 5, 7, 9]  # the codes come in the order 9, 7, 5, 3, 1
    codes = untrained.unit(5, CODES)
    assert (training.codes_at(np.array([9, 1])) == codes[[0, 4]]).all()
    assert (training.shown.images(slice(1, 3)) == read_rows(training.images, [3, 5])).all()
    items = read_items(layout.items(DOMAIN))
    assert held_out(items).tolist() == [0, 2, 4, 6, 8]
    assert held_out(items.replace("test", "val")).tolist() == [0, 2, 4, 6, 8]
    assert not len(held_out(items.replace("test", "train")))
    assert spread(training.rows, 3).tolist() == [1, 5, 9]
    assert spread(training.rows, 1).tolist() == [1]
    assert spread(training.rows, 50).tolist() == [1, 3, 5, 7, 9]


def test_codes_of_images_that_are_gone(run) -> None:
    items = read_items(layout.items(DOMAIN))
    items["id"] = items["id"].replace({"s-3": "new", "s-7": "newer"})
    write_items(layout.items(DOMAIN), items)
    with pytest.raises(StoreError, match=r"has codes of 2 images .* s-7, s-3; .* glo@specks-3"):
        open_training(DOMAIN, SEED)


def test_sets_share_the_way_but_not_their_neighbours(run) -> None:
    training, look = open_training(DOMAIN, SEED), load_look(None)
    own = training.rows[1:4]
    known = Shown(3, lambda part: read_rows(training.images, own[part]))
    codes = training.codes_at(own)
    asked = [
        Compared(known, codes),
        Compared(Shown(0, lambda _: np.empty((0, 16, 16, 3), np.uint8))),
        Compared(known, codes, own),
    ]
    same, none, others = near_training(asked, training, look, 9)
    assert same.latent is not None
    assert others.latent is not None
    assert none.latent is None
    assert none.perceptual.rows.shape == (0, 4)
    for found in (same.latent, same.perceptual):
        assert found.rows.shape == (3, 4)  # no more than others have
        assert found.rows[:, 0].tolist() == own.tolist()
        assert (found.distances[:, 0] == 0).all()
    for found in (others.latent, others.perceptual):
        assert (np.sort(found.rows) == [np.setdiff1d(training.rows, [row]) for row in own]).all()
    assert (same.latent.rows[:, 1:] == others.latent.rows[:, :3]).all()
