"""SQL of the parts: numerator and denominator of a metric at the released grain, paired.

The one definition is the dbt macro `indicator_values`; what stands here has to give the same figures and statuses, row
by row (tests/semantic_layer/test_query_release.py compares every released indicator value).
Grain of `paired`: area x period x cell.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from semantic_layer.query.ast import (
    Dialect,
    aliased,
    attach,
    both,
    col,
    day,
    either,
    fragment,
    integer,
    is_one_of,
    named,
    number,
    table,
    text,
    values,
)
from semantic_layer.query.breakdown import Cell
from semantic_layer.query.metadata import Metadata, Part
from semantic_layer.query.plan import Dated, Plan

# The most provisional reason first: not delivered, not collected, not applicable. One aggregate instead of three.
_MISSING_RANK = (
    "case when f.value is null then case f.obs_status when 'O' then 3 when 'L' then 2 when 'M' then 1 end end"
)
_MISSING = "case max(0) when 3 then 'O' when 2 then 'L' when 1 then 'M' end"
_MISSING_SINGLE = "case when f.value is null and f.obs_status in ('O', 'L', 'M') then f.obs_status end"


def facts(name: str, as_is: bool) -> exp.Expression:
    """The fact table under its alias; in the boundaries of today, areas of today with their converted past."""
    if not as_is:
        return table("fct_measure", name)
    union = fragment(
        "select fact.measure_id, fact.area_key, fact.period_key, fact.group_key, fact.value, "
        "fact.value as value_low, fact.value as value_high, fact.obs_status, fact.conf_status "
        "from fct_measure as fact inner join dim_area as own on own.area_key = fact.area_key where own.is_current "
        "union all select measure_id, area_key, period_key, group_key, value, value_low, value_high, obs_status, "
        "conf_status from fct_measure_as_is"
    )
    return aliased(union, name)


def part_totals(
    plan: Plan,
    which: str,
    as_is: bool,
    periods: Sequence[str] | None,
    intervals: bool,
    metadata: Metadata,
    levels: Sequence[str] = (),
) -> exp.Select:
    """Sum of the parts per area, period and cell: total, is_lacking, is_hidden, missing, is_estimate (and bounds)."""
    sets = [cell.numerator if which == "numerator" else cell.denominator for cell in plan.cells]
    measures = sorted({part.measure_id for parts in sets for part in parts})
    groups = sorted({part.group_key for parts in sets for part in parts})
    bounded = as_is or intervals
    single = len(sets) == 1 and len(sets[0]) == 1
    query = exp.select(col("f", "area_key"), col("f", "period_key"), copy=False).from_(
        facts("f", as_is), copy=False
    )
    conditions: list[exp.Expression | None] = [is_one_of(col("f", "measure_id"), measures)]
    if periods is not None:
        conditions.append(is_one_of(col("f", "period_key"), periods))
    if levels and not single and _is_small(levels, plan, metadata):
        # Rows of other levels would be summed for nothing; where they are few, leaving them out costs more.
        wanted = fragment("f.area_key in (select area_key from dim_area)")
        wanted.args["query"].this.where(is_one_of(fragment("area_level"), levels), copy=False)
        conditions.append(wanted)
    if single:
        conditions.append(is_one_of(col("f", "group_key"), groups))
        return _single(query, sets[0][0], as_is, bounded).where(both(conditions), copy=False)
    roles = [
        _roles(parts, plan.cells, index, intervals and not as_is, metadata)
        for index, parts in enumerate(sets)
    ]
    listed = [
        (index, part, role, len(parts))
        for index, (parts, wanted) in enumerate(zip(sets, roles, strict=True))
        for part, role in wanted
    ]
    uniform = (
        len(sets) == 1
        and len(measures) == 1
        and {(p.sign, role) for _, p, role, _ in listed} == {(1.0, "in")}
    )
    if uniform:
        conditions.append(is_one_of(col("f", "group_key"), groups))
        query = query.select(named(integer(0), "cell"), copy=False)
        expected: exp.Expression = integer(len(sets[0]))
        signed, inside = fragment("f.value"), fragment("true")
    else:
        query = query.select(col("part", "cell"), copy=False).join(
            values(
                "part",
                ["cell", "measure_id", "group_key", "sign", "role", "expected"],
                [
                    (
                        integer(index),
                        text(p.measure_id),
                        text(p.group_key),
                        number(p.sign),
                        text(role),
                        integer(size),
                    )
                    for index, p, role, size in listed
                ],
            ),
            on=fragment("part.measure_id = f.measure_id and part.group_key = f.group_key"),
            copy=False,
        )
        expected = fragment("max(part.expected)")
        signed, inside = fragment("part.sign * f.value"), fragment("part.role = 'in'")
    query = query.select(*_sums(signed, inside, expected, uniform, as_is, bounded), copy=False)
    keys = ["f.area_key", "f.period_key", *([] if uniform else ["part.cell"])]
    return query.where(both(conditions), copy=False).group_by(*[fragment(key) for key in keys], copy=False)


def _is_small(levels: Sequence[str], plan: Plan, metadata: Metadata) -> bool:
    counts = metadata.level_sizes[plan.scope.system]
    return 4 * sum(counts.get(level, 0) for level in levels) < sum(counts.values())


def _single(query: exp.Select, part: Part, as_is: bool, bounded: bool) -> exp.Select:
    value = col("f", "value") if part.sign > 0 else exp.Neg(this=col("f", "value"))
    low, high = ("value_low", "value_high") if part.sign > 0 else ("value_high", "value_low")

    def bound(name: str) -> exp.Expression:
        if not as_is:
            return value.copy()
        return col("f", name) if part.sign > 0 else exp.Neg(this=col("f", name))

    return query.select(
        named(integer(0), "cell"),
        named(exp.Round(this=value, decimals=integer(6)), "total"),
        named(fragment("f.conf_status = 'C'"), "is_hidden"),
        named(fragment(_MISSING_SINGLE), "missing"),
        named(fragment("f.obs_status = 'E'"), "is_estimate"),
        named(fragment("f.obs_status"), "own_status"),
        *([named(bound(low), "low"), named(bound(high), "high")] if bounded else []),
        copy=False,
    )


def _roles(
    parts: Sequence[Part], cells: Sequence[Cell], index: int, intervals: bool, metadata: Metadata
) -> list[tuple[Part, str]]:
    """The parts, and for intervals what bounds them: the whole and the rest of the breakdown."""
    found = [(part, "in") for part in parts]
    measures = {part.measure_id for part in parts}
    dimensions = {metadata.groups[part.group_key].dimensions for part in parts}
    if not intervals or len(parts) < 2 or len(measures) > 1 or len(dimensions) > 1:
        return found
    measure, table = measures.pop(), dimensions.pop()
    inside = {part.group_key for part in parts}
    rest = [g.key for g in metadata.groups_of(measure) if g.dimensions == table and g.key not in inside]
    if "total" in metadata.measure_groups[measure]:
        found += [(Part(measure, key), "out") for key in rest] + [(Part(measure, "total"), "all")]
    return found


def _sums(
    signed: exp.Expression,
    inside: exp.Expression,
    expected: exp.Expression,
    uniform: bool,
    as_is: bool,
    bounded: bool,
) -> list[exp.Expression]:
    def only(expression: exp.Expression) -> exp.Expression:
        if uniform:
            return expression
        return exp.Case(ifs=[exp.If(this=inside.copy(), true=expression)])

    total = exp.Round(this=exp.Sum(this=only(signed.copy())), decimals=integer(6))
    found = exp.Count(this=only(fragment("f.value")))
    rows = fragment("count(*)") if uniform else exp.Count(this=only(integer(1)))
    missing = fragment(_MISSING)
    missing.set("this", exp.Max(this=only(fragment(_MISSING_RANK))))
    hidden = exp.LogicalOr(this=both([None if uniform else inside.copy(), fragment("f.conf_status = 'C'")]))
    lacking = exp.LT(this=rows, expression=expected.copy())
    status = exp.Coalesce(this=missing, expressions=[exp.Case(ifs=[exp.If(this=lacking, true=text("O"))])])
    columns: list[exp.Expression] = [
        named(
            exp.Case(ifs=[exp.If(this=exp.EQ(this=found, expression=expected.copy()), true=total)]), "total"
        ),
        named(hidden, "is_hidden"),
        named(status, "missing"),
        named(
            exp.LogicalOr(this=both([None if uniform else inside.copy(), fragment("f.obs_status = 'E'")])),
            "is_estimate",
        ),
        named(fragment("cast(null as varchar)"), "own_status"),
    ]
    if not bounded:
        return columns
    if as_is:
        sides = (
            ("f.value", "f.value")
            if uniform
            else (
                "part.sign * case when part.sign > 0 then f.value_low else f.value_high end",
                "part.sign * case when part.sign > 0 then f.value_high else f.value_low end",
            )
        )
        if uniform:
            sides = ("f.value_low", "f.value_high")
        bounds: list[exp.Expression] = [exp.Sum(this=only(fragment(side))) for side in sides]
    elif uniform:
        bounds = [fragment("coalesce(sum(f.value), 0)"), fragment("cast(null as double)")]
    else:
        bounds = [
            fragment("coalesce(sum(case when part.role = 'in' then f.value end), 0)"),
            # Not negative, so the withheld cannot exceed what the whole leaves after everything known.
            fragment(
                "max(case when part.role = 'all' then f.value end) "
                "- coalesce(sum(case when part.role = 'out' then f.value end), 0)"
            ),
        ]
    return [*columns, named(bounds[0], "low"), named(bounds[1], "high")]


def in_scope(plan: Plan, current_end: bool = False) -> exp.Expression:
    """Condition on `a` (dim_area) and `p` (dim_period) that a row belongs to the areas asked for."""
    scope = plan.scope
    conditions: list[exp.Expression | None] = [
        exp.EQ(this=col("a", "area_system"), expression=text(scope.system)),
        is_one_of(col("a", "area_level"), scope.levels),
        None if scope.keys is None else _in_keys(scope.keys),
        None if scope.include_unassigned else fragment("not a.is_unassigned"),
        fragment("a.is_current") if scope.current_only or current_end else None,
    ]
    found = both(conditions)
    assert found is not None
    return found


def _in_keys(keys: Sequence[Dated]) -> exp.Expression:
    always = [key for key, start, end in keys if start is None and end is None]
    dated = [item for item in keys if item[1] is not None or item[2] is not None]
    found = [is_one_of(col("a", "area_key"), always)] if always else []
    for key, start, end in dated:
        condition = both(
            [
                exp.EQ(this=col("a", "area_key"), expression=text(key)),
                exp.GTE(this=col("p", "period_end"), expression=day(start)) if start else None,
                exp.LTE(this=col("p", "period_end"), expression=day(end)) if end else None,
            ]
        )
        assert condition is not None
        found.append(condition)
    return exp.paren(either(found), copy=False) if found else fragment("false")


def is_aligned(plan: Plan, as_is: bool, metadata: Metadata) -> bool:
    """True where every numerator has a denominator of its own area and day, so that no other can be the latest."""
    whole = len(plan.cells) == 1 and plan.cells[0].denominator == plan.metric.denominator
    unfiltered = whole and plan.cells[0].numerator == plan.metric.numerator
    return (
        unfiltered and not as_is and not plan.scope.include_unassigned and plan.metric.key in metadata.aligned
    )


def needs_deduplication(plan: Plan, metadata: Metadata) -> bool:
    """True where one area and day could have two denominators: several area systems or kinds of period."""
    measures = {part.measure_id for cell in plan.cells for part in cell.denominator}
    systems = {system for name in measures for system in metadata.measure_systems.get(name, ())}
    kinds = {
        metadata.periods[key].type for name in measures for key in metadata.measure_periods.get(name, ())
    }
    return len(systems) > 1 or len(kinds) > 1


def denominators(plan: Plan, metadata: Metadata, bounded: bool) -> exp.Select:
    """`denominator` placed by level, code and day, so that the Kreis of one area system is the Kreis of the other."""
    query = exp.select(
        *[fragment(f"d.{name}") for name in ("cell", "total", "is_hidden", "missing", "is_estimate")],
        *([fragment("d.low"), fragment("d.high")] if bounded else []),
        *[fragment(name) for name in ("a.area_level", "a.area_code", "p.period_end")],
        copy=False,
    )
    query = query.from_(table("denominator", "d"), copy=False)
    query = query.join(table("dim_area", "a"), on=fragment("a.area_key = d.area_key"), copy=False)
    query = query.join(table("dim_period", "p"), on=fragment("p.period_key = d.period_key"), copy=False)
    if needs_deduplication(plan, metadata):
        query = query.qualify(
            fragment(
                "row_number() over (partition by d.cell, a.area_level, a.area_code, p.period_end "
                "order by d.total is not null desc, d.area_key) = 1"
            ),
            copy=False,
        )
    return query


AREA_COLUMNS = (
    "area_system",
    "area_level",
    "area_level_label",
    "level_rank",
    "area_code",
    "area_name",
    "parent_area_key",
    "parent_area_name",
    "is_unassigned",
    "is_current",
)
PERIOD_COLUMNS = ("period_type", "period_label", "period_end", "year")


def paired(
    plan: Plan, condition: exp.Expression | None, dialect: Dialect, bounded: bool, aligned: bool = False
) -> exp.Select:
    """Numerators beside the denominator of the same day, or the latest within a year before; NULL without one."""
    query = exp.select(
        fragment("n.area_key"),
        fragment("n.period_key"),
        fragment("n.cell"),
        named(fragment("n.total"), "numerator"),
        named(fragment("n.is_hidden"), "numerator_hidden"),
        named(fragment("n.missing"), "numerator_missing"),
        named(fragment("n.is_estimate"), "numerator_estimate"),
        fragment("n.own_status"),
        *(
            [named(fragment("n.low"), "numerator_low"), named(fragment("n.high"), "numerator_high")]
            if bounded
            else []
        ),
        *[fragment(f"a.{name}") for name in AREA_COLUMNS],
        *[fragment(f"p.{name}") for name in PERIOD_COLUMNS],
        copy=False,
    )
    query = query.from_(table("numerator", "n"), copy=False)
    attach(query, table("dim_area", "a"), fragment("a.area_key = n.area_key"))
    attach(query, table("dim_period", "p"), fragment("p.period_key = n.period_key"))
    if condition is not None:
        query = query.where(condition, copy=False)
    if not plan.metric.denominator:
        return query
    if aligned:
        query = query.select(
            named(fragment("d.total"), "denominator"),
            named(fragment("coalesce(d.is_hidden, false)"), "denominator_hidden"),
            named(fragment("d.missing"), "denominator_missing"),
            named(fragment("coalesce(d.is_estimate, false)"), "denominator_estimate"),
            *(
                [named(fragment("d.low"), "denominator_low"), named(fragment("d.high"), "denominator_high")]
                if bounded
                else []
            ),
            copy=False,
        )
        same = "d.area_key = n.area_key and d.period_key = n.period_key"
        attach(query, table("denominator", "d"), fragment(same), "LEFT")
        return query
    query = query.select(
        # An as-of join reaches back without limit; a base older than a year is no base.
        *[
            named(
                fragment(f"case when datediff('day', d.period_end, p.period_end) <= 366 then d.{name} end"),
                alias,
            )
            for name, alias in (
                ("total", "denominator"),
                *((("low", "denominator_low"), ("high", "denominator_high")) if bounded else ()),
            )
        ],
        named(fragment("coalesce(d.is_hidden, false)"), "denominator_hidden"),
        named(fragment("d.missing"), "denominator_missing"),
        named(fragment("coalesce(d.is_estimate, false)"), "denominator_estimate"),
        copy=False,
    )
    base = table("denominators", "d")
    on = fragment(
        "d.cell = n.cell and d.area_level = a.area_level and d.area_code = a.area_code and p.period_end >= d.period_end"
    )
    if dialect == "duckdb":
        join = exp.Join(this=base, side="LEFT", method="ASOF", on=on)
        query.append("joins", join)
        return query
    query = query.join(base, on=on, join_type="left", copy=False)
    return query.qualify(
        fragment(
            "row_number() over (partition by n.area_key, n.period_key, n.cell order by d.period_end desc) = 1"
        ),
        copy=False,
    )


__all__ = [
    "AREA_COLUMNS",
    "PERIOD_COLUMNS",
    "denominators",
    "facts",
    "in_scope",
    "is_aligned",
    "paired",
    "part_totals",
]
