"""A source, and a GAN small enough to be trained in a test."""

import numpy as np

from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.methods.semantic_analogy.source import Source

SMALL = {
    "generator": {"width": 4, "stages": 2},
    "discriminator": {"width": 4, "stages": 2},
    "classifier": {"width": 4, "blocks": (1, 1, 1, 1), "rates": (1, 2)},
    "coherence": {"counts": (6, 3), "sides": (3, 1)},
}


def source(height: int = 36, width: int = 42, seed: int = 0) -> Source:
    """A textured disc on a graded ground beneath a band: three classes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.uint8)
    labels[: height // 4] = 2
    labels[(y - height * 0.6) ** 2 + (x - width * 0.4) ** 2 < (height / 4) ** 2] = 1
    colours = np.array([[40, 90, 160], [200, 120, 60], [90, 200, 90]])
    image = (
        colours[labels] + 20 * np.sin(x / 3)[..., None] + rng.integers(0, 12, (height, width, 3))
    )
    return Source(image.clip(0, 255).astype(np.uint8), labels, ("ground", "disc", "band"))


def settings(preset: str = "fast", **training: object) -> GanSettings:
    """A preset's settings with small networks."""
    given = {"iterations": 6, "generator_steps": 1, "checkpoint_every": 2, "reconstruct_every": 2}
    return GanSettings.model_validate({"preset": preset, **SMALL, "training": given | training})


def backbone(images):
    """Two differentiable maps that need no weights: colours, and their means over 2 x 2 pixels."""
    from torch.nn import functional

    return [images, functional.avg_pool2d(images, 2)]


backbone.name, backbone.layers = "colours", ("colours", "means")
