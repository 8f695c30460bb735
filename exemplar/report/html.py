"""Pages from templates: one HTML file each, which needs nothing else.

The last step of the way of the data: what the report gathered and drew becomes text.
"""

from __future__ import annotations

from pathlib import Path

import jinja2
from markupsafe import Markup

MACROS = "parts.html.j2"
"""How pages show pictures and numbers."""

STYLE = "style.css"
"""Of all pages."""


def laid_out(template: str, **shown: object) -> str:
    """A page from its template, which may import the macros of `MACROS`.

    Args:
        template: the name of a file beside this module. Text in it is escaped; `svg` marks what is
            not to be, and `style` is the style sheet of all pages.
        shown: what the template asks for.

    Returns:
        HTML; the same arguments give the same text.

    Raises:
        jinja2.UndefinedError: the template asks for something that is not shown.
    """
    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup
    style = Markup((folder / STYLE).read_text())
    return environment.get_template(template).render(style=style, **shown)
