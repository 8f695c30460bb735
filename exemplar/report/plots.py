"""Plots as SVG that takes its colours and letters from the page it stands in."""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Drawn in these, then exchanged for the page's variables, so that one plot suits light and dark.
_INK, _FAINT = "#010203", "#040506"
SERIES = {
    "input": ("input", "#0a0b01", (0, (1, 1.6))),
    "regressor": ("regressed f(x)", "#0a0b02", (0, (5, 2))),
    "pix2pix": ("Pix-to-Pix", "#0a0b07", (0, (3, 1.2))),
    "global": ("Global", "#0a0b03", "solid"),
    "pixelnn": ("PixelNN", "#0a0b04", "solid"),
    "coherent": ("PixelNN (coherent)", "#0a0b06", (0, (7, 1.2, 1.5, 1.2))),
    "whole": ("PixelNN (whole)", "#0a0b08", (0, (4, 1, 1, 1, 1, 1))),
    "truth": ("truth", "#0a0b05", "solid"),
}
FEWEST = 3  # ticks of an axis
# Losses take these series' colours one after another, whatever they are called.
_LOSSES = ("global", "coherent", "pixelnn", "regressor", "pix2pix", "input", "truth")
_VARIABLES = {_INK: "var(--ink)", _FAINT: "var(--line)"} | {
    colour: f"var(--series-{name})" for name, (_, colour, _) in SERIES.items()
}


@dataclass(frozen=True)
class Curve:
    """A line of a plot: its name, the series of `SERIES` whose colour it has, and its points."""

    label: str
    series: str
    across: np.ndarray
    up: np.ndarray


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
    with _plot(name) as (figure, axes):
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
        axes.set_xlabel("spatial frequency, cycles per image", color=_INK)
        axes.set_ylabel("power", color=_INK)
        axes.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
        _dress(axes, "lower left")
        return _embeddable(figure, name, f"Power spectra, {name}")


def losses_plot(history: pd.DataFrame, name: str) -> str:
    """A training's losses over its steps, on a logarithmic axis, for they differ in scale.

    Args:
        history: columns `step` and one a loss, at most seven; what is not above 0 is left out.
        name: tells this plot's ids from those of other plots in the same page.

    Returns:
        An `<svg>` element, as from `spectrum_plot`.

    Raises:
        ValueError: there is no step, no loss, or more losses than colours.
    """
    losses = [column for column in history if column != "step"]
    if "step" not in history or not 1 <= len(losses) <= len(_LOSSES) or not len(history):
        raise ValueError(
            f"losses: expected steps and 1 to {len(_LOSSES)} losses, got {len(history)} rows of "
            f"{list(history)}"
        )
    with _plot(name) as (figure, axes):
        for series, loss in zip(_LOSSES, losses, strict=False):
            points = history[history[loss] > 0]
            # A single point would be no line.
            axes.semilogy(
                points["step"], points[loss], color=SERIES[series][1], label=loss, linewidth=1.7,
                marker="o" if len(points) < 3 else None, markersize=3,
            )  # fmt: skip
        axes.set_xlabel("step", color=_INK)
        axes.set_ylabel("loss", color=_INK)
        low, high = axes.get_ylim()
        # Powers of ten alone would leave most plots with one number or two.
        ticks = [t * 10.0**e for e in range(-6, 7) for t in (1, 2, 5) if low <= t * 10.0**e <= high]
        if len(ticks) < FEWEST:
            ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        _dress(axes, "best")
        return _embeddable(figure, name, f"Losses, {name}")


def shares_plot(curves: Sequence[Curve], name: str, title: str, across: str, up: str) -> str:
    """Curves of shares over shares, both axes from 0 to 1, such as precision over recall.

    Args:
        curves: with points in [0, 1].
        name: tells this plot's ids from those of other plots in the same page.
        title: for readers who do not see the plot.
        across: what the horizontal axis is.
        up: what the vertical axis is.

    Returns:
        An `<svg>` element, as from `spectrum_plot`.
    """
    with _plot(name) as (figure, axes):
        for curve in curves:
            colour = SERIES[curve.series][1]
            axes.plot(curve.across, curve.up, color=colour, label=curve.label, linewidth=1.7)
        axes.set_xlim(0, 1.01)
        axes.set_ylim(0, 1.01)
        axes.set_xlabel(across, color=_INK)
        axes.set_ylabel(up, color=_INK)
        _dress(axes, "above", columns=3)
        return _embeddable(figure, name, title)


