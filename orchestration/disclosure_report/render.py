"""Sets the report: an accessible page without scripts, and a tagged PDF. Nothing is worded here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import typst
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.disclosure_report.content import Content

_TEMPLATES: Final = Path(__file__).parent / "templates"


def render_html(content: Content) -> str:
    """One page without scripts or outside resources."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(**content)


def render_pdf(content: Content) -> bytes:
    """A4, tagged for screen readers, set by Typst."""
    return typst.compile(
        str(_TEMPLATES / "report.typ"),
        format="pdf",
        # A fixed day in the metadata: the same content gives the same file.
        timestamp=0,
        sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
    )


__all__ = ["render_html", "render_pdf"]
