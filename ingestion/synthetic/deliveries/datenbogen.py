"""Datenbögen of the Ämter and amtsfreie Städte: the offene Kinder- und Jugendarbeit, filled in by hand, so to speak."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from ingestion.datenbogen.model import Form, FormOptions
from ingestion.datenbogen.write import EntryKey, build_form
from ingestion.synthetic.areas import KREIS_CODE
from ingestion.synthetic.context import Desk, Snapshot
from ingestion.synthetic.workbook import save_workbook
from lagebild.instance import Instance, SourceConfig

SOURCE: Final = "jugendarbeit"
YEARS: Final = 2
"""The form is new: the last two years only."""


def form_source() -> SourceConfig:
    """The source whose options say what the form asks."""
    return Instance("musterkreis").sources[SOURCE]


def write_youth_work(snapshot: Snapshot, desk: Desk) -> None:
    """One filled form per Amt; the values of the year before stand beside the entries."""
    year = snapshot.year
    if year <= desk.years.last - YEARS:
        return
    source = form_source()
    options = FormOptions.model_validate(source.options)
    first = year == max(desk.years.last - YEARS + 1, desk.settings.first_year)
    now, before = _figures(snapshot, desk, year), {} if first else _figures(snapshot, desk, year - 1)
    amt_of = dict(zip(snapshot.codes.gemeinde, snapshot.codes.amt, strict=True))
    truth = []
    for amt in sorted(set(snapshot.codes.amt)):
        codes = sorted(code for code, home in amt_of.items() if home == amt)
        areas = tuple((code, snapshot.areas.names[code]) for code in codes)
        form = Form(SOURCE, amt, snapshot.areas.names[amt], year, areas, options)
        keys = [(code, number) for code in codes for number in range(len(options.fields))]
        filled = {key: now[key] for key in keys}
        previous = {key: before[key] for key in keys if key in before}
        path = desk.path(SOURCE, form.file_name)
        save_workbook(build_form(form, source, previous, filled), path)
        desk.filed(path, date(year + 1, 3, 18))
        truth += [
            {
                "period_type": "stichtag", "period_end": snapshot.day, "area_system": options.area_system,
                "area_level": options.area_level, "area_code": code, "measure_id": options.fields[number].measure,
                "group_id": options.fields[number].group, "value": filled[code, number],
            }
            for code, number in keys
        ]  # fmt: skip
    desk.remember_observations(SOURCE, truth)


def _figures(snapshot: Snapshot, desk: Desk, year: int) -> dict[EntryKey, float]:
    """Facilities and staff per Gemeinde: towns have several, one village in four has one."""
    found: dict[EntryKey, float] = {}
    for code in sorted(set(snapshot.codes.gemeinde)):
        number = int(code.removeprefix(KREIS_CODE))
        rng: np.random.Generator = desk.rng(SOURCE, code)
        facilities = max(9 - number, 2) if number <= 8 else int(rng.random() < 0.25)
        growth = float(desk.rng(SOURCE, code, year).normal(1.0, 0.03))
        staff = facilities * (0.8 + 0.9 * rng.random()) * growth
        found[code, 0] = facilities
        found[code, 1] = round(staff * 4) / 4
    return found
