"""`select area_name, MEASURE(sgb2_rate) from indicators where … group by area_name`: SQL over the query model.

`indicators` is no table but the query model in SQL's clothes: WHERE becomes `Where`, GROUP BY becomes `by`, and the
figure is computed by the compiler with all its rules. What the model cannot say is refused with what it can.
Statements without `indicators` are plain SELECTs over released relations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlglot import exp

from semantic_layer.query import guard
from semantic_layer.query.ast import aliased, fragment, is_one_of, named, text
from semantic_layer.query.compile import compile_tree
from semantic_layer.query.errors import GuardRefusal, QueryError
from semantic_layer.query.measure_where import Conditions, conditions
from semantic_layer.query.metadata import Metadata
from semantic_layer.query.model import MAX_ROWS, Query

RELATION = "indicators"
_AREA = ("area_key", "area_code", "area_name", "parent_area_name")
_PERIOD = ("period_key", "period_label", "period_end", "period_type")


@dataclass(frozen=True)
class Rewritten:
    """A statement ready to run: at most `limit` + 1 rows."""

    sql: str
    limit: int
    metrics: tuple[str, ...]
    notices: tuple[str, ...]


def virtual_columns(metadata: Metadata) -> dict[str, str]:
    """Columns `indicators` seems to have, with their types."""
    columns = dict.fromkeys(
        (*_AREA, "area_level", "area_system", "within", "boundaries", "period_key"), "varchar"
    )
    columns |= {"period_label": "varchar", "period_type": "varchar", "period_end": "date", "year": "integer"}
    columns |= {"is_latest": "boolean", "is_current_area": "boolean", "age": "varchar"}
    for dimension in sorted(metadata.dimensions | {"age"}):
        columns |= {dimension: "varchar", f"{dimension}_label": "varchar"}
    for level in sorted({area.level for area in metadata.areas.values()}):
        columns |= {f"{level}_code": "varchar", f"{level}_name": "varchar"}
    return columns


def rewrite(statement: str, metadata: Metadata, limit: int) -> Rewritten:
    """Check and rewrite an analyst's statement. Raises `GuardRefusal` or `QueryError`, both German."""
    schema = {**metadata.columns, RELATION: virtual_columns(metadata)}
    tree = guard.check(statement, schema, measures=True)
    metrics: dict[str, None] = {}
    notices: dict[str, None] = {}
    selects = list(tree.find_all(exp.Select))
    for select in selects:
        if _reads_indicators(select):
            found = _rewrite_select(select, metadata)
            metrics |= dict.fromkeys(found[0])
            notices |= dict.fromkeys(found[1])
        elif _own_calls(select):
            raise GuardRefusal(
                "measure", "MEASURE() geht nur in Abfragen auf die Tabelle „indicators“ (from indicators)."
            )
    tree = guard.bounded(tree, limit)
    return Rewritten(guard.to_sql(tree), limit, tuple(metrics), tuple(notices))


def _from(select: exp.Select) -> exp.Expression | None:
    clause = select.args.get("from_") or select.args.get("from")
    return clause.this if clause else None


def _reads_indicators(select: exp.Select) -> bool:
    relations = [_from(select), *(join.this for join in select.args.get("joins") or [])]
    found = [item for item in relations if isinstance(item, exp.Table) and item.name.lower() == RELATION]
    if found and len(relations) > 1:
        raise GuardRefusal(
            "measure",
            "„indicators“ lässt sich nicht direkt mit anderen Tabellen verbinden. Bitte zuerst die Kennzahlen "
            "abfragen (WITH …) und das Ergebnis verbinden.",
        )
    return bool(found)


def _own_calls(select: exp.Select) -> list[exp.Anonymous]:
    return [
        call
        for call in select.find_all(exp.Anonymous)
        if str(call.this).lower() in ("measure", "reason") and call.find_ancestor(exp.Select) is select
    ]


def _metric_name(call: exp.Anonymous) -> str:
    arguments = call.expressions
    if len(arguments) != 1 or not isinstance(arguments[0], exp.Column | exp.Literal):
        raise GuardRefusal(
            "measure", "MEASURE() erwartet genau eine Kennzahl, zum Beispiel MEASURE(sgb2_rate)."
        )
    return str(arguments[0].name)


