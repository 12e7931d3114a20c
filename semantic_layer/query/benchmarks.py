"""What a value is compared with: areas above it, the mean of its level, similar areas.

An ancestor's value is its own row among the released figures, found through `bridge_area`; only means and peers are
stored (`fct_benchmark`). Belongs here: the joins that bring them beside `valued` as `v`. Does not: how they are formed
(dbt).
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from semantic_layer.query.ast import aliased, both, fragment, is_one_of, table, text
from semantic_layer.query.metadata import ROOT_RANK, Metadata
from semantic_layer.query.plan import Plan

STORED: Final = ("mean_unweighted", "peers")
UPPER_LEVELS: Final = ("gemeinde", "kreis", "land", "bund")
"""Levels that may be asked for in every instance; one without such a level answers with empty cells."""


def joined(select: exp.Select, name: str, plan: Plan, metadata: Metadata) -> exp.Select:
    """`select` with the benchmark as `b_<name>.value`, at most one row per area and period."""
    alias = f"b_{name}"
    if name in STORED:
        return select.join(
            table("fct_benchmark", alias),
            on=_stored(alias, name, plan, metadata),
            join_type="left",
            copy=False,
        )
    return select.join(
        aliased(_ancestor(name, plan), alias),
        on=fragment(
            f"{alias}.descendant_area_key = v.area_key and {alias}.period_key = v.period_key "
            f"and v.period_end >= coalesce({alias}.valid_from, date '0001-01-01') "
            f"and v.period_end <= coalesce({alias}.valid_to, date '9999-12-31')"
        ),
        join_type="left",
        copy=False,
    )


def _stored(alias: str, name: str, plan: Plan, metadata: Metadata) -> exp.Expression | None:
    conditions: list[exp.Expression | None] = [
        exp.EQ(this=fragment(f"{alias}.indicator_key"), expression=text(plan.metric.key)),
        exp.EQ(this=fragment(f"{alias}.benchmark"), expression=text(name)),
        fragment(f"{alias}.area_level = v.area_level"),
        fragment(f"{alias}.period_key = v.period_key"),
    ]
    if name == "peers":
        return both([*conditions, fragment(f"{alias}.area_key = v.area_key")])
    # The mean of a level stands once, at the root of its area system.
    roots = [
        area.key
        for area in metadata.areas.values()
        if area.system == plan.scope.system and area.rank == ROOT_RANK and area.is_current
    ]
    return both(
        [*conditions, is_one_of(fragment(f"{alias}.area_key"), roots) if roots else fragment("false")]
    )


def _ancestor(level: str, plan: Plan) -> exp.Select:
    metric = plan.metric
    found = fragment(
        "select bridge.descendant_area_key, bridge.valid_from, bridge.valid_to, own.period_key, own.value "
        "from bridge_area as bridge "
        "inner join dim_area as above on above.area_key = bridge.ancestor_area_key "
        f"inner join {'fct_indicator' if metric.kind == 'indicator' else 'fct_measure'} as own "
        "on own.area_key = above.area_key "
        "where bridge.depth > 0 and own.value is not null and not above.is_unassigned"
    )
    assert isinstance(found, exp.Select)
    found.where(exp.EQ(this=fragment("above.area_level"), expression=text(level)), copy=False)
    if metric.kind == "indicator":
        return found.where(
            exp.EQ(this=fragment("own.indicator_key"), expression=text(metric.key)), copy=False
        )
    found.where(fragment("own.group_key = 'total'"), copy=False)
    return found.where(exp.EQ(this=fragment("own.measure_id"), expression=text(metric.key)), copy=False)


__all__ = ["STORED", "UPPER_LEVELS", "joined"]
