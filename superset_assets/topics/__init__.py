"""Topics: what a release may hold beyond the base, each with facts, datasets, charts and dashboards of its own.

A topic is a module here with `read(db, config, base)` and a folder `assets/topics/<topic>/`. `read` returns None where
the release has nothing for the topic; then none of its assets exist. How to add one: `assets/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts
from superset_assets.topics import (
    datenlage,
    datenschutz,
    fuehrung,
    profil,
    selbstbedienung,
    themen,
    vergleich,
    ziele,
)

Reader = Callable[[duckdb.DuckDBPyConnection, InstanceConfig, Facts], Any | None]
"""Facts of a topic from an opened release; None: the release has nothing for it."""

READERS: dict[str, Reader] = {
    "fuehrung": fuehrung.read,
    "themen": themen.read,
    "datenlage": datenlage.read,
    "datenschutz": datenschutz.read,
    "profil": profil.read,
    "vergleich": vergleich.read,
    "selbstbedienung": selbstbedienung.read,
    "ziele": ziele.read,
}
