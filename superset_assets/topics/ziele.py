"""Goals, measures, money: what the page "Ziele und Maßnahmen" says in words and which of its parts exist.

Belongs here: read-only queries on a released file. Does not belong here: states and comparisons (the marts hold them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts

_LINES = 6


@dataclass(frozen=True)
class Tile:
    """One big number: a metric of a dataset and what is written below it."""

    key: str
    title: str
    dataset: str
    metric: str
    subtitle: str
    description: str


@dataclass(frozen=True)
class ZieleFacts:
    """Grain: one release."""

    stated_on: str
    """Day of the register of Handlungsempfehlungen; empty without one."""
    recommendations: int
    targets: int
    comparisons: int
    """Recommendations that can be compared before and after."""
    caution: str
    budget_year: int | None
    """Latest closed year of the Haushalt."""
    budget_themes: tuple[str, ...]
    """The largest Handlungsfelder of that year: more lines than colours nobody can tell apart."""
    spending_year: int | None
    spending_level: str
    """Level the spending by area opens with."""
    spending_product: str

    @property
    def has_recommendations(self) -> bool:
        return self.recommendations > 0

    @property
    def has_targets(self) -> bool:
        return self.targets > 0

    @property
    def has_comparisons(self) -> bool:
        return self.comparisons > 0

    @property
    def has_budget(self) -> bool:
        return self.budget_year is not None

    @property
    def has_spending(self) -> bool:
        return self.spending_year is not None

    @property
    def tiles(self) -> list[Tile]:
        """What a reader takes away in ten seconds; none for what the release does not have."""
        of = f"von {self.recommendations} Empfehlungen"
        measures = [
            Tile(
                "offen",
                "Geplant oder in Umsetzung",
                "mart_recommendation",
                "anzahl_offen",
                of,
                "Noch nicht umgesetzt.",
            ),
            Tile(
                "umgesetzt",
                "Umgesetzt",
                "mart_recommendation",
                "anzahl_umgesetzt",
                of,
                "Abgeschlossene Empfehlungen.",
            ),
            Tile(
                "auffaellig",
                "Überfällig oder mit Hinweis",
                "mart_recommendation",
                "anzahl_auffaellig",
                of,
                "Frist überschritten, Beginn steht aus oder Kosten über dem Plan.",
            ),
        ]
        goals = Tile(
            "ziele",
            "Ziele erreicht oder auf Kurs",
            "mart_target",
            "ziele_auf_kurs",
            f"von {self.targets} Zielen",
            "Erreicht oder auf dem geraden Weg vom Ausgangswert zum Zielwert.",
        )
        return [*(measures if self.recommendations else []), *([goals] if self.targets else [])]

    @property
    def tile_keys(self) -> list[str]:
        return [f"ziele_kachel_{item.key}" for item in self.tiles]


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> ZieleFacts | None:
    """Facts of the topic; None where the release has neither recommendations nor targets."""
    if not {"mart_recommendation", "mart_target"} & base.filled:
        return None
    register = _row(
        db, base, "mart_recommendation", "strftime(max(stated_on), '%d.%m.%Y'), cast(count(*) as integer)"
    )
    compared = _row(db, base, "mart_before_after", "max(caution), cast(count(*) as integer)")
    budget = _row(db, base, "mart_budget", "max(year) filter (where is_latest)")
    spending = _row(
        db,
        base,
        "mart_budget_area",
        "max(year), arg_max(product_name, amount_eur)",
    )
    return ZieleFacts(
        stated_on=register[0] or "",
        recommendations=register[1] or 0,
        targets=_row(db, base, "mart_target", "cast(count(*) as integer)")[0] or 0,
        comparisons=compared[1] or 0,
        caution=compared[0] or "",
        budget_year=budget[0],
        budget_themes=_largest_themes(db, base),
        spending_year=spending[0],
        spending_level=_spending_level(db, base),
        spending_product=spending[1] or "",
    )


def _largest_themes(db: duckdb.DuckDBPyConnection, base: Facts) -> tuple[str, ...]:
    if "mart_budget" not in base.filled:
        return ()
    found = db.execute(
        """select theme_label from mart_budget where is_latest
           group by all order by sum(actual_eur) desc, theme_label limit ?""",
        [_LINES],
    ).fetchall()
    return tuple(str(label) for (label,) in found)


def _spending_level(db: duckdb.DuckDBPyConnection, base: Facts) -> str:
    """The level below the whole with most released amounts in the latest year."""
    if "mart_budget_area" not in base.filled:
        return ""
    row = db.execute(
        """select area_level_label from mart_budget_area
           where is_latest and level_rank > 0 and amount_eur is not null
           group by all order by count(*) desc, area_level_label limit 1"""
    ).fetchone()
    return "" if row is None else str(row[0])


def _row(db: duckdb.DuckDBPyConnection, base: Facts, table: str, columns: str) -> tuple[Any, ...]:
    """The first row of a query on a table; only NULLs where the table is empty or missing."""
    if table not in base.filled:
        return (None,) * 3
    found = db.execute(f"select {columns} from {table}").fetchone()
    return found or (None,) * 3


__all__ = ["ZieleFacts", "read"]
