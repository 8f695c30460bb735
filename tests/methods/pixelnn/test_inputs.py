"""A user's inputs on a small domain of noise: chosen exemplars, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from exemplar.data.problems import RequestError
from exemplar.features.look import looks
from exemplar.methods.pixelnn.inputs import synthesise_files
from exemplar.methods.pixelnn.schedule import candidates
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group
from stages import index, projection, ranking
from tests.methods.pixelnn.noise import run, write_features
from tests.stages.small_domain import (
    CONDITION,
    DOMAIN,
    SIDE,
    write_params,
)

COUNT = 28  # four of them no exemplars


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_features(COUNT, val=2)
        run(index)
        run(ranking)
        lines = np.full((SIDE, SIDE), 255, np.uint8)
        lines[3:-3, SIDE // 3] = lines[SIDE // 2, 2:-4] = lines[3, 3:-5] = 0
        Image.fromarray(lines).save("drawing.png")
        yield folder


@pytest.fixture
def drawing(made, monkeypatch):
    monkeypatch.chdir(made)
    return made / "drawing.png"


def photographs() -> np.ndarray:
    return np.asarray(array(open_group(layout.images(DOMAIN)), "image"))


def used(made) -> set[int]:
    """The exemplars in the sources of an input."""
    return set(np.unique(next(made).composed.source[..., 0]).tolist())


def test_exemplars_like_a_photograph(drawing, tmp_path):
    """Larger than the exemplars and cut off at the sides, it looks like itself."""
    original = photographs()[5]
    Image.fromarray(original).resize((2 * SIDE, 2 * SIDE), Image.Resampling.NEAREST).save(
        tmp_path / "five.png"
    )
    look = looks(photographs())
    assert array(open_group(layout.features(DOMAIN, CONDITION)), "look")[:] == pytest.approx(look)
    library, made = synthesise_files(
        [drawing], DOMAIN, CONDITION, [], ["noise-6"], like=tmp_path / "five.png", alike_count=11
    )
    fitted = np.asarray(
        Image.open(tmp_path / "five.png").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    )
    distance = np.linalg.norm(look - looks(fitted[None]), axis=1)
    distance[[6, 24, 25, 26, 27]] = np.inf  # excluded, and no exemplars
    nearest = set(np.argsort(distance)[:11].tolist())
    assert 5 in nearest
    assert set(library.exemplars.rows.tolist()) == nearest
    assert used(made) <= nearest


def test_all_exemplars_are_like_it_if_they_are_few(drawing):
    library, made = synthesise_files(
        [drawing], DOMAIN, CONDITION, [], [], like=drawing, published=True
    )
    assert library.exemplars.rows.tolist() == list(range(COUNT - 4))
    assert library.exemplars.index is not None
    _, free = synthesise_files([drawing], DOMAIN, CONDITION, [], [], published=True)
    np.testing.assert_array_equal(next(made).composed.image, next(free).composed.image)


def test_followers_look_like_the_photograph(drawing, tmp_path):
    """Not like their leaders, which stay who they are."""
    Image.fromarray(photographs()[5]).save(tmp_path / "five.png")
    _, alike = synthesise_files([drawing], DOMAIN, CONDITION, [], [], like=tmp_path / "five.png")
    _, free = synthesise_files([drawing], DOMAIN, CONDITION, [], [])
    sources = [in_order(each) for each in (next(alike), next(free))]
    changed = {m for m, source in sources[0].items() if (source != sources[1][m]).any()}
    assert changed and all(member.neighbours > 1 for member in changed)


def in_order(made) -> dict:
    """The sources by candidate."""
    return dict(zip(made.members, made.composed.source, strict=True))


def test_candidates_come_best_first_and_the_few_are_among_them(drawing):
    _, ranked = synthesise_files([drawing], DOMAIN, CONDITION, [], [])
    _, chosen = synthesise_files([drawing], DOMAIN, CONDITION, [], [], count=6)
    every, few = next(ranked), next(chosen)
    assert (np.diff(every.score) >= 0).all() and every.score[0] < every.score[-1]
    assert every.votes == few.votes == 1
    assert set(every.members) == set(candidates("released")) and len(every.members) == 72
    assert len(few.members) == len(few.composed.image) == 6
    assert few.members[0] == every.members[0]
    places = [every.members.index(member) for member in few.members]
    assert places == sorted(set(places)) and places[-1] < 44
    np.testing.assert_array_equal(few.composed.image, every.composed.image[places])
    np.testing.assert_array_equal(few.composed.source, every.composed.source[places])
    np.testing.assert_array_equal(few.score, every.score[places])


def test_published_candidates_are_in_the_schedule_s_order(drawing):
    _, made = synthesise_files([drawing], DOMAIN, CONDITION, [], [], published=True)
    published = next(made)
    assert published.members == candidates("released")
    assert np.isnan(published.score).all() and published.votes == 0
    y, x = np.moveaxis(published.composed.source[0], -1, 0)[1:]  # of K 1, T 1: copies in place
    np.testing.assert_array_equal([y, x], np.indices((SIDE, SIDE)))
    (regressed,) = [published.regressed.astype(int)]
    row = int(published.composed.source[0, 0, 0, 0])
    group = open_group(layout.features(DOMAIN, CONDITION))
    residual = photographs()[row] - np.asarray(array(group, "regressed"))[row].astype(int)
    np.testing.assert_array_equal(
        published.composed.image[0], np.clip(regressed + residual, 0, 255)
    )


def test_counts_that_do_not_fit_are_told(drawing):
    with pytest.raises(RequestError, match="--count 73: expected 1 to 72, all candidates"):
        synthesise_files([drawing], DOMAIN, CONDITION, [], [], count=73)
    with pytest.raises(RequestError, match="those of --method pixelnn are not ranked; leave one"):
        synthesise_files([drawing], DOMAIN, CONDITION, [], [], count=3, published=True)


def test_globs_are_held_to(drawing):
    library, made = synthesise_files([drawing], DOMAIN, CONDITION, ["noise-?", "noise-1?"], [])
    assert library.exemplars.rows.tolist() == list(range(20))
    assert used(made) <= set(range(20))


def test_too_few_exemplars_are_told(drawing):
    with pytest.raises(RequestError, match="leave 10 exemplars, the schedule 'released' needs 11"):
        synthesise_files([drawing], DOMAIN, CONDITION, ["noise-?"], [])
    with pytest.raises(RequestError, match=r"--like 9: expected 11 \(what.*\) to 24 \(the ex"):
        synthesise_files([drawing], DOMAIN, CONDITION, [], [], like=drawing, alike_count=9)
    with pytest.raises(RequestError, match=r"--like 25: expected 11 .* to 24"):
        synthesise_files([drawing], DOMAIN, CONDITION, [], [], like=drawing, alike_count=25)


def test_a_library_that_is_too_small_is_told(drawing):
    write_params(removed={DOMAIN: ["noise-1?", "noise-?"]})
    try:
        with pytest.raises(RequestError, match="has 4 exemplars, .* needs 11; add training images"):
            synthesise_files([drawing], DOMAIN, CONDITION, [], [])
    finally:
        write_params()


def test_all_unreadable_files_are_told_together(drawing, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(RequestError) as caught:
        synthesise_files(
            [tmp_path / "none.png", drawing, tmp_path / "text.png"],
            DOMAIN, CONDITION, [], [], like=tmp_path / "gone.jpg",
        )  # fmt: skip
    first, second, third = str(caught.value).splitlines()
    assert first == f"{tmp_path}/none.png: no such file"
    assert second.startswith(f"{tmp_path}/text.png: not an image of a known format")
    assert third == f"--from {tmp_path}/gone.jpg: no such file"


def test_descriptors_of_another_projection_are_told(drawing):
    """The projection was learned anew, the features are still those of the former one."""
    path = layout.projection(DOMAIN, CONDITION)
    kept = {p: p.read_bytes() for p in (path, path.with_suffix(".json"))}
    write_params(projection={"dimensions": 5, "sample": 12, "pixels": 41})
    try:
        run(projection)
        with pytest.raises(StoreError) as caught:
            synthesise_files([drawing], DOMAIN, CONDITION, [], [])
    finally:
        write_params()
        for each, content in kept.items():
            each.write_bytes(content)
    text = str(caught.value)
    assert text.startswith("features/noise-edges.zarr: descriptors of another backbone or projecti")
    assert "models/projection/noise-edges.safetensors (projection " in text
    assert "run `exemplar reproduce index@noise-edges`" in text
