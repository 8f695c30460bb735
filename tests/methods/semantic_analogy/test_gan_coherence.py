import numpy as np
import pytest
import torch

from exemplar.methods.semantic_analogy.coherence import (
    Coherence,
    CoherenceSettings,
    Patches,
    all_patches,
    distances,
)
from tests.methods.semantic_analogy import small


def naive_patches(level, labels, side):
    """Every patch and the class in its middle, in two loops."""
    height, width = level.shape[1:]
    found = []
    for y in range(height - side + 1):
        for x in range(width - side + 1):
            patch = level[:, y : y + side, x : x + side].transpose(1, 2, 0).ravel()
            row = int((y + side // 2 + 0.5) * labels.shape[0] / height)
            column = int((x + side // 2 + 0.5) * labels.shape[1] / width)
            found.append((patch, labels[row, column]))
    return found


@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("reduction", [1, 2])
def test_patches_are_those_of_two_loops(side, reduction):
    rng = np.random.default_rng(0)
    level = rng.normal(size=(3, 7, 9)).astype(np.float32)
    labels = rng.integers(0, 4, (7 * reduction, 9 * reduction))
    found = all_patches(torch.from_numpy(level)[None], torch.from_numpy(labels)[None], side)
    wanted = naive_patches(level, labels, side)
    np.testing.assert_array_equal(found.classes.numpy(), [c for _, c in wanted])
    np.testing.assert_array_equal(found.values.numpy(), np.stack([p for p, _ in wanted]))


@pytest.mark.parametrize("same_class", [True, False])
@pytest.mark.parametrize("nearest", [1, 3])
def test_distances_are_those_of_a_loop(same_class, nearest):
    rng = np.random.default_rng(1)
    theirs, ours = rng.normal(size=(40, 5)), rng.normal(size=(12, 5))
    classes, mine = rng.integers(0, 3, 40), rng.integers(0, 3, 12)
    wanted = []
    for value, kind in zip(ours, mine, strict=True):
        gaps = [
            np.mean(np.abs(value - other))
            for other, theirs_kind in zip(theirs, classes, strict=True)
            if not same_class or theirs_kind == kind
        ]
        wanted.append(np.mean(sorted(gaps)[:nearest]))
    source = Patches(torch.from_numpy(theirs), torch.from_numpy(classes))
    limits = torch.from_numpy(mine) if same_class else None
    found = distances(torch.from_numpy(ours), limits, source, nearest)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6)


def test_patches_of_another_class_do_not_count_however_near():
    source = Patches(torch.tensor([[0.0], [5.0]]), torch.tensor([0, 1]))
    values = torch.tensor([[0.0], [0.0], [1.0]])
    found = distances(values, torch.tensor([0, 1, 7]), source)
    # The last is of a class that the source has nowhere.
    assert found.tolist() == [0.0, 5.0, 1.0]


def test_a_class_of_fewer_patches_than_are_counted_is_taken_whole():
    source = Patches(torch.tensor([[1.0], [3.0], [9.0]]), torch.tensor([0, 0, 1]))
    assert distances(torch.tensor([[0.0]]), torch.tensor([0]), source, 3).tolist() == [2.0]


def test_the_source_itself_has_no_distance_and_gradients_pull_others_to_it():
    source = small.source()
    image = torch.from_numpy(source.image).permute(2, 0, 1)[None].float() / 127.5 - 1
    labels = torch.from_numpy(source.labels).long()[None]
    settings = CoherenceSettings(counts=(40, 20), sides=(3, 1))
    loss = Coherence(small.backbone, image, labels, settings)
    drawn = torch.Generator().manual_seed(0)
    assert float(loss(image, labels, drawn)) == pytest.approx(0, abs=1e-6)
    other = (image + 0.3 * torch.randn(image.shape, generator=drawn)).requires_grad_(True)
    before = loss(other, labels, torch.Generator().manual_seed(5))
    before.backward()
    assert other.grad is not None
    assert float(other.grad.abs().sum()) > 0
    nearer = (other - 5 * other.grad).detach()
    after = loss(nearer, labels, torch.Generator().manual_seed(5))
    assert float(after) < float(before.detach())


def test_too_few_layers_are_told():
    source = small.source()
    image, labels = torch.zeros(1, 3, 36, 42), torch.from_numpy(source.labels).long()[None]
    with pytest.raises(ValueError, match="reads 3 layers, but the backbone has 2"):
        Coherence(
            small.backbone, image, labels, CoherenceSettings(counts=(1, 1, 1), sides=(1, 1, 1))
        )


@pytest.mark.parametrize("given", [{"counts": (3,)}, {"sides": (2, 1)}, {"counts": (0, 1)}])
def test_unsound_settings_are_refused(given):
    with pytest.raises(ValueError, match="expected"):
        CoherenceSettings(**given)
