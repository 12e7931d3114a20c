"""The wide Musterkreis: everything its registers could release, down to the Baublock, in all three area systems.

Writes the relations that dbt's first phase hands to the solver (`disclosure.int_disclosure__table|atom|area_cover|
group_cover|link|table_cell|known`) into a DuckDB file of their own, counted straight from the landed persons and cases.
The live Musterkreis releases far less; this is the size at which the goals of the method are measured.

Cells: Kreis, Amt, Gemeinde, Sozialraum, Baublock, Grundschulbezirk, Kita-Bezirk x every margin of the breakdowns.
Belongs here: the input of the benchmark. Does not belong here: solving, timing (`run.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

THRESHOLD = 3
_LEVEL_WEIGHT = {0: 1000.0, 1: 100.0, 2: 20.0, 3: 5.0, 4: 1.0}


@dataclass(frozen=True)
class WideTable:
    """One linked table per period: what is counted, and its cliques (tuples of dimensions)."""

    name: str
    source: str
    """`person` or a case type."""
    cliques: tuple[tuple[str, ...], ...]


_DIMENSIONS = {
    "age": "'a' || lpad((case when age < 3 then 0 when age < 6 then 3 when age < 10 then 6 when age < 15 then 10 "
    "when age < 18 then 15 when age < 25 then 18 when age < 30 then 25 when age < 45 then 30 when age < 60 then 45 "
    "when age < 65 then 60 when age < 75 then 65 when age < 80 then 75 else 80 end)::varchar, 2, '0')",
    "age_coarse": "case when age < 18 then 'a00' when age < 65 then 'a18' else 'a65' end",
    "sex": "case when sex in ('f', 'm') then sex when hash(source_row) % 2 = 0 then 'f' else 'm' end",
    "nationality": "coalesce(nationality, 'de')",
    "migration": "coalesce(migration, 'no')",
    "household_type": "coalesce(household_type, 'none')",
    "category": "coalesce(category, 'none')",
}
TABLES = (
    WideTable(
        "population", "person", (("age", "sex"), ("nationality",), ("migration",), ("household_type",))
    ),
    WideTable("move_in", "move_in", (("age_coarse", "sex"), ("category",))),
    WideTable("move_out", "move_out", (("age_coarse", "sex"), ("category",))),
    WideTable("move_within", "move_within", (("age_coarse", "sex"),)),
    WideTable("birth", "birth", (("sex",),)),
    WideTable("death", "death", (("age_coarse", "sex"),)),
    WideTable("hze", "hze", (("category",), ("sex",))),
    WideTable("egh", "egh", (("category",), ("age_coarse", "sex"))),
    WideTable("seu", "seu", (("sex",),)),
    WideTable("grusi", "sgb12_grusi", (("category",), ("sex",))),
    WideTable("asylblg", "asylblg", (("sex",),)),
    WideTable("pflege", "pflege", (("category",), ("age_coarse", "sex"))),
    WideTable("disability", "schwerbehinderung", (("category",), ("age_coarse", "sex"))),
    WideTable("wohngeld", "wohngeld", (("category",),)),
)


def write_wide(
    warehouse: Path, target: Path, tables: Sequence[WideTable] = TABLES, last_periods: int = 99
) -> int:
    """Writes the relations of the given tables for the newest periods; returns the number of cells.

    `warehouse`: a refreshed Musterkreis (its views read the landing beside it).
    """
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target)) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        _areas(connection)
        _empty_relations(connection)
        for table in tables:
            _count(connection, table, last_periods)
        connection.execute("drop table place")
        row = connection.execute("select count(*) from disclosure.int_disclosure__table_cell").fetchone()
    assert row is not None
    return int(row[0])


def _areas(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        create schema disclosure;
        create table place as
        select 'B' || location_code as atom_area, area_key, level_rank, valid_from,
            nullif(valid_until, date '9999-12-31') as valid_to
        from warehouse.core.int_location
        where location_kind = 'block' and area_system = 'sozialraum'
        union all
        select 'B' || location_code, area_key, 3, valid_from, nullif(valid_until, date '9999-12-31')
        from warehouse.core.int_location
        where location_kind = 'block' and area_system <> 'sozialraum' and level_rank = 1
        union all
        select 'N' || location_code, area_key, level_rank, valid_from, nullif(valid_until, date '9999-12-31')
        from warehouse.core.int_location
        where location_kind = 'gemeinde' and area_system = 'sozialraum'
        union all
        -- Without a block: a member of its own below the Gemeinde.
        select 'N' || location_code, 'sozialraum|nz|' || location_code, 3, valid_from,
            nullif(valid_until, date '9999-12-31')
        from warehouse.core.int_location
        where location_kind = 'gemeinde' and area_system = 'sozialraum' and level_rank = 2;
        create table disclosure.int_disclosure__area_cover as
        select distinct atom_area, area_key, level_rank, valid_from, valid_to from place;
        """
    )


