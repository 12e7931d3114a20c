"""Possible values of measures, and rows that say the same twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from expectations.context import MeasureFacts
from expectations.rules.comparison import Comparison, Judgement, judgement, number
from expectations.rules.observed import label, rows_of, where_found
from expectations.tables import conformed
from ingestion.landing.contracts import TABLES
from lagebild.checks import RangeCheck, Severity

RANGE: Final = "Wert außerhalb des Möglichen"
DUPLICATE: Final = "Doppelte Zeile"
ALL_TWICE: Final = "Inhalt doppelt"

SHARE_UNIT: Final = "%"
SHARE_MAXIMUM: Final = 100.0
LARGE: Final = 1_000_000
"""Rows from which on keys are compared by their hashes first."""
ALL_TWICE_NEEDS_ROWS: Final = 20
"""Below this all rows may be alike by chance."""

GRAIN: Final[dict[str, list[str]]] = {
    "observation": ["area_system", "area_level", "area_code", "period_end", "measure_id", "group_id"],
    "person": ["reference_date", "person_key"],
    "area": ["area_system", "area_level", "area_code", "valid_from"],
    "area_crosswalk": ["area_system", "area_level", "from_code", "to_code", "reform_date"],
    "address": ["gemeinde_code", "street", "house_number"],
    "budget": ["year", "product_code"],
    "recommendation": ["recommendation_id"],
    "recommendation_status": ["recommendation_id", "since"],
}
"""Columns that identify a row. A `case` has no natural key: two equal Hilfen of one person may both be right."""


def ranges(
    frame: pd.DataFrame, measures: Mapping[str, MeasureFacts], stated: tuple[RangeCheck, ...]
) -> list[Judgement]:
    """Measures within their bounds: the source's own, else the catalogue's (a share in % is at most 100)."""
    bounds: dict[str, RangeCheck] = {
        name: RangeCheck(measure=name, maximum=SHARE_MAXIMUM, severity="warning")
        for name, facts in measures.items()
        if facts.unit == SHARE_UNIT
    }
    bounds |= {item.measure: item for item in stated if item.measure}
    found: dict[Severity, list[Comparison]] = {"refusal": [], "warning": []}
    for row in rows_of(frame[frame["measure_id"].isin(bounds) & frame["value"].notna()]):
        check, value = bounds[row.measure_id], float(row.value)
        below = check.minimum - value if check.minimum is not None else 0.0
        above = value - check.maximum if check.maximum is not None else 0.0
        excess = max(below, above)
        if excess <= 0:
            found[check.severity].append(Comparison(excess))
            continue
        text = (
            f"„{label(measures, row.measure_id)}“ {row.area_code}: {number(value)} liegt außerhalb von {_span(check)}. "
            "Bitte prüfen und berichtigen."
        )
        found[check.severity].append(Comparison(excess, text, value=number(value), **where_found(row)))
    return [judgement(RANGE, severity, items) for severity, items in found.items()]


def _span(check: RangeCheck) -> str:
    low = "−∞" if check.minimum is None else number(check.minimum)
    high = "∞" if check.maximum is None else number(check.maximum)
    return f"{low} bis {high}"


def duplicates(name: str, table: Any, severity: Severity) -> list[Judgement]:
    """Rows with the same key; for cases a delivery that holds every row more than once."""
    if name == "case":
        return [judgement(ALL_TWICE, severity, _all_twice(table))]
    if name not in GRAIN:
        return []
    key = GRAIN[name]
    rows = conformed(name, table, [*key, "source_row"])
    numbers = rows.column("source_row")
    if numbers.null_count:
        # Rows without a place in the file (zeros added for complete areas) still count.
        rows = rows.set_column(
            rows.schema.get_field_index("source_row"), "source_row", pc.fill_null(numbers, 0)
        )
    rows = _suspects(rows, key)
    compact = rows.select(["source_row"])
    for column in key:
        values = rows.column(column)
        if pa.types.is_string(values.type) and column != "person_key":
            values = values.dictionary_encode().unify_dictionaries()
        compact = compact.append_column(column, values)
    counted = compact.group_by(key).aggregate([("source_row", "min"), ("source_row", "count")])
    repeated = counted.filter(pc.greater(counted.column("source_row_count"), 1))
    found = [Comparison(0.0)] if repeated.num_rows == 0 else []
    for item in sorted(repeated.to_pylist(), key=lambda entry: entry["source_row_min"]):
        count = item["source_row_count"]
        text = f"Dieselbe Angabe kommt {count}-mal vor, zuerst in der genannten Zeile. Bitte die Dopplung entfernen."
        found.append(
            Comparison(float(count - 1), text, row=item["source_row_min"] or None, column=", ".join(key))
        )
    return [judgement(DUPLICATE, severity, found)]


def _suspects(rows: pa.Table, key: list[str]) -> pa.Table:
    """The rows of a large table whose key may occur twice: those that share a hash.

    Grouping millions of texts takes a GiB; equal keys have equal hashes, so what is left out is unlike for certain.
    """
    if rows.num_rows < LARGE:
        return rows
    names = ", ".join(f'"{name}"' for name in key)
    with duckdb.connect() as connection:
        connection.register("delivered", rows)
        hashes = connection.execute(f"select hash({names}) as hashed from delivered").fetchnumpy()["hashed"]
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return rows.filter(pa.array(np.isin(hashes, repeated)))


def _all_twice(table: Any) -> list[Comparison]:
    fields = [
        field.name
        for field in TABLES["case"]
        if field.name in table.column_names
        and field.name not in ("source_row", "delivery_id", "source_id", "attributes")
    ]
    if table.num_rows < ALL_TWICE_NEEDS_ROWS:
        return [Comparison(0.0)]
    counted = conformed("case", table, [*fields, "source_row"]).group_by(fields)
    least = pc.min(counted.aggregate([("source_row", "count")]).column("source_row_count")).as_py()
    text = f"Jede Zeile der Lieferung kommt mindestens {least}-mal vor. Bitte ohne Dopplungen neu liefern."
    return [Comparison(float(least - 1), text)]
