"""The rendered domain: shapes, truth that agrees with itself, and the same bits every time."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from exemplar.data.rendered import PARTS, RenderedSettings, Rendering, render
from exemplar.settings import SettingsError, section

SETTINGS = RenderedSettings()
SIZE = 40


@pytest.fixture(scope="module")
def pictures() -> list[Rendering]:
    """A dozen small pictures, one of them with two animals for sure."""
    pair = RenderedSettings(two_animals=1.0)
    return [render(index, SETTINGS, SIZE) for index in range(8)] + [render(3, pair, SIZE)]


def _digest(picture: Rendering) -> str:
    state = hashlib.sha256()
    for name in ("image", "normals", "labels", "instances", "surface", "edges"):
        state.update(np.ascontiguousarray(getattr(picture, name)).tobytes())
    state.update(repr((picture.category, picture.attributes)).encode())
    return state.hexdigest()


def test_shapes_types_and_ranges(pictures: list[Rendering]) -> None:
    for picture in pictures:
        assert picture.image.shape == (SIZE, SIZE, 3)
        assert picture.image.dtype == np.uint8
        assert picture.normals.shape == (SIZE, SIZE, 3)
        assert picture.normals.dtype == np.float32
        assert picture.labels.shape == (SIZE, SIZE)
        assert picture.labels.dtype == np.uint8
        assert picture.instances.shape == (SIZE, SIZE)
        assert picture.instances.dtype == np.uint16
        assert picture.surface.shape == (SIZE, SIZE, 3)
        assert picture.surface.dtype == np.float32
        assert picture.edges.shape == (SIZE, SIZE)
        assert picture.edges.dtype == np.float32
        assert picture.labels.max() < len(PARTS) <= 16
        assert picture.edges.min() >= 0
        assert picture.edges.max() <= 1
        assert picture.image.std() > 10, "a picture without contrast"


def test_background_is_background_everywhere(pictures: list[Rendering]) -> None:
    for picture in pictures:
        empty = picture.labels == 0
        assert np.array_equal(empty, picture.instances == 0)
        assert np.array_equal(empty, np.isnan(picture.surface).all(-1))
        assert np.array_equal(empty, np.isnan(picture.surface).any(-1))
        assert np.array_equal(picture.normals[empty], np.tile([0, 0, 1.0], (empty.sum(), 1)))
        assert 0.1 < 1 - empty.mean() <= 1


def test_normals_are_unit_and_face_the_viewer(pictures: list[Rendering]) -> None:
    for picture in pictures:
        assert np.allclose(np.linalg.norm(picture.normals, axis=-1), 1, atol=1e-5)
        # The camera sees at most a little around: its rays spread by less than 25 degrees.
        assert picture.normals[..., 2].min() > -0.45


def test_silhouette_normals_turn_sideways(pictures: list[Rendering]) -> None:
    outwards: list[np.ndarray] = []
    for picture in pictures:
        covered = np.pad(picture.instances > 0, ((0, 0), (1, 1)), mode="edge")
        left = covered[:, 1:-1] & ~covered[:, :-2]
        right = covered[:, 1:-1] & ~covered[:, 2:]
        outwards += [-picture.normals[..., 0][left], picture.normals[..., 0][right]]
    assert np.median(np.concatenate(outwards)) > 0.5
    assert np.mean(np.concatenate(outwards) > 0) > 0.8


def test_instances_count_the_animals(pictures: list[Rendering]) -> None:
    for picture in pictures:
        seen = set(np.unique(picture.instances).tolist()) - {0}
        assert seen <= set(range(1, len(picture.attributes["breeds"]) + 1))
    assert set(np.unique(pictures[-1].instances)) == {0, 1, 2}


def _mean_surface(picture: Rendering, *parts: str) -> np.ndarray | None:
    here = np.isin(picture.labels, [PARTS.index(part) for part in parts])
    return picture.surface[here].mean(0) if here.sum() >= 4 else None


def test_corresponding_parts_share_coordinates(pictures: list[Rendering]) -> None:
    noses = [_mean_surface(picture, "nose") for picture in pictures]
    ears = [_mean_surface(picture, "ear", "inner ear") for picture in pictures]
    noses = np.stack([nose for nose in noses if nose is not None])
    ears = np.stack([ear for ear in ears if ear is not None])
    assert len(noses) > 5
    assert len(ears) > 5
    between_noses = np.linalg.norm(noses[:, None] - noses[None], axis=-1).max()
    to_ears = np.linalg.norm(noses[:, None] - ears[None], axis=-1).min()
    assert between_noses < 0.25 < 0.8 < to_ears


def test_surface_coordinates_lie_on_one_head(pictures: list[Rendering]) -> None:
    for picture in pictures:
        head = np.isin(picture.labels, [PARTS.index(part) for part in ("head", "muzzle", "nose")])
        distance = np.linalg.norm(picture.surface[head], axis=-1)
        assert np.percentile(distance, 2) > 0.5
        assert np.percentile(distance, 98) < 1.8


def test_edges_follow_the_outline(pictures: list[Rendering]) -> None:
    for picture in pictures:
        change = picture.instances[:, 1:] != picture.instances[:, :-1]
        near = np.maximum(picture.edges[:, 1:], picture.edges[:, :-1])[change]
        assert np.median(near) > 0.6
        far = np.logical_not(binary_dilation(picture.labels > 0, np.ones((9, 9))))
        assert picture.edges[far].max(initial=0) < 0.1


def test_size_changes_the_sampling_only() -> None:
    small, large = render(5, SETTINGS, 32), render(5, SETTINGS, 64)
    assert small.attributes == large.attributes
    agree = small.labels == large.labels[::2, ::2]
    assert agree.mean() > 0.85


def test_same_picture_again_and_in_another_process() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests/data');"
        "from test_rendered import _digest, SETTINGS; from exemplar.data.rendered import render;"
        "print(_digest(render(7, SETTINGS, 48, seed=2)))"
    )
    here = _digest(render(7, SETTINGS, 48, seed=2))
    assert here == _digest(render(7, SETTINGS, 48, seed=2))
    root = __file__.rsplit("tests", 1)[0]
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == here


def test_index_and_seed_each_change_the_picture() -> None:
    base = render(1, SETTINGS, 32)
    assert not np.array_equal(base.image, render(2, SETTINGS, 32).image)
    assert not np.array_equal(base.image, render(1, SETTINGS, 32, seed=1).image)


def test_settings_decide() -> None:
    chosen = RenderedSettings(breeds=("rabbit",), two_animals=0.0, textured_background=0.0)
    picture = render(0, chosen, 32)
    assert picture.category == "rabbit"
    assert picture.attributes["breeds"] == ["rabbit"]
    assert picture.attributes["background"] == "plain"


def test_wrong_settings_say_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"two_animals.*less than or equal to 1.*got 1\.5"):
        section({"domains": {"rendered": {"two_animals": 1.5}}}, "domains.rendered",
                RenderedSettings)  # fmt: skip
    with pytest.raises(
        ValueError, match=r"unknown names \['unicorn'\]; choose from bear, boxer, corgi"
    ):
        RenderedSettings(breeds=("unicorn",))
    with pytest.raises(ValueError, match="size >= 16, got index 0, seed 0, size 8"):
        render(0, SETTINGS, 8)
    with pytest.raises(ValueError, match="got index -1"):
        render(-1, SETTINGS)
