"""How far one figure can be trusted: its confidence interval, its comparison, the trend of its area.

Everything stands in the released file (docs/statistics.md); nothing is computed here. A release from before these
tables has no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lagebild import german
from semantic_layer.query.release import Release

_TABLES: Final = frozenset({"fct_indicator_statistic", "fct_indicator_trend"})


@dataclass(frozen=True)
class Certainty:
    """What chance leaves open; None where it is not known or does not apply."""

    interval_low: float | None
    interval_high: float | None
    confidence: float | None
    interval_text: str | None
    """`7,1 bis 9,0 %`."""
    comparison: str | None
    """In German, against the whole area."""
    note: str | None
    trend: str | None
    """`steigend und ungünstig`, or why nothing can be said; of the area of today, up to its latest period."""
    warning: str | None


def certainty(release: Release, indicator_key: str, area_key: str, period_key: str) -> Certainty | None:
    """Interval and comparison of one value, and the trend of its series; None where the release has neither."""
    if not release.metadata.columns.keys() >= _TABLES:
        return None
    about = release.records(
        """
        select interval_low, interval_high, confidence, comparison_label, note, unit, decimals
        from fct_indicator_statistic inner join dim_indicator using (indicator_key)
        where indicator_key = ? and area_key = ? and period_key = ?
        """,
        [indicator_key, area_key, period_key],
    )
    series = release.records(
        "select wording, warning_text from fct_indicator_trend where indicator_key = ? and area_key = ?",
        [indicator_key, area_key],
    )
    if not about and not series:
        return None
    row = about[0] if about else {}
    low, high = row.get("interval_low"), row.get("interval_high")
    ends = [german.number(end, row["decimals"]) for end in (low, high) if end is not None]
    return Certainty(
        interval_low=low,
        interval_high=high,
        confidence=row.get("confidence"),
        interval_text=f"{ends[0]} bis {ends[1]} {row['unit']}".strip() if len(ends) == 2 else None,
        comparison=row.get("comparison_label"),
        note=row.get("note"),
        trend=series[0]["wording"] if series else None,
        warning=series[0]["warning_text"] if series else None,
    )
