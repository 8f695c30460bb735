"""Where the evaluation's stages keep things, and what several of them read.

Each source of the section `sources` has its model, its layouts and its scores by its name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from exemplar.data.problems import Problems, raise_all
from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.methods.semantic_analogy.settings import LayoutSettings
from exemplar.methods.semantic_analogy.source_settings import Sources, SourceSettings
from exemplar.methods.semantic_analogy.sources import NamedSource, read_source
from exemplar.settings import SettingsError, section

GAN, PATCHES, DEEP_ANALOGY = "gan", "patches", "deep_analogy"
METHODS = (GAN, PATCHES, DEEP_ANALOGY)
"""That are compared; the last where a target has a photograph."""

SAMPLES = "samples.csv"
"""What was made in a folder of layouts, and what it took."""
SAMPLE_COLUMNS = ("method", "target", "seconds", "learning_seconds", "peak_mb")

CODE = (
    "exemplar/data", "exemplar/estimators.py", "exemplar/features", "exemplar/labels",
    "exemplar/matching", "exemplar/methods/semantic_analogy", "exemplar/metrics",
    "exemplar/training",
)  # fmt: skip
"""What unfinished work depends on beside a stage's own code."""


def gan_path(source: str) -> Path:
    """The GAN that was learned from a source; its config has the same name with `.json`."""
    return Path("models", "semantic", f"{source}.safetensors")


def previews_path(source: str) -> Path:
    """The folder of what it made of all targets on the way: `<step>/<target>.png`."""
    return Path("models", "semantic", source)


def training_path(source: str) -> Path:
    """Its losses, and the seconds that it took."""
    return Path("reports", "semantic", f"{source}-training.csv")


def layouts_path(source: str) -> Path:
    """The folder of what all methods made: `<method>/<target>.png`, and `SAMPLES`."""
    return Path("layouts", source)


def scores_path(source: str) -> Path:
    """How good that is, by target and method."""
    return Path("reports", "semantic", f"{source}.csv")


def curve_path(source: str) -> Path:
    """How good the GAN was on the way."""
    return Path("reports", "semantic", f"{source}-curve.csv")


def chosen_source(params: dict[str, Any], name: str) -> SourceSettings:
    """A source of the section `sources`.

    Raises:
        SettingsError: the section does not fit, or has no such source.
    """
    sources: Sources = section(params, "sources", Sources)
    if name not in sources:
        raise SettingsError(
            f"params.yaml: sources has no {name!r}; it has {', '.join(sources) or 'none'}"
        )
    return sources[name]


def given_source(params: dict[str, Any], name: str) -> NamedSource:
    """Reads a source and makes its targets.

    Raises:
        SettingsError: the section does not fit, or has no such source.
        RequestError: something that it names cannot be used; the text has all that is wrong.
    """
    settings, problems = chosen_source(params, name), Problems()
    given = read_source(name, settings, params, problems)
    raise_all(problems)
    assert given is not None
    for note in given.notes:
        print(f"note: sources.{name}: {note}", file=sys.stderr)
    return given


def gan_settings(params: dict[str, Any], name: str) -> GanSettings:
    """How a source's GAN is learned: its own settings, or those of the section `layout`."""
    chosen: LayoutSettings = section(params, "layout", LayoutSettings)
    return chosen_source(params, name).gan or chosen.gan
