"""States of persons at a reference date: work, transfers, disability, care, school, day care, youth services.

Every state is a threshold on a person's own chance (a hash of the person, or a slowly moving latent), so states
persist, follow age, status, family, origin and quarter, and do not depend on the order of computation.
Grain of `State`: one row per person of the half-year. Does not belong here: events, files, aggregates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ingestion.synthetic.areas import Areas
from ingestion.synthetic.chance import probit, uniform
from ingestion.synthetic.people import (
    GERMAN,
    HOUSEHOLD_TYPES,
    NATIVE,
    UKRAINE,
    Households,
    People,
    households,
)
from ingestion.synthetic.population import HalfYear, as_int

Array = NDArray[Any]

NOT_WORKING, EMPLOYED, MARGINAL, SELF_EMPLOYED, UNEMPLOYED, EDUCATION, RETIRED = range(7)
EMPLOYMENT: Final = (
    "ohne",
    "svb",
    "geringfügig",
    "selbstständig/Beamte",
    "arbeitslos",
    "Ausbildung",
    "Rente",
)
MARKS: Final = ("TBl", "Bl", "aG", "H", "Gl", "B", "RF", "G")  # weightiest first
TRACKS: Final = ("", "grundschule", "gemeinschaftsschule", "gymnasium", "foerderzentrum", "berufliche_schule")
EGH_TYPES: Final = ("", "assistenz", "wohnform", "wfbm", "heilpaedagogik", "schulbegleitung")
CARE_TYPES: Final = ("", "ambulant", "stationaer", "angehoerige")
HZE_TYPES: Final = ("", "p27", "p29", "p30", "p31", "p32", "p33", "p34", "p35", "p35a", "p41")
SGB12_TYPES: Final = ("", "GSI-ALTER", "GSI-EM", "HLU")

_TREND_YEAR = np.arange(2013, 2027)
_JOB_YEAR = np.array([2013, 2014, 2015, 2016, 2017, 2018, 2019.5, 2020, 2021, 2022, 2023, 2024, 2025, 2026])
_JOB_TREND = np.array(
    [0.02, 0.0, -0.02, -0.04, -0.07, -0.10, -0.12, 0.10, 0.05, -0.02, 0.0, 0.03, 0.05, 0.06]
)
_CARE_TREND = np.array([0.58, 0.60, 0.62, 0.66, 0.76, 0.82, 0.88, 0.94, 1.0, 1.06, 1.12, 1.18, 1.24, 1.3])
_HOUSING_TREND = np.array(
    [-0.30, -0.32, -0.35, -0.16, -0.18, -0.22, -0.24, -0.08, -0.08, -0.05, 0.38, 0.42, 0.44, 0.44]
)


@dataclass
class State:
    """States parallel to `HalfYear.people`."""

    age: Array
    home: Households
    household_type: Array  # index of HOUSEHOLD_TYPES
    household_size: Array
    employment: Array
    longterm: Array  # unemployed at three or more reference dates in a row (at least twelve months)
    sgb2: Array  # person in a Bedarfsgemeinschaft
    sgb2_elb: Array
    asylblg: Array
    sgb12: Array  # index of SGB12_TYPES
    wohngeld: Array  # person in a household with Wohngeld
    gdb: Array  # 0 or 50..100
    marks: Array  # bit mask of MARKS
    egh: Array  # index of EGH_TYPES
    care_grade: Array  # 0..5
    care_type: Array  # index of CARE_TYPES
    track: Array  # index of TRACKS
    kita: Array  # in day care
    hze: Array  # index of HZE_TYPES
    seu_due: Array  # starts school this summer
    overweight: Array
    motor: Array
    language: Array
    deferred: Array


def derive(half: HalfYear, areas: Areas) -> State:
    """All states of a half-year; updates `people.jobless` in place (the only memory of the labour market)."""
    people, day = half.people, half.day_int
    age = people.age(day)
    home = households(people, day)
    depr = areas.blocks["deprivation"].to_numpy()[people.block]
    year = half.day.year + (0.5 if half.day.month == 12 else 0.0)
    foreign = people.nat != GERMAN
    stay = np.where(people.arrived == NATIVE, 99, half.index - people.arrived.astype(np.int64))
    lone = (home.kind == 3)[home.of]

    gdb, marks = _disability(people, age, depr)
    care_grade, care_type = _care(people, age, home, year)
    asylum = _asylum(people, stay, half.day)
    employment = _employment(people, age, depr, foreign, stay, lone, asylum, year)
    unemployed = employment == UNEMPLOYED
    if half.index == 0:
        settled = unemployed & (people.arrived == NATIVE)
        people.jobless[:] = np.where(settled, np.maximum(people.jobless, 1), unemployed.astype(np.int16))
    else:
        people.jobless[:] = np.where(unemployed, people.jobless + 1, 0)
    em = (
        (gdb > 0)
        & (age >= 18)
        & (age < 66)
        & (uniform(people.pid, "gsi-em") < np.where(gdb >= 80, 0.55, 0.24))
    )
    em &= ~np.isin(employment, (EMPLOYED, SELF_EMPLOYED))
    sgb2, elb = _sgb2(people, age, depr, foreign, stay, home, employment, asylum, em, year)
    sgb12 = _sgb12(people, age, depr, foreign, em, sgb2, asylum, year)
    wohngeld = _wohngeld(people, home, age, sgb2, sgb12, asylum, year)
    track = _school(people, age, depr, foreign)
    egh = _egh(people, age, gdb, year)
    seu_due, findings = _entry_exam(people, age, depr, half.day)
    return State(
        age=age,
        home=home,
        household_type=home.kind[home.of],
        household_size=home.size[home.of],
        employment=employment,
        longterm=unemployed & (people.jobless >= 3),
        sgb2=sgb2,
        sgb2_elb=elb,
        asylblg=asylum,
        sgb12=sgb12,
        wohngeld=wohngeld,
        gdb=gdb,
        marks=marks,
        egh=egh,
        care_grade=care_grade,
        care_type=care_type,
        track=track,
        kita=_kita(people, age, depr, foreign, year),
        hze=_youth_services(people, age, depr, lone, sgb2, half.day.year),
        seu_due=seu_due,
        overweight=findings[0],
        motor=findings[1],
        language=findings[2],
        deferred=findings[3],
    )


def _trend(values: Array, year: float, years: Array = _TREND_YEAR) -> float:
    return float(np.interp(year, years, values))


def _disability(people: People, age: Array, depr: Array) -> tuple[Array, Array]:
    level = np.interp(
        age, [0, 10, 25, 40, 55, 65, 75, 85, 95], [0.008, 0.014, 0.018, 0.032, 0.085, 0.165, 0.22, 0.30, 0.36]
    )
    level = level * np.exp(0.08 * depr)
    chance = uniform(people.pid, "disability")
    disabled = chance < level
    depth = uniform(people.pid, "gdb")
    gdb = np.where(disabled, 50 + 10 * np.searchsorted([0.34, 0.52, 0.64, 0.76, 0.81], depth), 0).astype(
        np.int16
    )
    marks = np.zeros(len(people), dtype=np.int16)
    rates = {
        "TBl": 0.0008,
        "Bl": 0.012,
        "aG": 0.065,
        "H": 0.11,
        "Gl": 0.012,
        "B": 0.2,
        "RF": 0.075,
        "G": 0.47,
    }
    for bit, mark in enumerate(MARKS):
        rate = rates[mark] * np.where(gdb >= 80, 1.7, 0.55) * np.where((mark == "H") & (age < 18), 4.0, 1.0)
        marks |= np.where(disabled & (uniform(people.pid, "mark", mark) < rate), 1 << bit, 0).astype(np.int16)
    return gdb, marks


def _care(people: People, age: Array, home: Households, year: float) -> tuple[Array, Array]:
    level = np.interp(
        age,
        [0, 40, 60, 67, 72, 77, 82, 87, 92, 100],
        [0.006, 0.007, 0.016, 0.028, 0.05, 0.1, 0.22, 0.42, 0.65, 0.8],
    )
    needs = uniform(people.pid, "care") < 1.45 * level * _trend(_CARE_TREND, year)
    depth = uniform(people.pid, "care grade")
    low = 0.16 if year >= 2017 else 0.0
    bounds = [low, 0.56, 0.84, 0.95] if year >= 2017 else [0.0, 0.58, 0.9, 1.0]
    grade = np.where(needs, 1 + np.searchsorted(bounds, depth), 0)
    if year < 2017:
        grade = np.where(needs, np.clip(grade - 1, 1, 3), 0)  # Pflegestufe I-III
    alone = (home.kind == 0)[home.of]
    home_rate = np.interp(age, [0, 60, 75, 85, 95], [0.04, 0.12, 0.2, 0.3, 0.42]) * np.where(alone, 1.2, 0.8)
    pick = uniform(people.pid, "care type")
    kind = np.select([pick < home_rate, pick < home_rate + 0.23], [2, 1], 3)
    return grade.astype(np.int8), np.where(needs, kind, 0).astype(np.int8)


def _asylum(people: People, stay: Array, day: date) -> Array:
    """AsylbLG for one to four half-years; people from Ukraine moved to SGB II in June 2022."""
    terms = 1 + np.floor(uniform(people.hid, "asylum") * 4)
    ukrainian = people.nat == UKRAINE
    limit = np.where(ukrainian, 0, terms)
    if day < date(2022, 6, 1):
        limit = terms
    return np.asarray(people.refugee & (stay <= limit) & (stay < 90))


def _employment(
    people: People,
    age: Array,
    depr: Array,
    foreign: Array,
    stay: Array,
    lone: Array,
    asylum: Array,
    year: float,
) -> Array:
    ses = people.ses.astype(np.float64)
    recent = people.refugee & (stay < 8)
    in_school = np.interp(age, [15, 17, 18, 19, 22, 25, 28], [0.99, 0.95, 0.78, 0.55, 0.36, 0.12, 0.02])
    in_school = np.clip(in_school + np.where(age >= 18, 0.08, 0.0) * np.clip(ses, -1.5, 1.5), 0, 1)
    education = (uniform(people.pid, "education") < in_school) & (age < 29)
    apprentice = education & (age >= 17) & (uniform(people.pid, "apprentice") < 0.34)

    score = (
        -1.93
        + _trend(_JOB_TREND, year, _JOB_YEAR)
        - 0.42 * ses
        + 0.10 * depr
        + 0.28 * foreign
        + 0.55 * recent
        + 0.22 * lone
    )
    unemployed = probit(
        score + np.where((age >= 18) & (age < 25), 0.02, 0.0) + np.where(age >= 58, 0.06, 0.0)
    )
    inactive = probit(
        -1.42 + 0.34 * (people.sex == 1) + 0.25 * foreign + 0.55 * recent - 0.15 * ses
        + np.where(age >= 60, 0.35, 0.0) + np.where(age >= 63, 0.75, 0.0) - 0.02 * np.clip(year - 2014, 0, 12)
    )  # fmt: skip
    marginal = 0.045 + 0.03 * (people.sex == 1)
    own = 0.10 + 0.035 * np.clip(ses, -1.5, 2)
    rank = probit(people.work)
    work = np.select(
        [rank < unemployed, rank < unemployed + inactive, rank < unemployed + inactive + marginal],
        [UNEMPLOYED, NOT_WORKING, MARGINAL],
        np.where(uniform(people.pid, "self-employed") < own, SELF_EMPLOYED, EMPLOYED),
    )
    work = np.where(education, np.where(apprentice, EMPLOYED, EDUCATION), work)
    barred = asylum & (uniform(people.pid, "asylum work") < 0.85) & (work != EDUCATION)
    work = np.where(barred, NOT_WORKING, work)
    work = np.where(age < 15, NOT_WORKING, work)
    return np.where(
        age >= 67, np.where(uniform(people.pid, "late work") < 0.03, EMPLOYED, RETIRED), work
    ).astype(np.int8)


def _sgb2(
    people: People, age: Array, depr: Array, foreign: Array, stay: Array, home: Households,
    employment: Array, asylum: Array, em: Array, year: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Neediness is decided per household (Bedarfsgemeinschaft); members over 66 or with other benefits stay outside."""
    count = len(home.hid)
    able = (age >= 15) & (age < 67) & ~asylum & ~em

    def per_house(flag: Array) -> Array:
        return np.bincount(home.of, weights=flag, minlength=count)

    adults_able = per_house(able & (age >= 18))
    jobless = per_house(able & (employment == UNEMPLOYED))
    earners = per_house(np.isin(employment, (EMPLOYED, SELF_EMPLOYED)))
    head = home.head
    refugee = (people.refugee & (stay < 12))[head]
    score = (
        -1.70 + 0.6 * _trend(_JOB_TREND, year, _JOB_YEAR) - 0.62 * people.ses[head] + 0.22 * depr[head]
        + 0.75 * (home.kind == 3) + 1.25 * (jobless > 0) - 0.75 * (earners >= 1) - 0.6 * (earners >= 2)
        + 0.22 * foreign[head] + 1.15 * refugee + 0.16 * home.minors - 0.02 * np.clip(year - 2015, 0, 12)
    )  # fmt: skip
    student_only = per_house(able & (employment != EDUCATION)) == 0
    needy = (adults_able > 0) & ~student_only & (probit(people.need[head]) < probit(score))
    inside = needy[home.of] & (age < 67) & ~asylum & ~em
    elb = inside & (age >= 15) & (uniform(people.pid, "not able") > 0.015)
    return inside, elb


