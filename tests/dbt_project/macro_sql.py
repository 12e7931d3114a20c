"""The macros of disclosure control as plain SQL, rendered without dbt, so that other engines can run them.

dbt resolves macros of a project by their bare name; joining the files into one template does the same.
"""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment

from lagebild.paths import DBT_PROJECT_DIR

FOLDER = DBT_PROJECT_DIR / "macros" / "disclosure"


def render(call: str, files: tuple[str, ...], **variables: Any) -> str:
    """SQL of `call`, e.g. `primary_count("value", "3")`, with the macros of `files`; `variables` are dbt's vars."""
    text = "".join((FOLDER / f"{name}.sql").read_text("utf-8") for name in files)
    environment = Environment(extensions=["jinja2.ext.do"], autoescape=False)
    return str(environment.from_string(text + "{{ " + call + " }}").render(var=variables.__getitem__))


def steps(ctes: str) -> list[tuple[str, str]]:
    """Name and query of every CTE in `name as (query), …`, in order, the text of each query unchanged."""
    found: list[tuple[str, str]] = []
    text = re.sub(r"--[^\n]*", "", ctes).strip()
    while text:
        name, _, rest = text.partition(" as (")
        depth, end = 1, 0
        while depth:
            depth += {"(": 1, ")": -1}.get(rest[end], 0)
            end += 1
        found.append((name.strip(), rest[: end - 1]))
        text = rest[end:].lstrip().removeprefix(",").lstrip()
    return found
