"""What the page "Datenlage" shows: deliveries, deadlines, coverage, refusals, what is withheld.

Belongs here: whether the page exists and its numbers in words. Does not belong here: templates, rules on deadlines.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts


@dataclass(frozen=True)
class DatenlageFacts:
    sources: int
    there: int
    """Deliveries of the calendar that are there."""
    expected: int
    """All deliveries of the calendar."""
    overdue: int
    late: int
    refused: int
    """Deliveries the entry check refused."""
    incomplete: int
    """Periods of sources that lack a Kommune."""
    withheld_share: float | None
    """Share of the figures that are withheld, in percent; None where nothing is recorded."""
    has_refusals: bool
    has_kommunen: bool
    """Some source is delivered by each Kommune on its own."""
    has_withheld: bool


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> DatenlageFacts | None:
    """Counts of the delivery calendar; None where the release has no calendar."""
    if "mart_delivery" not in base.filled:
        return None
    row = db.execute(
        """select count(distinct source_id), count(*) filter (is_there), count(*),
               count(*) filter (status = 'overdue'), count(*) filter (status = 'arrived_late'),
               coalesce(sum(refused), 0), count(distinct (source_id, period_end)) filter (not is_complete),
               count(*) filter (refused > 0), count(*) filter (kommunen_expected > 1)
           from mart_delivery"""
    ).fetchone()
    assert row is not None
    withheld = None
    if "mart_withheld" in base.filled:
        found = db.execute(
            """select 100.0 * sum(cells_withheld) / nullif(sum(cells_published) + sum(cells_withheld), 0)
               from mart_withheld"""
        ).fetchone()
        withheld = found[0] if found else None
    return DatenlageFacts(
        sources=row[0],
        there=row[1],
        expected=row[2],
        overdue=row[3],
        late=row[4],
        refused=int(row[5]),
        incomplete=row[6],
        withheld_share=withheld,
        has_refusals=row[7] > 0,
        has_kommunen=row[8] > 0,
        has_withheld="mart_withheld" in base.filled,
    )
