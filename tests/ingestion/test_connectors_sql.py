"""The connector `sql` against real PostgreSQL, SQLite and DuckDB: snapshots, increments, and that it only reads."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from ingestion.connectors import visit as visits
from ingestion.connectors.failure import ConnectorFailure
from ingestion.connectors.select_only import check_select
from ingestion.connectors.state import Mark
from ingestion.landing.land import land_source
from lagebild.instance import Instance, SourceConfig
from tests.ingestion.connected import manifests, registry, secret, source, values
from tests.running_postgres import running_postgres

SNAPSHOT = (
    'select sozialraum as "Sozialraum", anzahl as "Anzahl" from spielplatz where jahr = :year order by 1'
)
INCREMENT = (
    'select id as "Nummer", sozialraum as "Sozialraum", anzahl as "Anzahl" from spielplatz '
    "where jahr = 2024 and id > :watermark order by id"
)
DDL = "create table spielplatz (id integer, jahr integer, sozialraum varchar(20), anzahl numeric(10, 2))"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["postgresql", "sqlite", "duckdb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database with the table of a Grünflächenamt."""
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres"))
        execute(url, "drop table if exists spielplatz")
    else:
        url = f"{request.param}:///{tmp_path / 'amt.db'}"
    execute(url, DDL)
    insert(url, (1, 2023, "99901001S01", 4), (2, 2024, "99901001S01", 5), (3, 2024, "99901001S02", "1.50"))
    return url


def execute(url: str, *statements: str) -> list[Any]:
    """As the owner of the database; the connector reads through its own connections."""
    if url.startswith("duckdb"):
        # duckdb_engine keeps the file open: a connection that reads only would be refused meanwhile.
        with duckdb.connect(url.removeprefix("duckdb:///")) as connection:
            return [connection.execute(statement).fetchall() for statement in statements][-1]
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            results = [connection.execute(sa.text(statement)) for statement in statements]
            return results[-1].fetchall() if results[-1].returns_rows else []
    finally:
        engine.dispose()


def insert(url: str, *rows: tuple[int, int, str, object]) -> None:
    execute(
        url, *(f"insert into spielplatz values ({i}, {year}, '{area}', {n})" for i, year, area, n in rows)
    )


@pytest.fixture
def instance(var: Path, tmp_path: Path) -> Instance:
    return Instance("probe", tmp_path / "instance")


def snapshot(var: Path, url: str, **settings: Any) -> SourceConfig:
    secret(var, "amt_datenbank", url)
    connector: dict[str, Any] = {
        "type": "sql",
        "url_secret": "amt_datenbank",
        "query": SNAPSHOT,
        "file": "Spielplaetze_{year}.csv",
        "over": {"year": {"first": 2023, "last": 2024}},
        "retries": {"attempts": 2, "first_wait_s": 0.01, "max_wait_s": 0.05},
    }
    return source(connector | settings)


def increment(var: Path, url: str, **settings: Any) -> SourceConfig:
    changes = {
        "query": INCREMENT,
        "file": "Spielplaetze_2024_bis_{watermark}.csv",
        "over": {},
        "watermark_column": "Nummer",
        "watermark_start": 0,
    }
    config = snapshot(var, url, **(changes | settings))
    options = {
        **config.options,
        "file_pattern": r"Spielplaetze_(?P<year>\d{4})_bis_(?P<watermark>.+)\.csv",
        "delivery_part": "{watermark}",
        "parts": [dict(config.options["parts"][0], ignored=["Nummer"])],
    }
    return config.model_copy(update={"options": options})


def test_snapshots_per_period_and_a_correction_of_one(instance: Instance, var: Path, database: str) -> None:
    config = snapshot(var, database)
    first = land_source(instance, config)
    assert (first.landed, first.connector_failures) == (2, ())
    by_name = {item.file_name: values(instance, item) for item in manifests(instance)}
    assert by_name == {"Spielplaetze_2023.csv": [4.0], "Spielplaetze_2024.csv": [5.0, 1.5]}
    assert {str(item.period_end) for item in manifests(instance)} == {"2023-12-31", "2024-12-31"}

    again = land_source(instance, config)
    assert (again.landed, again.duplicate) == (0, 2)

    execute(database, "update spielplatz set anzahl = 6 where id = 2")
    assert land_source(instance, config).landed == 1
    old, new = (item for item in manifests(instance) if item.file_name == "Spielplaetze_2024.csv")
    statuses = registry(instance)
    assert (statuses[old.sha256[:12]], statuses[new.sha256[:12]]) == ("superseded", "current")
    assert sorted(statuses.values()) == ["current", "current", "superseded"]
    assert values(instance, new) == [6.0, 1.5]


