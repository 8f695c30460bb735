"""Exemplars found by f(x) and its descriptors, of photographs in files and untrained networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from exemplar.data.domains import prepare_domain
from exemplar.features.look import looks
from exemplar.matching.scenes import unit
from exemplar.methods.pixelnn.whole.by_descriptors import ByDescriptors
from exemplar.methods.pixelnn.whole.candidates import of_input
from exemplar.methods.pixelnn.whole.choice import Pick
from exemplar.methods.pixelnn.whole.guides import condition_planes, mirrored
from exemplar.methods.pixelnn.whole.opening import open_whole
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.patches.voting import rederive
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows, write_group
from stages import features, index, projection
from tests.methods.pixelnn.noise import run
from tests.methods.pixelnn.whole.heads import WHOLE, labels_of, photograph_of
from tests.stages.small_domain import CONDITION, DOMAIN, PARAMS, SIDE, write_networks

COUNT, LARGE, CELLS = 12, 48, 2
SETTINGS = PARAMS | {
    "domains": {DOMAIN: {"kind": "folder", "root": "raw", "splits": {"val": 0, "test": 0}}},
    "prepare": {"image_size": SIDE, "workers": 1},
    "whole": WHOLE | {"detail": LARGE},
}


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("described"))
        Path("params.yaml").write_text(yaml.safe_dump(SETTINGS))
        for seed in range(COUNT):
            path = Path("raw", f"{seed}.png")
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(photograph_of(seed, labels_of(seed, (LARGE, LARGE)))).save(path)
        prepare_domain(DOMAIN, SETTINGS)
        maps = np.stack([labels_of(seed, (SIDE, SIDE)) for seed in range(COUNT)])
        edges = (np.diff(maps, axis=2, prepend=0) != 0).astype(np.float16)
        write_group(layout.conditions(DOMAIN), {"edges": edges}, {"classes": []})
        write_networks()
        for stage in (projection, features, index):
            run(stage)
        settings = WholeSettings.model_validate(SETTINGS["whole"])
        yield open_whole(DOMAIN, CONDITION, SETTINGS, settings), settings, edges


def finder_of(opened) -> ByDescriptors:
    assert isinstance(opened.finder, ByDescriptors)
    return opened.finder


@pytest.mark.parametrize("row", [0, 5])
def test_an_exemplar_s_own_condition_finds_it_and_its_mirror_finds_it_mirrored(domain, row):
    opened, _, edges = domain
    for turned in (False, True):
        values = edges[row][:, ::-1] if turned else edges[row]
        given = opened.given(np.ascontiguousarray(values), values)
        ranked = opened.finder.ranked(given, 4)
        assert ranked.picks[0] == Pick(row, turned)
        assert ranked.apart[0].max() < 1e-6 < ranked.apart[1].max()


def test_distances_are_of_scene_features_cell_by_cell_of_the_picture(domain):
    opened, _, edges = domain
    given = opened.given(edges[2], edges[2])
    scene = array(open_group(layout.features(DOMAIN, CONDITION)), "scene")
    ranked = opened.finder.ranked(given, COUNT)
    assert sorted(pick.row for pick in ranked.picks) == list(range(COUNT))
    for pick, apart in zip(ranked.picks, ranked.apart, strict=True):
        own = unit(read_rows(scene, [pick.row]))[0]
        wanted = unit((given.mirror if pick.mirrored else given.scene)[None])[0]
        squares = ((own - wanted) ** 2).reshape(-1, CELLS, CELLS).sum(0)
        assert apart == pytest.approx(squares[:, :: -1 if pick.mirrored else 1].ravel(), abs=1e-6)
    assert (np.diff(ranked.apart.sum(1)) >= 0).all()


def test_looks_are_of_photographs_as_they_are_used(domain):
    opened, _, edges = domain
    values = np.ascontiguousarray(edges[1][:, ::-1])
    ranked = opened.finder.ranked(opened.given(values, values), COUNT)
    assert {pick.mirrored for pick in ranked.picks} >= {True}
    for pick, look in zip(ranked.picks, ranked.looks, strict=True):
        image = opened.photographs.stored([pick.row])
        assert look == pytest.approx(looks(image[:, :, :: -1 if pick.mirrored else 1])[0], abs=1e-6)


def test_guides_are_descriptors_and_the_condition_as_it_is_used(domain):
    opened, _, edges = domain
    finder = finder_of(opened)
    assert finder.guides_size == (LARGE, LARGE) and finder.grid == (SIDE, SIDE)
    plain, turned = (finder.photo(Pick(3, each)) for each in (False, True))
    assert (plain.image == turned.image).all()
    values, other = plain.guides.values, turned.guides.values
    assert values.shape == (LARGE, LARGE, 5 + 2)
    assert other[..., :5] == pytest.approx(values[:, ::-1, :5], abs=1e-4)
    lines = mirrored("edges", edges[3], opened.photographs.exchanged)
    assert (other[..., 5:] == condition_planes("edges", lines, (LARGE, LARGE))).all()
    assert turned.parts == pytest.approx(plain.parts[:, ::-1], abs=1e-4)
    again = finder.photo(Pick(3, True))
    assert again.guides.values is other  # it is kept
    asked = finder.asked(opened.given(edges[3], edges[3]))
    # f(x) of the exemplar is described as it was stored, in half precision.
    assert asked.guides.values == pytest.approx(values, abs=2e-2)
    assert asked.weights is None and asked.ground is None and asked.size == (LARGE, LARGE)


def test_descriptors_vary_as_much_as_is_asked_for(domain):
    _, settings, _ = domain
    stored = array(open_group(layout.features(DOMAIN, CONDITION)), "descriptor")
    seen = np.asarray(stored).astype(np.float32)
    expected = 0.25 / seen.std((0, 1, 2)).mean() * seen
    for weights, factor in (((1, 1), 1), ((0.5, 0), 0.5)):
        own = settings.model_copy(
            update=dict(zip(("described", "conditioned"), weights, strict=True))
        )
        finder = open_whole(DOMAIN, CONDITION, SETTINGS, own, SIDE).finder
        values = np.stack([finder.photo(Pick(row)).guides.values for row in range(COUNT)])
        assert values.shape == (COUNT, SIDE, SIDE, 5 + 2 * weights[1])
        assert values[..., :5] == pytest.approx(factor * expected, abs=1e-4)


def test_candidates_are_their_exemplars_to_the_byte(domain):
    opened, settings, edges = domain
    made = list(of_input(opened.finder, opened.given(edges[6], edges[6]), settings))
    assert len(made) == 4
    for one in made:
        assert one.image.shape == (LARGE, LARGE, 3)
        assert (rederive(one.source, one.exemplars, one.votes) == one.image).all()
        assert [e.colours is None for e in one.exemplars] == [True, False][: len(one.picks)]
    alone = next(one for one in made if one.member.leader == 1 and one.member.exemplars == 1)
    assert (alone.image == opened.photographs.image(6)).all()


def test_candidates_may_begin_with_a_coherent_one(domain):
    opened, settings, edges = domain
    faint = settings.patches.model_copy(update={"guidance": 0.1, "place": 0.1})
    settings = settings.model_copy(update={"patches": faint})
    both = settings.model_copy(update={"starts": ("guides", "coherent"), "threads": 2})
    beginning = open_whole(DOMAIN, CONDITION, SETTINGS, both)
    assert beginning.settings.starts == both.starts
    values = np.ascontiguousarray(edges[6].T)
    given = beginning.given(values, values)
    assert given.coherent() is given.coherent()
    leader = beginning.finder.ranked(given, 1).picks[0]
    start = beginning.finder.coherent(given, leader, 1)
    drawn = (given.coherent().source[..., 0] == leader.row).mean((1, 2))
    assert (start == given.coherent().image[drawn.argmax()]).all() and drawn.max() > 0
    made = {one.member: one for one in of_input(beginning.finder, given, both)}
    plain = {one.member: one for one in of_input(opened.finder, given, settings)}
    assert len(made) == 8
    assert all((made[member].image == one.image).all() for member, one in plain.items())
    assert any((made[m].image != made[m._replace(start="coherent")].image).any() for m in plain)
    few = open_whole(DOMAIN, CONDITION, SETTINGS, both, None, lambda _, rows: rows[:10])
    assert few.settings.starts == ("guides",)  # 11 are needed for coherent ones


def test_only_rows_that_are_allowed_are_found(domain):
    _, settings, _ = domain
    opened = open_whole(
        DOMAIN, CONDITION, SETTINGS, settings, 40, lambda photographs, rows: rows[1:4]
    )
    assert opened.count == 3 and opened.photographs.size == (40, 40)
    found = opened.finder.ranked(opened.given(*opened.stored(6)), 60)
    assert {pick.row for pick in found.picks} == {1, 2, 3}