def _sgb12(
    people: People,
    age: Array,
    depr: Array,
    foreign: Array,
    em: Array,
    sgb2: Array,
    asylum: Array,
    year: float,
) -> Array:
    score = -2.22 - 0.5 * people.ses + 0.2 * depr + 0.75 * foreign + 0.012 * (year - 2014)
    old = (age >= 67) & (uniform(people.pid, "gsi old") < probit(score)) & ~asylum
    hlu = (
        (age < 67) & ~sgb2 & ~asylum & ~em & (uniform(people.pid, "hlu") < 0.0011 * np.exp(-0.4 * people.ses))
    )
    return np.select([old, em & ~asylum, hlu], [1, 2, 3], 0).astype(np.int8)


def _wohngeld(
    people: People, home: Households, age: Array, sgb2: Array, sgb12: Array, asylum: Array, year: float
) -> Array:
    """Low incomes without other transfers; reforms of 2016, 2020 and 2023 widen the circle."""
    count = len(home.hid)
    other = np.bincount(home.of, weights=sgb2 | (sgb12 > 0) | asylum, minlength=count) > 0
    head = home.head
    score = (
        -2.28 + _trend(_HOUSING_TREND, year) - 0.45 * people.ses[head] + 0.25 * (home.minors >= 2)
        + 0.25 * (home.kind == 3) + 0.35 * ((home.kind == 0) & (age[head] >= 67))
    )  # fmt: skip
    chance = 1 - probit(people.need[head])
    return np.asarray((~other & (chance < probit(score)))[home.of])


