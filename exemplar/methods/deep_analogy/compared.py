"""Deep Image Analogy, its parts left out, and its baselines, all asked for the same pair.

The evaluation measures them side by side: Figure 5's single direction, Figure 8's independent
levels, the published energy without what is added for textureless regions, and Algorithm 1 as the
paper has it, of which the defaults differ in all that `VARIANTS` names.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from pydantic import Field, ValidationError

from exemplar.features.pyramid import load_pyramid
from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.baselines import (
    Correspondence,
    FlowSettings,
    Image,
    PatchMatchSettings,
    identity,
    offset_votes,
    optical_flow,
    patchmatch,
)
from exemplar.methods.deep_analogy.inverse import load_inverse
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.settings import Settings, SettingsError

Method = Literal[
    "deep_analogy", "deep_analogy_single", "deep_analogy_independent", "deep_analogy_energy",
    "deep_analogy_published", "offset_votes", "patchmatch", "optical_flow", "identity",
]  # fmt: skip
METHODS: tuple[Method, ...] = get_args(Method)
VARIANTS: dict[Method, dict[str, Any]] = {
    "deep_analogy": {},
    "deep_analogy_single": {"directions": "single"},
    # Figure 8: nothing coarser is known.
    "deep_analogy_independent": {"levels": "independent", "start": "identity"},
    "deep_analogy_energy": {"texture": {"floor": 0}},
    "deep_analogy_published": {
        "start": "random",  # section 4.4
        "directions": "both",  # Eq. 2
        "texture": {"floor": 0},
        "reconstruction": "deconvolution_from_noise",  # Eq. 5
        "blend": "sigmoid",  # Eq. 6
        "levels": "coarse_to_fine",
        "whole_side": None,
        "final_patch": 5,  # section 4.5
    },
}
"""What differs from the settings of `analogy`: of `deep_analogy_energy` the energy alone, Eq. 2; of
`deep_analogy_published` whatever Algorithm 1 says. The network and the weights α stay, which the
paper chooses by the images."""
_WARM = 64  # pixels a side of what is matched once before time is taken


class ComparedSettings(Settings):
    """Which methods are measured, and how the baselines work."""

    methods: list[Method] = Field(default_factory=lambda: list(METHODS), min_length=1)
    patchmatch: PatchMatchSettings = PatchMatchSettings()
    optical_flow: FlowSettings = FlowSettings()


class Matcher:
    """All methods, with the network that they need loaded."""

    def __init__(
        self, analogy: AnalogySettings, compared: ComparedSettings, estimators: Path, inverse: Path
    ) -> None:
        """Loads the backbone, and the learned inverse if the settings ask for it.

        Args:
            analogy: how Deep Image Analogy works.
            compared: the methods.
            estimators: the estimators' weights.
            inverse: the weights of the learned inverse.

        Raises:
            WeightsError: weights are missing, damaged, or do not fit.
            ValueError: the backbone is none that analogies can be made with.
        """
        self.analogy, self.compared = analogy, compared
        self._settings = {
            method: varied(analogy, VARIANTS[method], method)
            for method in compared.methods
            if method in VARIANTS
        }
        self.pyramid = load_pyramid(analogy.backbone, estimators, analogy.device)
        learned = analogy.reconstruction == "learned"
        self.inverse = load_inverse(inverse, self.pyramid) if learned else None

    def __call__(self, method: Method, a: Image, b_prime: Image) -> tuple[Correspondence, float]:
        """Matches two images.

        Args:
            method: which.
            a: (H, W, 3) u8.
            b_prime: (H', W', 3) u8.

        Returns:
            The correspondence, and how many seconds it took.
        """
        work = self._work(method)
        begun = time.perf_counter()
        found = work(a, b_prime)
        return found, time.perf_counter() - begun

    def warm_up(self, a: Image, b_prime: Image) -> None:
        """Runs every method once on small parts, so that no time is spent on compiling later."""
        for method in self.compared.methods:
            self(method, a[:_WARM, :_WARM], b_prime[:_WARM, :_WARM])

    def _work(self, method: Method) -> Callable[[Image, Image], Correspondence]:
        """The function of two images that a method is."""
        compared, analogy = self.compared, self.analogy
        if method == "identity":
            return identity
        if method == "optical_flow":
            return lambda a, b: optical_flow(a, b, compared.optical_flow)
        if method == "offset_votes":
            return lambda a, b: offset_votes(a, b, analogy.device)
        if method == "patchmatch":
            by = compared.patchmatch
            return lambda a, b: patchmatch(a, b, by, analogy.device, analogy.threads)
        settings = self._settings[method]

        def work(a: Image, b_prime: Image) -> Correspondence:
            made = make_analogy(a, b_prime, self.pyramid, settings, self.inverse)
            fields = made.forward.astype(np.float32), made.backward.astype(np.float32)
            return Correspondence(*fields, made.a_prime)

        return work


def varied(settings: AnalogySettings, differing: dict[str, Any], place: str) -> AnalogySettings:
    """Settings of which some differ.

    Args:
        settings: what the others are.
        differing: as in the section `analogy` of `params.yaml`.
        place: where they stand, for the message.

    Returns:
        The settings, checked.

    Raises:
        SettingsError: what differs does not fit.
    """
    try:
        return AnalogySettings.model_validate({**settings.model_dump(), **differing})
    except ValidationError as error:
        problems = [
            f"  {'.'.join([place, *map(str, item['loc'])])}: {item['msg']}, got {item['input']!r}"
            for item in error.errors()
        ]
        raise SettingsError("params.yaml does not fit:\n" + "\n".join(problems)) from None
