"""WHERE of a `MEASURE()` statement into the query model: a conjunction of simple conditions, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlglot import exp

from semantic_layer.query.errors import GuardRefusal
from semantic_layer.query.metadata import Metadata

_LISTS = {
    "area_level": "level",
    "area_code": "area_code",
    "area_name": "area_name",
    "area_key": "area_key",
    "within": "within",
    "period_key": "period",
    "year": "year",
}
_SINGLE = {"area_system": "area_system", "period_type": "time_grain", "boundaries": "boundaries"}
_POSSIBLE = (
    "Möglich sind mit AND verbundene Bedingungen wie area_level = 'sozialraum', area_code in ('…'), within = '…', "
    "year between 2015 and 2024, period_end >= '2020-01-01', is_latest, sex = 'f', age between 0 and 17."
)


@dataclass
class Conditions:
    """Fields of `Where` and of `Query` found in a WHERE clause."""

    where: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)


def conditions(clause: exp.Expression | None, metadata: Metadata) -> Conditions:
    """Translate; raises `GuardRefusal` for a condition the query model has no field for."""
    found = Conditions()
    if clause is None:
        return found
    years: list[tuple[int | None, int | None]] = []
    for condition in _conjuncts(clause.this):
        _translate(condition, found, years, metadata)
    if years:
        lower = max((start for start, _ in years if start is not None), default=0)
        upper = min((end for _, end in years if end is not None), default=9999)
        known = sorted({period.year for period in metadata.periods.values()})
        wanted = [year for year in known if lower <= year <= upper]
        if "year" in found.where:
            wanted = [year for year in wanted if year in found.where["year"]]
        found.where["year"] = wanted or [lower]
    return found


def _conjuncts(condition: exp.Expression) -> list[exp.Expression]:
    condition = condition.unnest()  # type: ignore[no-untyped-call]
    if isinstance(condition, exp.And):
        return [*_conjuncts(condition.left), *_conjuncts(condition.right)]
    return [condition]


def _refuse(condition: exp.Expression) -> GuardRefusal:
    shown = condition.sql(dialect="duckdb", comments=False)
    return GuardRefusal(
        "where", f"Diese Bedingung ist bei Kennzahlen nicht möglich: {shown[:200]}. {_POSSIBLE}"
    )


def _value(node: exp.Expression, condition: exp.Expression) -> Any:
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
        node = node.this
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else (int(node.this) if node.is_int else float(node.this))
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    raise _refuse(condition)


def _translate(
    condition: exp.Expression,
    found: Conditions,
    years: list[tuple[int | None, int | None]],
    metadata: Metadata,
) -> None:
    if isinstance(condition, exp.Column):
        condition = exp.EQ(this=condition, expression=exp.true())
    column = condition.this
    if not isinstance(column, exp.Column):
        raise _refuse(condition)
    name = column.name.lower()
    if isinstance(condition, exp.EQ):
        _equal(name, [_value(condition.expression, condition)], found, condition, metadata)
    elif isinstance(condition, exp.In) and condition.expressions:
        _equal(name, [_value(item, condition) for item in condition.expressions], found, condition, metadata)
    elif isinstance(condition, exp.Between):
        low, high = condition.args["low"], condition.args["high"]
        _range(name, _value(low, condition), _value(high, condition), found, years, condition)
    elif isinstance(condition, exp.GTE | exp.GT):
        value = _value(condition.expression, condition)
        _range(name, _after(value) if isinstance(condition, exp.GT) else value, None, found, years, condition)
    elif isinstance(condition, exp.LTE | exp.LT):
        value = _value(condition.expression, condition)
        _range(
            name, None, _before(value) if isinstance(condition, exp.LT) else value, found, years, condition
        )
    else:
        raise _refuse(condition)


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise GuardRefusal(
            "where", f"„{value}“ ist kein Datum; erwartet wird zum Beispiel '2024-12-31'."
        ) from error


def _after(value: Any) -> Any:
    return (_day(value) + timedelta(days=1)).isoformat() if isinstance(value, str) else value + 1


def _before(value: Any) -> Any:
    return (_day(value) - timedelta(days=1)).isoformat() if isinstance(value, str) else value - 1


def _equal(
    name: str, values: list[Any], found: Conditions, condition: exp.Expression, metadata: Metadata
) -> None:
    if name in _LISTS:
        field_name = _LISTS[name]
        if field_name in found.where:
            values = [value for value in found.where[field_name] if value in values]
            if not values:
                raise GuardRefusal("where", f"Die Bedingungen zu „{name}“ schließen einander aus.")
        found.where[field_name] = values
    elif name in _SINGLE and len(values) == 1:
        found.query[_SINGLE[name]] = values[0]
    elif name == "is_latest" and values == [True]:
        found.where["latest"] = True
    elif name == "is_current_area" and values == [True]:
        found.where["current_areas"] = True
    elif name == "period_end" and len(values) == 1:
        found.where |= {"period_from": values[0], "period_to": values[0]}
    elif name in metadata.dimensions and name != "age":
        found.where.setdefault("groups", {})[name] = [str(value) for value in values]
    else:
        raise _refuse(condition)


def _range(
    name: str,
    low: Any,
    high: Any,
    found: Conditions,
    years: list[tuple[int | None, int | None]],
    condition: exp.Expression,
) -> None:
    if name == "year" and all(isinstance(value, int | None) for value in (low, high)):
        years.append((low, high))
    elif name == "period_end":
        if low is not None:
            found.where["period_from"] = max(low, found.where.get("period_from", low))
        if high is not None:
            found.where["period_to"] = min(high, found.where.get("period_to", high))
    elif name == "age" and all(isinstance(value, int | None) for value in (low, high)):
        groups = found.where.setdefault("groups", {})
        before = groups.get("age", [0, None])
        ends = [value for value in (before[1], high) if value is not None]
        groups["age"] = [max(before[0], low or 0), min(ends) if ends else None]
    else:
        raise _refuse(condition)


__all__ = ["Conditions", "conditions"]
