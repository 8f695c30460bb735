from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from exemplar.report.plots import SERIES, Curve, curves_plot, losses_plot, spectrum_plot


def spectrum(names: tuple[str, ...] = tuple(SERIES)) -> pd.DataFrame:
    frequency = np.arange(17.0)
    parts = [
        pd.DataFrame({"series": name, "frequency": frequency, "power": 0.1 / (1 + frequency) ** i})
        for i, name in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


def test_equal_spectra_give_equal_text() -> None:
    assert spectrum_plot(spectrum(), "a-b") == spectrum_plot(spectrum(), "a-b")


def test_colours_and_fonts_are_the_pages_own() -> None:
    text = spectrum_plot(spectrum(), "a-b")
    assert text.startswith("<svg ")
    for name, (label, _, _) in SERIES.items():
        assert text.count(f"var(--series-{name})") >= 2, "a line and its sample in the legend"
        assert f">{label}</text>" in text
    assert "#0" not in re.sub(r'"#[a-z]', "", text)
    assert "DejaVu" not in text
    assert "http" not in text
    assert "<style" not in text


def test_the_two_compositions_differ_in_colour_and_dash() -> None:
    text = spectrum_plot(spectrum(("pixelnn", "coherent")), "a-b")

    def dashed(name: str) -> bool:
        return bool(re.search(rf"stroke-dasharray[^>]*var\(--series-{name}\)", text)) or bool(
            re.search(rf"var\(--series-{name}\)[^>]*stroke-dasharray: \d", text)
        )

    assert dashed("coherent")
    assert not dashed("pixelnn")


def test_two_plots_share_no_id() -> None:
    def found(name: str) -> set[str]:
        return set(re.findall(r'\bid="([^"]+)"', spectrum_plot(spectrum(), name)))

    assert found("a-b")
    assert not found("a-b") & found("a-c")


def test_lines_fall_as_the_power_does() -> None:
    text = spectrum_plot(spectrum(("global", "pixelnn")), "x")

    def drop(name: str) -> float:
        paths = re.findall(rf'<path d="([^"]+)"[^>]*var\(--series-{name}\)', text)
        heights = [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", max(paths, key=len))]
        assert len(heights) == 16, "the power at frequency 0 is not drawn"
        return heights[-1] - heights[0]

    assert drop("global") == pytest.approx(0)
    assert drop("pixelnn") > 50


def test_an_unknown_series_is_named() -> None:
    with pytest.raises(ValueError, match=r"series must be of .*got \['glann'\]"):
        spectrum_plot(spectrum(("glann",)), "x")


def losses(**values: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"step": [10 * (i + 1) for i in range(len(values["d"]))], **values})


def heights(text: str, series: str) -> list[float]:
    """Where the points of a line lie, from the top."""
    paths = re.findall(rf'<path d="([^"]+)"[^>]*var\(--series-{series}\)', text)
    # The second is its sample in the legend.
    return [float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", paths[0])]


def test_losses_are_drawn_by_their_logarithm_and_named() -> None:
    text = losses_plot(losses(d=[1.0, 10.0, 100.0], l1=[100.0, 0.0, 1.0]), "x")
    assert ">d</text>" in text and ">l1</text>" in text and ">step</text>" in text
    first, second, third = heights(text, "global")
    assert first - second == pytest.approx(second - third)
    assert first > second
    assert len(heights(text, "coherent")) == 2, "what is 0 has no logarithm"
    # Text on the axis says the value, not its power of ten.
    assert ">100</text>" in text and ">20</text>" in text
    assert "#0" not in re.sub(r'"#[a-z]', "", text)
    assert losses_plot(losses(d=[1.0]), "x").count("<use") == 2, "one step: a dot, and its sample"


def test_an_axis_with_few_round_numbers_gets_others() -> None:
    text = losses_plot(losses(d=[0.48, 0.27]), "x")
    found = [float(label) for label in re.findall(r">(0\.\d+)</text>", text)]
    assert len(found) > 2 and all(0.2 < label < 0.5 for label in found)


@pytest.mark.parametrize(
    "history",
    [losses(d=[]), pd.DataFrame({"step": [1]}), pd.DataFrame({"d": [1.0]})],
    ids=["no row", "no loss", "no step"],
)
def test_losses_without_steps_or_values_are_refused(history: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="expected steps and 1 to 7 losses, got"):
        losses_plot(history, "x")


def test_curves_begin_at_nothing_and_levels_are_level() -> None:
    up = [Curve("it", "pixelnn", np.array([10.0, 20.0, 30.0]), np.array([10.0, 20.0, 40.0]))]
    level = Curve("other", "coherent", np.array([0.0, 30.0]), np.array([40.0, 40.0]))
    text = curves_plot([*up, level], "x", "what it is", "seconds", "quality")
    assert '<svg role="img" aria-label="what it is"' in text
    for words in ("seconds", "quality", "it", "other", "0"):
        assert f">{words}</text>" in text
    first, second, third = heights(text, "pixelnn")
    # Upwards is less; what is twice as much is twice as far from 0.
    assert second - third == pytest.approx(2 * (first - second), abs=1e-3)
    assert heights(text, "coherent") == [third, third]
    dot = Curve("it", "pixelnn", np.array([10.0]), np.array([5.0]))
    assert curves_plot([dot], "x", "t", "a", "u").count("<use") > text.count("<use")


HOSTILE = ["<img src=x onerror=alert(1)>", "a&b", '"x" onload="y', r"$\frac$ and $x$", "_led",
           'id="t" href="#u" url(#v) #0a0b04', r"back\1 \g<0>", "</svg><script>"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_users_stay_text(name: str) -> None:
    curves = [Curve(name, "pixelnn", np.array([1.0, 2.0]), np.array([1.0, 2.0]))]
    frame = pd.DataFrame({"step": [1, 2], name: [1.0, 2.0]})
    plot = curves_plot(curves, name, name, name, name)
    for text in (
        plot, losses_plot(frame, name),
        spectrum_plot(spectrum(), name),
    ):  # fmt: skip
        tree = ElementTree.fromstring(re.sub(r"\bxlink:", "", text))
        assert name in tree.attrib["aria-label"]
        assert {element.tag for element in tree.iter()} <= {
            "svg", "g", "path", "defs", "use", "text", "tspan", "rect", "clipPath",
        }  # fmt: skip
        known = {e.attrib["id"] for e in tree.iter() if "id" in e.attrib}
        assert all(re.fullmatch(r"[\w.-]+", each) for each in known)
        asked = {e.attrib["href"] for e in tree.iter() if "href" in e.attrib}
        assert asked <= {f"#{each}" for each in known}
    tree = ElementTree.fromstring(re.sub(r"\bxlink:", "", plot))
    shown = [element.text for element in tree.iter("text")]
    assert shown.count(name) == 3, "both axes and the legend"


def test_plots_of_different_names_share_no_id() -> None:
    def ids(name: str) -> set[str]:
        return set(re.findall(r'\bid="([^"]+)"', losses_plot(losses(d=[1.0, 2.0]), name)))

    assert not ids("a b") & ids("a&b") and not ids("a;b") & ids("a b")
