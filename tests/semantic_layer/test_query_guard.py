"""Two walls, each alone: the guard on an unlocked engine's statements, the engine without a guard."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from semantic_layer.query import GuardRefusal, QueryError, QueryTimeout, engine, guard
from semantic_layer.query.measure_sql import rewrite
from semantic_layer.query.release import Release
from tests.semantic_layer.query_release import make, write

# (statement, does the engine's lock refuse it too). What the engine lets through harms nothing outside the query, but
# has no business in an analyst's SELECT; the guard refuses all of it.
HOSTILE: list[tuple[str, bool]] = [
    ("select * from read_csv('/etc/passwd')", True),
    ("select * from read_csv_auto('/etc/passwd')", True),
    ("select * from read_text('/etc/passwd')", True),
    ("select * from read_blob('/etc/passwd')", True),
    ("select * from read_parquet('/tmp/*.parquet')", True),
    ("select * from read_json('/etc/passwd')", True),
    ("select * from read_json_auto('https://example.org/x.json')", True),
    ("select * from parquet_scan('/tmp/x.parquet')", True),
    ("select * from parquet_metadata('/tmp/x.parquet')", True),
    ("select * from sniff_csv('/etc/passwd')", True),
    ("select * from glob('/*')", True),
    ("select * from '/etc/passwd'", True),
    ("select * from 'data.csv'", True),
    ('select * from "data.csv"', True),
    ("from 'data.csv'", True),
    ("from read_csv('/etc/passwd')", True),
    ("select * from 'https://example.org/x.parquet'", True),
    ("select * from 's3://bucket/x.parquet'", True),
    ("select (select content from read_text('/etc/passwd'))", True),
    ("select * from dim_area where area_name in (select content from read_text('/etc/passwd'))", True),
    ("with t as (select * from read_text('/etc/passwd')) select * from t", True),
    ("select * from dim_area union all select * from read_csv('/etc/passwd')", True),
    ("select 1 /* ; */; drop table dim_area", True),
    ("select 1; select 2", False),
    ("select 1 -- harmless\n; attach '/tmp/x.db'", True),
    ("drop table dim_area", True),
    ("delete from fct_measure", True),
    ("update fct_measure set value = 1", True),
    ("insert into dim_area select * from dim_area", True),
    ("truncate fct_measure", True),
    ("create table x as select 1", True),
    ("create temp table x as select 1", False),
    ("create or replace view v as select 1", True),
    ("create macro f() as 1", True),
    ("create temp macro f(a) as table select 1", False),
    ("create secret (type s3, key_id 'a', secret 'b')", True),
    ("alter table dim_area rename to x", True),
    ("copy dim_area to '/tmp/x.csv'", True),
    ("copy (select 1) to '/tmp/x.parquet'", True),
    ("copy dim_area from '/tmp/x.csv'", True),
    ("export database '/tmp/x'", True),
    ("import database '/tmp/x'", True),
    ("attach '/tmp/x.duckdb' as x", True),
    ("detach memory", True),
    ("use memory", True),
    ("install httpfs", True),
    ("load httpfs", True),
    ("force install spatial", True),
    ("set threads = 64", True),
    ("set enable_external_access = true", True),
    ("set global lock_configuration = false", True),
    ("reset memory_limit", True),
    ("pragma database_list", False),
    ("pragma enable_profiling", False),
    ("pragma memory_limit = '64GB'", True),
    ("call pragma_version()", False),
    ("select * from pragma_database_list()", False),
    ("select * from pragma_table_info('dim_area')", False),
    ("select * from duckdb_settings()", False),
    ("select * from duckdb_secrets()", True),
    ("select * from duckdb_tables()", False),
    ("select * from duckdb_extensions()", False),
    ("select * from duckdb_memory()", False),
    ("select * from information_schema.tables", False),
    ("select * from pg_catalog.pg_class", False),
    ("select * from sqlite_master", False),
    ("select getenv('HOME')", True),
    ("select current_setting('memory_limit')", False),
    ("select getvariable('x')", False),
    ("select version()", False),
    ("select current_database(), current_schema()", False),
    ("select current_user", False),
    ("select current_query()", False),
    ("select now(), current_timestamp", False),
    ("select random()", False),
    ("select uuid()", False),
    ("select * from query('select 1')", False),
    ("select * from query_table('dim_area')", False),
    ("select * from query_table(['dim_area', 'dim_period'])", False),
    ("select * from test_all_types()", False),
    ("select * from range(1000000000000)", False),
    ("select * from generate_series(1, 1000000000)", False),
    ("select unnest(range(1000000000))", False),
    ("select range(100000000)", False),
    ("select * from repeat_row(1, num_rows = 1000000000)", False),
    ("select repeat('x', 2000000000)", False),
    ("select lpad('x', 2000000000, 'y')", False),
    ("select * from fct_measure, fct_measure as b", False),
    ("select count(*) from fct_measure cross join fct_measure as b cross join fct_measure as c", False),
    ("select count(*) from fct_measure as a join fct_measure as b on true", False),
    ("select count(*) from fct_measure as a join fct_measure as b on a.value > b.value", False),
    ("select count(*) from fct_measure as a join fct_measure as b on a.value = a.value", False),
    ("select count(*) from fct_measure natural join dim_area", False),
    ("select count(*) from fct_measure positional join dim_area", False),
    ("select * from dim_area, lateral (select 1) as t", False),
    ("with recursive t as (select 1 as n union all select n + 1 from t) select * from t", False),
    ("with dim_area as (select 1 as area_key) select * from dim_area", False),
    ("with t as (select 1 as a), T as (select 2 as a) select * from t", True),
    ("pivot fct_measure on group_key using sum(value)", False),
    ("select * from fct_measure pivot (sum(value) for group_key in ('total'))", False),
    ("unpivot dim_area on area_code, area_name into name n value v", False),
    ("select columns('area.*') from dim_area", False),
    ("select columns(c -> c like 'area%') from dim_area", False),
    ("select list_transform([1, 2], x -> x + 1)", False),
    ("select list_transform([1, 2], lambda x: x + 1)", False),
    ("select * exclude (area_name) from dim_area", False),
    ("select * replace (1 as area_name) from dim_area", False),
    ("select struct_pack(a := 1)", False),
    ("select {'a': 1}.a", False),
    ("select map {'a': 1}", False),
    ("select [1, 2, 3][1]", False),
    ("select list(value) from fct_measure", False),
    ("select string_agg(area_name, ',') from dim_area", False),
    ("select dim_area from dim_area", False),
    ("select a from dim_area as a", False),
    ("select rowid from dim_area", False),
    ("select 'dim_area'::regclass", True),
    ("select cast('x' as blob)", False),
    ("select * from dim_area using sample 10", False),
    ("select * from dim_area tablesample 10%", False),
    ("select * from dim_area limit 10%", False),
    ("select * from dim_area limit (select 5)", False),
    ("select * from dim_area at (version => 1)", True),
    ("select * into x from dim_area", True),
    ("select * from dim_area for update", False),
    ("values (1), (2)", False),
    ("select * from (values (1)) as t(a)", False),
    ("table dim_area", False),
    ("describe dim_area", False),
    ("summarize dim_area", False),
    ("show tables", False),
    ("explain select 1", False),
    ("explain analyze select 1", False),
    ("prepare p as select 1", False),
    ("execute p", True),
    ("select $1", True),
    ("select ?", True),
    ("select $name", True),
    ("begin transaction", False),
    ("checkpoint", False),
    ("vacuum", False),
    ("set variable x = 1", False),
    ("comment on table dim_area is 'x'", True),
    ("select * from main.dim_area.x", True),
    ("select * from protected.core.fct_measure", True),
    ("select * from core.fct_measure", True),
    ("select * from \u0064im_area\u200b", False),
    ("select * from dim_\u0430rea", True),
    ("select/**/content/**/from/**/read_text('/etc/passwd')", True),
    ("select * from \"read_text\"('/etc/passwd')", True),
    ("SeLeCt * FrOm ReAd_TeXt($$/etc/passwd$$)", True),
    ("select e'\\x41'", False),
    ("select * from dim_area where area_name = '\x00'", False),
    ("select json_serialize_sql('select 1')", False),
    ("select * from json_execute_serialized_sql('{}')", True),
    ("select write_log('x')", False),
    ("select nextval('s')", True),
    ("select error('x')", True),
    ("select measure(poor_rate)", True),
    ("select area_name, measure(poor_rate) from dim_area group by area_name", True),
    ("", False),
    (";", False),
    ("select", True),
    ("/* nothing */", False),
    ("select " + "(" * 600 + "1" + ")" * 600, False),
    ("select 1" + " + 1" * 6000, False),
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("release") / "small.duckdb", make())


@pytest.fixture(scope="module")
def release(path: Path) -> Release:
    return Release(path)


def test_there_are_enough_hostile_statements() -> None:
    assert len({statement for statement, _ in HOSTILE}) >= 80


@pytest.mark.parametrize("statement", [statement for statement, _ in HOSTILE])
def test_guard_alone_refuses(release: Release, statement: str) -> None:
    # No engine in sight: the guard has to refuse before anything is run.
    with pytest.raises(QueryError) as refusal:
        rewrite(statement, release.metadata, 100)
    assert isinstance(refusal.value, GuardRefusal)
    assert str(refusal.value)


@pytest.mark.parametrize("statement", [statement for statement, engine_refuses in HOSTILE if engine_refuses])
def test_engine_alone_refuses(
    path: Path, statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("a\n1\n")
    connection = engine.connect(path)
    with pytest.raises(duckdb.Error):
        connection.cursor().execute(statement).fetchall()
    assert [item.name for item in tmp_path.iterdir()] == ["data.csv"]


def test_engine_sees_no_variables_of_the_program(path: Path) -> None:
    frame = duckdb.connect().execute("select 1 as a").to_arrow_table()
    assert frame.num_rows == 1
    with pytest.raises(duckdb.Error):
        engine.connect(path).cursor().execute("select * from frame")


def test_engine_cannot_be_unlocked(path: Path) -> None:
    connection = engine.connect(path)
    for setting in ("enable_external_access = true", "lock_configuration = false", "memory_limit = '64GB'"):
        with pytest.raises(duckdb.Error):
            connection.execute(f"set {setting}")
    shown = connection.execute(
        "select current_setting('enable_external_access'), current_setting('lock_configuration')"
    ).fetchone()
    assert shown == (False, True)


FRIENDLY = [
    "select area_name from dim_area",
    "select * from dim_area order by area_name limit 3",
    "from dim_area",
    "select a.area_name, sum(f.value) as s from fct_measure as f join dim_area as a on a.area_key = f.area_key "
    "where f.group_key = 'total' group by a.area_name having sum(f.value) > 1 order by s desc nulls last",
    "select area_name, period_label, value from fct_measure join dim_area using (area_key) "
    "join dim_period using (period_key)",
    "with k as (select area_key, max(value) as m from fct_measure group by all) select count(*) from k",
    "select area_level, count(*) filter (where is_current) as n from dim_area group by rollup (area_level)",
    "select period_key, rank() over (partition by period_key order by value desc) from fct_measure qualify "
    "row_number() over (partition by period_key order by value) = 1",
    "select case when value is null then 'leer' else cast(value as varchar) end as v from fct_measure",
    "select coalesce(round(avg(value), 1), 0), median(value) from fct_measure where value between 1 and 50",
    "select distinct area_level from dim_area where area_name like 'G%' or area_code in ('1', '101')",
    "select area_name from dim_area where exists (select 1 from fct_measure as f where f.area_key = dim_area.area_key)",
    "select year from dim_period union select 2030 order by 1",
    "select area_name from dim_area -- ein Kommentar",
    "select date_trunc('year', period_end), extract(month from period_end) from dim_period",
]


@pytest.mark.parametrize("statement", FRIENDLY)
def test_honest_questions_pass_both_walls(release: Release, statement: str) -> None:
    assert len(release.sql(statement)) >= 1


def test_every_answer_is_bounded(release: Release) -> None:
    answer = release.sql("select * from fct_measure", limit=7)
    assert len(answer) == 7 and answer.is_truncated
    assert "begrenzt" in answer.notices[0]
    assert len(release.sql("select * from fct_measure limit 3", limit=7)) == 3
    assert len(release.sql("select * from fct_measure limit 1000000", limit=7)) == 7


def test_time_limit_ends_a_query(release: Release) -> None:
    # Passes the guard (bound by an equality), but multiplies: time has to end it.
    heavy = (
        "select count(distinct a.value + b.value + c.value) from fct_measure as a join fct_measure as b "
        "on a.obs_status = b.obs_status join fct_measure as c on c.obs_status = b.obs_status"
    )
    with pytest.raises(QueryTimeout, match="abgebrochen"):
        release.sql(heavy, timeout=0.2)
    assert len(release.sql("select 1 as one")) == 1


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("select area_nam from dim_area", "Meinten Sie „area_name“"),
        ("select * from dim_aera", "Meinten Sie „dim_area“"),
        ("select rond(value, 1) from fct_measure", "Meinten Sie „round“"),
        (
            "select area_name, MEASURE(por_rate) from indicators group by area_name",
            "„poor_rate“ (Armutsquote)",
        ),
        ("select area_name, MEASURE(poor_rate) from indicators", "GROUP BY area_name"),
        (
            "select area_name, MEASURE(poor_rate) from indicators where area_nme = 'x' group by 1",
            "„area_name“",
        ),
        ("select MEASURE(poor_rate) from indicators where area_name like 'A%'", "Möglich sind"),
        ("select MEASURE(poor_rate) from indicators join dim_area using (area_key)", "WITH"),
    ],
)
def test_refusals_say_the_way_out(release: Release, statement: str, hint: str) -> None:
    with pytest.raises(QueryError) as refusal:
        release.sql(statement)
    assert hint in str(refusal.value)


def test_what_runs_is_what_was_checked(release: Release) -> None:
    answer = release.sql("select /* x */ area_name -- y\nfrom dim_area")
    assert "--" not in answer.sql and "/*" not in answer.sql


def test_guard_needs_no_engine(release: Release) -> None:
    tree = guard.check("select area_name from dim_area", release.metadata.columns)
    assert guard.to_sql(guard.bounded(tree, 10)).endswith("LIMIT 11")
