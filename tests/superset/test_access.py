"""The walls beside Superset: zones, readers, statements, roles from readers. Without a running Superset."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from superset_assets.access.readers import Reader, ReaderError, find_readers, may_open, write_register
from superset_assets.access.sql_wall import StatementRefused, check
from superset_assets.access.zones import LOCKED, Zone, ZoneError, locked_arguments, zone_of
from superset_assets.facts import Facts
from superset_assets.internal import read_internal, render_internal
from superset_assets.lint import lint
from superset_assets.render import render
from superset_assets.roles import for_readers, load_access
from tests.superset import attacks, mock_release, mock_tiers


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    mock_tiers.build(tmp_path / "probekreis")
    return tmp_path


def test_zones_are_released_files_only(var: Path) -> None:
    published = var / "probekreis" / "published"
    assert zone_of("duckdb", str(published / "current.duckdb")) == Zone("probekreis")
    own = published / "intern" / "kommune-99901001" / "current.duckdb"
    assert zone_of("duckdb", str(own)) == Zone("probekreis", "kommune-99901001")
    assert Zone("probekreis", "kommune-99901001").file == own
    # A way around through folders is followed to where it ends.
    crooked = published / "intern" / ".." / "current.duckdb"
    assert zone_of("duckdb", str(crooked)) == Zone("probekreis")
    (var / "probekreis" / "published" / "tuer").symlink_to(var / "probekreis" / "protected")
    (published / "intern" / "kommune-99901002" / "neu").mkdir()
    link = published / "intern" / "kommune-99901002" / "neu" / "current.duckdb"
    link.symlink_to(own)
    for path in (
        var / "probekreis" / "protected" / "warehouse.duckdb",
        published / ".." / "protected" / "warehouse.duckdb",
        published / "tuer" / "warehouse.duckdb",
        published / "intern" / "ledger" / "current.duckdb",
        published / "release-1.duckdb",
        link,
        Path("/etc/passwd"),
        Path("relative/published/current.duckdb"),
    ):
        with pytest.raises(ZoneError):
            zone_of("duckdb", str(path))
    for backend, database in (
        ("sqlite", str(own)),
        ("postgresql", "x"),
        ("duckdb", ":memory:"),
        ("duckdb", None),
        ("duckdb", "md:x"),
    ):
        with pytest.raises(ZoneError):
            zone_of(backend, database)


def test_every_connection_is_locked() -> None:
    arguments = locked_arguments(pool=object)
    assert arguments["connect_args"] == {"read_only": True, "config": LOCKED}
    assert LOCKED["enable_external_access"] == "false"
    assert LOCKED["lock_configuration"] == "true"


def test_the_engine_itself_refuses_files(release: Path, tmp_path: Path) -> None:
    """Behind the wall of statements: opened as every connection is, DuckDB refuses on its own, in each of its words."""
    arguments = locked_arguments()["connect_args"]
    (tmp_path / "x.csv").write_text("a\n1\n")
    reasons = {
        f"copy mart_indicator to '{tmp_path}/stolen.csv'": "disabled by configuration",
        f"select * from read_csv('{tmp_path}/x.csv')": "disabled by configuration",
        f"select * from '{tmp_path}/x.csv'": "disabled by configuration",
        f"attach '{tmp_path}/other.duckdb' as x": "disabled by configuration",
        "install httpfs": "disabled",
        "set enable_external_access = true": "configuration has been locked",
        "delete from mart_indicator": "read-only",
    }
    with duckdb.connect(str(release), **arguments) as db:
        for statement, reason in reasons.items():
            with pytest.raises(duckdb.Error, match=reason):
                db.execute(statement)
    assert not (tmp_path / "stolen.csv").exists()


def test_readers_describe_themselves(var: Path) -> None:
    assert [reader.folder for reader in find_readers("probekreis")] == [
        "intern",
        "kommune-99901001",
        "kommune-99901002",
    ]
    assert find_readers("leerkreis") == []
    folder = var / "probekreis" / "published" / "intern" / "kommune-99901001"
    folder.chmod(0o755)
    with pytest.raises(ReaderError, match="readable by others"):
        find_readers("probekreis")
    folder.chmod(0o700)
    folder.rename(folder.with_name("kommune-99901003"))
    with pytest.raises(ReaderError, match="holds the file of kommune-99901001"):
        find_readers("probekreis")


def test_the_register_decides_who_opens_what(var: Path) -> None:
    zone = Zone("probekreis", "kommune-99901001")
    assert may_open([], Zone("probekreis"))
    assert not may_open(["Kommune:Altensiel"], zone), "without a register nothing internal is open"
    write_register({"Kommune:Altensiel": [zone], "Admin": []})
    assert may_open(["Gamma", "Kommune:Altensiel"], zone)
    assert not may_open(["Admin", "Kommune:Brookmühlen"], zone)
    assert not may_open(["Kommune:Altensiel"], Zone("anderskreis", "kommune-99901001"))


def test_each_kommune_has_a_role_and_an_account_of_its_own(var: Path) -> None:
    readers = find_readers("probekreis")
    access = for_readers(load_access(), readers)
    zones = {role.name: {zone.reader for zone in role.zones} for role in access.roles}
    assert zones["Kommune:Altensiel"] == {"kommune-99901001"}
    assert zones["Kommune:Brookmühlen"] == {"kommune-99901002"}
    assert zones["Sozialplanung"] == zones["Fachdienst-Analyse"] == zones["Führungskraft"] == {"intern"}
    assert zones["Datenschutz"] == zones["Öffentlich"] == set()
    assert {user.name: user.role for user in access.users}["kommune-brookmuehlen"] == "Kommune:Brookmühlen"
    assert all("{" not in role.name for role in access.roles)
    kommune = next(role for role in access.roles if role.name == "Kommune:Altensiel")
    assert not [name for name in kommune.allow if "sql" in name.lower() or "can_write on Chart" in name]


def test_kommunen_of_the_same_name_are_told_apart() -> None:
    same = [Reader(name, "kommune", "Kommunen", code, "Neustadt") for name, code in (("a", "1"), ("b", "2"))]
    access = for_readers(load_access(), same)
    kommunen = [role for role in access.roles if role.name.startswith("Kommune:")]
    assert len({role.name for role in kommunen}) == 2
    assert [zone for role in kommunen for zone in role.zones] == [reader.zone for reader in same]
    assert len({user.name for user in access.users}) == len(access.users)


def test_internal_assets_stand_apart(var: Path, facts: Facts) -> None:
    bundles = [render(facts)]
    for reader in find_readers("probekreis"):
        bundle = render_internal(read_internal(mock_release.CONFIG, reader, "12.03.2025"))
        assert lint(bundle, reader.zone.file) == []
        (database,) = bundle.of_kind("databases").values()
        assert str(reader.zone.file) in database["sqlalchemy_uri"]
        assert database["extra"]["engine_params"]["connect_args"]["config"]["lock_configuration"] == "true"
        bundles.append(bundle)
    identifiers = [doc["uuid"] for bundle in bundles for doc in bundle.documents.values()]
    names = [doc["table_name"] for bundle in bundles for doc in bundle.of_kind("datasets").values()]
    assert len(set(identifiers)) == len(identifiers)
    assert len(set(names)) == len(names)


def test_the_wall_lets_every_dataset_through(facts: Facts) -> None:
    """Also columns and metrics with an expression of their own."""
    for path, document in render(facts).of_kind("datasets").items():
        parts = [
            item["expression"] for item in (*document["columns"], *document["metrics"]) if item["expression"]
        ]
        for sql in (document["sql"], *(f"select {part} from t" for part in parts)):
            try:
                check(sql)
            except StatementRefused as refusal:
                pytest.fail(f"{path}: {refusal} {sql}")


def test_the_wall_lets_reading_queries_through(var: Path) -> None:
    for sql in (
        "select * from main.mart_indicator limit 5",
        "with a as (select 1 as x) select * from a union all select 2",
        "SELECT date_trunc('year', period_end) AS d, sum(value) FROM (select * from main.mart_measure) AS v "
        "WHERE year IN (2023, 2024) GROUP BY date_trunc('year', period_end) ORDER BY d DESC LIMIT 10",
        "select string_agg(x, ', ' order by y), max_by(a, b), list(a)[1], printf('%.1f', v) from t",
        "select u from t, unnest(l) as s(u)",
        "select table_name from information_schema.tables",
    ):
        check(sql)
    for sql in attacks.statements(var):
        with pytest.raises(StatementRefused):
            check(sql)
