"""Plots as SVG that takes its colours and letters from the page it stands in."""

from __future__ import annotations

import io
import re

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Drawn in these, then exchanged for the page's variables, so that one plot suits light and dark.
_INK, _FAINT = "#010203", "#040506"
SERIES = {
    "input": ("input", "#0a0b01", (0, (1, 1.6))),
    "regressor": ("regressed f(x)", "#0a0b02", (0, (5, 2))),
    "global": ("Global", "#0a0b03", "solid"),
    "pixelnn": ("PixelNN", "#0a0b04", "solid"),
    "coherent": ("PixelNN (coherent)", "#0a0b06", (0, (7, 1.2, 1.5, 1.2))),
    "truth": ("truth", "#0a0b05", "solid"),
}
_VARIABLES = {_INK: "var(--ink)", _FAINT: "var(--line)"} | {
    colour: f"var(--series-{name})" for name, (_, colour, _) in SERIES.items()
}


def spectrum_plot(spectrum: pd.DataFrame, name: str) -> str:
    """Radial power spectra on logarithmic axes, after Figure 4 of the PixelNN paper.

    Args:
        spectrum: columns `series` (of `SERIES`), `frequency` in cycles per image, `power`.
        name: tells this plot's ids from those of other plots in the same page.

    Returns:
        An `<svg>` element; equal inputs give equal text. Its colours are the CSS variables
        `--ink`, `--line` and `--series-<name>`, its font `--sans`.

    Raises:
        ValueError: a series is unknown.
    """
    unknown = sorted(set(spectrum["series"]) - set(SERIES))
    if unknown:
        raise ValueError(f"spectrum: series must be of {list(SERIES)}, got {unknown}")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9}):
        figure = Figure(figsize=(5.4, 3.5), layout="constrained")
        axes = figure.add_subplot()
        for series, (label, colour, dashes) in SERIES.items():
            points = spectrum[
                (spectrum["series"] == series)
                & (spectrum["frequency"] > 0)
                & (spectrum["power"] > 0)
            ]
            if len(points):
                width = 2.6 if series == "truth" else 1.7
                axes.loglog(
                    points["frequency"], points["power"], color=colour, label=label,
                    linestyle=dashes, linewidth=width, zorder=1 if series == "truth" else 2,
                )  # fmt: skip
        _dress(axes)
        buffer = io.StringIO()
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _embeddable(buffer.getvalue(), name)


def _dress(axes: Axes) -> None:
    """Axes with few lines: names, quiet ticks, a legend without a box."""
    axes.set_xlabel("spatial frequency, cycles per image", color=_INK)
    axes.set_ylabel("power", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.grid(True, which="major", color=_FAINT, linewidth=0.6)
    axes.tick_params(which="both", colors=_INK, length=0)
    axes.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
    axes.minorticks_off()
    axes.set_axisbelow(True)
    axes.legend(frameon=False, labelcolor=_INK, loc="lower left", handlelength=2.6)


def _embeddable(text: str, name: str) -> str:
    """The bare `<svg>` element, its ids made the plot's own and its colours the page's."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"', "", text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = text.replace("url(#", f"url(#{name}-").replace('href="#', f'href="#{name}-')
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", text)
    text = re.sub(r"<defs>\s*<style.*?</defs>\s*", "", text, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    opening = f'<svg role="img" aria-label="Power spectra, {name}"'
    return re.sub(r'^<svg width="[^"]*" height="[^"]*"', opening, text)
