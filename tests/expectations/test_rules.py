"""Rules over more than one cell: each passes, fails and stands exactly at its tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from expectations.context import Earlier, KnownArea, KnownAreas, MeasureFacts, StaticContext
from expectations.gate import NAMED_ROWS, check
from expectations.rules.observed import observed
from expectations.rules.sums import disjoint
from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.landing.contracts import TABLES
from lagebild.instance import SourceConfig

DAY = date(2024, 12, 31)
OLD = date(2010, 1, 1)
PERIOD = DeliveryPeriod("stichtag", DAY, DAY)


def area(level: str, code: str, parent: str | None, start: date = OLD, end: date | None = None) -> KnownArea:
    return KnownArea("raum", level, code, parent, start, end, f"Ort {code}")


REGISTER = KnownAreas(
    areas=(
        area("kreis", "9", None),
        area("gemeinde", "91", "9"),
        area("gemeinde", "92", "9"),
        area("gemeinde", "97", "9", end=date(2017, 12, 31)),
        area("gemeinde", "98", "9", start=date(2025, 1, 1)),
        area("block", "91B1", "91"),
    ),
    levels={"raum": ("kreis", "gemeinde", "block")},
    successors={("raum", "gemeinde", "97"): ("92",)},
)


def facts(name: str, **changes: Any) -> MeasureFacts:
    known: dict[str, Any] = {
        "measure_id": name,
        "label": f"Zahl {name}",
        "unit": "Personen",
        "value_kind": "count",
        "additive": True,
        "source_id": "probe",
        "input": "observation",
        "where": "true",
        "value": "count(*)",
        "period_type": "stichtag",
        "area_system": "raum",
    }
    return MeasureFacts(**known | changes)


def source(table: str = "observation", personal: bool = False, **checks: Any) -> SourceConfig:
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
            "checks": checks,
        }
    )


def row(
    level: str, code: str, value: float | None, measure: str = "m", group: str = "total"
) -> dict[str, Any]:
    return {
        "area_system": "raum",
        "area_level": level,
        "area_code": code,
        "period_type": "stichtag",
        "period_start": DAY,
        "period_end": DAY,
        "measure_id": measure,
        "group_id": group,
        "value": value,
        "obs_status": "A",
        "conf_status": "F" if value is not None else "C",
    }


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    fields = [item for item in TABLES[name] if item.name not in ("delivery_id", "source_id")]
    numbered = [{"source_row": number} | item for number, item in enumerate(rows, start=2)]
    return pa.Table.from_pylist(numbered, schema=pa.schema(fields))


def judge(
    rows: list[dict[str, Any]],
    config: SourceConfig | None = None,
    measures: Mapping[str, MeasureFacts] | None = None,
    name: str = "observation",
    kommune: str | None = None,
    part: str | None = None,
    **context: Any,
) -> list[Issue]:
    known = {"m": facts("m")} if measures is None else measures
    parsed = ParsedDelivery({name: table(name, rows)}, (), PERIOD, kommune, part)
    return check(config or source(name), parsed, StaticContext(measures=known, **context))


def found(issues: list[Issue]) -> list[tuple[str, str]]:
    return [(issue.severity, issue.rule) for issue in issues]


COMPLETE = [row("kreis", "9", 30.0), row("gemeinde", "91", 10.0), row("gemeinde", "92", 20.0)]


def test_a_complete_delivery_passes_all_rules() -> None:
    earlier = Earlier(date(2023, 12, 31), {"observation": 3}, {("m", "total", "raum", "kreis", "9"): 29.0})
    assert judge(COMPLETE, areas=REGISTER, previous=earlier) == []


# --- area keys


def test_many_unknown_keys_of_a_lenient_source_are_one_hint() -> None:
    former = [row("gemeinde", code, 0.0) for code in ("93", "94", "95", "96", "88", "89")]
    lenient = source(areas={"severity": "warning"})
    (issue,) = judge([*COMPLETE, *former], lenient, areas=REGISTER)
    assert (issue.severity, issue.rule) == ("warning", "Unbekannter Gebietsschlüssel")
    assert issue.message.startswith("6 Gebietsschlüssel sind betroffen: 88, 89, 93, 94, 95 und 1 weitere.")
    assert (issue.value, issue.row) == ("88", 9)
    (alone,) = judge([*COMPLETE, former[0]], lenient, areas=REGISTER)
    assert alone.value == "93" and "Gebietsschlüssel sind betroffen" not in alone.message
    strict = judge([*COMPLETE, *former], areas=REGISTER)
    assert (
        found(strict) == [("refusal", "Unbekannter Gebietsschlüssel")] * 6
    )  # the supplier has to correct each


def test_unknown_key_is_refused_and_named() -> None:
    issues = judge([*COMPLETE, row("gemeinde", "99", 0.0)], areas=REGISTER)
    assert found(issues) == [("refusal", "Unbekannter Gebietsschlüssel")]
    assert (issues[0].value, issues[0].row) == ("99", 5)


def test_dissolved_key_names_its_successor() -> None:
    (issue,) = judge([*COMPLETE, row("gemeinde", "97", 0.0)], areas=REGISTER)
    assert (issue.severity, issue.rule) == ("refusal", "Aufgelöster Gebietsschlüssel")
    assert "31.12.2017" in issue.message and "Nachfolger: 92" in issue.message


def test_future_key_says_since_when() -> None:
    (issue,) = judge([*COMPLETE, row("gemeinde", "98", 0.0)], areas=REGISTER)
    assert issue.rule == "Aufgelöster Gebietsschlüssel" and "01.01.2025" in issue.message


@pytest.mark.parametrize(("code", "good"), [("91-NZ", True), ("9-NZ", True), ("93-NZ", False)])
def test_unassigned_is_known_as_far_as_its_area_is(code: str, good: bool) -> None:
    issues = judge([*COMPLETE, row("gemeinde", code, 0.0)], areas=REGISTER)
    assert (issues == []) == good


def test_keys_are_judged_at_the_day_of_the_figures() -> None:
    last_day = [
        item | {"period_start": date(2017, 12, 31), "period_end": date(2017, 12, 31)} for item in COMPLETE
    ]
    extra = row("gemeinde", "97", 0.0) | {
        "period_start": date(2017, 12, 31),
        "period_end": date(2017, 12, 31),
    }
    assert judge([*last_day, extra], areas=REGISTER) == []


def test_without_a_landed_register_the_report_says_so() -> None:
    assert found(judge(COMPLETE, areas=KnownAreas())) == [("warning", "Gebiete nicht geprüft")]
    assert judge(COMPLETE, areas=None) == []


def test_a_level_the_register_lacks_is_a_warning() -> None:
    issues = judge([*COMPLETE, row("land", "01", 5.0)], areas=REGISTER)
    assert found(issues) == [("warning", "Gebiete nicht geprüft")]


def test_keys_of_persons_are_judged_but_never_named() -> None:
    people = [
        {"reference_date": DAY, "person_key": "a", "gemeinde_code": "91", "block_code": "91B1"},
        {"reference_date": DAY, "person_key": "b", "gemeinde_code": "Geheim", "block_code": None},
    ]
    issues = judge(people, source("person", personal=True), name="person", areas=REGISTER)
    assert found(issues) == [("refusal", "Unbekannter Gebietsschlüssel")]
    assert issues[0].row == 3 and issues[0].value is None and "Geheim" not in issues[0].message


# --- completeness


def test_missing_area_is_a_warning_per_level() -> None:
    (issue,) = judge([row("gemeinde", "91", 10.0)], areas=REGISTER)
    assert (issue.severity, issue.rule) == ("warning", "Gebiete fehlen") and "92" in issue.message


def test_missing_measure_is_a_warning_unless_the_file_is_a_part() -> None:
    known = {"m": facts("m"), "n": facts("n")}
    (issue,) = judge(COMPLETE, measures=known, areas=REGISTER)
    assert issue.rule == "Angabe fehlt ganz" and "Zahl n" in issue.message
    assert judge(COMPLETE, measures=known, areas=REGISTER, part="tabelle-1") == []


def test_a_kommune_has_to_name_its_own_areas_only() -> None:
    assert judge([row("gemeinde", "91", 10.0)], areas=REGISTER, kommune="91") == []
    issues = judge([row("gemeinde", "91", 10.0)], areas=REGISTER, kommune="9")
    assert found(issues) == [("warning", "Gebiete fehlen")]


def test_completeness_may_refuse_or_be_off() -> None:
    rows = [row("gemeinde", "91", 10.0)]
    strict = judge(rows, source(completeness={"severity": "refusal"}), areas=REGISTER)
    assert found(strict) == [("refusal", "Gebiete fehlen")]
    assert judge(rows, source(completeness={"severity": "off"}), areas=REGISTER) == []
    assert judge(rows, source(completeness={"sparse": ["m"]}), areas=REGISTER) == []


# --- sums


@pytest.mark.parametrize(
    ("total", "options", "expected"),
    [
        (30.0, {}, []),
        (31.0, {}, [("warning", "Gebiete ergeben nicht das Gebiet darüber")]),
        (31.0, {"severity": "refusal"}, [("refusal", "Gebiete ergeben nicht das Gebiet darüber")]),
        (31.0, {"tolerance": 1.0}, []),
        (31.1, {"tolerance": 1.0}, [("warning", "Gebiete ergeben nicht das Gebiet darüber")]),
        # Two parts and a total rounded to 1: up to 1.5 is rounding of the source.
        (31.5, {"rounding": 1.0}, [("warning", "Rundung der Quelle")]),
        (31.6, {"rounding": 1.0}, [("warning", "Gebiete ergeben nicht das Gebiet darüber")]),
        (31.0, {"severity": "off"}, []),
        (31.0, {"without": ["m"]}, []),
    ],
)
def test_children_give_their_parent(
    total: float, options: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    rows = [row("kreis", "9", total), *COMPLETE[1:]]
    assert found(judge(rows, source(sums=options), areas=REGISTER)) == expected


def test_the_sum_row_of_a_file_is_compared_without_a_register() -> None:
    good = [row("kreis", "9", 30.0), row("gemeinde", "91", 10.0), row("gemeinde", "92", 20.0)]
    assert judge(good) == []
    (issue,) = judge([row("kreis", "9", 31.0), *good[1:]])
    assert issue.rule == "Gebiete ergeben nicht das Gebiet darüber" and issue.row == 2


def test_a_hidden_part_makes_the_sum_a_lower_bound() -> None:
    assert judge([row("kreis", "9", 30.0), row("gemeinde", "91", None), COMPLETE[2]], areas=REGISTER) == []
    issues = judge([row("kreis", "9", 19.0), row("gemeinde", "91", None), COMPLETE[2]], areas=REGISTER)
    assert found(issues) == [("warning", "Gebiete ergeben nicht das Gebiet darüber")]


def test_what_is_not_assigned_counts_towards_its_parent() -> None:
    rows = [row("kreis", "9", 33.0), *COMPLETE[1:], row("gemeinde", "9-NZ", 3.0)]
    assert judge(rows, areas=REGISTER) == []


@pytest.mark.parametrize(
    ("parts", "good"),
    [
        ({"sex=m": 4.0, "sex=f": 6.0}, True),
        ({"sex=m": 4.0, "sex=f": 5.0}, False),
        ({"sex=m": 4.0, "sex=f": None}, True),
        ({"sex=m": 11.0, "sex=f": None}, False),
        ({"sex=m": 4.0}, True),  # a single member is a part, not a breakdown
        ({"age=0-17": 4.0, "age=18+": 5.0}, False),
        ({"age=0-17": 4.0, "age=15+": 5.0}, True),  # overlapping groups add up to nothing
        ({"farbe=rot": 4.0, "farbe=blau": 5.0}, True),  # not declared as a breakdown
    ],
)
def test_parts_give_their_total(parts: dict[str, float | None], good: bool) -> None:
    known = {"m": facts("m", breakdowns=("sex", "age"))}
    rows = [row("kreis", "9", 10.0), *(row("kreis", "9", value, group=name) for name, value in parts.items())]
    expected = [] if good else [("warning", "Teile ergeben nicht die Summe")]
    assert found(judge(rows, measures=known)) == expected


def test_measures_that_do_not_add_up_are_left_alone() -> None:
    rows = [row("kreis", "9", 99.0), *COMPLETE[1:]]
    assert judge(rows, measures={"m": facts("m", additive=False)}, areas=REGISTER) == []


def test_age_groups_that_can_be_added() -> None:
    assert disjoint(["0-2", "3-5", "6+"]) and disjoint(["18-24"])
    assert not disjoint(["0-17", "0-2"]) and not disjoint(["0-2", "4-5"]) and not disjoint(["unbekannt"])


# --- jumps


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1000.0, 3000.0, []),  # exactly three times as much
        (1000.0, 3001.0, [("warning", "Ungewöhnlicher Sprung")]),
        (3001.0, 1000.0, [("warning", "Ungewöhnlicher Sprung")]),
        (10.0, 110.0, [("warning", "Ungewöhnlicher Sprung")]),
        (10.0, 109.0, []),  # less than the smallest remarkable change
        (
            15.0,
            793.0,
            [("warning", "Ungewöhnlicher Sprung")],
        ),  # a shelter opens: too small before for an error of unit
        (500.0, 500_000.0, [("refusal", "Größenordnung")]),
        (500_000.0, 500.0, [("refusal", "Größenordnung")]),
        (500.0, 0.0, [("warning", "Ungewöhnlicher Sprung")]),
    ],
)
def test_jumps(old: float, new: float, expected: list[tuple[str, str]]) -> None:
    earlier = Earlier(date(2023, 12, 31), {}, {("m", "total", "raum", "kreis", "9"): old})
    issues = judge([row("kreis", "9", new)], previous=earlier)
    assert found(issues) == expected
    assert all("31.12.2023" in issue.message for issue in issues)


def test_jumps_can_be_limited() -> None:
    earlier = Earlier(date(2023, 12, 31), {}, {("m", "total", "raum", "kreis", "9"): 1000.0})
    rows = [row("kreis", "9", 900_000.0)]
    assert judge(rows, source(jumps={"without": ["m"]}), previous=earlier) == []
    assert judge(rows, source(jumps={"levels": ["gemeinde"]}), previous=earlier) == []
    assert judge(rows, source(jumps={"severity": "off"}), previous=earlier) == []
    issues = judge(rows, source(jumps={"refuse_factor": None}), previous=earlier)
    assert found(issues) == [("warning", "Ungewöhnlicher Sprung")]


@pytest.mark.parametrize(("before", "expected"), [(150, []), (50, []), (30, ["warning"]), (900, ["warning"])])
def test_number_of_rows_against_the_delivery_before(before: int, expected: list[str]) -> None:
    people = [
        {"reference_date": DAY, "person_key": f"p{number}", "gemeinde_code": "91"} for number in range(150)
    ]
    earlier = Earlier(date(2023, 12, 31), {"person": before}, {})
    issues = judge(people, source("person", personal=True), name="person", previous=earlier)
    assert found(issues) == [(severity, "Fallzahl ungewöhnlich verändert") for severity in expected]


# --- plausibility


@pytest.mark.parametrize(("part", "good"), [(30.0, True), (30.5, False)])
def test_a_part_is_not_larger_than_its_whole(part: float, good: bool) -> None:
    known = {"m": facts("m"), "p": facts("p", part_of=("m",))}
    issues = judge([row("kreis", "9", 30.0), row("kreis", "9", part, measure="p")], measures=known)
    assert found(issues) == ([] if good else [("warning", "Teil größer als das Ganze")])


@pytest.mark.parametrize(("part", "good"), [(1055.0, True), (1055.5, False)])
def test_between_sources_with_tolerance(part: float, good: bool) -> None:
    known = {"p": facts("p", part_of=("w",)), "w": facts("w", source_id="register", input="person")}
    issues = judge(
        [row("kreis", "9", part, measure="p")], measures=known, others={"w": {("raum", "kreis", "9"): 1000.0}}
    )
    assert found(issues) == ([] if good else [("warning", "Widerspruch zu einer anderen Quelle")])


@pytest.mark.parametrize(("inhabitants", "good"), [(10.0, True), (4.7, False)])
def test_cases_are_counted_against_another_source(inhabitants: float, good: bool) -> None:
    known = {
        "p": facts("p", part_of=("w",), input="case", where="case_type = 'hilfe'"),
        "w": facts("w", source_id="register", input="person"),
    }
    case = {"period_type": "stichtag", "period_start": DAY, "period_end": DAY, "gemeinde_code": "91"}
    cases = [case | {"case_type": "hilfe"}] * 10 + [case | {"case_type": "andere"}] * 9
    issues = judge(
        cases,
        source("case", personal=True),
        measures=known,
        name="case",
        areas=REGISTER,
        others={"w": {("raum", "gemeinde", "91"): inhabitants}},
    )
    assert found(issues) == ([] if good else [("warning", "Widerspruch zu einer anderen Quelle")])


# --- ranges and duplicates


@pytest.mark.parametrize(
    ("value", "unit", "ranges", "expected"),
    [
        (100.0, "%", [], []),
        (100.1, "%", [], [("warning", "Wert außerhalb des Möglichen")]),
        (100.1, "%", [{"measure": "m"}], []),
        (7.0, "Klasse", [{"measure": "m", "minimum": 1, "maximum": 7}], []),
        (
            7.5,
            "Klasse",
            [{"measure": "m", "minimum": 1, "maximum": 7}],
            [("refusal", "Wert außerhalb des Möglichen")],
        ),
    ],
)
def test_ranges(value: float, unit: str, ranges: list[Any], expected: list[tuple[str, str]]) -> None:
    known = {"m": facts("m", unit=unit, additive=False)}
    assert found(judge([row("kreis", "9", value)], source(ranges=ranges), measures=known)) == expected


def test_column_range() -> None:
    person = {"reference_date": DAY, "person_key": "a", "gemeinde_code": "91", "age": 17}
    config = source("person", ranges=[{"column": "age", "minimum": 18}])
    assert found(judge([person], config, name="person")) == [("refusal", "Wert außerhalb des Möglichen")]
    assert judge([person | {"age": 18}], config, name="person") == []


def test_cases_that_all_come_twice() -> None:
    cases = [
        {
            "case_type": "hilfe",
            "period_type": "jahr",
            "period_start": date(2024, 1, 1),
            "period_end": DAY,
            "age": age,
        }
        for age in range(12)
    ]
    assert judge(cases, name="case", measures={}) == []
    assert found(judge(cases * 2, name="case", measures={})) == [("refusal", "Inhalt doppelt")]
    assert judge([*cases, *cases[:11]], name="case", measures={}) == []


def test_all_offending_rows_are_named_up_to_the_limit() -> None:
    rows = [row("gemeinde", f"x{number}", -1.0) for number in range(NAMED_ROWS + 3)]
    issues = judge(rows, measures={})
    assert [issue.row for issue in issues[:NAMED_ROWS]] == list(range(2, NAMED_ROWS + 2))
    assert len(issues) == NAMED_ROWS + 1 and "3 weitere" in issues[-1].message


# --- sums between deliveries of one source


def between(own: list[dict[str, Any]], beside: list[dict[str, Any]], **sums: Any) -> list[Issue]:
    config = source(sums={"between_deliveries": True} | sums, completeness={"severity": "off"})
    others = observed(table("observation", beside)) if beside else None
    return judge(own, config, areas=REGISTER, beside=others)


def test_areas_of_one_file_give_the_area_in_another() -> None:
    fine = COMPLETE[1:]
    assert between([row("kreis", "9", 30.0)], fine) == []
    assert between(fine, [row("kreis", "9", 30.0)]) == []
    assert between(fine, []) == []
    (issue,) = between([row("kreis", "9", 31.0)], fine)
    assert (issue.severity, issue.rule) == ("warning", "Gebiete ergeben nicht das Gebiet darüber")
    assert "31.12.2024: 1 von 1 Gebieten weichen ab, größte Abweichung 1" in issue.message
    assert "9 31.12.2024: 30 statt 31" in issue.message
    # Its own earlier state is no other delivery: the level is delivered here.
    assert between(COMPLETE, [row("kreis", "9", 99.0), row("gemeinde", "91", 99.0)]) == []


@pytest.mark.parametrize(
    ("kreis", "rule"), [(31.0, "Rundung"), (31.5, "Rundung"), (31.6, "Gebiete"), (30.0, None)]
)
def test_rounding_between_files_is_told_as_such(kreis: float, rule: str | None) -> None:
    issues = between([row("kreis", "9", kreis)], COMPLETE[1:], rounding=1)
    assert [issue.rule.split()[0] for issue in issues] == ([rule] if rule else [])


def test_a_hidden_area_makes_the_sum_between_files_a_lower_bound() -> None:
    fine = [row("gemeinde", "91", 10.0), row("gemeinde", "92", None)]
    assert between([row("kreis", "9", 30.0)], fine, rounding=1) == []
    assert found(between([row("kreis", "9", 8.0)], fine, rounding=1)) == [
        ("warning", "Gebiete ergeben nicht das Gebiet darüber")
    ]