def test_increments_are_deliveries_side_by_side(instance: Instance, var: Path, database: str) -> None:
    config = increment(var, database)
    first = land_source(instance, config)
    assert (first.landed, first.connector_failures) == (1, ())
    again = land_source(instance, config)
    assert (again.landed, again.duplicate) == (0, 1), "nothing beyond the watermark, no file"

    insert(database, (4, 2024, "99901001S03", 7))
    assert land_source(instance, config).landed == 1
    names = {item.file_name: values(instance, item) for item in manifests(instance)}
    assert names == {
        "Spielplaetze_2024_bis_3.csv": [5.0, 1.5],
        "Spielplaetze_2024_bis_4.csv": [7.0],
    }
    assert set(registry(instance).values()) == {"current"}


def test_run_killed_before_the_file_arrived_takes_the_rows_again(
    instance: Instance, var: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = increment(var, database)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(visits, "arrive", die)
        with pytest.raises(KeyboardInterrupt):
            land_source(instance, config)
    assert not manifests(instance)
    assert land_source(instance, config).landed == 1
    (only,) = manifests(instance)
    assert values(instance, only) == [5.0, 1.5]


def test_run_killed_after_the_file_arrived_does_not_repeat_rows(
    instance: Instance, var: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = increment(var, database)
    real = visits.arrive

    def arrive_and_die(*arguments: Any) -> bool:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(visits, "arrive", arrive_and_die)
        with pytest.raises(KeyboardInterrupt):
            land_source(instance, config)
    insert(database, (4, 2024, "99901001S03", 7))
    land_source(instance, config)
    names = {item.file_name: values(instance, item) for item in manifests(instance)}
    assert names == {
        "Spielplaetze_2024_bis_3.csv": [5.0, 1.5],
        "Spielplaetze_2024_bis_4.csv": [7.0],
    }


def test_watermark_of_a_booking_time(instance: Instance, var: Path, postgres: str) -> None:
    execute(
        postgres,
        "drop table if exists buchung",
        "create table buchung (gebucht timestamp, sozialraum text, anzahl int)",
        "insert into buchung values ('2024-03-01 10:00:00.5', '99901001S01', 1)",
    )
    query = (
        'select gebucht as "Nummer", sozialraum as "Sozialraum", anzahl as "Anzahl" from buchung '
        "where gebucht > :watermark"
    )
    config = increment(var, postgres, query=query, watermark_start="2024-01-01")
    assert land_source(instance, config).landed == 1
    execute(postgres, "insert into buchung values ('2024-03-02', '99901001S01', 2)")
    report = land_source(instance, config)
    assert (report.landed, report.connector_failures) == (1, ())
    assert [values(instance, item) for item in manifests(instance)] == [[1.0], [2.0]]
    assert {item.file_name for item in manifests(instance)} == {
        "Spielplaetze_2024_bis_2024-03-01T100000.500000.csv",
        "Spielplaetze_2024_bis_2024-03-02T000000.csv",
    }


def test_the_session_cannot_write_even_if_the_guard_is_fooled(
    instance: Instance, var: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.connectors.sql_extract.check_select", lambda *_: None)
    config = snapshot(var, database, query="delete from spielplatz where jahr = :year")
    report = land_source(instance, config)
    assert report.landed == 0 and len(report.connector_failures) == 2
    assert execute(database, "select count(*) from spielplatz") == [(3,)]


def test_slow_query_is_cut_off(instance: Instance, var: Path, database: str) -> None:
    slow = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000) "
        'select max(i) as "Anzahl" from n where i > :year'
    )
    config = snapshot(var, database, query=slow, timeout_s=0.5, over={"year": {"first": 1, "last": 1}})
    begin = time.monotonic()
    report = land_source(instance, config)
    assert time.monotonic() - begin < 10
    assert report.connector_failures == (
        "Spielplaetze_1.csv: Die Abfrage dauert länger als vereinbart (0.5 s).",
    )
    assert list((instance.paths.inbox / "spielplaetze").glob("*.csv")) == []


def test_many_rows_are_streamed_in_blocks(instance: Instance, var: Path, postgres: str) -> None:
    query = 'select \'99901001S01\' as "Sozialraum", i as "Anzahl" from generate_series(1, 50000) i where i > :year'
    config = snapshot(var, postgres, query=query, over={"year": {"first": 0, "last": 0}}, rows_at_once=1000)
    report = land_source(instance, config)
    assert report.connector_failures == ()
    lines = (instance.paths.inbox / "spielplaetze" / "Spielplaetze_0.csv").read_text().splitlines()
    assert (len(lines), lines[0], lines[-1]) == (50_001, "Sozialraum;Anzahl", "99901001S01;50000")


def test_cells_are_written_as_the_format_reads_them(instance: Instance, var: Path, postgres: str) -> None:
    query = (
        "select :year as z, 1234.50::numeric as d, 1e-7::float8 as f, null as n, true as b, date '2024-02-29' as t, "
        "timestamp '2024-02-29 12:30' as s, E'a;\"b\"\\nc' as x"
    )
    config = snapshot(var, postgres, query=query, over={"year": {"first": 5, "last": 5}})
    land_source(instance, config)
    text = (instance.paths.inbox / "spielplaetze" / "Spielplaetze_5.csv").read_text(encoding="utf-8")
    assert text == ('z;d;f;n;b;t;s;x\n5;1234,50;0,0000001;;1;2024-02-29;2024-02-29 12:30:00;"a;""b"" c"\n')


def test_faults_of_the_database_are_words_without_its_rows(
    instance: Instance, var: Path, postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = "select 1 / (length('Kanarienvogel4711') - 17) as x where :year > 0"
    report = land_source(instance, snapshot(var, postgres, query=bad))
    assert "DivisionByZero" in report.connector_failures[0]
    wrong = "select cast('Kanarienvogel4711' as integer) as x where :year > 0"
    report = land_source(instance, snapshot(var, postgres, query=wrong))
    assert "weist die Abfrage ab" in report.connector_failures[0]
    assert "Kanarienvogel4711" not in str(report) + caplog.text

    gone = "postgresql+psycopg2://amt:Geheim4711@127.0.0.1:1/db"
    report = land_source(instance, snapshot(var, gone))
    assert report.connector_failures == ("Die Datenbank ist nicht erreichbar oder lehnt die Anmeldung ab.",)
    report = land_source(instance, snapshot(var, "keine Adresse"))
    assert "»amt_datenbank« ist nicht lesbar" in report.connector_failures[0]
    assert "Geheim4711" not in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        "delete from t",
        "select 1; drop table t",
        "with x as (insert into t values (1) returning *) select * from x",
        "select * into neu from t",
        "select * from t for update",
        "copy t to '/tmp/x'",
        "set role admin",
        "select pg_read_file('/etc/passwd')",
        "select * from dblink('host=x', 'select 1') as t(a int)",
        "select lo_export(1, '/tmp/x')",
        "select nextval('s')",
        "vacuum",
        "call p()",
        "",
        "kein sql (",
    ],
)
def test_only_one_reading_statement(query: str) -> None:
    with pytest.raises(ConnectorFailure):
        check_select(query, "postgresql")