def _school(people: People, age: Array, depr: Array, foreign: Array) -> Array:
    """School attended; age at the reference date stands for the grade."""
    ses = people.ses.astype(np.float64)
    special = uniform(people.pid, "special school") < probit(-2.02 - 0.3 * ses + 0.15 * depr)
    grammar = uniform(people.pid, "grammar school") < probit(-0.22 + 0.55 * ses - 0.2 * foreign - 0.1 * depr)
    secondary = np.select([special, grammar], [4, 3], 2)
    upper = np.where(grammar & ~special & (uniform(people.pid, "leaves early") > 0.1), 3, 5)
    in_upper = uniform(people.pid, "upper") < np.interp(age, [16, 18, 19, 20], [0.96, 0.82, 0.3, 0.1])
    track = np.select(
        [(age >= 6) & (age <= 9), (age >= 10) & (age <= 15), (age >= 16) & (age <= 18), age == 19],
        [
            np.where(special & (age >= 8), 4, 1),
            secondary,
            np.where(in_upper, upper, 0),
            np.where(in_upper, 5, 0),
        ],
        0,
    )
    return track.astype(np.int8)


def _egh(people: People, age: Array, gdb: Array, year: float) -> Array:
    growth = 1 + 0.022 * np.clip(year - 2014, -1, 13)
    level = np.select([age < 7, age < 18, age < 66], [0.020, 0.009, 0.0125], 0.0025) * growth
    level = level * np.where(gdb > 0, 9.0, 0.72)
    gets = uniform(people.pid, "egh") < level
    pick = uniform(people.pid, "egh type")
    adult = np.select([pick < 0.38, pick < 0.6], [1, 2], 3)
    kind = np.select(
        [age < 7, age < 18, age < 66],
        [np.full(len(age), 4), np.where(pick < 0.85, 5, 4), adult],
        np.where(pick < 0.5, 1, 2),
    )
    return np.where(gets, kind, 0).astype(np.int8)


