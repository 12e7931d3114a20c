"""Indicators computed straight from the simulated persons with pandas, sharing no code with the pipeline.

Only the faults of the deliveries are taken into account: a person whose block code was lost counts for the Gemeinde
and the Kreis but for no Sozialraum. Belongs here: arithmetic on the truth files. Does not belong here: comparisons.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

LEVEL_COLUMNS = {"amt": "amt_code", "gemeinde": "gemeinde_code", "sozialraum": "sozialraum_code"}
KREIS = "99901"


def persons(truth: Path, day: str) -> pd.DataFrame:
    """All simulated persons of a reference date, one row each."""
    return pd.read_parquet(truth / f"persons_{day}.parquet")


def cases(truth: Path, source: str) -> pd.DataFrame:
    """All cases of a source that were delivered."""
    frame = pd.read_parquet(truth / f"cases_{source}.parquet")
    return frame[frame["delivered"]] if "delivered" in frame else frame


def count_by_area(frame: pd.DataFrame) -> pd.Series:
    """Rows per (area_level, area_code)."""
    counts = {("kreis", KREIS): len(frame)}
    for level, column in LEVEL_COLUMNS.items():
        located = frame[frame["block_delivered"]] if level == "sozialraum" else frame
        counts |= {(level, code): number for code, number in located[column].value_counts().items()}
    index = pd.MultiIndex.from_tuples(counts, names=["area_level", "area_code"])
    return pd.Series(list(counts.values()), index=index, dtype="float64")


def _share(numerator: pd.Series, denominator: pd.Series, factor: float) -> pd.Series:
    """Not rounded: a released value may lie half a unit of its last decimal away."""
    return factor * numerator.reindex(denominator.index).fillna(0) / denominator


def _population_share(condition: Callable[[pd.DataFrame], pd.Series]) -> Callable[[Path, str], pd.Series]:
    def compute(truth: Path, day: str) -> pd.Series:
        everybody = persons(truth, day)
        return _share(count_by_area(everybody[condition(everybody)]), count_by_area(everybody), 100)

    return compute


def _rate_of_cases(
    source: str, case_type: str, base: Callable[[pd.DataFrame], pd.Series], factor: float
) -> Callable[[Path, str], pd.Series]:
    def compute(truth: Path, day: str) -> pd.Series:
        everybody = persons(truth, day)
        found = cases(truth, source)
        found = found[(found["case_type"] == case_type) & (found["period_end"].astype(str) == day)]
        return _share(count_by_area(found), count_by_area(everybody[base(everybody)]), factor)

    return compute


def population_total(truth: Path, day: str) -> pd.Series:
    return count_by_area(persons(truth, day))


def sgb2_rate(truth: Path, day: str) -> pd.Series:
    """SGB II persons per 100 inhabitants under 65; Sozialräume are left out (the BA loses some of its records)."""
    everybody = persons(truth, day)
    rate = _share(
        count_by_area(everybody[everybody["sgb2"]]), count_by_area(everybody[everybody["age"] < 65]), 100
    )
    return rate[[level != "sozialraum" for level, _ in rate.index]]


INDICATORS: dict[str, Callable[[Path, str], pd.Series]] = {
    "population_total": population_total,
    "population_65plus_share": _population_share(lambda p: p["age"] >= 65),
    "foreign_share": _population_share(lambda p: p["nationality"] == "foreign"),
    "migration_background_share": _population_share(lambda p: p["migration"] == "yes"),
    "sgb2_rate": sgb2_rate,
    "disability_share": _rate_of_cases(
        "schwerbehinderung", "schwerbehinderung", lambda p: p["age"] >= 0, 100
    ),
    "hze_rate": _rate_of_cases("hze", "hze", lambda p: p["age"] < 18, 1000),
}
"""Indicator id -> value per (area_level, area_code) at 31 December (or the year that ends then)."""
