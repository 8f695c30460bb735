"""From descriptors to candidates: every setting has an effect, and none but its own."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.matching.images import nearest
from exemplar.methods.pixelnn.library import open_library
from exemplar.methods.pixelnn.synthesis import CandidatesSettings, synthesise
from exemplar.store.arrays import read_rows
from stages import index
from tests.methods.pixelnn.noise import run, write_features
from tests.stages.small_domain import CONDITION, DOMAIN

NEAR = {"search": "coarse_to_fine"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Candidates by settings, of one input."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("noise"))
        write_features(40)
        run(index)
        library = open_library(DOMAIN, CONDITION)
        arrays = (library.regressed, library.descriptor, library.scene)
        regressed, descriptor, scene = (read_rows(array, [39])[0] for array in arrays)

        def call(look=None, **settings):
            chosen = CandidatesSettings(**settings)
            return synthesise(library, regressed, descriptor, scene, chosen, look)

        call.library, call.scene = library, scene
        yield call


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ({}, {"schedule": "paper"}),
        ({}, {"composition": "weighted"}),
        ({}, {"composition": "voted"}),
        ({}, {"composition": "seamless"}),
        ({}, {"residual": "luma"}),
        ({}, {"likeness": 3}),
        ({"likeness": 3}, {"near": 12}),
        ({"composition": "voted"}, {"votes": 1}),
        ({"composition": "seamless"}, {"anchor": 5}),
        ({"matching": NEAR}, {"matching": NEAR | {"support": 2}}),
        ({"matching": NEAR | {"support": 2}}, {"matching": NEAR | {"support": 4}}),
        (
            {"matching": NEAR | {"support": 2}},
            {"matching": NEAR | {"support": 2, "softness": 0.1}},
        ),
    ],
)
def test_every_setting_changes_candidates(made, base, change):
    one, other = made(**base), made(**(base | change))
    if one.image.shape == other.image.shape:
        assert (one.image != other.image).any()


def test_joining_leaves_the_sources(made):
    plain = made().source
    for composition in ("voted", "seamless"):
        np.testing.assert_array_equal(made(composition=composition).source, plain)


def test_leaders_are_the_nearest_whatever_the_likeness(made):
    leader = nearest(made.library.exemplars, made.scene[None], 1)[0, 0]
    for likeness in (0, 3):
        source = made(likeness=likeness).source
        assert (source[:4, ..., 0] == leader).all()  # K = 1, from 1, four windows


def test_a_wanted_look_is_followed(made):
    far = read_rows(made.library.look, [5])[0]
    alike, other = made(likeness=5), made(look=far, likeness=5)
    assert (alike.image[:40] == other.image[:40]).all()  # K = 1: no followers
    assert (alike.image[40:] != other.image[40:]).any()
    unmoved = made(look=far).image
    np.testing.assert_array_equal(unmoved, made().image)  # without likeness it does not count
