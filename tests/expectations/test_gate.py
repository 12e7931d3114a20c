"""The landing gate: each rule refuses (or warns about) exactly its fault and names the row."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from expectations.gate import check
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.landing.contracts import TABLES
from lagebild.instance import SourceConfig


def source(table: str, personal: bool = False, **options: Any) -> SourceConfig:
    return SourceConfig.model_validate(
        {
            "id": "probe",
            "label": "Probe",
            "supplier": "Amt",
            "contact": "amt@beispiel.example",
            "legal_basis": "Beschluss",
            "format": "delimited",
            "files": "${INBOX}/*",
            "tables": (table,),
            "cycle": "yearly",
            "reference_day": "31.12.",
            "personal": personal,
            "options": {},
            "checks": options,
        }
    )


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    fields = [
        pa.field(field.name, field.type)
        for field in TABLES[name]
        if field.name not in ("delivery_id", "source_id")
    ]
    numbered = [{"source_row": number} | row for number, row in enumerate(rows, start=2)]
    return pa.Table.from_pylist(numbered, schema=pa.schema(fields))


def person(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "reference_date": date(2024, 6, 30),
        "person_key": key,
        "gemeinde_code": "99901001",
        "block_code": "99901001B0001",
        "sex": "m",
        "age": 30,
    } | changes


def figure(**changes: Any) -> dict[str, Any]:
    return {
        "area_system": "sozialraum",
        "area_level": "gemeinde",
        "area_code": "99901001",
        "period_type": "jahr",
        "period_start": date(2024, 1, 1),
        "period_end": date(2024, 12, 31),
        "measure_id": "births",
        "group_id": "total",
        "value": 3.0,
        "obs_status": "A",
        "conf_status": "F",
    } | changes


def judge(name: str, rows: list[dict[str, Any]], **options: Any) -> list[Issue]:
    personal = options.pop("personal", False)
    return check(source(name, personal, **options), ParsedDelivery({name: table(name, rows)}))


def test_clean_tables_pass() -> None:
    assert judge("person", [person("a"), person("b", block_code=None)]) == []
    assert judge("observation", [figure(), figure(group_id="sex=m", value=None, conf_status="C")]) == []


@pytest.mark.parametrize(
    ("changes", "rule", "column"),
    [
        ({"sex": "x"}, "Unzulässiger Wert", "sex"),
        ({"nationality": "fr"}, "Unzulässiger Wert", "nationality"),
        ({"age": 126}, "Wert außerhalb des Möglichen", "age"),
        ({"age": -1}, "Wert außerhalb des Möglichen", "age"),
        ({"gemeinde_code": None}, "Pflichtangabe fehlt", "gemeinde_code"),
        ({"person_key": "a"}, "Doppelte Zeile", "reference_date, person_key"),
    ],
)
def test_person_rules(changes: dict[str, Any], rule: str, column: str) -> None:
    (issue,) = judge("person", [person("a"), person("b") | changes])
    assert (issue.severity, issue.rule, issue.column) == ("refusal", rule, column)
    assert issue.row == (2 if rule == "Doppelte Zeile" else 3)


@pytest.mark.parametrize(
    ("changes", "rule", "column"),
    [
        ({"value": -1.0}, "Negative Zahl", "value"),
        ({"obs_status": "Z"}, "Unzulässiger Wert", "obs_status"),
        ({"conf_status": "?"}, "Unzulässiger Wert", "conf_status"),
        ({"area_code": None}, "Pflichtangabe fehlt", "area_code"),
    ],
)
def test_observation_rules(changes: dict[str, Any], rule: str, column: str) -> None:
    (issue,) = judge("observation", [figure(), figure(group_id="sex=m") | changes])
    assert (issue.severity, issue.rule, issue.column, issue.row) == ("refusal", rule, column, 3)


def test_duplicate_figure_and_allowed_negative() -> None:
    assert [issue.rule for issue in judge("observation", [figure(), figure(value=4.0)])] == ["Doppelte Zeile"]
    assert judge("observation", [figure(value=-2.0)], allow_negative=True) == []


def test_row_count_bounds() -> None:
    rows = [person("a"), person("b")]
    assert [issue.rule for issue in judge("person", rows, expected_rows_min=3)] == ["Zeilenzahl ungewöhnlich"]
    assert [issue.rule for issue in judge("person", rows, expected_rows_max=1)] == ["Zeilenzahl ungewöhnlich"]
    assert [issue.rule for issue in judge("person", [])] == ["Zeilenzahl ungewöhnlich"]


def test_missing_blocks_are_a_warning_above_the_share() -> None:
    rows = [
        person(f"p{number}", block_code=None if number < 25 else "99901001B0001") for number in range(100)
    ]
    assert judge("person", rows, max_missing_block_share=0.25) == []
    (issue,) = judge("person", rows, max_missing_block_share=0.24)
    assert (issue.severity, issue.row) == ("warning", 2)
    assert judge("person", rows[:40], max_missing_block_share=0.24) == []  # too few rows for a share


def test_values_of_persons_are_never_named() -> None:
    (named,) = judge("person", [person("a", sex="geheim")])
    assert named.value == "geheim"
    (silent,) = judge("person", [person("a", sex="geheim")], personal=True)
    assert silent.value is None and "geheim" not in silent.message


def test_structure() -> None:
    good = table("person", [person("a")])
    configured = source("person")
    assert [issue.rule for issue in check(configured, ParsedDelivery({}))] == ["Tabelle fehlt"]
    extra = good.append_column("note", pa.array(["x"]))
    assert [issue.rule for issue in check(configured, ParsedDelivery({"person": extra}))] == [
        "Unerwartete Spalte"
    ]
    lacking = good.drop_columns(["person_key"])
    assert [issue.rule for issue in check(configured, ParsedDelivery({"person": lacking}))] == [
        "Spalte fehlt"
    ]
    text = good.set_column(good.schema.get_field_index("age"), "age", pa.array(["alt"]))
    assert [issue.rule for issue in check(configured, ParsedDelivery({"person": text}))] == [
        "Falscher Datentyp"
    ]
    both = ParsedDelivery({"person": good, "budget": table("budget", [])})
    assert [issue.rule for issue in check(configured, both)] == ["Unerwartete Tabelle"]


def recommendation(name: str, **changes: Any) -> dict[str, Any]:
    row = {
        "recommendation_id": name,
        "title": "Treff",
        "theme": "teilhabe",
        "goal": "Nachbarschaft",
        "status": "geplant",
    }
    return row | {"source_row": 2} | changes


@pytest.mark.parametrize("named", ["Frau Müller", "Herr Dr. Özil", "Dr. Ada Lovelace", "anna@kreis.example"])
def test_a_responsible_office_is_no_person(named: str) -> None:
    offices = ("Jobcenter", "Gleichstellungsbüro für Frauen", "Büro für Frau und Beruf", None)
    rows = [recommendation(f"HE-{number}", responsible=office) for number, office in enumerate(offices)]
    assert judge("recommendation", rows) == []
    (issue,) = judge("recommendation", [*rows, recommendation("HE-9", responsible=named)])
    assert (issue.severity, issue.rule, issue.column) == ("refusal", "Person statt Stelle", "responsible")
    assert judge("recommendation", [recommendation("HE-1")]) == []  # a register from before the column


def test_a_table_agreed_later_may_be_missing() -> None:
    rows = table("recommendation", [recommendation("HE-1")])
    configured = source("recommendation").model_copy(
        update={"tables": ("recommendation", "recommendation_status")}
    )
    assert [issue.rule for issue in check(configured, ParsedDelivery({"recommendation": rows}))] == [
        "Tabelle fehlt"
    ]
    later = configured.model_copy(update={"optional_tables": ("recommendation_status",)})
    assert check(later, ParsedDelivery({"recommendation": rows})) == []