def _kita(people: People, age: Array, depr: Array, foreign: Array, year: float) -> Array:
    rate = np.interp(age, [0, 1, 2, 3, 4, 5], [0.02, 0.34, 0.62, 0.89, 0.95, 0.97])
    rate = np.clip(rate + np.where((age >= 1) & (age <= 2), 0.014, 0.0) * (year - 2014), 0, 0.985)
    rate = np.clip(rate + np.where(age >= 1, 0.03 * people.ses - 0.02 * depr - 0.06 * foreign, 0.0), 0, 0.99)
    return np.asarray((age < 6) & (uniform(people.pid, "kita") < rate))


def _youth_services(people: People, age: Array, depr: Array, lone: Array, sgb2: Array, year: int) -> Array:
    """Hilfen zur Erziehung within the year; a person's chance is drawn anew every third year."""
    score = -2.5 - 0.3 * people.ses + 0.18 * depr + 0.42 * lone + 0.4 * sgb2 + 0.012 * (year - 2014)
    score = score + np.interp(age, [0, 3, 7, 12, 16, 18, 21], [-0.25, -0.1, 0.1, 0.15, 0.25, 0.0, -0.3])
    phase = people.pid % 3
    spell = (year + phase) // 3
    gets = (uniform(people.pid * 64 + spell % 64, "hze") < probit(score)) & (age < 21)
    pick = uniform(people.pid * 64 + spell % 64, "hze type")
    small = np.select([pick < 0.06, pick < 0.62, pick < 0.67, pick < 0.92], [1, 4, 5, 6], 7)
    middle = np.select(
        [pick < 0.06, pick < 0.11, pick < 0.17, pick < 0.47, pick < 0.54, pick < 0.68, pick < 0.80],
        [1, 2, 3, 4, 5, 6, 7],
        9,
    )
    teen = np.select(
        [pick < 0.05, pick < 0.09, pick < 0.24, pick < 0.42, pick < 0.56, pick < 0.84, pick < 0.86],
        [1, 2, 3, 4, 6, 7, 8],
        9,
    )
    kind = np.select([age < 6, age < 13, age < 18], [small, middle, teen], 10)
    return np.where(gets, kind, 0).astype(np.int8)


