"""SQL of sums: over areas that are not released as one, and over periods. Complete or NULL, never the survivors' sum.

`grid` lists what has to be there (area x period x cell); `rolled` joins the released rows to it, so that a missing row
counts as missing. With intervals, withheld areas are bounded by what their parent's released figure leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from semantic_layer.query.ast import both, fragment, integer, is_one_of, named, null, table, text, values
from semantic_layer.query.model import Query
from semantic_layer.query.parts import AREA_COLUMNS, PERIOD_COLUMNS
from semantic_layer.query.plan import Plan

_OPEN = "date '9999-12-31'"


def grid(plan: Plan, scope: exp.Expression, as_is: bool, periods: Sequence[str]) -> exp.Select:
    """Area x period x cell that the sum consists of, with `is_valid`: the area existed on the day."""
    valid = (
        "true"
        if as_is
        else (
            "p.period_end >= coalesce(a.valid_from, date '0001-01-01') "
            f"and p.period_end <= coalesce(a.valid_to, {_OPEN})"
        )
    )
    query = exp.select(
        fragment("a.area_key"),
        *[fragment(f"a.{name}") for name in AREA_COLUMNS],
        fragment("p.period_key"),
        *[fragment(f"p.{name}") for name in PERIOD_COLUMNS],
        fragment("c.cell"),
        named(fragment(valid), "is_valid"),
        copy=False,
    )
    query = query.from_(table("dim_area", "a"), copy=False)
    query = query.join(table("dim_period", "p"), join_type="cross", copy=False)
    query = query.join(
        values("c", ["cell"], [(integer(index),) for index in range(len(plan.cells))]),
        join_type="cross",
        copy=False,
    )
    conditions: list[exp.Expression | None] = [
        scope.copy(),
        is_one_of(fragment("p.period_key"), periods),
        fragment("a.is_current") if as_is else None,
        # A single day: who did not exist is no part. Over several: it is a gap, and a gap empties the sum.
        fragment(valid) if plan.time == "each" else None,
        fragment("a.area_key in (select area_key from numerator)") if plan.own else None,
    ]
    query = query.where(both(conditions), copy=False)
    if plan.own:
        return query
    for level in plan.ancestors:
        query = _above(query, level, as_is)
    return query


def _above(query: exp.Select, level: str, as_is: bool) -> exp.Select:
    day = _OPEN if as_is else "p.period_end"
    bridge, above = f"b_{level}", f"u_{level}"
    query = query.select(
        named(fragment(f"{above}.area_code"), f"{level}_code"),
        named(fragment(f"{above}.area_name"), f"{level}_name"),
        copy=False,
    )
    query = query.join(
        table("bridge_area", bridge),
        on=fragment(
            f"{bridge}.descendant_area_key = a.area_key and {day} >= coalesce({bridge}.valid_from, date '0001-01-01') "
            f"and {day} <= coalesce({bridge}.valid_to, {_OPEN})"
        ),
        copy=False,
    )
    on = both(
        [
            fragment(f"{above}.area_key = {bridge}.ancestor_area_key"),
            exp.EQ(this=fragment(f"{above}.area_level"), expression=text(level)),
        ]
    )
    return query.join(table("dim_area", above), on=on, copy=False)


AREA_SHOWN = ("area_key", "area_code", "area_name", "area_level", "area_level_label", "parent_area_name")


def _keys(plan: Plan) -> list[str]:
    if plan.own:
        unit = ["area_key", *AREA_COLUMNS]
    elif plan.unit == "area_level":
        unit = ["area_level", "area_level_label"]
    else:
        unit = [f"{level}_{name}" for level in plan.ancestors for name in ("code", "name")]
    time = {"each": ["period_key", *PERIOD_COLUMNS], "year": ["year"], "all": []}[plan.time]
    return [*unit, *time, "cell"]


def rolled(plan: Plan, bounded: bool, family: bool) -> list[tuple[str, exp.Expression]]:
    """CTEs up to `rolled`: the columns of `paired` at the grain of the question."""
    keys = _keys(plan)
    query = exp.select(*[fragment(f"g.{key}") for key in keys], *_sums(plan), copy=False)
    if bounded:
        query = query.select(*_bounds(plan), copy=False)
    query = query.from_(table("grid", "g"), copy=False)
    query = query.join(
        table("paired", "x"),
        on=fragment("x.area_key = g.area_key and x.period_key = g.period_key and x.cell = g.cell"),
        join_type="left",
        copy=False,
    )
    query = query.group_by(*[fragment(f"g.{key}") for key in keys], copy=False)
    if not (family and plan.metric.is_count and plan.time == "each"):
        return [("rolled", query)]
    return [("summed", query), *_family(plan, keys)]


def _total(plan: Plan, column: str) -> exp.Expression:
    total = f"sum(x.{column})"
    if plan.time != "each" and plan.over_time == "average":
        total = f"{total} / count(distinct g.period_key)"
    return fragment(f"case when count(x.{column}) = count(*) then round({total}, 6) end")


def _sums(plan: Plan) -> list[exp.Expression]:
    columns: list[exp.Expression] = [
        named(_total(plan, "numerator"), "numerator"),
        named(fragment("coalesce(bool_or(x.numerator_hidden), false)"), "numerator_hidden"),
        named(
            fragment(
                "case when bool_or(g.is_valid and x.area_key is null) or bool_or(x.numerator_missing = 'O') then 'O' "
                "when bool_or(x.numerator_missing = 'L') then 'L' "
                "when bool_or(x.numerator_missing = 'M') or bool_or(not g.is_valid) then 'M' end"
            ),
            "numerator_missing",
        ),
        named(fragment("coalesce(bool_or(x.numerator_estimate), false)"), "numerator_estimate"),
        named(null("varchar"), "own_status"),
    ]
    if plan.metric.denominator:
        columns += [
            named(_total(plan, "denominator"), "denominator"),
            named(fragment("coalesce(bool_or(x.denominator_hidden), false)"), "denominator_hidden"),
            named(
                fragment(
                    "case when bool_or(x.denominator_missing = 'O') then 'O' when bool_or(x.denominator_missing = 'L') "
                    "then 'L' when bool_or(x.denominator_missing = 'M') then 'M' end"
                ),
                "denominator_missing",
            ),
            named(fragment("coalesce(bool_or(x.denominator_estimate), false)"), "denominator_estimate"),
        ]
    return columns


def _bounds(plan: Plan) -> list[exp.Expression]:
    """Bounds of the sums; NULL where something is missing rather than withheld, because then anything is possible."""
    columns: list[exp.Expression] = []
    known = "count(*) = count(case when x.numerator is not null or x.numerator_hidden then 1 end)"
    if plan.time == "each" and plan.metric.is_count:
        low = f"case when {known} then sum(coalesce(x.numerator_low, x.numerator, 0)) end"
    else:
        low = "case when count(x.numerator_low) = count(*) then sum(x.numerator_low) end"
    high = "case when count(x.numerator_high) = count(*) then sum(x.numerator_high) end"
    if plan.time != "each" and plan.over_time == "average":
        low, high = (f"{side} / count(distinct g.period_key)" for side in (low, high))
    columns += [named(fragment(low), "numerator_low"), named(fragment(high), "numerator_high")]
    if plan.metric.denominator:
        columns += [named(_total(plan, "denominator"), "denominator_low")]
        columns += [named(_total(plan, "denominator"), "denominator_high")]
    return columns


_EDGE = (
    "e.depth = 1 and e.descendant_area_key = {row}.area_key "
    "and {row}.period_end >= coalesce(e.valid_from, date '0001-01-01') "
    f"and {{row}}.period_end <= coalesce(e.valid_to, {_OPEN})"
)


def _family(plan: Plan, keys: Sequence[str]) -> list[tuple[str, exp.Expression]]:
    """Upper bound: per parent, what is known plus, if any child is withheld, what the parent leaves to all withheld."""
    residual = fragment(
        "select e.ancestor_area_key, child.period_key, child.cell, "
        "max(above.numerator) - sum(coalesce(child.numerator, 0)) as left_over "
        "from paired as child inner join bridge_area as e on "
        + _EDGE.format(row="child")
        + " inner join paired as above on above.area_key = e.ancestor_area_key "
        "and above.period_key = child.period_key and above.cell = child.cell group by all"
    )
    grouped = ", ".join(f"g.{key}" for key in keys)
    per_parent = fragment(
        f"select {grouped}, e.ancestor_area_key, sum(coalesce(x.numerator, 0)) "
        "+ case when bool_or(x.numerator is null) then max(r.left_over) else 0 end as at_most "
        "from grid as g left join paired as x on x.area_key = g.area_key and x.period_key = g.period_key "
        "and x.cell = g.cell left join bridge_area as e on "
        + _EDGE.format(row="g")
        + " left join residual as r on r.ancestor_area_key = e.ancestor_area_key and r.period_key = g.period_key "
        f"and r.cell = g.cell group by {grouped}, e.ancestor_area_key"
    )
    plain = ", ".join(f"q.{key}" for key in keys)
    bounded = fragment(
        f"select {plain}, case when count(*) = count(q.at_most) then sum(q.at_most) end as at_most "
        f"from per_parent as q group by {plain}"
    )
    same = " and ".join(f"m.{key} is not distinct from s.{key}" for key in keys)
    final = fragment(
        # Without a lower bound something is missing, and then there is no upper one either.
        "select s.* replace (case when s.numerator_low is null then null "
        "else coalesce(s.numerator_high, m.at_most) end as numerator_high) "
        f"from summed as s left join at_most as m on {same}"
    )
    return [
        ("residual", _spelled_out(residual)),
        ("per_parent", per_parent),
        ("at_most", bounded),
        ("rolled", _listed(final, plan, keys)),
    ]


def _spelled_out(select: exp.Expression) -> exp.Expression:
    """`group by all` in words, for Spark."""
    select.set(
        "group",
        exp.Group(
            expressions=[fragment(name) for name in ("e.ancestor_area_key", "child.period_key", "child.cell")]
        ),
    )
    return select


def _listed(final: exp.Expression, plan: Plan, keys: Sequence[str]) -> exp.Expression:
    """`* replace` in words, for Spark."""
    star = final.expressions[0]
    replaced = star.find(exp.Alias)
    names = [*keys, "numerator", "numerator_hidden", "numerator_missing", "numerator_estimate", "own_status"]
    if plan.metric.denominator:
        names += ["denominator", "denominator_hidden", "denominator_missing", "denominator_estimate"]
        names += ["denominator_low", "denominator_high"]
    names.append("numerator_low")
    final.set("expressions", [*[fragment(f"s.{name}") for name in names], replaced])
    return final


def unit_columns(query: Query, plan: Plan, total_label: str) -> list[exp.Expression]:
    """Output columns that say what a row is, in any order."""
    columns: list[exp.Expression] = []
    dropped = plan.is_total and plan.unit == "none"
    if "area" in query.by:
        if dropped:
            columns += [
                named(text(total_label) if name == "area_name" else null("varchar"), name)
                for name in AREA_SHOWN
            ]
        else:
            columns += [fragment(f"v.{name}") for name in AREA_SHOWN]
    elif "area_level" in query.by:
        columns += [
            named(null("varchar"), name) if dropped else fragment(f"v.{name}")
            for name in ("area_level", "area_level_label")
        ]
    for level in query.by:
        if dropped and level not in ("area", "area_level", "period", "year", *plan.dimensions):
            columns += _maybe_level(level, total_label, query, plan)
        elif level in plan.ancestors and plan.own:
            columns += [
                named(fragment(f"up_{level}.area_code"), f"{level}_code"),
                named(fragment(f"up_{level}.area_name"), f"{level}_name"),
            ]
        elif level in plan.ancestors:
            columns += [fragment(f"v.{level}_code"), fragment(f"v.{level}_name")]
        elif level == plan.unit_level:
            columns += [
                named(fragment("v.area_code"), f"{level}_code"),
                named(fragment("v.area_name"), f"{level}_name"),
            ]
    if "year" in query.by:
        columns.append(fragment("v.year"))
    elif plan.time == "each":
        columns += [fragment(f"v.{name}") for name in ("period_key", "period_label", "period_end", "year")]
    else:
        columns += [
            named(null("varchar"), "period_key"),
            named(text(plan.time_label), "period_label"),
            named(null("date"), "period_end"),
            named(null("int"), "year"),
        ]
    for name in query.by:
        if name in plan.dimensions:
            index = plan.dimensions.index(name)
            columns += [
                named(fragment(f"k.code_{index}"), name),
                named(fragment(f"k.label_{index}"), f"{name}_label"),
            ]
        elif plan.is_total and name not in ("area", "area_level", "period", "year", *plan.levels):
            columns += [named(null("varchar"), name), named(text(total_label), f"{name}_label")]
    return columns


def _maybe_level(level: str, total_label: str, query: Query, plan: Plan) -> list[exp.Expression]:
    if level not in plan.levels:
        return []
    return [named(null("varchar"), f"{level}_code"), named(text(total_label), f"{level}_name")]


__all__ = ["grid", "rolled", "unit_columns"]
