from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exemplar.methods.glann import imle
from exemplar.methods.glann.imle import Matches, nearest, train_imle
from exemplar.methods.glann.mapping import Mapping, MappingSettings
from exemplar.methods.glann.settings import ImleSettings

SETTINGS = ImleSettings(
    mapping={"noise": 3, "hidden": 16},
    training={"epochs": 40, "halve_every": 10, "batch": 16, "rate": 0.01, "draws": 4},
)


def circle(count=64, dimensions=5):
    """Codes on a great circle of the sphere."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    codes = np.zeros((count, dimensions), np.float32)
    codes[:, 0], codes[:, 3] = np.cos(angle), np.sin(angle)
    return codes


def mapping():
    torch.manual_seed(1)
    return Mapping(SETTINGS.mapping, 5)


@given(targets=st.integers(1, 20), count=st.integers(1, 30), part=st.integers(1, 9))
def test_the_nearest_of_all_that_was_drawn(targets, count, part):
    random = np.random.default_rng(targets * 100 + count)
    wanted = random.standard_normal((targets, 4)).astype(np.float32)
    drawn = random.standard_normal((count, 4)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imle, "PART_BYTES", part * 16)
        found, distance = nearest(wanted, count, lambda some: drawn[some])
    for row in range(targets):
        distances = [float(((wanted[row] - one) ** 2).sum()) for one in drawn]
        assert distances[found[row]] == pytest.approx(min(distances), abs=1e-5)
        assert distance[row] == pytest.approx(min(distances), abs=1e-5)


def test_of_equally_near_ones_the_first():
    drawn = np.ones((7, 2), np.float32)
    assert nearest(np.zeros((3, 2), np.float32), 7, lambda some: drawn[some])[0].tolist() == [0] * 3


def test_bytes_are_compared_as_numbers():
    wanted = np.array([[250, 3], [1, 2]], np.uint8)
    drawn = np.array([[0.0, 0.0], [255.0, 0.0]], np.float32)
    found, distance = nearest(wanted, 2, lambda some: drawn[some])
    assert found.tolist() == [1, 0] and distance.tolist() == [34.0, 5.0]


@pytest.mark.parametrize("search", ["epoch", "batch"])
def test_every_code_is_reached(tmp_path, search):
    settings = SETTINGS.model_copy(
        update={"training": SETTINGS.training.model_copy(update={"search": search})}
    )
    codes, network = circle(), mapping()
    history = train_imle(network, codes, settings, tmp_path, "imle", 0)
    assert history[-1]["distance"] < 0.15 * history[0]["distance"]
    with torch.inference_mode():
        drawn = network(torch.randn(2000, 3, generator=torch.Generator().manual_seed(9))).numpy()
    _, distance = nearest(codes, len(drawn), lambda some: drawn[some])
    assert np.sqrt(distance.max()) < 0.4  # no part of the circle is left out
    assert not network.training


def test_a_match_is_of_the_epochs_noise_and_the_mapping_as_it_is():
    network, codes = mapping(), circle()
    matches = Matches(network, codes, SETTINGS.training, 0)
    rows = np.array([5, 40])
    noise, wanted = matches(2, rows)
    assert np.array_equal(wanted.numpy(), codes[rows])
    assert len(matches.noise) == 4 * len(codes)
    with torch.inference_mode():
        mapped = network.eval()(matches.noise).numpy()
    for place, row in enumerate(rows):
        best = ((mapped - codes[row]) ** 2).sum(1).argmin()
        assert torch.equal(noise[place], matches.noise[best])
    first = matches.noise
    matches(2, rows)
    assert matches.noise is first
    matches(3, rows)
    assert not torch.equal(matches.noise, first)


@pytest.mark.parametrize("epochs", [1, 3])
def test_killed_and_resumed_ends_like_an_uninterrupted_run(tmp_path, epochs, monkeypatch):
    settings = SETTINGS.model_copy(
        update={"training": SETTINGS.training.model_copy(update={"epochs": 5})}
    )
    whole = mapping()
    history = train_imle(whole, circle(), settings, tmp_path / "whole", "imle", 0)

    calls, search = 0, Matches.search

    def killed(self, codes):
        nonlocal calls
        calls += 1
        if calls > epochs:
            raise KeyboardInterrupt
        return search(self, codes)

    with monkeypatch.context() as patch:
        patch.setattr(Matches, "search", killed)
        with pytest.raises(KeyboardInterrupt):
            train_imle(mapping(), circle(), settings, tmp_path / "killed", "imle", 0)
    again = mapping()
    assert train_imle(again, circle(), settings, tmp_path / "killed", "imle", 0) == history
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_a_single_code(tmp_path):
    with pytest.raises(ValueError, match="at least two codes, got 1"):
        train_imle(mapping(), circle(1), SETTINGS, tmp_path, "imle", 0)


def test_long_first_outputs_would_use_few_draws():
    """Why the mapping begins at unit length: else a few draws are nearest to nearly all codes."""
    codes = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32)
    codes[:, 8:] *= 0.1
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    torch.manual_seed(0)
    network = Mapping(MappingSettings(), 64).eval()
    noise = torch.randn(1000, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        drawn = network(noise).numpy()
    used = len(set(nearest(codes, 1000, lambda some: drawn[some])[0].tolist()))
    used_long = len(set(nearest(codes, 1000, lambda some: 5 * drawn[some])[0].tolist()))
    assert used > 5 * used_long