@pytest.mark.parametrize(
    "query",
    ["select * from read_csv('/etc/passwd')", "select * from glob('/*')", "attach 'x.db'", "pragma x"],
)
def test_no_files_through_duckdb(query: str) -> None:
    with pytest.raises(ConnectorFailure):
        check_select(query, "duckdb")


@pytest.mark.parametrize(
    "query",
    [
        SNAPSHOT,
        INCREMENT,
        "with a as (select 1 as x) select x::numeric, count(*) over (partition by x) from a union all select 2, 3",
        "select coalesce(a, 0), date_trunc('month', b) from t where c between :first and :last -- Kommentar",
    ],
)
def test_ordinary_queries_pass(query: str) -> None:
    check_select(query, "postgresql")


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "immer_gleich.csv"},
        {"file": "../{year}.csv"},
        {"watermark_column": "Nummer"},
        {"over": {}, "watermark_column": "n", "watermark_start": 0, "file": "x_{watermark}.csv"},
    ],
)
def test_names_that_do_not_tell_the_period_are_refused(var: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        snapshot(var, "sqlite://", **changes)


def test_watermarks_keep_their_type() -> None:
    moment = dt.datetime(2024, 2, 29, 12, 30, 0, 5, tzinfo=dt.UTC)
    for value in (3, 2.5, "2024-A", dt.date(2024, 2, 29), moment, moment.replace(tzinfo=None)):
        assert Mark.of(value).restored() == value
        assert type(Mark.of(value).restored()) is type(value)
