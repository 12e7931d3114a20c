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
    text,
    with_ctes,
    written,
)
from semantic_layer.query.final import final, top
from semantic_layer.query.metadata import Metadata
from semantic_layer.query.model import Query
from semantic_layer.query.output import HIDDEN, has_bounds, order, output_columns
from semantic_layer.query.plan import Plan, plans
from semantic_layer.query.refusals import check
from semantic_layer.query.rolled import grid, rolled
from semantic_layer.query.valued import valued


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
    return Compiled(written(found.tree, dialect), found.columns, found.notices, found.plans)


def compile_tree(query: Query, metadata: Metadata, dialect: Dialect = "duckdb") -> CompiledTree:
    """As `compile_query`, to be built into a larger statement."""
    check(query, metadata)
    found = plans(query, metadata)
    columns = output_columns(query, metadata)
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
    statement = statement.order_by(*order(query, columns, found), copy=False)
    # One more than asked tells that there is more.
    statement.set("limit", exp.Limit(expression=integer(query.limit + 1)))
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


def _metric_select(
    query: Query, plan: Plan, position: int, metadata: Metadata, dialect: Dialect
) -> exp.Expression:
    """One metric (or one total of it) as a SELECT with all output columns and the hidden sort keys."""
    as_is = query.boundaries == "as_is"
    bounded = has_bounds(query)
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
    ctes.append(("valued", valued(plan, source, bounded, dialect)))
    body = final(query, plan, position, scope, widened, metadata, dialect, looks_back)
    body = with_ctes(body, ctes)
    names = (*output_columns(query, metadata), *HIDDEN)
    return top(query, plan, body, names)


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


__all__ = ["Compiled", "CompiledTree", "compile_query", "compile_tree"]
