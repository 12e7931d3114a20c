"""What the statistics of a release say about its figures: trend, comparison, whether an order may be shown.

Belongs here: lookups in the statistical tables, empty where a release has none. The words are those of the release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reports.facts import Area, Figure, Indicator
from reports.reader import Reader
from reports.release import Row
from reports.wording import grammar


@dataclass(frozen=True)
class Order:
    """Whether areas may be ordered by an indicator. `rankable` None: cannot be tested."""

    rankable: bool | None
    reason: str


class Evidence:
    """Statistics of one release; everything is None or empty where the release has none or they are of a later year."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @cached_property
    def _trends(self) -> Mapping[tuple[str, str], Row]:
        if not self.reader.release.has("mart_trend"):
            return {}
        rows = self.reader.release.rows(
            "select * from mart_trend where area_system = ? and (year is null or year <= ?)",
            [self.reader.system, self.reader.year],
        )
        return {(row["indicator_id"], row["area_key"]): row for row in rows}

    @cached_property
    def _statistics(self) -> Mapping[tuple[str, str], Row]:
        if not self.reader.release.has("mart_statistic"):
            return {}
        rows = self.reader.release.rows(
            "select * from mart_statistic where area_system = ? and year <= ?",
            [self.reader.system, self.reader.year],
        )
        return {(row["indicator_id"], row["area_key"]): row for row in rows}

    @cached_property
    def _orders(self) -> Mapping[tuple[str, str], Order]:
        if not self.reader.release.has("fct_ranking"):
            return {}
        rows = self.reader.release.rows(
            """select ranking.* from fct_ranking as ranking inner join dim_period as period using (period_key)
               where area_system = ? and year <= ? order by period.period_end""",
            [self.reader.system, self.reader.year],
        )
        # Sorted by time: the latest period of indicator and level stays.
        return {
            (row["indicator_id"], row["area_level"]): Order(row["is_rankable"], row["reason"] or "")
            for row in rows
        }

    def order(self, indicator: Indicator, level: str) -> Order:
        """Whether the areas of a level may be ordered by the indicator."""
        return self._orders.get((indicator.id, level), Order(None, ""))

    def trend(self, indicator: Indicator, area: Area) -> str:
        """`steigend und ungünstig`; empty where no direction was found or nothing was tested."""
        row = self._trends.get((indicator.id, area.key))
        tested = row is not None and row["direction"] in {"rising", "falling"}
        return grammar.released(row["wording"] or "") if row is not None and tested else ""

    def trend_sentence(self, indicator: Indicator, area: Area) -> str | None:
        """`Von 2014 bis 2025 ist die Entwicklung steigend und ungünstig (im Mittel +0,4 Prozentpunkte je Jahr).`"""
        row = self._trends.get((indicator.id, area.key))
        if row is None or row["direction"] == "unknown":
            return None
        span = f"Von {row['first_period_label']} bis {row['last_period_label']}"
        if row["direction"] == "none":
            return f"{span} ist keine Richtung erkennbar, die über zufällige Schwankungen hinausgeht."
        mean = f" (im Mittel {grammar.released(row['slope_label'])})" if row["slope_label"] else ""
        return f"{span} ist die Entwicklung {row['wording']}{mean}."

    def warnings(self, area: Area) -> list[tuple[str, str]]:
        """Early warnings of an area: label of the indicator and the text of the release."""
        return [
            (row["indicator_label"], grammar.released(row["warning_text"]))
            for (_, key), row in self._trends.items()
            if key == area.key and row["is_warning"] and row["warning_text"]
        ]

    def comparison(self, indicator: Indicator, figure: Figure | None) -> str:
        """`höher` or `niedriger` than the whole territory where that is no chance, else empty."""
        row = self._tested(indicator, figure)
        words = {"above": "höher", "below": "niedriger"}
        return words.get(row["comparison"] or "", "") if row is not None else ""

    def _tested(self, indicator: Indicator, figure: Figure | None) -> Row | None:
        """The statistics of just this figure."""
        if figure is None or figure.value is None:
            return None
        row = self._statistics.get((indicator.id, figure.area_key))
        return row if row is not None and row["period_end"] == figure.period_end else None

    def interval(self, indicator: Indicator, figure: Figure | None) -> str:
        """`7,1 bis 9,0 %`; empty without interval."""
        row = self._tested(indicator, figure)
        return grammar.released(row["interval_label"] or "") if row is not None else ""

    def is_weak(self, indicator: Indicator, figure: Figure | None) -> bool:
        """True where the value should not be quoted without its interval."""
        row = self._tested(indicator, figure)
        return row is not None and row["is_reliable"] is False

    @property
    def has_trends(self) -> bool:
        return bool(self._trends)

    @property
    def has_statistics(self) -> bool:
        return bool(self._statistics)


__all__ = ["Evidence", "Order"]
