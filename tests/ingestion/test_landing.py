"""Landing end to end on small files: what lands, what is refused, and that nothing is lost, half-loaded or leaked."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.formats import registry
from ingestion.formats.base import ParsedDelivery
from ingestion.landing.contracts import TABLES
from ingestion.landing.deliveries import registry_path, write_delivery_table
from ingestion.landing.empty import write_empty_tables
from ingestion.landing.land import land_source
from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance, SourceConfig

CANARY = "Kanarienvogel4711"

HEADER = "Stichtag;PersonenID;AGS;Block;Geschlecht;Alter"
ROWS = [
    "30.06.2024;p1;99901001;99901001B0001;m;34",
    "30.06.2024;p2;99901001;;w;7",
    "30.06.2024;p3;99901002;99901002B0003;d;81",
]


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    return Instance("probe", tmp_path / "instance")


def register(**changes: Any) -> SourceConfig:
    """A person-level CSV source."""
    options = {
        "file_pattern": r"register_(?P<date>\d{4}-\d{2}-\d{2})(_.+)?\.csv",
        "period": {"type": "stichtag", "header": "Stichtag"},
        "parts": [
            {
                "table": "person",
                "columns": {
                    "reference_date": {"header": "Stichtag", "kind": "date"},
                    "person_key": {"header": "PersonenID"},
                    "gemeinde_code": {"header": "AGS"},
                    "block_code": {"header": "Block"},
                    "sex": {
                        "header": "Geschlecht",
                        "aliases": ["Sex"],
                        "map": {"m": "m", "w": "f", "d": "d"},
                    },
                    "age": {"header": "Alter", "kind": "integer"},
                },
            }
        ],
    }
    fields: dict[str, Any] = {
        "id": "register",
        "label": "Register",
        "supplier": "Meldebehörde",
        "contact": "amt@beispiel.example",
        "legal_basis": "§ 34 BMG",
        "format": "delimited",
        "files": "${INBOX}/register/*.csv",
        "tables": ("person",),
        "cycle": "half_yearly",
        "reference_day": "30.06.",
        "personal": True,
        "protection": {"originals": "keep"},  # encryption and the emptied inbox: test_originals.py
        "options": options,
    }
    return SourceConfig.model_validate(fields | changes)


Deliver = Callable[..., Path]


@pytest.fixture
def deliver(instance: Instance) -> Deliver:
    def write(
        name: str = "register_2024-06-30.csv",
        rows: list[str] | None = None,
        header: str = HEADER,
        day: int = 1,
        content: bytes | None = None,
    ) -> Path:
        folder = instance.paths.inbox / "register"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        text = "\n".join([header, *(ROWS if rows is None else rows)]) + "\n"
        path.write_bytes(text.encode() if content is None else content)
        moment = datetime(2024, 7, day, 12, tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))
        return path

    return write


def folder_of(instance: Instance, manifest: Manifest) -> Path:
    zone = instance.paths.landing if manifest.status == "landed" else instance.paths.quarantine
    return zone / manifest.source_id / manifest.delivery_id


def only(instance: Instance) -> Manifest:
    (manifest,) = read_manifests(instance)
    return manifest


def test_good_delivery_lands_with_original_contract_schema_and_manifest(
    instance: Instance, deliver: Deliver
) -> None:
    path = deliver()
    report = land_source(instance, register())

    manifest = only(instance)
    folder = folder_of(instance, manifest)
    assert (report.landed, report.quarantined, report.duplicate) == (1, 0, 0)
    assert report.delivery_ids == (manifest.delivery_id,)
    assert report.newest_period_end == date(2024, 6, 30)
    assert manifest.delivery_id == f"register-{manifest.sha256[:12]}"
    assert manifest.rows == {"person": 3}
    original = folder / "original" / path.name
    assert original.read_bytes() == path.read_bytes()
    assert not original.stat().st_mode & stat.S_IWUSR
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    table = pq.read_table(folder / "person.parquet")
    assert table.schema.equals(TABLES["person"])
    assert set(table["delivery_id"].to_pylist()) == {manifest.delivery_id}
    assert table["source_row"].to_pylist() == [2, 3, 4]
    assert table["sex"].to_pylist() == ["m", "f", "d"]
    assert table["block_code"].to_pylist() == ["99901001B0001", None, "99901002B0003"]
    assert not list((instance.paths.protected / "landing_work").iterdir())


def test_same_content_is_one_delivery_whatever_its_name(instance: Instance, deliver: Deliver) -> None:
    deliver()
    deliver("register_2024-06-30_Kopie.csv", day=4)
    report = land_source(instance, register())
    assert (report.landed, report.duplicate) == (1, 1)

    again = land_source(instance, register())
    assert (again.landed, again.duplicate, again.delivery_ids) == (0, 2, ())
    assert again.newest_period_end == date(2024, 6, 30)


def test_correction_supersedes_and_both_stay(instance: Instance, deliver: Deliver) -> None:
    deliver(rows=ROWS[:2])
    deliver("register_2024-06-30_Korrektur.csv", day=9)
    land_source(instance, register())
    write_delivery_table(instance)

    rows = pq.read_table(registry_path(instance)).to_pylist()
    status = {row["file_name"]: row["status"] for row in rows}
    assert status == {"register_2024-06-30.csv": "superseded", "register_2024-06-30_Korrektur.csv": "current"}
    by_name = {row["file_name"]: row for row in rows}
    first = by_name["register_2024-06-30.csv"]["delivery_id"]
    assert by_name["register_2024-06-30_Korrektur.csv"]["supersedes"] == first
    assert {row["row_count"] for row in rows} == {2, 3}


def test_truncated_file_is_quarantined_and_last_good_delivery_stays(
    instance: Instance, deliver: Deliver
) -> None:
    deliver(day=1)
    deliver("register_2024-06-30_neu.csv", rows=[*ROWS, "30.06.2024;p4;9990"], day=2)
    report = land_source(instance, register())
    write_delivery_table(instance)

    assert (report.landed, report.quarantined) == (1, 1)
    bad = next(item for item in read_manifests(instance) if item.status == "quarantined")
    assert [(issue.rule, issue.row) for issue in bad.issues] == [("Zeile unvollständig", 5)]
    assert bad.period_end == date(2024, 6, 30)
    folder = folder_of(instance, bad)
    assert not list(folder.glob("*.parquet"))
    assert (folder / "original" / "register_2024-06-30_neu.csv").exists()
    statuses = {row["file_name"]: row["status"] for row in pq.read_table(registry_path(instance)).to_pylist()}
    assert statuses == {"register_2024-06-30.csv": "current", "register_2024-06-30_neu.csv": "quarantined"}


def test_missing_column_names_file_row_column_and_rule(instance: Instance, deliver: Deliver) -> None:
    rows = [row.rsplit(";", 1)[0] for row in ROWS]
    deliver(header=HEADER.removesuffix(";Alter"), rows=rows)
    land_source(instance, register())

    manifest = only(instance)
    (issue,) = manifest.issues
    assert (issue.severity, issue.rule, issue.row, issue.column) == ("refusal", "Spalte fehlt", 1, "Alter")
    report = json.loads((folder_of(instance, manifest) / "pruefbericht.json").read_text())
    assert report["datei"] == "register_2024-06-30.csv"
    page = (folder_of(instance, manifest) / "pruefbericht.html").read_text()
    for word in ("zurückgewiesen", "register_2024-06-30.csv", "Spalte fehlt", "Alter"):
        assert word in page
    assert "http://" not in page and "https://" not in page


def test_renamed_column_is_a_warning(instance: Instance, deliver: Deliver) -> None:
    deliver(header=HEADER.replace("Geschlecht", "Sex"))
    report = land_source(instance, register())
    assert (report.landed, report.warnings) == (1, 1)
    (issue,) = only(instance).issues
    assert (issue.rule, issue.column) == ("Spaltenname geändert", "Sex")


def test_unknown_column_is_a_warning_and_wrong_name_a_refusal(instance: Instance, deliver: Deliver) -> None:
    deliver(header=HEADER + ";Neu", rows=[row + ";x" for row in ROWS])
    deliver("irgendwas.csv", day=2)
    report = land_source(instance, register())
    assert (report.landed, report.warnings, report.quarantined) == (1, 1, 1)
    rules = {item.status: item.issues[0].rule for item in read_manifests(instance)}
    assert rules == {"landed": "Unbekannte Spalte", "quarantined": "Dateiname"}


def test_exception_in_adapter_stops_neither_the_file_nor_the_others(
    instance: Instance, deliver: Deliver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(day=1)
    deliver("register_2023-12-31.csv", rows=[row.replace("30.06.2024", "31.12.2023") for row in ROWS], day=2)
    real = registry.adapter("delimited")

    class Breaking:
        name = "breaking"

        def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
            if "2024" in path.name:
                raise ValueError(f"cannot read {CANARY}")
            return real.parse(path, source)

    monkeypatch.setattr("ingestion.landing.land.adapter", lambda _: Breaking())
    with caplog.at_level(logging.DEBUG):
        report = land_source(instance, register())

    assert (report.landed, report.quarantined) == (1, 1)
    bad = next(item for item in read_manifests(instance) if item.status == "quarantined")
    assert bad.issues[0].rule == "Datei konnte nicht gelesen werden"
    assert CANARY not in caplog.text and "ValueError" in caplog.text
    assert CANARY not in bad.model_dump_json()
    assert not list((instance.paths.protected / "landing_work").iterdir())


@pytest.mark.parametrize(
    "row",
    [
        f"30.06.2024;p9;99901001;;{CANARY};34",  # unknown code
        f"30.06.2024;p9;99901001;;m;{CANARY}",  # no number
        f"30.06.2024;{CANARY};99901001;;m;34\n30.06.2024;{CANARY};99901001;;m;34",  # key twice
        f"30.06.2024;{CANARY};99901001;;m;300",  # impossible age
        f"30.06.2024;{CANARY};;;m;30",  # required value missing
        f"{CANARY};p9;99901001;;m;30",  # no date
        f"30.06.2024;{CANARY};99",  # truncated
    ],
)
def test_personal_values_appear_nowhere_but_in_the_original(
    instance: Instance, deliver: Deliver, row: str, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(rows=[*ROWS, row])
    messages: list[str] = []
    with caplog.at_level(logging.DEBUG):
        report = land_source(instance, register(), messages.append)
    assert report.quarantined == 1
    folder = folder_of(instance, only(instance))
    for name in ("manifest.json", "pruefbericht.json", "pruefbericht.html"):
        assert CANARY not in (folder / name).read_text(), name
    assert CANARY not in caplog.text
    assert CANARY not in " ".join(messages)
    assert CANARY in (folder / "original" / "register_2024-06-30.csv").read_text()


def test_value_is_named_for_sources_without_personal_data(instance: Instance, deliver: Deliver) -> None:
    deliver(rows=[*ROWS, "30.06.2024;p9;99901001;;quer;34"])
    land_source(instance, register(personal=False))
    (issue,) = only(instance).issues
    assert (issue.rule, issue.row, issue.value) == ("Unbekannter Schlüssel", 5, "quer")


def test_quarantined_file_is_checked_again_when_the_configuration_changed(
    instance: Instance, deliver: Deliver
) -> None:
    deliver(header=HEADER.replace("Alter", "Lebensalter"))
    source = register()
    assert land_source(instance, source).quarantined == 1
    assert land_source(instance, source).duplicate == 1

    options = json.loads(json.dumps(source.options))
    options["parts"][0]["columns"]["age"]["aliases"] = ["Lebensalter"]
    assert land_source(instance, register(options=options)).landed == 1
    assert only(instance).status == "landed"


def test_changed_configuration_reads_again_but_never_takes_away_a_good_delivery(
    instance: Instance, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    deliver()
    source = register()
    land_source(instance, source)
    before = only(instance)

    relabelled = land_source(instance, register(label="Anderer Name"))
    assert (relabelled.landed, relabelled.duplicate) == (0, 1)  # labels do not decide how a file is read

    options = json.loads(json.dumps(source.options))
    options["parts"][0]["columns"]["age"]["header"] = "Tippfehler"
    broken = land_source(instance, register(options=options))
    assert (broken.landed, broken.quarantined, broken.warnings) == (0, 0, 1)
    assert only(instance) == before
    assert "kept as it was" in caplog.text

    options = json.loads(json.dumps(source.options))
    options["parts"][0]["columns"]["sex"]["map"]["d"] = "m"
    assert land_source(instance, register(options=options)).landed == 1
    after = only(instance)
    assert after.received_at == before.received_at
    assert pq.read_table(folder_of(instance, after) / "person.parquet")["sex"].to_pylist() == ["m", "f", "m"]


def test_wrong_encoding_and_empty_files_are_refused(instance: Instance, deliver: Deliver) -> None:
    deliver("register_2023-06-30.csv", content=(HEADER + "\n30.06.2023;pä;99901001;;m;3\n").encode("cp1252"))
    deliver("register_2023-12-31.csv", content=b"", day=2)
    deliver("register_2024-06-30.csv", content=(HEADER + "\n").encode(), day=3)
    report = land_source(instance, register())
    assert report.quarantined == 3
    rules = {item.file_name[9:16]: item.issues[0].rule for item in read_manifests(instance)}
    assert rules == {
        "2023-06": "Zeichensatz",
        "2023-12": "Leere Datei",
        "2024-06": "Keine Daten",
    }


def test_reference_date_must_match_the_file_name(instance: Instance, deliver: Deliver) -> None:
    deliver("register_2024-12-31.csv")
    land_source(instance, register())
    assert only(instance).issues[0].rule == "Stichtag passt nicht zum Dateinamen"


def test_empty_tables_have_the_contract_schemas(instance: Instance) -> None:
    folder = write_empty_tables(instance)
    assert folder == instance.paths.landing / "_empty" / "_empty"
    for name, schema in TABLES.items():
        table = pq.read_table(folder / f"{name}.parquet")
        assert table.num_rows == 0
        assert table.schema.equals(schema), name


def test_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="delimited"):
        registry.adapter("lochkarte")


def test_delivery_table_is_deterministic(instance: Instance, deliver: Deliver) -> None:
    deliver()
    land_source(instance, register())
    path = write_delivery_table(instance)
    before = path.read_bytes()
    written = path.stat().st_mtime_ns
    assert write_delivery_table(instance).read_bytes() == before
    assert path.stat().st_mtime_ns == written
    assert pq.read_schema(path).field("received_at").type == pa.timestamp("us")
