"""The pairs of the gallery: settings of the stage `analogy_gallery`, and reading what they name."""

from __future__ import annotations

from pydantic import Field

from exemplar.data.named_images import Named, read_named_image
from exemplar.data.problems import Problems
from exemplar.methods.deep_analogy.requests import Given, Mode
from exemplar.methods.deep_analogy.settings import AnalogySettings, Strength
from exemplar.settings import Settings


class GalleryPair(Settings):
    """One pair, and what is done with it."""

    a: Named
    b: Named
    mode: Mode = "photo-to-style"
    strength: Strength | None = None
    working_side: int | None = Field(default=None, ge=32)
    """Both instead of those of the section `analogy`."""

    def chosen(self, settings: AnalogySettings) -> AnalogySettings:
        """The section `analogy` with what this pair has of its own."""
        own = {"strength": self.strength, "working_side": self.working_side}
        return settings.model_copy(update={k: v for k, v in own.items() if v is not None})


class GallerySettings(Settings):
    """The section `analogy_gallery` of `params.yaml`."""

    pairs: dict[str, GalleryPair] = Field(min_length=1)
    """By name."""
    side: int = Field(default=320, ge=32)
    """Pixels of the pictures on the page; larger ones are made smaller."""


def read_named(name: str, pair: GalleryPair, problems: Problems) -> Given | None:
    """Reads both images of a pair.

    Args:
        name: of the pair.
        pair: what it is made of.
        problems: gets a line for all that is wrong with it.

    Returns:
        The pair, none if something is wrong.
    """
    known = len(problems)
    where = f"analogy_gallery.pairs.{name}"
    if pair.mode == "time-lapse":
        problems.append(f"{where}: a time lapse is no pair; use `exemplar analogy`")
    a, b_prime = (
        read_named_image(pair.a, where, problems),
        read_named_image(pair.b, where, problems),
    )
    if a is None or b_prime is None or len(problems) > known:
        return None
    return Given(a, b_prime, pair.mode)
