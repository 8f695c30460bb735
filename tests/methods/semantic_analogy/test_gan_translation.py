import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies

from exemplar.methods.semantic_analogy.generator import Change, Generator, GeneratorSettings
from exemplar.methods.semantic_analogy.objective import fixed_point
from exemplar.methods.semantic_analogy.translation import Translation, modulate, transformation


@given(seed=strategies.integers(0, 999), guard=strategies.sampled_from([1e-14, 0.01, 0.1, 3.0]))
@settings(max_examples=25, deadline=None)
def test_equal_features_are_scaled_by_exactly_one_and_shifted_by_exactly_zero(seed, guard):
    drawn = torch.Generator().manual_seed(seed)
    features = torch.randn(1, 4, 5, 6, generator=drawn)
    features[0, 0] *= 1e-8
    features[0, 1] = 0.0
    features[0, 2] = -0.0
    for ratio in ("guarded", "plain"):
        if ratio == "plain" and guard > 1e-3:
            continue  # plain: a feature may be the negative of what is added
        scale, shift = transformation(features, features.clone(), ratio, guard)
        assert torch.equal(scale, torch.ones_like(scale))
        assert torch.equal(shift, torch.zeros_like(shift))


def test_the_guard_goes_to_the_side_where_the_source_is():
    source, target = torch.tensor([2.0, -2.0, 0.0, 0.05]), torch.tensor([4.0, 3.0, 1.0, -0.05])
    scale, shift = transformation(source, target, "guarded", 0.5)
    wanted = [4.5 / 2.5, 2.5 / -2.5, 1.5 / 0.5, 0.45 / 0.55]
    np.testing.assert_allclose(scale.numpy(), wanted, rtol=1e-6)
    np.testing.assert_allclose(shift.numpy(), [2, 5, 1, -0.1], rtol=1e-6)


def test_ratios_stay_bounded_where_features_cross_zero():
    source = torch.linspace(-1e-3, 1e-3, 101)
    scale, _ = transformation(source, -source, "guarded", 0.1)
    assert float(scale.abs().max()) <= 1 + 1e-6
    plain, _ = transformation(source, torch.ones(101), "plain", 1e-14)
    assert float(plain.abs().max()) > 1e6


@pytest.mark.parametrize("stages", [1, 3])
def test_the_same_labels_are_an_exact_fixed_point_whatever_the_weights(stages):
    torch.manual_seed(1)
    settings = GeneratorSettings(width=4, stages=stages, fixed_point="exact")
    generator = Generator(3, settings)
    labels = torch.randn(1, 3, 16, 24)
    _, changes = generator(torch.randn(1, 3, 16, 24), labels, labels)
    assert len(changes) == stages
    assert float(fixed_point(changes).detach()) == 0.0
    _, changed = generator(torch.randn(1, 3, 16, 24), labels, labels.flip(3))
    assert float(fixed_point(changed).detach()) > 0.01


def test_the_fixed_point_loss_in_closed_form():
    change = Change(torch.tensor([1.5, 0.5]), torch.tensor([0.25, -0.75]))
    assert float(fixed_point([change, change])) == pytest.approx(2 * (0.5 + 0.5))
    none = Change(torch.ones(3), torch.zeros(3))
    assert float(fixed_point([none])) == 0.0


def test_a_learned_translation_is_no_fixed_point_by_itself():
    torch.manual_seed(0)
    scale, shift = Translation(8, "learned")(torch.ones(1, 8, 4, 4), torch.zeros(1, 8, 4, 4))
    assert float(fixed_point([Change(scale, shift)]).detach()) > 0.1


def test_modulation_is_of_features_normalised_over_places():
    rng = np.random.default_rng(3)
    features, scale, shift = rng.normal(3, 5, (3, 1, 4, 6, 7))
    found = modulate(*(torch.from_numpy(x) for x in (features, scale, shift))).numpy()
    for channel in range(4):
        plane = features[0, channel]
        wanted = scale[0, channel] * (plane - plane.mean()) / plane.std() + shift[0, channel]
        np.testing.assert_allclose(found[0, channel], wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_features_far_from_changed_labels_undergo_nothing(norm):
    torch.manual_seed(2)
    settings = GeneratorSettings(width=4, stages=2, fixed_point="exact", norm=norm, decoder=True)
    generator = Generator(2, settings)
    labels = torch.zeros(1, 2, 32, 160)
    labels[:, 0] = 1.0
    target = labels.clone()
    target[..., :8] = labels.flip(1)[..., :8]
    _, changes = generator(torch.rand(1, 3, 32, 160), labels, target)
    assert len(changes) == 4
    for scale, shift in changes:
        undergone = (scale - 1).abs() + shift.abs()
        far = undergone[..., undergone.shape[-1] // 2 :]
        assert undergone[..., :2].max() > 0
        # Statistics of the whole image do reach there, but of both maps together: alike.
        assert not far.any()


def test_gradients_do_not_depend_on_how_features_lie_in_memory():
    torch.manual_seed(0)
    after = torch.nn.Conv2d(8, 8, 3, padding=1)
    found = []
    for kind in (torch.contiguous_format, torch.channels_last):
        features = torch.arange(8 * 12 * 10).reshape(1, 8, 12, 10).mul(0.7).sin()
        features = features.contiguous(memory_format=kind).requires_grad_(True)
        shown = after.to(memory_format=kind)(modulate(features, torch.ones(()), torch.zeros(())))
        (shown**3).sum().backward()
        assert features.grad is not None
        found.append(features.grad)
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("decoder", [False, True])
def test_images_have_the_size_and_range_of_what_is_given(decoder):
    settings = GeneratorSettings(width=4, stages=3, decoder=decoder)
    labels = torch.rand(2, 5, 32, 40)
    images, changes = Generator(5, settings)(torch.randn(2, 3, 32, 40), labels, labels.flip(2))
    assert images.shape == (2, 3, 32, 40)
    assert float(images.detach().abs().max()) <= 1
    sizes = [(4, 32, 40), (8, 16, 20), (16, 8, 10)]
    wanted = sizes + sizes[::-1] if decoder else sizes
    assert [tuple(change.scale.shape[1:]) for change in changes] == wanted