def _rewrite_select(select: exp.Select, metadata: Metadata) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Replace `indicators` by the compiled query, in place. Returns metric keys and notices."""
    for clause in ("qualify", "windows", "distinct"):
        if select.args.get(clause):
            raise GuardRefusal("measure", f"{clause.upper()} geht nicht zusammen mit MEASURE().")
    calls = _own_calls(select)
    if not calls:
        raise GuardRefusal(
            "measure", "Bitte mindestens eine Kennzahl abfragen, zum Beispiel MEASURE(sgb2_rate)."
        )
    keys = list(dict.fromkeys(metadata.metric(_metric_name(call)).key for call in calls))
    grouped = _grouped_columns(select)
    by = _by(grouped, metadata)
    where = conditions(select.args.get("where"), metadata)
    compiled = compile_tree(_query(keys, by, where), metadata)
    for call in calls:
        position = keys.index(metadata.metric(_metric_name(call)).key)
        kind = "reason" if str(call.this).lower() == "reason" else "value"
        replacement = exp.column(f"{kind}_{position}", table=RELATION)
        if call.parent is select and call.arg_key == "expressions":
            call.replace(named(replacement, _metric_name(call).split("@")[0]))
        else:
            call.replace(replacement)
    _qualify_columns(select, _shown(compiled.columns, by))
    source = _wide(compiled.tree, compiled.columns, keys, by)
    _set_from(select, source)
    having = select.args.get("having")
    select.set("where", exp.Where(this=having.this) if having else None)
    select.set("having", None)
    select.set("group", None)
    return tuple(keys), compiled.notices


def _shown(columns: tuple[str, ...], by: tuple[str, ...]) -> set[str]:
    hidden = set() if "period" in by else {"period_key", "period_label", "period_end"}
    return set(columns) - hidden - (set() if {"period", "year"} & set(by) else {"year"})


def _set_from(select: exp.Select, source: exp.Expression) -> None:
    clause = select.args.get("from_") or select.args.get("from")
    assert clause is not None
    alias = exp.TableAlias(this=exp.to_identifier(RELATION))
    clause.set("this", exp.Subquery(this=source, alias=alias))


def _qualify_columns(select: exp.Select, known: set[str]) -> None:
    """Columns of the projection, HAVING and ORDER BY now come from the compiled query."""
    aliases = {item.alias.lower() for item in select.expressions if isinstance(item, exp.Alias)}
    for clause in (*select.expressions, select.args.get("having"), select.args.get("order")):
        if clause is None:
            continue
        for column in clause.find_all(exp.Column):
            name = column.name.lower()
            if (
                column.table
                and column.table.lower() == RELATION
                and name.split("_")[0] in ("value", "reason")
            ):
                continue
            if name in known:
                column.set("table", exp.to_identifier(RELATION))
            elif name not in aliases:
                raise GuardRefusal(
                    "measure", f"Die Spalte „{name}“ steht nicht in GROUP BY. Bitte dort ergänzen."
                )


def _grouped_columns(select: exp.Select) -> list[str]:
    """Names in GROUP BY; positions and ALL are resolved. Every plain column of the projection has to be there."""
    plain = [
        (item.unalias(), index)
        for index, item in enumerate(select.expressions)
        if isinstance(item.unalias(), exp.Column)
    ]
    group = select.args.get("group")
    if group is None:
        if plain:
            names = ", ".join(item.name for item, _ in plain)
            raise GuardRefusal(
                "group", f"Neben MEASURE() fehlt die Gruppierung. Bitte ergänzen: GROUP BY {names}"
            )
        return []
    if group.args.get("all"):
        return [item.name.lower() for item, _ in plain]
    found: list[str] = []
    for item in group.expressions:
        if isinstance(item, exp.Literal) and item.is_int and 0 < int(item.this) <= len(select.expressions):
            item = select.expressions[int(item.this) - 1].unalias()
        if not isinstance(item, exp.Column):
            raise GuardRefusal("group", "In GROUP BY sind nur Spalten von „indicators“ möglich.")
        found.append(item.name.lower())
    if any(group.args.get(name) for name in ("cube", "rollup", "grouping_sets", "totals")):
        raise GuardRefusal("group", "In GROUP BY sind nur Spalten von „indicators“ möglich.")
    return found


def _by(columns: list[str], metadata: Metadata) -> tuple[str, ...]:
    levels = {area.level for area in metadata.areas.values()}
    found: dict[str, None] = {}
    for name in columns:
        stem = name.rpartition("_")[0]
        if name in _AREA:
            found["area"] = None
        elif name in _PERIOD:
            found["period"] = None
        elif name in ("year", "area_level"):
            found[name] = None
        elif stem in levels and name.endswith(("_code", "_name")):
            found[stem] = None
        elif name in metadata.dimensions or name == "age":
            found[name] = None
        elif name.endswith("_label") and stem in metadata.dimensions | {"age"}:
            found[stem] = None
        else:
            raise GuardRefusal(
                "group", f"Nach „{name}“ lässt sich nicht gruppieren; bitte als Bedingung verwenden (WHERE)."
            )
    if "area" in found:
        found.pop("area_level", None)
    if "period" in found:
        found.pop("year", None)
    return tuple(found)


def _query(keys: list[str], by: tuple[str, ...], where: Conditions) -> Query:
    question: dict[str, Any] = {
        "metrics": keys,
        "by": by,
        "where": where.where,
        "limit": MAX_ROWS,
        **where.query,
    }
    try:
        return Query.model_validate(question)
    except ValidationError as error:
        raise QueryError(
            "Die Bedingungen passen nicht zusammen. Bitte Zahlen und Daten in WHERE prüfen."
        ) from error


def _wide(
    tree: exp.Expression, columns: tuple[str, ...], keys: list[str], by: tuple[str, ...]
) -> exp.Expression:
    """One column per metric instead of one row."""
    figures = {
        "metric",
        "metric_label",
        "is_total",
        "numerator",
        "denominator",
        "value",
        "value_low",
        "value_high",
    }
    figures |= {"obs_status", "conf_status", "empty_reason"}
    if "period" not in by:
        # Metrics of the same year have periods of different kinds: they would not meet in one row.
        figures |= {"period_key", "period_label", "period_end", *([] if "year" in by else ["year"])}
    units = [name for name in columns if name not in figures]
    source = aliased(tree, "long")
    select = exp.select(*[fragment(f'long."{name}"') for name in units], copy=False).from_(source, copy=False)
    for position, key in enumerate(keys):
        for alias, column in (("value", "value"), ("reason", "empty_reason")):
            value: exp.Expression = fragment(f"long.{column}")
            if len(keys) > 1:
                condition = is_one_of(fragment("long.metric"), [key])
                value = exp.Max(this=exp.Case(ifs=[exp.If(this=condition, true=value)]))
            select = select.select(named(value, f"{alias}_{position}"), copy=False)
    if len(keys) > 1:
        select = select.group_by(*([fragment(f'long."{name}"') for name in units] or [text("")]), copy=False)
    return select


__all__ = ["RELATION", "Rewritten", "rewrite", "virtual_columns"]
