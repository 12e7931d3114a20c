"""Aufmerksamkeitsbedarf: which released figures of an area deviate unfavourably from the whole territory.

Belongs here: the deviation, whether chance explains it, the finding in words. Does not belong here: the degree of an
area, which is counting (`published_mart_attention`).

A deviation is turned so that positive is unfavourable. Whether chance explains it: the interval of the area's figure
contains the territory's value. Figures without counts (means, money, delivered rates: `int_analysis__basis`) have no
interval; their deviation stands as it is.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.frames.counts import Counts

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

ATTENTION_TYPES: Final = {
    "area_key": "string",
    "year": "Int32",
    "indicator_id": "string",
    "period_key": "string",
    "value": "float64",
    "kreis_value": "float64",
    "deviation": "float64",
    "is_judged": "bool",
    "is_burden": "bool",
    "severity": "Int32",
    "text": "string",
    "burden_text": "string",
}


def attention_frame(inputs: pd.DataFrame, rule: pd.DataFrame) -> pd.DataFrame:
    """One row per area, year and indicator of the rule; columns of `ATTENTION_TYPES`.

    `inputs`: `int_analysis__attention_input`; `rule`: the catalogue table `attention`, one row or none. Without a rule
    the table is empty.
    """
    if rule.empty or inputs.empty:
        return pd.DataFrame({name: [] for name in ATTENTION_TYPES}).astype(ATTENTION_TYPES)
    settings = rule.iloc[0]
    rows = inputs.reset_index(drop=True)
    value, kreis = rows["value"].to_numpy(np.float64), rows["kreis_value"].to_numpy(np.float64)
    direction = np.where(rows["unfavourable"] == "high", 1.0, -1.0)
    scale = _scale(rows, settings)
    deviation = direction * np.divide(value - kreis, scale, out=np.full_like(value, np.nan), where=scale > 0)
    judged = ~np.isnan(deviation)
    confidence = float(rule["confidence"].astype(np.float64).iloc[0])
    explained = np.zeros(len(rows), dtype=np.bool_) if np.isnan(confidence) else _chance(rows, confidence)
    level = (deviation >= rows["burden"].to_numpy()).astype(int) + (deviation >= rows["strong"].to_numpy())
    findings = pd.DataFrame(
        {
            "deviation": deviation,
            "level": np.where(explained, 0, level),
            "is_chance": explained & (level > 0),
        }
    )
    text, burden_text = _texts(rows, findings, str(settings["deviation"]), str(settings["root_label"]))
    found = rows.assign(
        deviation=deviation,
        is_judged=judged,
        is_burden=findings["level"] > 0,
        severity=findings["level"].astype("Int32").where(judged),
        text=text,
        burden_text=pd.array(burden_text, dtype="string"),
    )
    return found[list(ATTENTION_TYPES)].astype(ATTENTION_TYPES)


def _scale(rows: pd.DataFrame, settings: pd.Series) -> Values:
    """What a deviation is measured in: the spread of the areas of the year, or the value of the territory."""
    if settings["deviation"] == "relative":
        return rows["kreis_value"].abs().to_numpy(np.float64)
    grouped = rows.groupby(["indicator_id", "year"])["value"]
    spread = grouped.transform("std", ddof=0).to_numpy(np.float64)
    enough = grouped.transform("count").to_numpy() >= int(settings["minimum_areas"])
    return np.where(enough, spread, np.nan)


def _chance(rows: pd.DataFrame, confidence: float) -> Flags:
    """Rows whose interval contains the territory's value. Without counts nothing is explained by chance."""
    numerator, denominator = rows["numerator"].astype(np.float64), rows["denominator"].astype(np.float64)
    # Estimated counts are not whole; a share cannot have more cases than persons.
    counted = rows["method"].notna() & (denominator > 0) & (numerator >= 0) & (numerator % 1 == 0)
    counted &= (rows["method"] != "wilson") | (numerator <= denominator)
    found = np.zeros(len(rows), dtype=np.bool_)
    if counted.any():
        chosen = rows[counted]
        counts = Counts.of(chosen)
        ends = counts.interval(confidence)
        kreis = chosen["kreis_value"].to_numpy(np.float64)
        found[counted.to_numpy()] = (counts.to_unit(ends.lower) <= kreis) & (
            kreis <= counts.to_unit(ends.upper)
        )
    return found


def _texts(
    rows: pd.DataFrame, found: pd.DataFrame, unit: str, root: str
) -> tuple[list[str], list[str | None]]:
    """Per row the finding in German with the figures it rests on, and in short where it is a burden."""
    long: list[str] = []
    short: list[str | None] = []
    columns = ["indicator_label", "unit", "decimals", "value", "kreis_value", "empty_reason", "unfavourable"]
    for row, result in zip(rows[columns].itertuples(), found.itertuples(), strict=True):
        finding: Any = result
        long.append(_text(row, finding, unit, root))
        short.append(_burden(row, finding.level, root) if finding.level else None)
    return long, short


def _text(row: Any, finding: Any, unit: str, root: str) -> str:
    if np.isnan(row.value):
        return f"{row.indicator_label}: {row.empty_reason}"
    if np.isnan(finding.deviation):
        return f"{row.indicator_label}: ohne Vergleichswert"
    size = abs(finding.deviation)
    amount = (
        f"{_number(100 * size, 0)} %" if unit == "relative" else f"{_number(size, 2)} Standardabweichungen"
    )
    # Deviations are turned: positive is unfavourable, whichever side that is.
    side = "darüber" if (finding.deviation > 0) == (row.unfavourable == "high") else "darunter"
    verdict = ("unauffällig", "Belastung", "starke Belastung")[finding.level]
    if finding.is_chance:
        verdict = "keine Belastung: kann bei der Größe des Gebiets Zufall sein"
    own, whole = (_figure(value, row) for value in (row.value, row.kreis_value))
    return f"{row.indicator_label}: {own}, {root} {whole} ({amount} {side}) – {verdict}"


def _burden(row: Any, level: int, root: str) -> str:
    own, whole = (_figure(value, row) for value in (row.value, row.kreis_value))
    return f"{row.indicator_label} {own} ({root} {whole}{', stark' if level > 1 else ''})"


def _figure(value: float, row: Any) -> str:
    number = _number(value, int(row.decimals))
    return number if row.unit in ("", "Anzahl") else f"{number} {row.unit}"


def _number(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.-", ".,−"))


__all__ = ["ATTENTION_TYPES", "attention_frame"]
