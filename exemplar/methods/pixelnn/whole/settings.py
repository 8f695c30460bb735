"""What may be turned in whole pictures."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field, field_validator

from exemplar.patches.settings import PatchSettings
from exemplar.settings import Settings

Start = Literal["guides", "coherent"]
"""What the coarsest level begins with: guides alone, or the coherent candidate of its leader."""


class Member(NamedTuple):
    """One candidate of an input.

    Attributes:
        exemplars: K, how many photographs it is composed of.
        leader: the rank of the first of them, from 1.
        start: what the coarsest level begins with.
    """

    exemplars: int
    leader: int
    start: Start = "guides"

    def __str__(self) -> str:
        """As shown in captions and file names."""
        return f"K{self.exemplars}-from{self.leader}-{self.start}"


class Tested(Settings):
    """What the stage `whole` makes of each test image in place of all candidates."""

    leaders: int = Field(default=3, ge=1)
    exemplars: tuple[int, ...] = (1, 3)


class WholeSettings(Settings):
    """The section `whole` of `params.yaml`."""

    leaders: int = Field(default=8, ge=1)
    """How many of the nearest exemplars lead candidates; the others of a candidate follow them."""
    exemplars: tuple[int, ...] = (1, 3, 5)
    """K: candidates of so many exemplars each are made of every leader."""
    starts: tuple[Start, ...] = ("guides",)
    detail: int = Field(default=512, ge=32)
    """Pixels of the longer side of pictures, at most: no more than most photographs have."""
    rendered: int = Field(default=384, ge=32)
    """The same where photographs are rendered, at any size."""
    tested: Tested = Tested()
    """Test images are many, and nobody asked for all of their candidates."""
    near: int = Field(default=60, ge=1)
    """Among how many of the nearest exemplars followers are chosen."""
    likeness: float = Field(default=3, ge=0)
    """How much it counts, beside showing what is wanted where the leader does not, that followers
    look like the leader."""
    mirrored: bool = True
    """Whether exemplars may be used mirrored."""
    recolour: bool = True
    """Whether followers get the leader's colours, part by part."""
    described: float = Field(default=1, ge=0)
    """How much descriptors count beside colours, where no classes guide."""
    conditioned: float = Field(default=1, ge=0)
    """How much the condition counts."""
    rare: float = Field(default=2, ge=1)
    """How much more than others the shares of the rarest classes count, at most."""
    loyalty: float = Field(default=0.2, ge=0)
    """Added to a squared distance for every patch of a follower."""
    ground: float = Field(default=1, ge=0)
    """Added instead where the class is that of the picture's ground."""
    patches: PatchSettings = PatchSettings(guidance_fine=0.2)
    few: int = Field(default=8, ge=1)
    """How many distinct candidates are shown first; at most all there are."""
    good: float = Field(default=0.6, gt=0, le=1)
    """The share of candidates, the best ones, that these are chosen from."""
    seed: int = 0
    device: str = "cpu"
    """Where patches are searched: `cpu` or `cuda`."""
    threads: int = Field(default=1, ge=1)
    """Leaders whose candidates are made side by side; results do not depend on it."""
    workers: int = Field(default=1, ge=1)
    """Processes that share the inputs; results do not depend on it."""

    @field_validator("exemplars", "starts")
    @classmethod
    def _some(cls, values: tuple) -> tuple:
        if not values or len(set(values)) < len(values) or any(v == 0 for v in values):
            raise ValueError(f"expected one or more, each once, got {list(values)}")
        return values

    def of_tests(self) -> WholeSettings:
        """The settings of the stage `whole`."""
        return self.model_copy(update=dict(self.tested))

    def members(self, available: int) -> list[Member]:
        """The candidates, those of a leader together, in the order in which they are made.

        Args:
            available: exemplars; a candidate of more is one of all of them, and made once.
        """
        counts = dict.fromkeys(min(count, available) for count in self.exemplars)
        return [
            Member(count, leader, start)
            for leader in range(1, min(available, self.leaders) + 1)
            for count in counts
            for start in self.starts
        ]
