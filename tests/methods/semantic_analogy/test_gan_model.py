import numpy as np
import pytest
import torch

from exemplar.methods.semantic_analogy.classifier import Classifier, ClassifierSettings
from exemplar.methods.semantic_analogy.discriminator import (
    DiscriminatorSettings,
    build_discriminator,
    fooling,
    matching,
    telling,
)
from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.methods.semantic_analogy.generator import GeneratorSettings
from exemplar.methods.semantic_analogy.model import Gan, colours, load_gan, padded
from exemplar.methods.semantic_analogy.objective import Weights, semantic_alignment, total
from exemplar.methods.semantic_analogy.source import Source
from exemplar.store.weights import WeightsError, save_weights
from tests.methods.semantic_analogy import small

TINY = GeneratorSettings(width=4)


@pytest.mark.parametrize("size", [(32, 32), (33, 39), (36, 42), (47, 32)])
def test_images_have_the_source_s_size_whatever_it_is(size):
    source = small.source(*size)
    gan = Gan(source, TINY)
    assert all(side % 8 == 0 for side in gan.image.shape[-2:])
    made = gan.render(np.stack([source.labels] * 3))
    assert made.shape == (3, *size, 3)
    assert made.dtype == np.uint8


def test_padding_mirrors_at_the_right_and_below_and_keeps_the_rest():
    maps = torch.arange(30.0).reshape(1, 1, 5, 6)
    found = padded(maps, 4)
    assert found.shape == (1, 1, 8, 8)
    assert torch.equal(found[..., :5, :6], maps)
    assert found[0, 0, 0, 6:].tolist() == [4, 3]
    assert found[0, 0, 5:, 0].tolist() == [18, 12, 6]


def test_an_image_does_not_depend_on_which_others_are_asked_for():
    source = small.source()
    torch.manual_seed(0)
    gan = Gan(source, TINY)
    targets = np.stack([source.labels, source.labels[:, ::-1], 2 - source.labels])
    together = gan.render(targets)
    for target, image in zip(targets, together, strict=True):
        np.testing.assert_array_equal(gan.render(target[None])[0], image)
    assert not np.array_equal(together[0], together[1])


def test_sources_that_do_not_fit_are_refused_with_all_that_is_wrong():
    image, labels = np.zeros((40, 20, 3), np.uint8), np.full((20, 40), 3, np.uint8)
    with pytest.raises(ValueError, match="expected labels") as caught:
        Gan(Source(image, labels, ("a", "b")), TINY)
    for said in ("(40, 20)", "at least 32 pixels", "below 2", "got 3"):
        assert said in str(caught.value)


def test_targets_of_another_size_or_class_are_refused():
    gan = Gan(small.source(36, 42), TINY)
    with pytest.raises(ValueError, match=r"\(M, 36, 42\) uint8.*got \(1, 42, 36\)"):
        gan.render(np.zeros((1, 42, 36), np.uint8))
    with pytest.raises(ValueError, match="3 classes, got 3"):
        gan.render(np.full((1, 36, 42), 3, np.uint8))


def test_files_of_other_networks_are_refused(tmp_path):
    save_weights(tmp_path / "a.safetensors", {"x": torch.zeros(1)}, {"network": "else"})
    with pytest.raises(WeightsError, match="not a GAN of one image"):
        load_gan(tmp_path / "a.safetensors")


def test_labels_are_put_as_channels_or_as_colours():
    source = small.source()
    labels = torch.from_numpy(source.labels).long()[None]
    shown = Gan(source, TINY).encode(labels)
    assert shown.shape == (1, 3, 36, 42)
    assert torch.equal(shown.argmax(1), labels)
    assert bool((shown.sum(1) == 1).all())
    drawn = Gan(source, TINY, "colours").encode(labels)
    table = {tuple(drawn[0, :, y, x].tolist()) for y in range(36) for x in range(42)}
    assert table == {tuple(row) for row in colours(3).tolist()}


def test_colours_are_the_known_ones_and_all_differ():
    wanted = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]])
    np.testing.assert_allclose((colours(5).numpy() + 1) * 127.5, wanted, atol=1e-4)
    assert len(np.unique(colours(256).numpy(), axis=0)) == 256