def _entry_exam(
    people: People, age: Array, depr: Array, day: date
) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    """Children who start school in the year's summer (six years old on 30.06.) and their findings."""
    due = (age == 6) & (day.month == 6)
    after = 0.18 if day.year >= 2021 else 0.0
    ses = people.ses.astype(np.float64)
    foreign_family = people.mig.astype(np.float64)

    def found(name: str, score: Array) -> Array:
        return np.asarray(due & (uniform(people.pid, "seu", name) < probit(score)))

    overweight = found("overweight", -1.36 - 0.24 * ses + 0.12 * depr + 0.15 * foreign_family + 0.7 * after)
    motor = found("motor", -1.12 - 0.22 * ses + 0.10 * depr + 0.25 * (people.sex == 0) - 0.1 + after)
    language = found("language", -1.05 - 0.28 * ses + 0.14 * depr + 0.75 * foreign_family + after)
    deferred = found("deferred", -1.75 - 0.15 * ses + 0.05 * depr + 0.45 * motor + 0.35 * language)
    return due, (overweight, motor, language, deferred)


__all__ = [
    "CARE_TYPES", "EGH_TYPES", "EMPLOYMENT", "HOUSEHOLD_TYPES", "HZE_TYPES", "MARKS", "SGB12_TYPES", "TRACKS",
    "State", "as_int", "derive",
]  # fmt: skip
