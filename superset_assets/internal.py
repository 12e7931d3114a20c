"""Dashboards of the internal tiers: one small dashboard per reader, over the reader's own file.

Belongs here: what a reader's file says that its templates need, and rendering them (`assets/intern/`). Does not belong
here: who may open the file (`access`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.access.readers import Reader
from superset_assets.facts import Facts
from superset_assets.render import TEMPLATES, Bundle, render


@dataclass(frozen=True)
class InternalFacts:
    """What the templates of a reader may use. Grain: one file of an internal tier."""

    instance: str
    """Instance and reader (`Reader.scope`): identifiers of different readers differ."""
    title: str
    attribution: str
    reader_label: str
    slug: str
    released_on: str
    release_file: str
    first_measure: str | None
    last_year: int | None
    topics: Mapping[str, Any] = field(default_factory=dict)
    filled: frozenset[str] = frozenset({"mart_measure_intern"})


def internal_slug(reader: Reader) -> str:
    """Address of the reader's dashboard, e.g. `intern-99901a01-musterkreis`."""
    return f"intern-{(reader.code or reader.audience).lower()}-{reader.instance}"


def read_internal(config: InstanceConfig, reader: Reader, released_on: str) -> InternalFacts:
    """Facts of a reader's file. A reader without a single additional figure has an empty dashboard."""
    with duckdb.connect(str(reader.zone.file), read_only=True) as db:
        row = db.execute(
            "select measure_label, max(year) from mart_measure_intern group by 1 order by 1 limit 1"
        ).fetchone()
    first_measure, last_year = row or (None, None)
    return InternalFacts(
        instance=reader.scope,
        title=f"Intern {reader.label} – {config.title}",
        attribution=config.attribution,
        reader_label=reader.label,
        slug=internal_slug(reader),
        released_on=released_on,
        release_file=str(reader.zone.file.absolute()),
        first_measure=first_measure,
        last_year=last_year,
    )


def render_internal(facts: InternalFacts) -> Bundle:
    """Database, dataset, charts and dashboard of one reader."""
    # The renderer asks only for what both kinds of facts have.
    return render(cast(Facts, facts), TEMPLATES / "intern")
