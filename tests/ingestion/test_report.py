"""The Prüfbericht as page and workbook, the stored validations and the Prüfseiten."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from expectations.gate import check
from ingestion.formats.base import ParsedDelivery
from ingestion.landing.check_pages import build_pages
from ingestion.landing.manifest import MANIFEST_NAME, Manifest, ManifestIssue
from ingestion.landing.report import column_label, grouped, write_report
from ingestion.landing.validations import VALIDATION_NAME, Validations
from lagebild.instance import Instance, SourceConfig
from tests.expectations.test_gate import figure, person, table

CANARY = "Kanarienvogel4711"


def source(personal: bool = False, tables: tuple[str, ...] = ("observation",)) -> SourceConfig:
    return SourceConfig.model_validate(
        {
            "id": "probe",
            "label": "Wohnungen <Stadt>",
            "supplier": "Bauamt",
            "contact": "bau@beispiel.example",
            "legal_basis": "Beschluss",
            "format": "workbook",
            "files": "${INBOX}/*",
            "tables": tables,
            "cycle": "yearly",
            "reference_day": "31.12.",
            "personal": personal,
        }
    )


def issue(**changes: Any) -> ManifestIssue:
    fields: dict[str, Any] = {
        "severity": "refusal",
        "rule": "Keine Zahl",
        "message": "Hier wird eine Zahl erwartet.",
    }
    return ManifestIssue.model_validate(fields | changes)


def manifest(*issues: ManifestIssue, status: str = "quarantined") -> Manifest:
    return Manifest.model_validate(
        {
            "delivery_id": "probe-0123456789ab",
            "source_id": "probe",
            "instance": "probe",
            "status": status,
            "received_at": datetime(2024, 7, 1, 22, 30, tzinfo=UTC),
            "file_name": "=Wohnen.xlsx",
            "file_modified_at": datetime(2024, 7, 1, tzinfo=UTC),
            "sha256": "0" * 64,
            "size_bytes": 1,
            "period_type": "stichtag",
            "period_start": date(2023, 12, 31),
            "period_end": date(2023, 12, 31),
            "issues": issues,
            "warnings": sum(item.severity == "warning" for item in issues),
            "adapter": "workbook",
            "config_fingerprint": "x",
        }
    )


def test_page_says_first_what_to_do_and_keeps_severities_apart(tmp_path: Path) -> None:
    issues = (
        issue(severity="warning", rule="Sprung", message="Bitte prüfen."),
        issue(row=7, sheet="A", column="value"),
    )
    write_report(tmp_path, manifest(*issues), source())
    html = (tmp_path / "pruefbericht.html").read_text(encoding="utf-8")
    order = [
        html.index(text)
        for text in (
            "Was jetzt zu tun ist",
            "zuerst „Keine Zahl“",
            "<h2>Fehler",
            "<h2>Hinweise",
            "pruefbericht.xlsx",
        )
    ]
    assert order == sorted(order)
    assert "Wohnungen &lt;Stadt&gt;" in html and "<Stadt>" not in html
    assert '<html lang="de">' in html and "@media print" in html and 'scope="col"' in html
    assert "02.07.2024 00:30 Uhr" in html  # by the clock of the offices
    assert "<td>Wert</td>" in html  # a column of the contract in words


def test_accepted_with_warnings_reads_so(tmp_path: Path) -> None:
    write_report(tmp_path, manifest(issue(severity="warning"), status="landed"), source())
    html = (tmp_path / "pruefbericht.html").read_text(encoding="utf-8")
    assert "mit Hinweisen angenommen" in html and "<h2>Fehler" not in html


def test_workbook_lists_every_finding(tmp_path: Path) -> None:
    issues = [issue(row=number, sheet="Blatt", column="Wert", value=str(number)) for number in range(3, 9)]
    write_report(tmp_path, manifest(*issues, issue(severity="warning", rule="Sprung")), source())
    book = openpyxl.load_workbook(tmp_path / "pruefbericht.xlsx")
    assert book.sheetnames == ["Übersicht", "Beanstandungen"]
    lines = list(book["Beanstandungen"].iter_rows(values_only=True))
    assert lines[0][:8] == ("Art", "Regel", "Datei", "Blatt", "Zeile", "Spalte", "Wert", "Was ist zu tun?")
    assert [line[4] for line in lines[1:]] == [3, 4, 5, 6, 7, 8, None]
    assert [line[0] for line in lines[1:]] == ["Fehler"] * 6 + ["Hinweis"]
    overview = dict(line[:2] for line in book["Übersicht"].iter_rows(values_only=True))
    assert overview["Fehler: Keine Zahl"] == 6 and overview["Hinweis: Sprung"] == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_nothing_in_the_workbook_runs(tmp_path: Path, start: str) -> None:
    evil = f'{start}HYPERLINK("http://boese.example","klick")'
    write_report(
        tmp_path, manifest(issue(value=evil, sheet=evil, column=evil, message=evil, rule=evil)), source()
    )
    book = openpyxl.load_workbook(tmp_path / "pruefbericht.xlsx")
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert not [cell for cell in cells if cell.data_type == "f"]
    texts = [cell for cell in cells if isinstance(cell.value, str) and "HYPERLINK" in cell.value]
    assert len(texts) >= 5
    assert all(
        cell.quotePrefix for cell in texts if cell.value.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    )
    assert openpyxl.load_workbook(tmp_path / "pruefbericht.xlsx")["Beanstandungen"]["C2"].data_type == "s"


def test_control_characters_do_not_break_the_workbook(tmp_path: Path) -> None:
    write_report(tmp_path, manifest(issue(value="a\x00b\x07c")), source())
    assert openpyxl.load_workbook(tmp_path / "pruefbericht.xlsx")["Beanstandungen"]["G2"].value


def test_groups_put_refusals_first_and_keep_the_order_of_the_file() -> None:
    found = grouped(
        [
            issue(severity="warning", rule="W"),
            issue(rule="B", row=9),
            issue(rule="A"),
            issue(rule="B", row=12),
        ]
    )
    assert [(group.rule, len(group.issues)) for group in found] == [("B", 2), ("A", 1), ("W", 1)]
    assert column_label("reference_date, person_key") == "Stichtag, Personenkennzeichen"
    assert column_label("Plätze") == "Plätze" and column_label(None) == ""


def judged(personal: bool) -> list[Any]:
    rows = [person("a"), person("b", sex=CANARY, age=130)] if personal else [figure(obs_status=CANARY)]
    name = "person" if personal else "observation"
    config = source(personal, (name,))
    recorder = Validations(config)
    check(config, ParsedDelivery({name: table(name, rows)}), record=recorder)
    return recorder._results


def test_stored_validations_hold_no_value_of_a_person() -> None:
    personal = json.dumps(judged(True), default=str)
    assert CANARY not in personal and "130" not in personal and "unexpected_count" in personal
    assert CANARY in json.dumps(judged(False), default=str)


@pytest.mark.parametrize("personal", [True, False])
def test_check_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, personal: bool) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    instance = Instance("musterkreis")
    assert build_pages(instance) is None
    days = {"probe-a": datetime(2024, 7, 1, tzinfo=UTC), "probe-b": datetime(2024, 7, 2, tzinfo=UTC)}
    for name, day in days.items():
        folder = instance.paths.quarantine / "probe" / name
        folder.mkdir(parents=True)
        item = manifest(issue()).model_copy(update={"delivery_id": name, "received_at": day})
        (folder / MANIFEST_NAME).write_text(item.model_dump_json(), encoding="utf-8")
        (folder / VALIDATION_NAME).write_text(json.dumps(judged(personal), default=str), encoding="utf-8")
    index = build_pages(instance)
    assert index is not None and instance.paths.protected in index.parents
    text = index.read_text(encoding="utf-8")
    assert "02.07.2024" in text and "probe-b-0.html" in text and "probe-a-0.html" not in text
    assert "zurückgewiesen" in text
    page = (index.parent / "probe-b-0.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page and "<script" not in page and 'src="http' not in page
    assert "Zurück zur Übersicht" in page
    assert (CANARY in page) == (not personal)
    everything = build_pages(instance, everything=True)
    assert everything is not None and "probe-a-0.html" in everything.read_text(encoding="utf-8")
