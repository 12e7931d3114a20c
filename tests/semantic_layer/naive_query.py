"""The same questions answered the slow, obvious way: loops over dictionaries. Shares no code with the compiler.

Belongs here: the independent computation of test_query_random.py. It knows the small release only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tests.semantic_layer.query_release import BANDS, INDICATORS, MEASURES, Place, Small, band_code


@dataclass(frozen=True)
class Answer:
    value: float | None
    numerator: float | None
    denominator: float | None
    is_withheld: bool


@dataclass(frozen=True)
class Groups:
    sex: str | None = None
    age: tuple[int, int | None] | None = None


def keys_of(own: str, wanted: Groups) -> list[str] | None:
    """Group keys that hold the part's own group narrowed to `wanted`; None when nothing is left."""
    bands = None
    if own.startswith("age="):
        bands = [band for band in BANDS if band_code(band) == own[4:]]
    if wanted.age is not None:
        low, high = wanted.age
        inside = [
            band
            for band in (bands or list(BANDS))
            if band[0] >= low and (high is None or (band[1] is not None and band[1] <= high))
        ]
        if not inside:
            return None
        bands = inside
    ages = [f"age={band_code(band)}" for band in bands] if bands else []
    if wanted.sex:
        return [f"{age};sex={wanted.sex}" for age in ages] or [f"sex={wanted.sex}"]
    return ages or ["total"]


def part_sum(
    small: Small, parts: Iterable[tuple[str, str, float]], area: str, year: int, wanted: Groups
) -> tuple[float | None, bool]:
    """Sum and whether something in it is withheld."""
    total, complete, withheld = 0.0, True, False
    for measure, own, sign in parts:
        keys = keys_of(own, wanted)
        if keys is None:
            continue
        period = f"J{year}" if MEASURES[measure][2] == "jahr" else f"S{year}-12-31"
        for key in keys:
            value, _, conf = small.facts.get((measure, area, period, key), (None, "O", "F"))
            withheld |= conf == "C"
            if value is None:
                complete = False
            else:
                total += sign * value
    return (total if complete else None), withheld


def rounded(value: float, decimals: int) -> float:
    scale = 10.0**decimals
    return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)


def answer(
    small: Small, metric: str, places: list[Place], years: list[int], wanted: Groups, average: bool = False
) -> Answer:
    """One number for a set of areas and years: parts first, ratio last; anything missing empties it."""
    if metric in INDICATORS:
        _, factor, decimals, numerator_parts, denominator_parts, minimum = INDICATORS[metric]
    else:
        factor, decimals, minimum = 1.0, 9, 0
        numerator_parts, denominator_parts = [(metric, "total", 1.0)], []
    numerator, denominator, withheld, complete, base_complete = 0.0, 0.0, False, True, True
    for year in years:
        for place in places:
            if not place.lives(date(year, 12, 31)):
                if len(years) > 1:
                    complete = base_complete = False
                continue
            above, hidden = part_sum(small, numerator_parts, place.key, year, wanted)
            withheld |= hidden
            if above is None:
                complete = False
            else:
                numerator += above
            if denominator_parts:
                below, hidden = part_sum(small, denominator_parts, place.key, year, wanted)
                withheld |= hidden
                if below is None:
                    base_complete = False
                else:
                    denominator += below
    if average:
        numerator, denominator = numerator / len(years), denominator / len(years)
    shown = numerator if complete else None
    base = denominator if denominator_parts and base_complete else None
    if denominator_parts and base is not None and base < minimum:
        return Answer(None, shown, base, True)
    if shown is None or (denominator_parts and not base):
        return Answer(None, shown, base, withheld)
    value = factor * shown / base if base else factor * shown
    return Answer(rounded(value, decimals), shown, base, withheld)
