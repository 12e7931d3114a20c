"""The last SELECT of a metric: output columns, comparisons, names of the areas above, the first n.

Does not belong here: values and statuses (valued), benchmarks (benchmarks).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from semantic_layer.query import benchmarks
from semantic_layer.query.ast import (
    Dialect,
    aliased,
    both,
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
)
from semantic_layer.query.metadata import Metadata
from semantic_layer.query.model import Query
from semantic_layer.query.output import HIDDEN, TOTAL_LABEL, has_bounds, output_columns
from semantic_layer.query.plan import Plan
from semantic_layer.query.rolled import unit_columns
from semantic_layer.query.valued import REASON


def final(
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
    if has_bounds(query):
        columns += _bounds()
    shows_breaks = _shows_breaks(plan, metadata)
    status = fragment(_STATUS_AFTER_BREAK) if shows_breaks else fragment("v.obs_status")
    columns += [
        named(status, "obs_status"),
        fragment("v.conf_status"),
        named(fragment(REASON), "empty_reason"),
    ]
    if widened or plan.is_total:
        columns += _comparisons(query, plan, dialect, shows_breaks)
    elif compare.benchmarks:
        columns += [named(fragment(f"b_{name}.value"), f"benchmark_{name}") for name in compare.benchmarks]
    columns += [
        named(text(plan.metric.key), "metric"),
        named(text(plan.metric.label), "metric_label"),
        named(integer(position), "metric_position"),
        fragment("v.cell"),
        named(_sort_area(plan), "sort_area"),
    ]
    names = (*output_columns(query, metadata), *HIDDEN)
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
            select = benchmarks.joined(select, name, plan, metadata)
    if shows_breaks:
        select = _break_join(select, plan, query.boundaries == "as_is")
    if not (widened or (plan.is_total and looks_back)):
        return select
    # Windows above saw more rows than were asked for: only now they go.
    select = select.select(named(_asked(plan, scope), "is_asked"), copy=False)
    outer = exp.select(*[fragment(f'z."{name}"') for name in names], copy=False).from_(
        aliased(select, "z"), copy=False
    )
    return outer.where(fragment("z.is_asked"), copy=False)


_STATUS_AFTER_BREAK = """case when v.obs_status = 'A' and v.value is not null and br.obs_status = 'B' then 'B'
else v.obs_status end"""


def _shows_breaks(plan: Plan, metadata: Metadata) -> bool:
    return plan.own and plan.time == "each" and plan.metric.key in metadata.broken


def _break_join(select: exp.Select, plan: Plan, as_is: bool) -> exp.Select:
    """Breaks of the series as released, as `br`. In the boundaries of today a reform breaks nothing."""
    conditions = [
        exp.EQ(this=fragment("br.indicator_key"), expression=text(plan.metric.key)),
        fragment("br.area_key = v.area_key"),
        fragment("br.period_key = v.period_key"),
        fragment("br.change_reason is not null"),
        *([fragment("br.change_reason not like '%: Gebietsänderung zum %'")] if as_is else []),
    ]
    return select.join(table("fct_indicator", "br"), on=both(conditions), join_type="left", copy=False)


def _sort_area(plan: Plan) -> exp.Expression:
    """What orders the areas of an answer: without it rows of equal time would come in any order."""
    if plan.own and plan.unit != "none":
        return fragment("v.area_code")
    if plan.unit == "area_level":
        return fragment("v.area_level")
    return fragment(f"v.{plan.ancestors[-1]}_code") if plan.ancestors and not plan.own else null("varchar")


def _bounds() -> list[exp.Expression]:
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


def _comparisons(query: Query, plan: Plan, dialect: Dialect, shows_breaks: bool) -> list[exp.Expression]:
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
        difference = exp.Sub(this=fragment("v.value"), expression=fragment(before))
        # A difference of two rounded doubles has noise behind the last digit; figures as counted have six at most.
        decimals = 6 if plan.metric.decimals is None else plan.metric.decimals
        change = rounded(difference, decimals, dialect)
        if shows_breaks:
            # Across a break two figures do not measure the same.
            change = exp.Case(ifs=[exp.If(this=fragment("br.change_reason is null"), true=change)])
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


def top(query: Query, plan: Plan, body: exp.Select, names: Sequence[str]) -> exp.Expression:
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
