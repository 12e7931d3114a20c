"""A small released file made of random but reproducible figures. Belongs here: builders.

The tables are those of the published contract, reduced to what a query reads. Two Gemeinden merge in 2021,
every Gemeinde has two or three Sozialräume, some vectors are withheld, some not delivered.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

YEARS = (2019, 2020, 2021, 2022)
BANDS = ((0, 17), (18, 64), (65, None))
SEXES = ("f", "m")
REFORM = date(2021, 1, 1)
LEVEL_LABELS = {"kreis": "Kreis", "gemeinde": "Gemeinde", "sozialraum": "Sozialraum"}


def band_code(band: tuple[int, int | None]) -> str:
    return f"{band[0]}+" if band[1] is None else f"{band[0]}-{band[1]}"


@dataclass(frozen=True)
class Place:
    key: str
    level: str
    rank: int
    code: str
    name: str
    parent: str | None
    start: date = date(2010, 1, 1)
    end: date | None = None

    def lives(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass
class Small:
    """The tables as rows, for the naive computation of the tests."""

    places: list[Place]
    periods: list[tuple[str, str, date]]
    facts: dict[tuple[str, str, str, str], tuple[float | None, str, str]] = field(default_factory=dict)
    as_is: list[tuple[Any, ...]] = field(default_factory=list)


GROUPS = ["total", *(f"age={band_code(b)}" for b in BANDS), *(f"sex={s}" for s in SEXES)] + [
    f"age={band_code(b)};sex={s}" for b, s in itertools.product(BANDS, SEXES)
]

INDICATORS: dict[str, tuple[str, float, int, list[tuple[str, str, float]], list[tuple[str, str, float]], int]] = {
    # id: label, factor, decimals, numerator, denominator, minimum denominator
    "poor_rate": ("Armutsquote", 100.0, 1, [("poor", "total", 1.0)], [("people", "total", 1.0)], 0),
    "poor_rate_u65": (
        "Armutsquote unter 65", 100.0, 2, [("poor", "age=0-17", 1.0), ("poor", "age=18-64", 1.0)],
        [("people", "age=0-17", 1.0), ("people", "age=18-64", 1.0)], 0,
    ),
    "birth_rate": ("Geburtenrate", 1000.0, 1, [("births", "total", 1.0)], [("people", "total", 1.0)], 0),
    "birth_balance": ("Geburtensaldo", 1.0, 0, [("births", "total", 1.0), ("deaths", "total", -1.0)], [], 0),
    "people_total": ("Personen", 1.0, 0, [("people", "total", 1.0)], [], 0),
    "death_rate": ("Sterberate", 1000.0, 1, [("deaths", "total", 1.0)], [("people", "age=65+", 1.0)], 400),
}  # fmt: skip

MEASURES = {
    "people": ("Einwohner", "count", "stichtag", True, True),
    "poor": ("Arme", "count", "stichtag", True, True),
    "births": ("Geburten", "count", "jahr", False, True),
    "deaths": ("Todesfälle", "count", "jahr", False, True),
    "clients": ("Ratsuchende", "count", "jahr", False, False),
}


def make(seed: int = 1, hidden: float = 0.1, missing: float = 0.03) -> Small:
    """`hidden`, `missing`: share of vectors (measure x period x area x breakdown) withheld or not delivered."""
    rng = random.Random(seed)
    places = _places()
    periods = [(f"S{year}-12-31", "stichtag", date(year, 12, 31)) for year in YEARS]
    periods += [(f"J{year}", "jahr", date(year, 12, 31)) for year in YEARS]
    small = Small(places, sorted(periods, key=lambda row: (row[2], row[0])))
    leaves = [place for place in places if place.level == "sozialraum"]
    exact: dict[tuple[str, str, str, str], float] = {}
    for measure, (_, _, kind, _, _) in MEASURES.items():
        scale = {"people": 400, "poor": 60}.get(measure, 25)
        for period, period_type, day in small.periods:
            if period_type != kind:
                continue
            for leaf in leaves:
                if not leaf.lives(day):
                    continue
                for band, sex in itertools.product(BANDS, SEXES):
                    count = float(rng.randint(0, scale))
                    groups = [
                        "total",
                        f"age={band_code(band)}",
                        f"sex={sex}",
                        f"age={band_code(band)};sex={sex}",
                    ]
                    place: Place | None = leaf
                    while place is not None:
                        for group in groups:
                            key = (measure, place.key, period, group)
                            exact[key] = exact.get(key, 0.0) + count
                        place = (
                            next((item for item in places if item.key == place.parent), None)
                            if place
                            else None
                        )
    decided: dict[tuple[str, str, str, str], str] = {}
    for measure, area, period, group in exact:
        breakdown = ";".join(pair.split("=")[0] for pair in group.split(";"))
        vector = (measure, area, period, breakdown)
        if vector not in decided:
            chance = rng.random()
            decided[vector] = "C" if chance < hidden else "O" if chance < hidden + missing else "F"
        state = decided[vector]
        value = exact[measure, area, period, group] if state == "F" else None
        small.facts[measure, area, period, group] = (
            value,
            "O" if state == "O" else "A",
            "C" if state == "C" else "F",
        )
    return small


def _places() -> list[Place]:
    def key(level: str, code: str, start: date = date(2010, 1, 1)) -> str:
        return f"raum|{level}|{code}|{start}"

    root = Place(key("kreis", "1"), "kreis", 0, "1", "Testkreis", None)
    found = [root]
    for number in range(1, 5):
        code = f"10{number}"
        end = date(2020, 12, 31) if number in (3, 4) else None
        gemeinde = Place(key("gemeinde", code), "gemeinde", 1, code, f"Gemeinde {number}", root.key, end=end)
        found.append(gemeinde)
        for part in range(1, 3 + number % 2):
            leaf = f"{code}S{part}"
            found.append(
                Place(key("sozialraum", leaf), "sozialraum", 2, leaf, f"Raum {leaf}", gemeinde.key, end=end)
            )
    merged = Place(key("gemeinde", "105", REFORM), "gemeinde", 1, "105", "Neustadt", root.key, REFORM)
    found.append(merged)
    found += [
        Place(
            key("sozialraum", f"105S{n}", REFORM),
            "sozialraum",
            2,
            f"105S{n}",
            f"Raum 105S{n}",
            merged.key,
            REFORM,
        )
        for n in (1, 2)
    ]
    return found


def write(path: Path, small: Small, as_is: bool = False) -> Path:
    """Write the tables as a release file."""
    connection = duckdb.connect(str(path))
    by_key = {place.key: place for place in small.places}
    connection.execute(_DDL)

    def insert(table: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"insert into {table} values ({marks})", [list(row) for row in rows])

    insert("dim_release", [("20260101T000000Z", "klein", "Testkreis", "Test", True)])
    insert(
        "dim_area",
        [
            (
                p.key, "raum", p.level, LEVEL_LABELS[p.level], p.rank, p.code, p.name, p.parent,
                by_key[p.parent].name if p.parent else None,
                p.start, p.end, p.end is None, False,
            )
            for p in small.places
        ],
    )  # fmt: skip
    edges = []
    for place in small.places:
        above, depth = place, 0
        while above is not None:
            edges.append(("raum", above.key, place.key, depth, place.start, place.end))
            above, depth = (by_key[above.parent], depth + 1) if above.parent else (None, 0)  # type: ignore[assignment]
    insert("bridge_area", edges)
    insert(
        "dim_period",
        [(k, t, str(d.year) if t == "jahr" else f"{d:%d.%m.%Y}", d, d.year) for k, t, d in small.periods],
    )
    insert("dim_group", [_group_row(group, index) for index, group in enumerate(GROUPS)])
    insert(
        "dim_measure",
        [
            (name, label, label, "Personen", kind, "raum", "sozialraum", period_type, additive, stock)
            for name, (label, kind, period_type, stock, additive) in MEASURES.items()
        ],
    )
    insert(
        "dim_indicator",
        [
            (
                f"{name}@1",
                name,
                1,
                label,
                label,
                "%",
                decimals,
                factor,
                "sozialraum",
                minimum,
                True,
                None,
                None,
            )
            for name, (label, factor, decimals, _, _, minimum) in INDICATORS.items()
        ]
        + [
            (
                "income@1",
                "income",
                1,
                "Einkommen",
                "",
                "EUR",
                0,
                1.0,
                None,
                0,
                False,
                "Wird nicht geliefert.",
                None,
            )
        ],
    )
    insert(
        "dim_indicator_part",
        [
            (f"{name}@1", part, measure, group, sign)
            for name, (_, _, _, numerator, denominator, _) in INDICATORS.items()
            for part, rows in (("numerator", numerator), ("denominator", denominator))
            for measure, group, sign in rows
        ],
    )
    facts = [(m, a, p, g, v, o, c) for (m, a, p, g), (v, o, c) in small.facts.items()]
    connection.execute(
        "insert into fct_measure select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
        [list(column) for column in zip(*facts, strict=True)],
    )
    rows: dict[tuple[str, str, str], float | None] = {}
    for name, (_, _, _, numerator, _, _) in INDICATORS.items():
        wanted = {(measure, group) for measure, group, _ in numerator}
        for measure, area, period, group, value, *_ in facts:
            if (measure, group) in wanted and rows.get((name, area, period)) is None:
                # Who reads this table asks whether there is a figure (and for one test, which): not how it came about.
                rows[name, area, period] = value
    insert(
        "fct_indicator",
        [(f"{name}@1", name, area, period, value, "A", None) for (name, area, period), value in rows.items()],
    )
    if as_is:
        connection.execute(_AS_IS)
        insert("fct_measure_as_is", small.as_is)
    connection.close()
    return path


def _group_row(group: str, position: int) -> tuple[Any, ...]:
    age_from = age_to = None
    for pair in group.split(";"):
        if pair.startswith("age="):
            age_from, age_to = next(band for band in BANDS if band_code(band) == pair[4:])
    breakdown = ";".join(pair.split("=")[0] for pair in group.split(";"))
    labels = {"sex=f": "weiblich", "sex=m": "männlich", "total": "insgesamt"}
    return (group, breakdown, labels.get(group, group), age_from, age_to, position)


_DDL = """
create table dim_release (release_id varchar, instance varchar, title varchar, attribution varchar,
  is_synthetic boolean);