@pytest.mark.parametrize("kind", ["patches", "pyramid"])
def test_discriminators_give_features_and_logits(kind):
    torch.manual_seed(0)
    judge = build_discriminator(DiscriminatorSettings(kind=kind, width=4))
    images = torch.rand(1, 3, 32, 48)
    found = judge(images)
    assert all(maps[-1].shape[1] == 1 for maps in found)
    logits = [tuple(maps[-1].shape[-2:]) for maps in found]
    assert logits == ([(4, 6)] if kind == "patches" else [(8, 12), (4, 6)])
    assert float(matching(found, found).detach()) == 0
    other = judge(1 - images)
    assert float(matching(other, found).detach()) > 0


def test_adversarial_losses_in_closed_form():
    real, fake = [[torch.zeros(1), torch.ones(4)]], [[torch.zeros(1), torch.zeros(4)]]
    assert float(telling(fake, real)) == 0
    assert float(telling(real, fake)) == 1
    assert float(fooling(real)) == 0
    assert float(fooling(fake)) == 1


@pytest.mark.parametrize("size", [(32, 32), (37, 50)])
def test_the_classifier_sees_classes_at_every_pixel(size):
    settings = ClassifierSettings(width=4, blocks=(1, 1, 1, 1), rates=(1, 2))
    assert Classifier(5, settings)(torch.rand(1, 3, *size)).shape == (1, 5, *size)


def test_the_paper_s_classifier_has_a_quarter_of_the_channels():
    classifier = Classifier(7, ClassifierSettings())
    deepest = classifier.stages[-1](torch.rand(1, 512, 4, 4))
    assert deepest.shape == (1, 512, 4, 4)  # ResNet-50 has 2,048
    assert len(classifier.stages) == 3 + 4 + 6 + 3


def test_semantic_alignment_in_closed_form():
    raw = torch.zeros(1, 4, 2, 2)
    labels = torch.zeros(1, 2, 2, dtype=torch.long)
    assert float(semantic_alignment(raw, labels)) == pytest.approx(np.log(4))
    assert float(semantic_alignment(raw[:, :3], torch.full((1, 3, 2, 2), -0.5))) == 0.5


def test_totals_are_weighed():
    terms = {"patch": torch.tensor(2.0), "semantic": torch.tensor(3.0)}
    assert float(total(terms, Weights())) == 5
    assert float(total(terms, Weights(patch=0.5, semantic=2))) == 7


def test_presets_fill_what_is_not_said():
    paper = GanSettings(preset="paper")
    assert paper.weights == Weights()
    assert (paper.training.generator_steps, paper.training.reconstruct_every) == (10, 10)
    assert (paper.training.rate, paper.generator.width, paper.coherence.counts) == (
        5e-4,
        32,
        (10, 5),
    )
    released = GanSettings(preset="released")
    assert released.code == "colours"
    assert not released.coherence.same_class
    assert not released.training.semantic_gradient
    assert released.discriminator.kind == "pyramid"
    assert released.training.discriminator_rate == 4 * released.training.rate
    assert (released.generator.ratio, released.generator.guard) == ("plain", 1e-14)
    changed = GanSettings.model_validate(
        {"preset": "released", "code": "onehot", "training": {"iterations": 7}}
    )
    assert (changed.code, changed.training.iterations) == ("onehot", 7)
    assert changed.training.betas == released.training.betas
    assert (
        GanSettings() == GanSettings(preset="fast") != paper.model_copy(update={"preset": "fast"})
    )


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="Extra inputs"):
        GanSettings.model_validate({"training": {"epochs": 3}})


def test_identities_tell_results_apart_but_not_how_often_is_looked():
    base = GanSettings(preset="paper").identity()
    same = {"preset": "paper", "training": {"checkpoint_every": 7}}
    assert GanSettings.model_validate(same).identity() == base
    other = {"preset": "paper", "training": {"iterations": 7}}
    assert GanSettings.model_validate(other).identity() != base
