"""Plans into one SQL statement, for DuckDB or Spark. Pure: no release is opened here.

Steps of a metric, each a CTE: `numerator`, `denominator(s)` (parts.py) -> `paired` (released grain) -> `rolled`
(sums over areas or time, where the plan needs any) -> `valued` (value, status, reason) -> comparison columns
-> output columns.
Several metrics and totals are united; order and limit come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from semantic_layer.query import parts
from semantic_layer.query.ast import (
    Dialect,
    aliased,
    both,
    either,
    fragment,
    integer,
    is_one_of,
    named,
    null,
    number,
    rounded,
    table,
    text,
    values,
    with_ctes,
)
from semantic_layer.query.errors import QueryError, ReleaseError, did_you_mean
from semantic_layer.query.metadata import Metadata
from semantic_layer.query.model import Query
from semantic_layer.query.plan import Plan, plans
from semantic_layer.query.rolled import grid, rolled, unit_columns

TOTAL_LABEL = "insgesamt"
BENCHMARKS = ("gemeinde", "kreis", "land", "bund", "mean_unweighted", "peers")


@dataclass(frozen=True)
class CompiledTree:
    """A statement as a tree, its output columns in order, and what the reader has to know about it (German)."""

    tree: exp.Select
    columns: tuple[str, ...]
    notices: tuple[str, ...]
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class Compiled:
    """The same, written down."""

    sql: str
    columns: tuple[str, ...]
    notices: tuple[str, ...]
    plans: tuple[Plan, ...]


def compile_query(query: Query, metadata: Metadata, dialect: Dialect = "duckdb") -> Compiled:
    """Compile for one dialect. Raises `QueryError` (German) where the question has no answer in this release."""
    found = compile_tree(query, metadata, dialect)
    # The tree is ours alone, nobody looks at it afterwards.
    return Compiled(found.tree.sql(dialect=dialect, copy=False), found.columns, found.notices, found.plans)


def compile_tree(query: Query, metadata: Metadata, dialect: Dialect = "duckdb") -> CompiledTree:
    """As `compile_query`, to be built into a larger statement."""
    _check(query, metadata)
    found = plans(query, metadata)
    columns = _output_columns_of(query, metadata)
    selects = [_metric_select(query, plan, index, metadata, dialect) for index, plan in enumerate(found)]
    if len(selects) > 1:
        # Each keeps its own CTEs. Spark gathers them at the top: there they need names of their own.
        for index, select in enumerate(selects):
            _rename_ctes(select, f"_{index}")
        selects = [_in_brackets(select, f"metric_{index}") for index, select in enumerate(selects)]
    united: exp.Expression = selects[0]
    for select in selects[1:]:
        united = exp.Union(this=united, expression=select, distinct=False)
    statement = exp.select(*[fragment(f'answer."{name}"') for name in columns], copy=False)
    statement = statement.from_(aliased(united, "answer"), copy=False)
    statement = statement.order_by(*_order(query, columns, found), copy=False)
    # One more than asked tells that there is more.
    statement = statement.limit(query.limit + 1, copy=False)
    notices = tuple(dict.fromkeys(notice for plan in found for notice in plan.notices))
    if query.boundaries == "as_is":
        notices = (
            *notices,
            "Alle Werte in den Grenzen von heute; umgerechnete Werte sind Schätzungen (Status E) mit Unter- "
            "und Obergrenze.",
        )
    return CompiledTree(statement, columns, notices, found)


def _rename_ctes(select: exp.Expression, suffix: str) -> None:
    ctes = list(select.find_all(exp.CTE))
    names = {cte.alias for cte in ctes}
    for node in [*(cte.args["alias"] for cte in ctes), *select.find_all(exp.Table)]:
        if node.name in names:
            node.set("this", exp.to_identifier(node.name + suffix))


def _in_brackets(select: exp.Expression, alias: str) -> exp.Expression:
    subquery = aliased(select, alias)
    return exp.select(exp.Star(), copy=False).from_(subquery, copy=False)


def _check(query: Query, metadata: Metadata) -> None:
    compare = query.compare
    by_area = "area" in query.by or any(name in query.by for name in _all_levels(metadata))
    by_time = "period" in query.by or "year" in query.by
    if query.boundaries == "as_is" and "fct_measure_as_is" not in metadata.columns:
        raise ReleaseError(
            "Dieser Datenstand enthält keine in heutige Grenzen umgerechneten Werte. Bitte in den Grenzen des "
            "Stichtags abfragen (as_was) oder einen neueren Datenstand wählen."
        )
    if (compare.kreis or compare.parent) and not by_area:
        raise QueryError(
            "Der Vergleich mit Kreis oder übergeordnetem Gebiet braucht eine Gliederung nach Gebiet (by: area)."
        )
    if compare.benchmarks:
        if "fct_benchmark" not in metadata.columns:
            raise ReleaseError("Dieser Datenstand enthält keine Vergleichswerte (benchmarks).")
        if "area" not in query.by or not ("period" in query.by or query.where.latest):
            raise QueryError(
                "Vergleichswerte (benchmarks) gibt es je Gebiet und Zeitraum (by: area, period)."
            )
        for name in compare.benchmarks:
            if name not in BENCHMARKS:
                raise QueryError(
                    f"Den Vergleichswert „{name}“ gibt es nicht.{did_you_mean(name, BENCHMARKS)}"
                )
    single = query.where.latest or len(query.where.period) == 1 or len(query.where.year) == 1
    if (compare.previous or compare.index_base_year is not None) and not (by_time or single):
        raise QueryError(
            "Vorperiode und Index brauchen eine Gliederung nach Zeitraum oder Jahr (by: period)."
        )
    known = _output_columns_of(query, metadata)
    for item in query.order:
        if item.column not in known:
            raise QueryError(
                f"Nach „{item.column}“ lässt sich nicht sortieren.{did_you_mean(item.column, known)} "
                f"Es gibt: {', '.join(known)}."
            )


def _all_levels(metadata: Metadata) -> set[str]:
    return {area.level for area in metadata.areas.values()}


def _output_columns_of(query: Query, metadata: Metadata) -> tuple[str, ...]:
    levels = tuple(name for name in query.by if name in _all_levels(metadata))
    dimensions = tuple(
        name
        for name in query.by
        if name not in levels and name not in ("area", "area_level", "period", "year")
    )
    return _columns(query, levels, dimensions)


def _columns(query: Query, levels: Sequence[str], dimensions: Sequence[str]) -> tuple[str, ...]:
    found = ["metric", "metric_label"]
    if "area" in query.by:
        found += ["area_key", "area_code", "area_name", "area_level", "parent_area_name"]
    elif "area_level" in query.by:
        found.append("area_level")
    for level in levels:
        found += [f"{level}_code", f"{level}_name"]
    found += ["year"] if "year" in query.by else ["period_key", "period_label", "period_end", "year"]
    for name in dimensions:
        found += [name, f"{name}_label"]
    found += ["is_total", "numerator", "denominator", "value"]
    if _has_bounds(query):
        found += ["value_low", "value_high"]
    found += ["obs_status", "conf_status", "empty_reason", *query.compare.columns]
    return tuple(found)


def _has_bounds(query: Query) -> bool:
    return query.intervals or query.boundaries == "as_is"


def _order(query: Query, columns: Sequence[str], found: Sequence[Plan]) -> list[exp.Expression]:
    keys = [(item.column, item.descending) for item in query.order]
    asked = {name for name, _ in keys}
    # Only what can differ: every further key is a comparison per row.
    rest = [
        *(["metric_position"] if len(found) > 1 else []),
        *(["is_total"] if query.totals else []),
        "period_end" if "period_end" in columns else "year",
        "sort_area",
        "area_key",
        *([f"{plan.unit_level}_code" for plan in found[:1] if plan.unit_level]),
        *(["cell"] if any(len(plan.cells) > 1 for plan in found) else []),
    ]
    keys += [(name, False) for name in rest if name not in asked and (name in columns or name in _HIDDEN)]
    return [
        exp.Ordered(this=fragment(f'answer."{name}"'), desc=descending, nulls_first=False)
        for name, descending in keys
    ]


_HIDDEN = ("metric_position", "sort_area", "cell")


def _metric_select(
    query: Query, plan: Plan, position: int, metadata: Metadata, dialect: Dialect
) -> exp.Expression:
    """One metric (or one total of it) as a SELECT with all output columns and the hidden sort keys."""
    as_is = query.boundaries == "as_is"
    bounded = _has_bounds(query)
    compare = query.compare
    widened = not plan.is_total and (
        compare.kreis or compare.parent or compare.previous or compare.index_base_year is not None
    )
    looks_back = compare.previous or compare.index_base_year is not None
    # By year the plan has already chosen the periods a comparison needs.
    periods = None if looks_back and plan.time == "each" and not plan.by_year else plan.period_keys
    family = plan.unit == "none" and not plan.own and query.intervals and not as_is
    scope = parts.in_scope(plan)
    levels = _needed_levels(query, plan, metadata, family)
    aligned = bool(plan.metric.denominator) and parts.is_aligned(plan, as_is, metadata)

    def totals(which: str, keys: Sequence[str] | None) -> exp.Select:
        return parts.part_totals(plan, which, as_is, keys, query.intervals, metadata, levels)

    ctes: list[tuple[str, exp.Expression]] = [("numerator", totals("numerator", periods))]
    if plan.metric.denominator:
        ctes.append(("denominator", totals("denominator", periods if aligned else None)))
        if not aligned:
            ctes.append(("denominators", parts.denominators(plan, metadata, bounded)))
    row_condition = _row_condition(query, plan, scope, metadata, family)
    ctes.append(("paired", parts.paired(plan, row_condition, dialect, bounded, aligned)))
    source = "paired"
    if plan.is_grouped:
        ctes.append(("grid", grid(plan, scope, as_is, periods or plan.metric_periods)))
        for name, body in rolled(plan, bounded, family):
            ctes.append((name, body))
        source = "rolled"
    ctes.append(("valued", _valued(plan, source, bounded, dialect)))
    body = _final(query, plan, position, scope, widened, metadata, dialect, looks_back)
    body = with_ctes(body, ctes)
    names = (*_output_columns_of(query, metadata), *_HIDDEN)
    return _top(query, plan, body, names)


def _needed_levels(query: Query, plan: Plan, metadata: Metadata, family: bool) -> tuple[str, ...]:
    """Levels whose rows matter; empty where all do."""
    ranks = metadata.levels(plan.scope.system)
    if family or len(plan.scope.levels) == len(ranks) or (query.compare.parent and not plan.is_total):
        return ()
    roots = [level for level, rank in ranks.items() if rank == 0] if query.compare.kreis else []
    return tuple(dict.fromkeys((*plan.scope.levels, *roots)))


def _row_condition(
    query: Query, plan: Plan, scope: exp.Expression, metadata: Metadata, family: bool
) -> exp.Expression:
    """Which rows `paired` keeps: those of the scope, and those a comparison or bound needs."""
    compare = query.compare
    ranks = metadata.levels(plan.scope.system)
    system = exp.EQ(this=fragment("a.area_system"), expression=text(plan.scope.system))
    if family:
        return system
    wider: list[exp.Expression] = []
    if compare.kreis and not plan.is_total:
        wider.append(fragment("a.level_rank = 0"))
    if compare.parent and not plan.is_total:
        deepest = max(ranks[level] for level in plan.scope.levels)
        above = [level for level, rank in ranks.items() if rank < deepest]
        if above:
            wider.append(is_one_of(fragment("a.area_level"), above))
    if not wider:
        return scope.copy()
    found = both([system, exp.paren(either([exp.paren(scope.copy(), copy=False), *wider]), copy=False)])
    assert found is not None
    return found


def _valued(plan: Plan, source: str, bounded: bool, dialect: Dialect) -> exp.Select:
    metric = plan.metric
    has_base = bool(metric.denominator)
    too_small = fragment("x.denominator < 0") if not metric.min_denominator else None
    if has_base and metric.min_denominator:
        too_small = exp.LT(this=fragment("x.denominator"), expression=integer(metric.min_denominator))

    def value(numerator: str, denominator: str) -> exp.Expression:
        scaled: exp.Expression = fragment(f"x.{numerator}")
        if metric.factor != 1.0:
            scaled = exp.Mul(this=number(metric.factor), expression=scaled)
        if has_base:
            scaled = exp.Div(
                this=scaled, expression=exp.Nullif(this=fragment(f"x.{denominator}"), expression=integer(0))
            )
        shown = scaled if metric.decimals is None else rounded(scaled, metric.decimals, dialect)
        if has_base and metric.min_denominator and too_small is not None:
            return exp.Case(ifs=[exp.If(this=too_small.copy(), true=exp.Null())], default=shown)
        return shown

    hidden = fragment("x.numerator_hidden or x.denominator_hidden" if has_base else "x.numerator_hidden")
    small = too_small.copy() if has_base and metric.min_denominator and too_small is not None else None
    obs = exp.Case(
        ifs=[exp.If(this=fragment("x.numerator_missing is not null"), true=fragment("x.numerator_missing"))]
    )
    if has_base:
        obs.append("ifs", exp.If(this=fragment("x.denominator = 0"), true=text("M")))
        obs.append(
            "ifs",
            exp.If(
                this=fragment("x.denominator is null and not x.denominator_hidden"),
                true=fragment("coalesce(x.denominator_missing, 'O')"),
            ),
        )
    if metric.kind == "measure":
        obs.append("ifs", exp.If(this=fragment("x.own_status is not null"), true=fragment("x.own_status")))
    estimate = "x.numerator_estimate or x.denominator_estimate" if has_base else "x.numerator_estimate"
    obs.append("ifs", exp.If(this=fragment(estimate), true=text("E")))
    obs.set("default", text("A"))
    conf = exp.Case(
        ifs=[
            exp.If(this=hidden.copy(), true=text("C")),
            *([exp.If(this=small.copy(), true=text("C"))] if small else []),
        ],
        default=text("F"),
    )
    inner = exp.select(fragment("x.*"), copy=False).from_(table(source, "x"), copy=False)
    inner = inner.select(
        named(value("numerator", "denominator"), "value"),
        named(obs, "obs_status"),
        named(conf, "conf_status"),
        named(small.copy() if small else fragment("false"), "is_small_base"),
        copy=False,
    )
    if bounded:
        low_base, high_base = ("denominator_low", "denominator_high") if has_base else ("", "")
        inner = inner.select(
            named(value("numerator_low", high_base), "value_low"),
            named(value("numerator_high", low_base), "value_high"),
            copy=False,
        )
    if not has_base:
        inner = inner.select(named(null("double"), "denominator"), copy=False)
    return inner


_REASON = """case when v.value is not null then null
when v.conf_status = 'C' and v.is_small_base then 'unter Mindestbevölkerung'
when v.conf_status = 'C' then 'gesperrt'
when v.obs_status = 'O' then 'noch nicht geliefert'
when v.obs_status = 'L' then 'nicht erhoben'
when v.obs_status = 'M' then 'nicht zutreffend'
else 'k. A.' end"""


def _final(
    query: Query,
    plan: Plan,
    position: int,
    scope: exp.Expression,
    widened: bool,
    metadata: Metadata,
    dialect: Dialect,
    looks_back: bool,
) -> exp.Select:
    """Output columns and comparisons of one metric, from `valued` as `v`."""
    compare = query.compare
    columns = [
        *unit_columns(query, plan, TOTAL_LABEL),
        named(fragment("true" if plan.is_total else "false"), "is_total"),
        fragment("v.numerator"),
        fragment("v.denominator"),
        fragment("v.value"),
    ]
    if _has_bounds(query):
        columns += fragments_bounds()
    columns += [fragment("v.obs_status"), fragment("v.conf_status"), named(fragment(_REASON), "empty_reason")]
    if widened or plan.is_total:
        columns += _comparisons(query, plan, dialect)
    elif compare.benchmarks:
        columns += [named(fragment(f"b_{name}.value"), f"benchmark_{name}") for name in compare.benchmarks]
    columns += [
        named(text(plan.metric.key), "metric"),
        named(text(plan.metric.label), "metric_label"),
        named(integer(position), "metric_position"),
        fragment("v.cell"),
        named(_sort_area(plan), "sort_area"),
    ]
    names = (*_output_columns_of(query, metadata), *_HIDDEN)
    by_name = {column.alias_or_name: column for column in columns}
    select = exp.select(*[by_name[name] for name in names], copy=False).from_(
        table("valued", "v"), copy=False
    )
    if plan.dimensions:
        select = select.join(_cell_labels(plan), on=fragment("k.cell = v.cell"), copy=False)
    if plan.own and plan.ancestors:
        select = _ancestor_joins(select, plan, query.boundaries == "as_is")
    if compare.parent and not plan.is_total:
        on = "par.area_key = v.parent_area_key and par.cell = v.cell"
        on += {"each": " and par.period_key = v.period_key", "year": " and par.year = v.year", "all": ""}[
            plan.time
        ]
        select = select.join(table("valued", "par"), on=fragment(on), join_type="left", copy=False)
    if not plan.is_total:
        for name in compare.benchmarks:
            select = select.join(
                table("fct_benchmark", f"b_{name}"),
                on=both(
                    [
                        exp.EQ(this=fragment(f"b_{name}.indicator_key"), expression=text(plan.metric.key)),
                        exp.EQ(this=fragment(f"b_{name}.benchmark"), expression=text(name)),
                        fragment(f"b_{name}.area_key = v.area_key"),
                        fragment(f"b_{name}.period_key = v.period_key"),
                    ]
                ),
                join_type="left",
                copy=False,
            )
    if not (widened or (plan.is_total and looks_back)):
        return select
    # Windows above saw more rows than were asked for: only now they go.
    select = select.select(named(_asked(plan, scope), "is_asked"), copy=False)
    outer = exp.select(*[fragment(f'z."{name}"') for name in names], copy=False).from_(
        aliased(select, "z"), copy=False
    )
    return outer.where(fragment("z.is_asked"), copy=False)


def _sort_area(plan: Plan) -> exp.Expression:
    """What orders the areas of an answer: without it rows of equal time would come in any order."""
    if plan.own and plan.unit != "none":
        return fragment("v.area_code")
    if plan.unit == "area_level":
        return fragment("v.area_level")
    return fragment(f"v.{plan.ancestors[-1]}_code") if plan.ancestors and not plan.own else null("varchar")


def fragments_bounds() -> list[exp.Expression]:
    """An exact value is its own bound."""
    return [
        named(fragment("coalesce(v.value_low, v.value)"), "value_low"),
        named(fragment("coalesce(v.value_high, v.value)"), "value_high"),
    ]


def _asked(plan: Plan, scope: exp.Expression) -> exp.Expression:
    conditions: list[exp.Expression | None] = []
    if plan.own:
        translated = scope.copy()
        for column in translated.find_all(exp.Column):
            # `dim_area` columns travel in `valued`, except validity and is_current, which the join kept apart.
            column.set("table", exp.to_identifier("v"))
        conditions.append(exp.paren(translated, copy=False))
    if plan.asked_years:
        conditions.append(
            exp.In(this=fragment("v.year"), expressions=[integer(year) for year in plan.asked_years])
        )
    elif plan.time == "each" and plan.period_keys is not None:
        conditions.append(is_one_of(fragment("v.period_key"), plan.period_keys))
    return both(conditions) or fragment("true")


def _comparisons(query: Query, plan: Plan, dialect: Dialect) -> list[exp.Expression]:
    compare = query.compare
    found: list[exp.Expression] = []
    identity = (
        "v.area_system, v.area_level, v.area_code, v.cell"
        if plan.own
        else ", ".join(
            [
                *(f"v.{name}_code" for name in plan.ancestors),
                *(["v.area_level"] if plan.unit == "area_level" else []),
                "v.cell",
            ]
        )
    )
    if plan.time == "each":
        same_day, order = ", v.period_type, month(v.period_end)", "v.period_end"
    else:
        same_day, order = "", "v.year" if plan.time == "year" else "v.cell"
    before = f"lag(v.value) over (partition by {identity}{same_day} order by {order})"
    if compare.previous:
        change = exp.Sub(this=fragment("v.value"), expression=fragment(before))
        found += [named(fragment(before), "previous_value"), named(change, "change")]
    if compare.kreis:
        time = {"each": ", v.period_key", "year": ", v.year", "all": ""}[plan.time]
        found.append(
            named(
                null("double")
                if plan.is_total
                else fragment(
                    f"max(case when v.level_rank = 0 then v.value end) over (partition by v.area_system, v.cell{time})"
                ),
                "kreis_value",
            )
        )
    if compare.parent:
        found.append(named(null("double") if plan.is_total else fragment("par.value"), "parent_value"))
    if compare.index_base_year is not None:
        base = exp.Window(
            this=exp.Max(
                this=exp.Case(
                    ifs=[
                        exp.If(
                            this=exp.EQ(this=fragment("v.year"), expression=integer(compare.index_base_year)),
                            true=fragment("v.value"),
                        )
                    ]
                )
            ),
            partition_by=[fragment(name) for name in (identity + same_day).split(", ")],
        )
        index = exp.Div(
            this=exp.Mul(this=number(100), expression=fragment("v.value")),
            expression=exp.Nullif(this=base, expression=integer(0)),
        )
        found.append(named(rounded(index, 1, dialect), "index_value"))
    for name in compare.benchmarks:
        column = null("double") if plan.is_total else fragment(f"b_{name}.value")
        found.append(named(column, f"benchmark_{name}"))
    return found


def _cell_labels(plan: Plan) -> exp.Expression:
    names = ["cell"]
    for index, _ in enumerate(plan.dimensions):
        names += [f"code_{index}", f"label_{index}"]
    rows = []
    for position, cell in enumerate(plan.cells):
        row: list[exp.Expression] = [integer(position)]
        for code, label in zip(cell.codes, cell.labels, strict=True):
            row += [text(code), text(label)]
        rows.append(row)
    return values("k", names, rows)


def _ancestor_joins(select: exp.Select, plan: Plan, as_is: bool) -> exp.Select:
    """Names of the areas above, as they lay on the day (or lie today)."""
    day = "date '9999-12-31'" if as_is else "v.period_end"
    for level in plan.ancestors:
        lookup = fragment(
            "select bridge.descendant_area_key, bridge.valid_from, bridge.valid_to, above.area_code, above.area_name "
            "from bridge_area as bridge inner join dim_area as above on above.area_key = bridge.ancestor_area_key"
        )
        assert isinstance(lookup, exp.Select)
        lookup = lookup.where(exp.EQ(this=fragment("above.area_level"), expression=text(level)), copy=False)
        alias = f"up_{level}"
        select = select.join(
            aliased(lookup, alias),
            on=fragment(
                f"{alias}.descendant_area_key = v.area_key and {day} >= {alias}.valid_from "
                f"and {day} <= coalesce({alias}.valid_to, date '9999-12-31')"
            ),
            join_type="left",
            copy=False,
        )
    return select


def _top(query: Query, plan: Plan, body: exp.Select, names: Sequence[str]) -> exp.Expression:
    if query.top is None or plan.is_total:
        return body
    direction = "desc" if query.top.direction == "highest" else "asc"
    partition = "partition by t.year" if "year" in query.by else "partition by t.period_key"
    ranked = exp.select(
        fragment("t.*"),
        named(
            fragment(
                f"row_number() over ({partition} order by t.value {direction} nulls last, t.sort_area, t.cell)"
            ),
            "position_in_period",
        ),
        copy=False,
    ).from_(aliased(body, "t"), copy=False)
    outer = exp.select(*[fragment(f'r."{name}"') for name in names], copy=False).from_(
        aliased(ranked, "r"), copy=False
    )
    return outer.where(
        exp.LTE(this=fragment("r.position_in_period"), expression=integer(query.top.n)),
        fragment("r.value is not null"),
        copy=False,
    )


__all__ = ["Compiled", "CompiledTree", "compile_query", "compile_tree"]