create table dim_area (area_key varchar, area_system varchar, area_level varchar, area_level_label varchar,
  level_rank integer, area_code varchar,
  area_name varchar, parent_area_key varchar, parent_area_name varchar, valid_from date, valid_to date,
  is_current boolean, is_unassigned boolean);
create table bridge_area (area_system varchar, ancestor_area_key varchar, descendant_area_key varchar, depth integer,
  valid_from date, valid_to date);
create table dim_period (period_key varchar, period_type varchar, period_label varchar, period_end date,
  year integer);
create table dim_group (group_key varchar, breakdown varchar, group_label varchar, age_from integer, age_to integer,
  sort_key integer);
create table dim_measure (measure_id varchar, label varchar, definition varchar, unit varchar, value_kind varchar,
  area_system varchar, lowest_level varchar, period_type varchar, additive_over_areas boolean,
  semi_additive_time boolean);
create table dim_indicator (indicator_key varchar, indicator_id varchar, version integer, label varchar,
  definition varchar, unit varchar, decimals integer, factor double, lowest_level varchar, min_denominator integer,
  is_active boolean, unavailable_reason varchar, successor varchar);
create table dim_indicator_part (indicator_key varchar, part varchar, measure_id varchar, group_key varchar,
  sign double);
create table fct_measure (measure_id varchar, area_key varchar, period_key varchar, group_key varchar, value double,
  obs_status varchar, conf_status varchar);
create table fct_indicator (indicator_key varchar, indicator_id varchar, area_key varchar, period_key varchar,
  value double, obs_status varchar, change_reason varchar);
create table fct_benchmark (indicator_key varchar, indicator_id varchar, area_key varchar, area_level varchar,
  period_key varchar, benchmark varchar, benchmark_label varchar, value double, n_areas bigint, is_weighted boolean);
"""

_AS_IS = """
create table fct_measure_as_is (measure_id varchar, area_key varchar, period_key varchar, group_key varchar,
  value double, value_low double, value_high double, obs_status varchar, conf_status varchar, is_estimate boolean);
"""
