"""Exemplars laid out like a map: shares of classes, their weights, mirrors."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.features.look import looks
from exemplar.methods.pixelnn.whole.by_labels import ByLabels, ground_of, weights_of
from exemplar.methods.pixelnn.whole.choice import Pick
from tests.methods.pixelnn.whole.heads import (
    CLASSES,
    GROUND,
    LEFT,
    RIGHT,
    SIDE,
    labels_of,
    opened,
    write_heads,
)

OTHER_SIDE = [0, 1, 3, 2, 4]


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("heads"))
        photographs, settings = opened(write_heads())
        yield photographs, settings, ByLabels(photographs, np.arange(6), settings)


def cells_of(labels):
    """(1024, C) shares of 32 × 32 cells, by counting pixels enlarged to 160."""
    fine = labels.repeat(160 // len(labels), 0).repeat(160 // len(labels), 1)
    hot = (fine[..., None] == np.arange(len(CLASSES))).astype(float)
    return hot.reshape(32, 5, 32, 5, -1).mean((1, 3)).reshape(1024, -1)


def test_distances_are_of_weighted_shares_cell_by_cell(domain):
    photographs, _, finder = domain
    stored = [cells_of(labels) for labels in photographs.stored_labels(np.arange(6))]
    common = np.mean(stored, (0, 1))
    weights = 1 - np.log10(np.clip(common / common.max(), 0.01, 1)) / 2
    assert finder.weights == pytest.approx(weights, abs=1e-3)
    given = labels_of(6)
    ranked = finder.ranked(given, 6)
    assert sorted(pick.row for pick in ranked.picks) == list(range(6))
    for pick, apart in zip(ranked.picks, ranked.apart, strict=True):
        theirs, counted = stored[pick.row], weights
        if pick.mirrored:  # as it is used; a class counts as it does in the photograph
            theirs = theirs.reshape(32, 32, -1)[:, ::-1].reshape(1024, -1)[:, OTHER_SIDE]
            counted = weights[OTHER_SIDE]
        expected = ((theirs - cells_of(given)) ** 2 * counted**2).sum(1)
        assert apart == pytest.approx(expected, abs=4e-3)
    assert (np.diff(ranked.apart.mean(1)) >= 0).all()
    assert [pick.mirrored for pick in ranked.picks] != [False] * 6  # some are used so


def test_the_mirror_of_an_exemplar_finds_it_mirrored(domain):
    photographs, _, finder = domain
    own = photographs.labels(2)
    given = photographs.mirror(own)
    assert (given[:, ::-1] == LEFT).sum() == (own == RIGHT).sum() > 0
    assert ((given == RIGHT) == (own == LEFT)[:, ::-1]).all()
    ranked = finder.ranked(given, 3)
    assert ranked.picks[0] == Pick(2, True)
    # What networks see is half as large: classes' borders differ by as much.
    assert ranked.apart[0].mean() < 0.5 * ranked.apart[1].mean()
    photo = finder.photo(ranked.picks[0])
    assert (photo.guides.labels == given).all()
    assert (photo.image == photographs.image(2)).all()  # which is mirrored when it is used
    images = photographs.stored([pick.row for pick in ranked.picks])
    turned = [i[:, ::-1] if p.mirrored else i for i, p in zip(images, ranked.picks, strict=True)]
    assert (ranked.looks == looks(np.stack(turned))).all()


def test_nothing_is_mirrored_if_it_may_not_be(domain):
    photographs, settings, _ = domain
    plain = settings.model_copy(update={"mirrored": False})
    finder = ByLabels(photographs, np.arange(6), plain)
    ranked = finder.ranked(photographs.mirror(photographs.labels(2)), 9)
    assert not any(pick.mirrored for pick in ranked.picks) and len(ranked.picks) == 6


def test_only_the_rows_that_are_exemplars_are_found(domain):
    photographs, settings, _ = domain
    finder = ByLabels(photographs, np.array([1, 4]), settings)
    assert {pick.row for pick in finder.ranked(labels_of(0), 60).picks} == {1, 4}


def test_what_is_asked(domain):
    _, _, finder = domain
    asked = finder.asked(labels_of(6))
    assert asked.size == (SIDE, SIDE) and asked.ground == GROUND
    assert asked.weights == tuple(finder.weights.tolist())
    assert finder.grid == finder.guides_size == (SIDE, SIDE)


def test_rare_classes_count_more():
    found = weights_of(np.array([0.5, 0.05, 0.005, 1e-6, 0]), 3)
    assert found == pytest.approx([1, 2, 3, 3, 3])
    assert weights_of(np.array([0.5, 0.001]), 1) == pytest.approx([1, 1])


def test_the_ground_is_named_or_around():
    labels = np.full((5, 6), 2, np.uint8)
    labels[1:4, 1:4] = 1
    assert ground_of(labels, ["skin", "background", "x"]) == 1
    assert ground_of(labels, ["a", "b", "ground"]) == 2
    assert ground_of(labels, ["a", "b", "c"]) == 2
    labels[:, :3] = 0
    labels[0, 3:] = 1
    assert ground_of(labels, ["a", "b", "c"]) is None
