"""What the population forecast reads of a release: figures, areas and their hierarchy, as tables.

Belongs here: which columns and rows are taken. Not here: arrays (`stocks`), projections (`population`). The tables
may be
models of dbt or those of a released file: whatever can be filtered and cut like a relation of DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from analysis.frames.stocks import MEASURES, Stocks, read, tidy


class Relation(Protocol):
    """A table that is cut before it is read."""

    def filter(self, condition: str, /) -> Relation: ...

    def project(self, columns: str, /) -> Relation: ...

    def df(self) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Released:
    """Tables of one release."""

    rows: pd.DataFrame
    """Figures, see `stocks.tidy`."""
    areas: pd.DataFrame
    ancestors: pd.DataFrame
    """area_key, ancestor_area_key of today."""

    def stocks(self, area_system: str, area_level: str) -> Stocks | None:
        """Stocks of a level; None where none by age are released."""
        return read(self.rows, self.areas, area_system, area_level)


def released(
    figures: Relation, as_is: Relation, groups: Relation, periods: Relation, areas: Relation, bridge: Relation
) -> Released:
    """fct_measure, fct_measure_as_is, dim_group, dim_period, dim_area, bridge_area → what a projection needs."""
    names = ", ".join(f"'{name}'" for name in MEASURES)
    columns = "measure_id, area_key, period_key, group_key, value"
    condition = f"measure_id in ({names})"
    rows = tidy(
        figures.filter(condition).project(columns).df(),
        as_is.filter(condition).project(columns).df(),
        groups.project("group_key, breakdown, age_from, age_to, sex").df(),
        periods.project("period_key, period_end").df(),
    )
    return Released(
        rows,
        areas.project("area_key, area_system, area_level, area_code, level_rank, is_current").df(),
        bridge.filter("depth > 0 and valid_to is null")
        .project("descendant_area_key as area_key, ancestor_area_key")
        .df(),
    )


__all__ = ["Relation", "Released", "released"]
