"""The audiences after the public: the same tables once more, for readers who see more.

Belongs here: which cells a later audience may be shown, and its decision on top of the one before. Does not belong
here: how a table is decided for an audience (`disclosure.audiences`), the public decision (`decide`), files (`store`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from disclosure.audiences import next_audience
from disclosure.table import Flags, Integers, LinkedTable, Pattern
from orchestration.protection import load, store
from orchestration.protection.draft import Draft, completed
from orchestration.protection.store import Solved
from orchestration.protection.work import Solver


@dataclass(frozen=True)
class Decided:
    """A table as an audience sees it. `solved_file` is where the result is remembered."""

    info: load.TableInfo
    input_hash: str
    is_reused: bool


@dataclass(frozen=True)
class Judged:
    """What decides about a table for an audience beside the public decision, per cell."""

    may_see: Flags
    """Figures of the reader's own areas, of either tier, that exist."""
    is_primary: Flags
    lower_goal: Integers
    upper_goal: Integers
    is_told: Flags
    """Released to this audience before."""
    told_low: Integers
    told_high: Integers
    """What that says about today's value, in units."""


def audiences(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Audiences beyond the public, from least to most knowledge."""
    rows = connection.execute("select audience from staging.stg_catalogue__audience order by position")
    return [str(row[0]) for row in rows.fetchall()]


def tables_with_more(connection: duckdb.DuckDBPyConnection, audience: str) -> dict[str, str]:
    """Table -> signature of what decides about it for this audience beyond the public result.

    What earlier releases told the audience is not part of it: after the first night that is what the result shows.
    """
    _prepare(connection, audience)
    rows = connection.execute(
        """
        select
            table_id,
            bit_xor(hash(cell_id, may_see, is_more, is_primary, lower_goal, upper_goal))::varchar
        from judged group by table_id having bool_or(may_see and is_more)
        """
    ).fetchall()
    return {str(table_id): str(signature) for table_id, signature in rows}


def decide_audience(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    audience: str,
    before: Sequence[Decided],
    solver: Solver,
    limit_s: float,
    deadline: float,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Decided]:
    """Decides, for one audience, the tables that hold more for it; `before` are the results it builds on.

    Results are remembered in `folder` like the public ones, under a hash of their own. Tables without anything more are
    left out of the answer: for them the audience sees what the one before sees.
    """
    wanted = tables_with_more(connection, audience)
    told = _told(connection)
    found: dict[str, Decided] = {}
    open_tables: dict[str, Decided] = {}
    earlier_hash = {table.info.table_id: table.input_hash for table in before}
    for table in before:
        table_id = table.info.table_id
        if table_id not in wanted:
            continue
        text = f"{audience}\n{table.input_hash}\n{wanted[table_id]}"
        mine = Decided(table.info, hashlib.sha256(text.encode()).hexdigest()[:32], is_reused=True)
        remembered = store.recall(folder, mine.input_hash)
        earlier = store.recall(folder, table.input_hash)
        if remembered is None or earlier is None or not _still_right(remembered, earlier, told.get(table_id)):
            open_tables[table_id] = mine = replace(mine, is_reused=False)
        found[table_id] = mine
    for batch in load.batches([table.info for table in open_tables.values()]):
        judged = dict(_judged(connection, batch))
        for draft in load.load(connection, batch):
            mine, earlier = open_tables[draft.table_id], store.recall(folder, earlier_hash[draft.table_id])
            if earlier is None:
                raise OSError(f"{draft.table_id}: the result this audience builds on cannot be read")
            solved = _solve(draft, earlier, judged[draft.table_id], solver, limit_s, deadline)
            store.save(folder, mine.input_hash, solved)
            progress(f"{audience}: {draft.table_id}")
    return [found[table_id] for table_id in sorted(found)]


def for_reader(
    table: LinkedTable, before: Pattern, judged: Judged, solve: Callable[[LinkedTable], Pattern]
) -> Pattern:
    """The decision for one audience on one table: its thresholds, what it was told, what it may be shown."""
    asked = replace(
        table, is_primary=judged.is_primary, lower_goal=judged.lower_goal, upper_goal=judged.upper_goal
    )
    cells = np.flatnonzero(judged.is_told & before.is_hidden & judged.may_see)
    values = table.value[cells]
    # Where a figure is hidden at source the base world is a guess, and what was told may not fit it.
    low = np.minimum(judged.told_low[cells], values)
    high = np.maximum(judged.told_high[cells], values)
    return next_audience(asked, before, judged.may_see, solve, (cells, low, high))


def _solve(
    draft: Draft, earlier: Solved, judged: Judged, solver: Solver, limit_s: float, deadline: float
) -> Solved:
    started = time.monotonic()
    end = min(started + limit_s, deadline)
    table = completed(draft, earlier.base).table
    # A figure that is not known, or fits no world, is shown to nobody.
    exists = draft.is_value_known & (draft.value == table.value)
    judged = replace(judged, may_see=judged.may_see & exists)
    pattern = for_reader(table, earlier.pattern, judged, lambda asked: solver(asked, end))
    shown = judged.may_see & ~pattern.is_hidden & ~pattern.is_unsafe
    return Solved(
        pattern=pattern,
        base=table.base,
        is_published=earlier.is_published | shown,
        cells=table.cells,
        primaries=int(judged.is_primary.sum()),
        secondaries=int((pattern.is_hidden & ~judged.is_primary & judged.may_see).sum()),
        seconds=time.monotonic() - started,
        granted_s=limit_s,
        solved_at=datetime.now(UTC),
        known_signature="",
    )


def _still_right(solved: Solved, earlier: Solved, told: Integers | None) -> bool:
    """Does a remembered result go with today's decision for the audience before, and with what was told since?"""
    mine, theirs = solved.pattern, earlier.pattern
    if mine.is_hidden.size != theirs.is_hidden.size or not np.array_equal(solved.base, earlier.base):
        return False
    if (mine.is_hidden & ~theirs.is_hidden).any():
        return False
    return told is None or not (mine.is_hidden[told] & ~mine.is_unsafe[told]).any()


def _prepare(connection: duckdb.DuckDBPyConnection, audience: str) -> None:
    """Relation `judged`: per table and cell what `Judged` holds. Needs `load.prepare`."""
    connection.execute(
        """
        create or replace temp table judged as
        with seen as (
            select distinct cell.table_id, cell.cell_id
            from disclosure.int_disclosure__table_cell as cell
            inner join table_period as period using (table_id)
            inner join disclosure.int_disclosure__audience_area as reader
                on reader.audience = $audience
                and reader.area_key = cell.area_key
                and period.period_end >= reader.valid_from
                and period.period_end <= coalesce(reader.valid_to, date '9999-12-31')
        )
        select
            cell.table_id,
            cell.cell_id,
            -- Virtual remainders (`~rest`) are nobody's figure.
            seen.cell_id is not null and cell.measure_id not like '%~rest' as may_see,
            cell.tier = 'internal' or (own.measure_id is not null and reads.is_single) as is_more,
            -- Several readers who are each other's attackers: for them the stricter of both verdicts holds.
            case
                when own.measure_id is null then coalesce(cell.is_primary, false)
                when reads.is_single then own.is_primary
                else own.is_primary or coalesce(cell.is_primary, false)
            end as is_primary,
            case
                when own.measure_id is null then cell.lower_goal
                when reads.is_single then own.lower_goal
                else least(own.lower_goal, cell.lower_goal)
            end as lower_goal,
            case
                when own.measure_id is null then cell.upper_goal
                when reads.is_single then own.upper_goal
                else greatest(own.upper_goal, cell.upper_goal)
            end as upper_goal,
            known.value_low is not null as is_told,
            known.value_low as told_low,
            known.value_high as told_high
        from disclosure.int_disclosure__table_cell as cell
        inner join table_period as period using (table_id)
        cross join (
            select level is null as is_single from staging.stg_catalogue__audience where audience = $audience
        ) as reads
        left join seen using (table_id, cell_id)
        left join disclosure.int_disclosure__cell_audience as own
            on own.audience = $audience
            and own.measure_id = cell.measure_id
            and own.period_key = period.period_key
            and own.area_key = cell.area_key
            and own.group_key = cell.group_key
        left join disclosure.int_disclosure__known as known
            on known.audience = $audience
            and known.table_id = cell.table_id
            and known.measure_id = cell.measure_id
            and known.area_key = cell.area_key
            and known.group_key = cell.group_key
        """,
        {"audience": audience},
    )


def _told(connection: duckdb.DuckDBPyConnection) -> dict[str, Integers]:
    rows = connection.execute("select table_id, list(cell_id) from judged where is_told group by table_id")
    return {str(table_id): np.array(cells, dtype=np.int64) for table_id, cells in rows.fetchall()}


def _judged(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[load.TableInfo]
) -> Iterator[tuple[str, Judged]]:
    for table in tables:
        rows = connection.execute(
            """
            select
                may_see, is_primary, coalesce(lower_goal, 0), coalesce(upper_goal, 0), is_told,
                coalesce(told_low, 0), coalesce(told_high, 0)
            from judged where table_id = ? order by cell_id
            """,
            [table.table_id],
        ).fetchall()
        may_see, is_primary, lower, upper, is_told, low, high = zip(*rows, strict=True)
        yield (
            table.table_id,
            Judged(
                may_see=np.array(may_see, dtype=np.bool_),
                is_primary=np.array(is_primary, dtype=np.bool_),
                lower_goal=np.array(lower, dtype=np.int64),
                upper_goal=np.array(upper, dtype=np.int64),
                is_told=np.array(is_told, dtype=np.bool_),
                told_low=np.array(low, dtype=np.int64),
                told_high=np.array(high, dtype=np.int64),
            ),
        )


__all__ = ["Decided", "Judged", "audiences", "decide_audience", "for_reader", "tables_with_more"]
