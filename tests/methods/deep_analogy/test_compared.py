"""Each method is asked with its own settings; the network is loaded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exemplar.methods.deep_analogy import compared
from exemplar.methods.deep_analogy.analogy import Analogy
from exemplar.methods.deep_analogy.blend import KAPPA, TAU
from exemplar.methods.deep_analogy.compared import METHODS, ComparedSettings, Matcher, varied
from exemplar.methods.deep_analogy.search import PATCHES, RADII
from exemplar.methods.deep_analogy.settings import WEIGHTS, AnalogySettings, TextureSettings
from exemplar.settings import SettingsError
from exemplar.store.weights import WeightsError
from tests.methods.deep_analogy.small_pyramid import small_pyramid

ESTIMATORS, INVERSE = Path("e.safetensors"), Path("i.safetensors")


def image(seed: int, height: int = 20, width: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was asked of the loader of networks, which gives a small one."""
    asked: list[object] = []

    def load(backbone, estimators, device):
        asked.append((backbone, estimators, device))
        return small_pyramid()

    monkeypatch.setattr(compared, "load_pyramid", load)
    return asked


def test_parts_are_left_out_one_at_a_time(loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[AnalogySettings] = []

    def make(a, b_prime, pyramid, settings, inverse) -> Analogy:
        seen.append(settings)
        assert pyramid.name == "small" and inverse is None
        fields = np.zeros((*a.shape[:2], 2), np.int32), np.zeros((*b_prime.shape[:2], 2), np.int32)
        return Analogy(*fields, a, b_prime, (a.shape[:2], b_prime.shape[:2]), {})

    monkeypatch.setattr(compared, "make_analogy", make)
    # As far from the paper as settings can be; what it does not say stays.
    own = AnalogySettings(strength="3", iterations=4, final_patch=3, reconstruction="reextracted",
                          start="votes")  # fmt: skip
    match = Matcher(own, ComparedSettings(), ESTIMATORS, INVERSE)
    for method in METHODS[:5]:
        found, seconds = match(method, image(0), image(1, 18))
        assert found.forward.shape == (20, 24, 2) and found.backward.shape == (18, 24, 2)
        assert found.forward.dtype == np.float32 and seconds > 0
    whole, single, independent, energy, published = seen
    assert whole == own
    assert single == own.model_copy(update={"directions": "single"})
    assert independent == own.model_copy(update={"levels": "independent", "start": "identity"})
    assert energy == own.model_copy(update={"texture": TextureSettings(floor=0)})
    assert published.model_dump(exclude={"backbone", "texture"}) == {
        "start": "random",
        "directions": "both",
        "levels": "coarse_to_fine",
        "reconstruction": "deconvolution_from_noise",
        "blend": "sigmoid",
        "final_patch": 5,
        "whole_side": None,
        "strength": "3",
        "iterations": 4,
        "working_side": 512,
        "mirror": "never",
        "seed": 0,
        "device": "cpu",
        "threads": 1,
    }
    assert published.texture.floor == 0
    # Sections 4.2 and 4.4, and Eq. 6: numbers that are no settings; levels fine to coarse.
    assert PATCHES == (5, 5, 3, 3, 3) and RADII[:4] == (4, 4, 6, 6)
    assert (KAPPA, TAU) == (300, 0.05) and WEIGHTS["2"] == (0.1, 0.6, 0.7, 0.8)
    assert loaded == [(own.backbone, ESTIMATORS, "cpu")]


def test_all_methods_match_small_images_of_different_sizes(loaded) -> None:
    match = Matcher(AnalogySettings(iterations=1), ComparedSettings(), ESTIMATORS, INVERSE)
    a, b_prime = image(0), image(1, 18, 26)
    match.warm_up(a, b_prime)
    for method in METHODS:
        found, _ = match(method, a, b_prime)
        assert found.forward.shape == (20, 24, 2) and found.backward.shape == (18, 26, 2)
        assert found.a_prime.shape == a.shape and found.a_prime.dtype == np.uint8
        assert (found.forward >= 0).all() and (found.forward <= [17, 25]).all()
        assert (found.backward >= 0).all() and (found.backward <= [19, 23]).all()


def test_the_learned_inverse_is_loaded_if_it_is_used(loaded, tmp_path: Path) -> None:
    learned = AnalogySettings(reconstruction="learned")
    with pytest.raises(WeightsError, match=r"gone\.safetensors"):
        Matcher(learned, ComparedSettings(), ESTIMATORS, tmp_path / "gone.safetensors")


def test_settings_that_do_not_fit_are_told_by_their_place() -> None:
    with pytest.raises(SettingsError) as told:
        varied(AnalogySettings(), {"strength": "9", "speed": 1}, "sets.x.analogy")
    assert "sets.x.analogy.strength: " in str(told.value)
    assert "sets.x.analogy.speed: Extra inputs are not permitted, got 1" in str(told.value)
    assert varied(AnalogySettings(), {"strength": "aligned"}, "x").strength == "aligned"
