"""Topic Datenschutz: which rule each measure follows, what it costs, and where the Geheimhaltungsbericht is.

Belongs here: what the release itself says about disclosure control. Does not belong here: the report and its annex –
they lie in the protected zone, and no dashboard reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts


@dataclass(frozen=True)
class DatenschutzFacts:
    """Extent of disclosure control in a release."""

    published: int
    withheld: int
    measures: int
    """Measures with a rule."""

    @property
    def withheld_share(self) -> float:
        """In percent of all figures."""
        return 100 * self.withheld / max(1, self.published + self.withheld)


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> DatenschutzFacts | None:
    """Counts of the release; None where it records nothing withheld or names no measure."""
    if not {"mart_withheld", "dim_measure"} <= base.filled:
        return None
    row = db.execute(
        """select coalesce(sum(cells_published), 0), coalesce(sum(cells_withheld), 0),
               (select count(*) from dim_measure where rule_basis is not null) from mart_withheld"""
    ).fetchone()
    assert row is not None  # an aggregate always has one row
    return DatenschutzFacts(published=int(row[0]), withheld=int(row[1]), measures=int(row[2]))
