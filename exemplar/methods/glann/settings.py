"""How GLANN is trained: the sections `glo` and `imle` of `params.yaml`, and published presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from exemplar.methods.glann.generator import GeneratorSettings
from exemplar.methods.glann.losses import ReconstructionSettings
from exemplar.methods.glann.mapping import MappingSettings
from exemplar.settings import Settings

Preset = Literal["paper", "released", "celeba", "celeba_hq"]

GLO_PRESETS: dict[Preset, dict[str, dict[str, Any]]] = {
    "paper": {},
    "released": {"training": {"epochs": 200, "halve_every": 20}},
    "celeba": {"training": {"rate": 0.003, "generator_rate": 0.0003}},
    "celeba_hq": {
        "generator": {"codes": 256},
        "training": {
            "epochs": 250, "halve_every": 10, "rate": 0.003, "generator_rate": 0.001,
            "batch": 32,
        },
    },
}  # fmt: skip
"""What differs from the paper's main schedule (section 4.1): the released code's for MNIST and
Fashion-MNIST, the paper's rates for CelebA, and section 4.3, which names no batch: 32 images of 256
pixels are what a GPU holds."""

IMLE_PRESETS: dict[Preset, dict[str, dict[str, Any]]] = {
    "paper": {},
    "released": {"training": {"decay": 1e-5}},
    "celeba": {},
    "celeba_hq": {"mapping": {"noise": 100}, "training": {"rate": 0.003}},
}


class GloTraining(Settings):
    """How codes and generator are learned; as published by default (section 4.1)."""

    epochs: int = Field(default=500, ge=1)
    halve_every: int = Field(default=50, ge=1)
    """Epochs after which both rates are halved."""
    batch: int = Field(default=128, ge=2)
    rate: float = Field(default=0.01, gt=0)
    """Of Adam, for the codes."""
    generator_rate: float = Field(default=0.001, gt=0)
    start: Literal["random", "pca"] = "random"
    """Codes that images begin with: random ones, as published; or their principal components, as
    GLO's authors propose, which saves the epochs in which the codes are sorted."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of activations; weights, codes and losses stay in float32."""
    devices: int = Field(default=1, ge=1)
    """Such as the GPUs of this machine; each sees its part of every batch, whose own means and
    variances batch norm takes."""
    checkpoint_every: int = Field(default=500, ge=1)
    """Steps between checkpoints, lines of progress and pictures."""
    device: str = "cpu"
    """Or cuda."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""

    @model_validator(mode="after")
    def _divides(self) -> GloTraining:
        if self.batch % self.devices:
            raise ValueError(
                f"batch must be a multiple of devices, got {self.batch} and {self.devices}"
            )
        if self.batch < 2 * self.devices:
            # Over a single image batch norm has no variance.
            raise ValueError(
                f"batch must have at least two images for each of {self.devices} devices, got "
                f"{self.batch}"
            )
        return self


class GloSettings(Settings):
    """The section `glo` of `params.yaml`."""

    preset: Preset = "paper"
    """What holds for everything that is not said."""
    generator: GeneratorSettings = GeneratorSettings()
    loss: ReconstructionSettings = ReconstructionSettings()
    training: GloTraining = GloTraining()
    begin_from: dict[str, Path] = Field(default_factory=dict)
    """Of domains, a copy of an earlier `<domain>-<seed>-glo.safetensors` to go on from, with its
    config and `<domain>-<seed>-codes.parquet` beside it: images that it was trained on keep their
    codes, others are added, missing ones left out."""
    samples: int = Field(default=12, ge=1)
    """Training images whose reconstructions are pictured during training."""

    _fill = model_validator(mode="before")(lambda data: _preset(data, GLO_PRESETS))

    def identity(self) -> dict[str, Any]:
        """What a training depends on; JSON values. One may go on with other checkpoints."""
        how = {"checkpoint_every", "device"}
        left_out = {"samples": True, "begin_from": True, "preset": True, "training": how}
        given = self.model_dump(mode="json", exclude=left_out)
        return given | {"loss": self.loss.identity()}


class ImleTraining(Settings):
    """How the mapping is learned; as published by default (section 4.1)."""

    epochs: int = Field(default=50, ge=1)
    halve_every: int = Field(default=50, ge=1)
    batch: int = Field(default=128, ge=2)
    rate: float = Field(default=0.001, gt=0)
    decay: float = Field(default=0.0, ge=0)
    """Weight decay; the released code has 1e-5."""
    draws: float = Field(default=2.0, gt=0)
    """M, noise vectors drawn for an epoch, for each code; the paper leaves it open, the released
    code has two."""
    search: Literal["epoch", "batch"] = "epoch"
    """When codes are matched with what the mapping makes of the noise: once an epoch for all, as
    released; or for each batch, with the mapping of that moment, as in the paper's text."""
    device: str = "cpu"
    threads: int = Field(default=1, ge=1)


class ImleSettings(Settings):
    """The section `imle` of `params.yaml`."""

    preset: Preset = "paper"
    mapping: MappingSettings = MappingSettings()
    training: ImleTraining = ImleTraining()

    _fill = model_validator(mode="before")(lambda data: _preset(data, IMLE_PRESETS))


def _preset(data: Any, presets: dict[Preset, dict[str, dict[str, Any]]]) -> Any:
    """Fills what is not said from the preset that is named."""
    if not isinstance(data, dict) or data.get("preset") not in presets:
        return data
    merged = dict(data)
    for name, values in presets[data["preset"]].items():
        given = data.get(name, {})
        if isinstance(given, dict):
            merged[name] = values | given
    return merged
