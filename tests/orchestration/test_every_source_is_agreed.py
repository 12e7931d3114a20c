"""Every source of every instance says what is expected when, so that the calendar of no instance has holes."""

from __future__ import annotations

from datetime import date

import pytest

from ingestion.landing.calendar import delivery_calendar
from lagebild.instance import Instance, list_instances


@pytest.mark.parametrize("name", list_instances())
def test_every_source_has_an_agreement_with_a_deadline(name: str) -> None:
    instance = Instance(name)
    without = [source.id for source in instance.sources.values() if source.supply.expected is None]
    assert not without, f"{name}: no section supply with 'expected': {', '.join(without)}"
    told = [source.id for source in instance.sources.values() if not source.expected_by]
    assert not told


@pytest.mark.parametrize("name", list_instances())
def test_every_source_stands_in_the_calendar(name: str) -> None:
    instance = Instance(name)
    rows = delivery_calendar(instance.sources, [], date(2026, 11, 21))
    assert {row.source_id for row in rows} == set(instance.sources)
