"""One released file -> everything the templates may use: base facts and the facts of each topic.

Belongs here: opening the file and asking the readers in turn. Does not belong here: any query.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts, read_base
from superset_assets.topics import READERS


def read_facts(config: InstanceConfig, release: Path, map_style: str) -> Facts:
    """Facts of the release file for the dashboards of the instance.

    Raises LookupError when the release lacks the root area or its own description.
    """
    with duckdb.connect(str(release), read_only=True) as db:
        base = read_base(db, config, release, map_style)
        return replace(base, topics={name: read(db, config, base) for name, read in READERS.items()})