def _empty_relations(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        create table disclosure.int_disclosure__table (table_id varchar, table_group varchar, period_key varchar,
            period_end date, is_consistent boolean, has_primary boolean);
        create table disclosure.int_disclosure__atom (table_id varchar, table_group varchar, period_key varchar,
            period_end date, atom_id integer, atom_measure varchar, clique varchar, atom_area varchar,
            atom_group varchar, base bigint, ceiling bigint);
        create table disclosure.int_disclosure__group_cover (table_group varchar, measure_id varchar,
            group_key varchar, atom_measure varchar, clique varchar, atom_group varchar);
        create table disclosure.int_disclosure__link (table_id varchar, link_row integer, atom_id integer,
            coefficient integer);
        create table disclosure.int_disclosure__table_cell (table_id varchar, cell_id integer, measure_id varchar,
            area_key varchar, group_key varchar, breakdown varchar, level_rank integer, value_units bigint,
            is_primary boolean, primary_rule varchar, lower_goal bigint, upper_goal bigint, may_publish boolean,
            tier varchar, weight double, suggested_hidden boolean);
        create table disclosure.int_disclosure__known (audience varchar, table_id varchar, measure_id varchar,
            area_key varchar, group_key varchar, value_low bigint, value_high bigint, release_id varchar);
        -- The public alone, and nobody has let an unsafe figure pass.
        create table disclosure.int_disclosure__allowed (table_id varchar, measure_id varchar, period_key varchar,
            area_key varchar, group_key varchar);
        create schema staging;
        create table staging.stg_catalogue__audience (audience varchar, position integer);
        """
    )


def _member(dimension: str) -> str:
    return f"'{dimension}=' || {_DIMENSIONS[dimension]}"


def _count(connection: duckdb.DuckDBPyConnection, table: WideTable, last_periods: int) -> None:
    name = table.name
    if table.source == "person":
        relation = "(select *, reference_date as period_end from warehouse.staging.stg_landing__person)"
        condition = "true"
    else:
        relation, condition = "warehouse.staging.stg_landing__case", f"case_type = '{table.source}'"
    dimensions = sorted({dimension for clique in table.cliques for dimension in clique})
    members = ", ".join(f"{_member(dimension)} as {dimension}" for dimension in dimensions)
    connection.execute(
        f"""
        create or replace temp table record as
        with latest as (
            select distinct period_end from {relation} where {condition} order by period_end desc limit {last_periods}
        )
        select period_end, coalesce('B' || block_code, 'N' || gemeinde_code) as atom_area, {members}
        from {relation} inner join latest using (period_end) where {condition};
        -- A code that the areas of that day do not know counts as not assignable.
        delete from record where (atom_area, period_end) not in (
            select (atom_area, period_end)
            from (select distinct period_end from record) as day
            inner join place on day.period_end between place.valid_from and coalesce(place.valid_to, date '9999-12-31')
        );
        create or replace temp table site as
        select distinct day.period_end, place.atom_area
        from (select distinct period_end from record) as day
        inner join place on day.period_end between place.valid_from and coalesce(place.valid_to, date '9999-12-31');
        insert into disclosure.int_disclosure__table
        select '{name}|' || period_end, '{name}', period_end::varchar, period_end, true, true
        from (select distinct period_end from record);
        create or replace temp table raw_atom (period_end date, atom_area varchar, clique varchar, atom_group varchar,
            base bigint);
        """
    )
    for clique in table.cliques:
        group = " || ';' || ".join(clique)
        connection.execute(
            f"""
            insert into raw_atom
            select site.period_end, site.atom_area, '{";".join(clique)}', member.atom_group, coalesce(counted.base, 0)
            from site
            cross join (select distinct {group} as atom_group from record) as member
            left join (select period_end, atom_area, {group} as atom_group, count(*) as base from record group by all)
                as counted using (period_end, atom_area, atom_group)
            """
        )
    connection.execute(
        f"""
        insert into disclosure.int_disclosure__atom
        select '{name}|' || period_end, '{name}', period_end::varchar, period_end,
            row_number() over (partition by period_end order by clique, atom_area, atom_group) - 1,
            '{name}', clique, atom_area, atom_group, base, null
        from raw_atom
        """
    )
    _cover(connection, table)
    _links(connection, table)
    _cells(connection, name)


def _margins(clique: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [clique] if len(clique) == 1 else [clique, *((dimension,) for dimension in clique)]


def _cover(connection: duckdb.DuckDBPyConnection, table: WideTable) -> None:
    """Every margin has one home clique; the total that of the first."""
    seen: set[tuple[str, ...]] = set()
    for number, clique in enumerate(table.cliques):
        for margin in [*_margins(clique), *([()] if number == 0 else [])]:
            if margin in seen:
                continue
            seen.add(margin)
            parts = [f"split_part(atom_group, ';', {clique.index(dimension) + 1})" for dimension in margin]
            connection.execute(
                f"""
                insert into disclosure.int_disclosure__group_cover
                select distinct '{table.name}', '{table.name}', {" || ';' || ".join(parts) or "'total'"},
                    '{table.name}', clique, atom_group
                from raw_atom where clique = '{";".join(clique)}'
                """
            )


def _links(connection: duckdb.DuckDBPyConnection, table: WideTable) -> None:
    """All breakdowns of an area have the same total: each further clique equals the first one."""
    first = ";".join(table.cliques[0])
    for number, clique in enumerate(table.cliques[1:]):
        connection.execute(
            f"""
            insert into disclosure.int_disclosure__link
            select table_id, {number} * 100000 + dense_rank() over (partition by table_id order by atom_area) - 1,
                atom_id, case when clique = '{first}' then 1 else -1 end
            from disclosure.int_disclosure__atom
            where table_group = '{table.name}' and clique in ('{first}', '{";".join(clique)}')
            """
        )
    # Dense from 0 in every table, whatever the number of atom areas.
    connection.execute(
        f"""
        update disclosure.int_disclosure__link as link set link_row = dense.link_row
        from (
            select table_id, link_row as sparse, dense_rank() over (partition by table_id order by link_row) - 1
                as link_row
            from (select distinct table_id, link_row from disclosure.int_disclosure__link)
        ) as dense
        where dense.table_id = link.table_id and dense.sparse = link.link_row
            and starts_with(link.table_id, '{table.name}|')
        """
    )


def _cells(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    level_weight = " ".join(f"when {rank} then {weight}" for rank, weight in _LEVEL_WEIGHT.items())
    connection.execute(
        f"""
        insert into disclosure.int_disclosure__table_cell
        with cell as (
            select atom.table_id, place.area_key, any_value(place.level_rank) as level_rank, cover.group_key,
                sum(atom.base)::bigint as value
            from disclosure.int_disclosure__atom as atom
            inner join place on place.atom_area = atom.atom_area
                and atom.period_end between place.valid_from and coalesce(place.valid_to, date '9999-12-31')
            inner join disclosure.int_disclosure__group_cover as cover
                on cover.table_group = atom.table_group and cover.clique = atom.clique
                and cover.atom_group = atom.atom_group
            where atom.table_group = '{name}'
            group by atom.table_id, place.area_key, cover.group_key
        )
        select table_id, row_number() over (partition by table_id order by level_rank, area_key, group_key) - 1,
            '{name}', area_key, group_key,
            case when group_key = 'total' then 'total' else regexp_replace(group_key, '=[^;]*', '', 'g') end,
            level_rank, value, value between 1 and {THRESHOLD - 1}, case when value between 1 and
            {THRESHOLD - 1} then 'count' end, 0, {THRESHOLD}, true, 'public',
            (ln(1 + value) + 1) * case level_rank {level_weight} end
            * case when group_key = 'total' then 10 when contains(group_key, ';') then 1 else 3 end,
            false
        from cell
        """
    )
