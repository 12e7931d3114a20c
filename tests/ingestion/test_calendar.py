"""The delivery calendar: deadlines, every status, coverage, and that nothing expected is lost or told twice."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingestion.landing.calendar import CalendarRow, coverage, delivery_calendar
from ingestion.landing.deliveries import succession
from ingestion.landing.manifest import Manifest
from ingestion.landing.registry import calendar_table
from lagebild.instance import Instance, SourceConfig
from lagebild.supply import Due
from tests.ingestion.agreements import QUARTER, delivery, noon, source

DAY = date(2024, 6, 1)
HALVES = ["06-30", "12-31"]
SIX = ("K", "A", "B", "C", "D", "E")


def rows_of(configured: SourceConfig, *manifests: Manifest, day: date = DAY) -> list[CalendarRow]:
    return delivery_calendar({configured.id: configured}, manifests, day)


def row_2023(configured: SourceConfig, *manifests: Manifest, day: date = DAY) -> CalendarRow:
    (row,) = [
        row
        for row in rows_of(configured, *manifests, day=day)
        if row.period is not None and row.period.end.year == 2023
    ]
    return row


@pytest.mark.parametrize(
    ("due", "end", "expected"),
    [
        ({"months": 3, "day": 31}, date(2023, 12, 31), date(2024, 3, 31)),
        ({"months": 2, "day": 31}, date(2023, 12, 31), date(2024, 2, 29)),
        ({"months": 6, "day": 30}, date(2023, 12, 31), date(2024, 6, 30)),
        ({"months": 3}, date(2023, 6, 30), date(2023, 9, 30)),
        ({"months": 14}, date(2023, 12, 15), date(2025, 2, 15)),
        ({"weeks": 6}, date(2024, 12, 31), date(2025, 2, 11)),
        ({"day": 31}, date(2025, 1, 1), date(2025, 1, 31)),
        ({"days": 10}, date(2024, 2, 20), date(2024, 3, 1)),
    ],
)
def test_deadline(due: dict[str, int], end: date, expected: date) -> None:
    assert Due.model_validate(due).after(end) == expected


@pytest.mark.parametrize(
    ("cycle", "expected", "text"),
    [
        ("yearly", {"period": "jahr", "due": QUARTER}, "31.03. des Folgejahres"),
        ("yearly", {"period": "schuljahr", "due": {"months": 5, "day": 31}}, "31.12. nach dem Schuljahr"),
        ("yearly", {"period": "stand", "days": ["01-01"], "due": {"day": 31}}, "31.01. desselben Jahres"),
        ("half_yearly", {"period": "stichtag", "days": HALVES, "due": {"weeks": 6}}, "sechs Wochen nach dem Stichtag"),
        ("two_yearly", {"period": "stichtag", "days": ["12-15"], "due": {"months": 14}}, "14 Monate nach dem Stichtag"),
        ("monthly", {"period": "monat", "due": {"months": 1, "day": 10}}, "10. des Folgemonats"),
        ("monthly", {"period": "monat", "due": {"months": 1}}, "ein Monat nach dem Monatsende"),
    ],
)  # fmt: skip
def test_deadline_in_words(cycle: str, expected: dict[str, Any], text: str) -> None:
    supply = {"expected": {"first_period": date(2021, 7, 31), **expected}}
    assert source(cycle=cycle, supply=supply).expected_by == text


@pytest.mark.parametrize(
    ("cycle", "expected"),
    [
        ("half_yearly", {"period": "stichtag", "days": ["12-31"], "first_period": "2022-12-31"}),
        ("once", {"period": "stand", "days": ["12-31"], "first_period": "2022-12-31"}),
        ("monthly", {"period": "jahr", "first_period": "2022-12-31"}),
        ("yearly", {"period": "jahr"}),
        ("yearly", {"period": "jahr", "first_period": "2022-12-31", "dates": ["2022-12-31"]}),
        ("yearly", {"period": "stichtag", "days": ["31.12."], "first_period": "2022-12-31"}),
    ],
)
def test_an_agreement_that_contradicts_itself_is_refused(cycle: str, expected: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source(cycle=cycle, supply={"expected": {"due": QUARTER, **expected}})


def test_a_supplier_of_an_unknown_kommune_is_refused() -> None:
    with pytest.raises(ValidationError, match="99"):
        source(coverage=("A",), supply={"suppliers": {"99": {"name": "Amt"}}})


def test_every_status() -> None:
    hze = source()
    assert row_2023(hze, day=date(2024, 3, 31)).status == "expected"
    assert row_2023(hze, day=date(2024, 4, 1)).status == "overdue"
    assert row_2023(hze, delivery("a", date(2024, 3, 31))).status == "arrived"
    assert row_2023(hze, delivery("a", date(2024, 4, 1))).status == "arrived_late"
    refused = delivery("r", date(2024, 3, 1), status="quarantined")
    row = row_2023(hze, refused)
    assert (row.status, row.is_there, row.refused, row.delivery_id) == ("refused", False, 1, "r")
    late = row_2023(hze, refused, delivery("a", date(2024, 4, 9)))
    assert (late.status, late.is_there, late.arrived_on) == ("arrived_late", True, date(2024, 4, 9))


def test_a_correction_does_not_make_a_delivery_late() -> None:
    row = row_2023(source(), delivery("a", date(2024, 3, 1)), delivery("b", date(2024, 5, 1)))
    assert (row.status, row.arrived_on, row.delivery_id, row.deliveries) == (
        "arrived",
        date(2024, 3, 1),
        "b",
        2,
    )


def test_what_was_taken_over_when_the_source_was_set_up_is_not_late() -> None:
    supply = {
        "expected": {
            "period": "jahr",
            "first_period": "2022-12-31",
            "due": QUARTER,
            "backlog_until": "2023-12-31",
        }
    }
    configured = source(supply=supply)
    assert row_2023(configured, delivery("a", date(2024, 5, 30))).status == "arrived"
    assert row_2023(configured).status == "overdue"


def test_nothing_is_released_before_the_embargo_has_passed() -> None:
    expected = {"period": "jahr", "first_period": "2022-12-31", "due": QUARTER}
    embargoed = source(supply={"expected": expected, "embargo": {"dates": {"2023-12-31": "2024-06-15"}}})
    manifest = delivery("a", date(2024, 3, 1))
    before = row_2023(embargoed, manifest, day=date(2024, 6, 14))
    assert (before.status, before.status_label, before.is_there) == (
        "embargoed",
        "gesperrt, frei ab 15.06.2024",
        False,
    )
    assert row_2023(embargoed, manifest, day=date(2024, 6, 15)).status == "arrived"
    by_days = source(supply={"expected": expected, "embargo": {"days": 90}})
    assert row_2023(by_days, manifest, day=date(2024, 3, 29)).status == "embargoed"
    assert row_2023(by_days, manifest, day=date(2024, 3, 30)).status == "arrived"


def test_outside_the_contract_nothing_is_expected_and_what_comes_is_told() -> None:
    agreement = {"title": "Vereinbarung", "valid_from": "2023-01-01"}
    expected = {"period": "jahr", "first_period": "2022-12-31", "due": QUARTER}
    configured = source(
        coverage=("A", "B"),
        supply={
            "expected": expected,
            "agreement": agreement,
            "suppliers": {"B": {"name": "Amt B", "valid_from": "2024-01-01"}},
        },
    )
    stray = delivery("s", date(2024, 2, 1), kommune_code="Z")
    found = {
        (row.kommune_code, row.period.end.year if row.period else 0): row.status
        for row in rows_of(configured, stray)
    }
    assert found == {
        ("A", 2022): "not_agreed",
        ("B", 2022): "not_agreed",
        ("A", 2023): "overdue",
        ("B", 2023): "not_agreed",
        ("Z", 2023): "not_agreed",
        ("A", 2024): "expected",
        ("B", 2024): "expected",
    }


def test_a_register_without_periods_stands_for_the_last_day_agreed_before_it_came() -> None:
    supply = {
        "expected": {
            "period": "stand",
            "days": ["01-01"],
            "first_period": "2022-01-01",
            "due": {"day": 31},
        }
    }
    configured = source(supply=supply)
    found = rows_of(
        configured,
        delivery("a", date(2022, 1, 20), end=None, file_name="x.csv"),
        delivery("b", date(2024, 2, 20), end=None, file_name="x.csv"),
    )
    assert [(row.period_label, row.status, row.is_there) for row in found] == [
        ("Stand 01.01.2022", "arrived", True),
        ("Stand 01.01.2023", "overdue", False),
        ("Stand 01.01.2024", "arrived_late", True),
        ("Stand 01.01.2025", "expected", False),
    ]


def test_a_period_in_parts_is_there_when_all_parts_are() -> None:
    supply = {
        "expected": {
            "period": "jahr",
            "first_period": "2022-12-31",
            "due": QUARTER,
            "parts": ["kreis", "gemeinde"],
        }
    }
    configured = source(supply=supply)
    half = delivery("a", date(2024, 3, 1), part="kreis")
    row = row_2023(configured, half)
    assert (row.status, row.status_label, row.is_there, row.missing_parts) == (
        "overdue",
        "überfällig, unvollständig",
        False,
        ("gemeinde",),
    )
    other = delivery("b", date(2024, 4, 2), part="gemeinde")
    assert succession([half, other]) == {"a": ("current", None), "b": ("current", None)}
    whole = row_2023(configured, half, other)
    assert (whole.status, whole.is_there, whole.arrived_on) == ("arrived_late", True, date(2024, 4, 2))


def test_coverage_counts_kommunen_and_never_one_in_quarantine_or_under_embargo() -> None:
    configured = source(
        coverage=SIX,
        supply={
            "expected": {"period": "jahr", "first_period": "2023-12-31", "due": QUARTER},
            "embargo": {"dates": {"2024-12-31": "2099-01-01"}},
        },
    )
    arrived = [delivery(f"d{code}", date(2024, 3, 1), kommune_code=code) for code in SIX[:4]]
    refused = delivery("dD", date(2024, 3, 1), kommune_code="D", status="quarantined")
    stray = delivery("dZ", date(2024, 3, 1), kommune_code="Z")
    locked = delivery("dA24", date(2024, 5, 1), end=date(2024, 12, 31), kommune_code="A")
    rows = rows_of(configured, *arrived, refused, stray, locked)
    found = {item.period.end.year: item for item in coverage({"hze": configured}, rows)}
    assert found[2023].label == "4 von 6"
    assert found[2023].missing == ("D", "E")
    assert found[2024].label == "0 von 6"


RHYTHMS: list[tuple[str, dict[str, Any]]] = [
    ("yearly", {"period": "jahr"}),
    ("two_yearly", {"period": "stichtag", "days": ["12-15"]}),
    ("half_yearly", {"period": "stichtag", "days": HALVES}),
    ("quarterly", {"period": "stichtag", "days": ["03-31", "06-30", "09-30", "12-31"]}),
    ("monthly", {"period": "monat"}),
    ("yearly", {"period": "schuljahr"}),
    ("yearly", {"period": "stand", "days": ["01-01"]}),
]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[SourceConfig, list[Manifest], date]:
    cycle, expected = draw(st.sampled_from(RHYTHMS))
    first = draw(st.dates(date(2019, 1, 1), date(2021, 12, 31)))
    supply = {"expected": {**expected, "first_period": first, "due": {"months": draw(st.integers(0, 15))}}}
    configured = source(cycle=cycle, coverage=draw(st.sampled_from([(), ("A", "B")])), supply=supply)
    agreement = configured.supply.expected
    assert agreement is not None
    periods = agreement.periods(configured.cycle)
    known = [next(periods) for _ in range(3)]
    manifests = []
    for number in range(draw(st.integers(0, 8))):
        period = draw(st.sampled_from(known))
        arrived = period.end + timedelta(days=draw(st.integers(-20, 900)))
        kind = None if period.period_type == "stand" else period.period_type
        manifests.append(
            delivery(
                f"d{number}",
                arrived,
                end=None if kind is None else period.end,
                period_start=None if kind is None else period.start,
                period_type=kind,
                received_at=noon(arrived + timedelta(days=draw(st.integers(0, 3)))),
                kommune_code=draw(st.sampled_from([None, "A", "B"])),
                status=draw(st.sampled_from(["landed", "landed", "quarantined"])),
            )
        )
    return configured, manifests, draw(st.dates(date(2021, 1, 1), date(2025, 12, 31)))


@given(worlds(), st.randoms(use_true_random=False))
def test_every_expected_period_appears_exactly_once(
    world: tuple[SourceConfig, list[Manifest], date], random: Any
) -> None:
    configured, manifests, day = world
    rows = rows_of(configured, *manifests, day=day)
    times = Counter(row.key for row in rows)
    assert set(times.values()) <= {1}
    expected = configured.supply.expected
    assert expected is not None
    for period in expected.periods(configured.cycle):
        for code in configured.coverage or (None,):
            assert times[(configured.id, code, period.period_type, period.end)] == 1
        if period.end > day:
            break
    for row in rows:
        assert row.status != "overdue" or (row.due_on is not None and row.due_on < day)
        assert not row.is_there or row.status in ("arrived", "arrived_late", "not_agreed")
    # Accepted deliveries known by then are all told of, once.
    told = sum(row.deliveries for row in rows)
    assert told == sum(item.status == "landed" and item.received_at.date() <= day for item in manifests)
    shuffled = list(manifests)
    random.shuffle(shuffled)
    assert rows_of(configured, *shuffled, day=day) == rows


@pytest.mark.parametrize("name", ["berlin", "flensburg", "musterkreis"])
def test_every_source_of_an_instance_has_an_agreement_and_its_calendar_can_be_written(name: str) -> None:
    instance = Instance(name)
    assert [item.id for item in instance.sources.values() if item.supply.expected is None] == []
    assert all(item.expected_by for item in instance.sources.values())
    rows = delivery_calendar(instance.sources, [], date(2026, 1, 1))
    assert calendar_table(rows).num_rows == len(rows) > 0
