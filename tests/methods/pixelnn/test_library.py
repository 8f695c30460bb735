"""What a library opens, and that nothing depends on an exemplar that was removed."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
import zarr
from PIL import Image

from exemplar.matching import index as matching_index
from exemplar.methods.pixelnn.inputs import synthesise_files
from exemplar.methods.pixelnn.library import open_library, working_set
from exemplar.settings import SettingsError
from exemplar.store import layout
from exemplar.store.arrays import StoreError
from stages import index, ranking
from tests.methods.pixelnn.noise import run, write_features
from tests.stages.small_domain import (
    CONDITION,
    DOMAIN,
    SIDE,
    write_images,
    write_params,
)

COUNT = 30


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A domain of noise, as far as its features."""
    monkeypatch.chdir(tmp_path)
    write_features(COUNT, val=1)
    return tmp_path


def synthesised(folder, like=None, published=True):
    """Images and sources of one input."""
    drawing, photograph = folder / "drawing.png", folder / "photograph.png"
    rng = np.random.default_rng(99)
    page = np.full((SIDE, SIDE), 255, np.uint8)
    rows, columns = rng.integers(2, SIDE - 2, (2, 2))
    page[rows, 2:-2] = page[2:-2, columns] = 0
    Image.fromarray(page).save(drawing)
    Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)).save(photograph)
    chosen = {"like": photograph, "alike_count": 12} if like else {}
    _, made = synthesise_files([drawing], DOMAIN, CONDITION, [], [], published=published, **chosen)
    return next(made).composed


def poison(rows: list[int]) -> None:
    """Rubbish in all that is known of some images."""
    paths = (layout.images(DOMAIN), layout.conditions(DOMAIN), layout.features(DOMAIN, CONDITION))
    for path in paths:
        group = zarr.open_group(str(path), mode="r+")
        for _, values in group.arrays():
            for row in rows:
                values[row] = np.nan if values.dtype.kind == "f" else 77


WAYS = (("coherent", "published"), ("all", "from"), ("exact", "lists"), ("before", "after"))
CASES = [
    pytest.param(
        *chosen,
        id="-".join(way[which] for way, which in zip(WAYS, chosen, strict=True)),
        # Any three of the four are combined in all ways in half of the cases.
        marks=[pytest.mark.slow] if sum(chosen) % 2 else [],
    )
    for chosen in itertools.product((False, True), repeat=len(WAYS))
]


@pytest.mark.parametrize(("published", "like", "lists", "rebuilt"), CASES)
def test_no_byte_depends_on_a_removed_exemplar(made, monkeypatch, published, like, lists, rebuilt):
    if lists:
        build = partial(matching_index.build_index, exact_bytes=0)
        monkeypatch.setattr(index, "build_index", build)
    run(index)
    run(ranking)
    free = synthesised(made, like, published)
    banned = sorted(set(np.unique(free.source[..., 0]).tolist()))[:3]
    write_params(removed={DOMAIN: [f"noise-{row}" for row in banned]})
    if rebuilt:
        run(index)
        before = layout.index(DOMAIN, CONDITION).read_bytes()
    clean = synthesised(made, like, published)
    assert not set(banned) & set(np.unique(clean.source[..., 0]).tolist())
    assert (clean.source != free.source).any()

    poison(banned)
    if rebuilt:
        run(index)
        assert layout.index(DOMAIN, CONDITION).read_bytes() == before
    assert (open_library(DOMAIN, CONDITION).exemplars.index is not None) == rebuilt
    after = synthesised(made, like, published)
    np.testing.assert_array_equal(after.image, clean.image)
    np.testing.assert_array_equal(after.source, clean.source)


def test_what_is_removed_and_allowed_again_needs_no_other_step(made):
    run(index)
    free = synthesised(made)
    write_params(removed={DOMAIN: ["noise-1*"]})
    assert not set(range(10, 20)) & set(np.unique(synthesised(made).source[..., 0]).tolist())
    run(index)
    write_params()
    again = synthesised(made)
    np.testing.assert_array_equal(again.image, free.image)
    np.testing.assert_array_equal(again.source, free.source)


def test_removal_that_does_not_fit_is_told(made):
    run(index)
    write_params(removed={DOMAIN: ["noise-1", "noise-99"]})
    with pytest.raises(SettingsError, match=r"removed\.noise: no training image's .* 'noise-99'"):
        open_library(DOMAIN, CONDITION)


def test_stores_of_two_runs_are_told(made):
    run(index)
    write_images(list(range(COUNT + 4)))
    with pytest.raises(
        StoreError, match=f"{COUNT} images.* has {COUNT + 4}, .*not of one run; run"
    ):
        open_library(DOMAIN, CONDITION)


def test_descriptors_that_are_not_finite_are_told(made):
    run(index)
    poison([4])
    library = open_library(DOMAIN, CONDITION)
    assert working_set(library, np.array([3, 5])).shape == (2, SIDE, SIDE, 5)
    with pytest.raises(StoreError, match=r"descriptors that are not finite in rows \[4\]"):
        working_set(library, np.array([3, 4, 5]))
