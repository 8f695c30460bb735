"""The rendered domain: parametric animal heads, ray-traced, with exact truth at every pixel."""

from exemplar.data.rendered.painting import PARTS
from exemplar.data.rendered.posing import Posing
from exemplar.data.rendered.rendering import Rendering, render
from exemplar.data.rendered.settings import RenderedSettings

__all__ = ["PARTS", "Posing", "RenderedSettings", "Rendering", "render"]