def distances_plot(curves: Sequence[Curve], name: str, title: str, across: str) -> str:
    """Which share of images have at most a distance to another image, for every distance.

    Args:
        curves: distances ascending, and shares in [0, 1].
        name: tells this plot's ids from those of other plots in the same page.
        title: for readers who do not see the plot.
        across: what the distances are.

    Returns:
        An `<svg>` element, as from `spectrum_plot`.
    """
    with _plot(name) as (figure, axes):
        for curve in curves:
            colour = SERIES[curve.series][1]
            axes.step(
                curve.across, curve.up, where="post", color=colour, label=curve.label, linewidth=1.7
            )
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.01)
        axes.set_xlabel(across, color=_INK)
        axes.set_ylabel("share of images", color=_INK)
        _dress(axes, "above")
        return _embeddable(figure, name, title)


def curves_plot(curves: Sequence[Curve], name: str, title: str, across: str, up: str) -> str:
    """Curves over something that grows, such as seconds; both axes from 0.

    Args:
        curves: with at least one point each; a single point is a dot.
        name: tells this plot's ids from those of other plots in the same page.
        title: for readers who do not see the plot.
        across: what the horizontal axis is.
        up: what the vertical axis is.

    Returns:
        An `<svg>` element, as from `spectrum_plot`.
    """
    with _plot(name) as (figure, axes):
        for curve in curves:
            _, colour, dashes = SERIES[curve.series]
            axes.plot(
                curve.across, curve.up, color=colour, label=curve.label, linestyle=dashes,
                linewidth=1.7, marker="o" if len(curve.across) < 2 else None, markersize=3,
            )  # fmt: skip
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(across, color=_INK)
        axes.set_ylabel(up, color=_INK)
        _dress(axes, "above", columns=2)
        return _embeddable(figure, name, title)


@contextmanager
def _plot(name: str) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes, the same for the same name."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9}):
        figure = Figure(figsize=(5.4, 3.5), layout="constrained")
        yield figure, figure.add_subplot()


def _dress(axes: Axes, legend: Literal["best", "lower left", "above"], columns: int = 1) -> None:
    """Axes with few lines: quiet ticks, a legend without a box; above them if they are full."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.grid(True, which="major", color=_FAINT, linewidth=0.6)
    axes.tick_params(which="both", colors=_INK, length=0)
    axes.minorticks_off()
    axes.set_axisbelow(True)
    place, anchor = ("lower left", (0.0, 1.0)) if legend == "above" else (legend, None)
    handles = axes.get_lines()
    # Labels may be names of users: `$` is no formula, and none is left out for a leading `_`.
    legend_ = axes.legend(
        handles, [""] * len(handles), frameon=False, labelcolor=_INK, loc=place,
        bbox_to_anchor=anchor, ncols=columns, handlelength=2.6,
    )  # fmt: skip
    labels = [*legend_.get_texts(), axes.xaxis.label, axes.yaxis.label]
    for text in labels:
        text.set_parse_math(False)
    for text, handle in zip(legend_.get_texts(), handles, strict=True):
        text.set_text(str(handle.get_label()))


def _embeddable(figure: Figure, name: str, label: str) -> str:
    """The bare `<svg>` element, its ids made the plot's own and its colours the page's."""
    buffer = io.StringIO()
    figure.savefig(
        buffer,
        format="svg",
        transparent=True,
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style.*?</defs>\s*", "", text, flags=re.DOTALL)
    prefix = _identifier(name)
    # Only tags: a text may hold anything, which matplotlib has escaped.
    text = re.sub(r"<[^>]*>", lambda tag: _tag(tag[0], prefix), text)
    opening = f'<svg role="img" aria-label="{html.escape(label)}"'
    return re.sub(r'^<svg width="[^"]*" height="[^"]*"', lambda _: opening, text)


def _tag(text: str, prefix: str) -> str:
    """A tag with ids that begin with a prefix, and with the page's colours and letters."""
    text = re.sub(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"', "", text)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = text.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return text


def _identifier(name: str) -> str:
    """A name as the beginning of ids, another for every name."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return f"plot-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
