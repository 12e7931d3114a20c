"""Sets a document: an accessible page without scripts, and a tagged PDF. Nothing is worded here."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Final

import typst
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.document import Document

_TEMPLATES: Final = Path(__file__).parent / "templates"


def render_html(document: Document) -> str:
    """One page without scripts or outside resources; drawings are embedded."""
    return environment().get_template("report.html.j2").render(**document.plain())


def render_pdf(document: Document) -> bytes:
    """A4, PDF/UA-1: tagged for screen readers, set by Typst with the fonts of its wheel."""
    set_pdf = _compiler().compile(
        format="pdf",
        # A fixed day in the metadata: the same content gives the same file.
        timestamp=0,
        sys_inputs={"content": json.dumps(document.plain(), ensure_ascii=False)},
        pdf_standards=["ua-1"],
    )
    assert isinstance(set_pdf, bytes)
    return set_pdf


@cache
def _compiler() -> typst.Compiler:
    # One compiler for many documents keeps its fonts; system fonts would make the same report differ by machine.
    return typst.Compiler(str(_TEMPLATES / "report.typ"), ignore_system_fonts=True)


@cache
def environment() -> Environment:
    """Templates of this room."""
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["data_uri"] = _data_uri
    return found


def _data_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


__all__ = ["environment", "render_html", "render_pdf"]
