"""Sums: the members of a breakdown give their total, areas give the area above them.

A hidden or missing part makes the sum a lower bound: then the known parts must not exceed the total. A difference
within what the source's own rounding explains is said as such and is no error (INKAR, census).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

import pandas as pd

from expectations.context import UNASSIGNED, KnownAreas, MeasureFacts
from expectations.rules.comparison import DUST, Comparison, Judgement, judgement, number
from expectations.rules.observed import PLACE, groups, label, rows_of, where_found
from lagebild.checks import SumCheck

PARTS: Final = "Teile ergeben nicht die Summe"
CHILDREN: Final = "Gebiete ergeben nicht das Gebiet darüber"
ROUNDING: Final = "Rundung der Quelle"

_AGE: Final = re.compile(r"(\d+)(?:-(\d+)|(\+))?")


@dataclass(frozen=True)
class Sum:
    """One total and what should give it."""

    total: Any
    """Row of the total."""
    known: float
    parts: int
    complete: bool
    what: str


def sums(
    frame: pd.DataFrame,
    known: KnownAreas | None,
    measures: Mapping[str, MeasureFacts],
    check: SumCheck,
) -> list[Judgement]:
    """Both kinds of sums of all additive measures of the catalogue."""
    if check.severity == "off":
        return []
    additive = {name for name, facts in measures.items() if facts.additive and name not in check.without}
    chosen = frame[frame["measure_id"].isin(additive)]
    rounded: list[Sum] = []
    found = []
    for rule, candidates in (
        (PARTS, _parts(chosen, measures)),
        (CHILDREN, children(chosen, known, check.boundaries)),
    ):
        compared: list[Comparison] = []
        for item in candidates:
            gap = item.known - float(item.total.value)
            off = abs(gap) if item.complete else gap
            allowed = check.tolerance + check.rounding * (item.parts + 1) / 2 + DUST * (item.parts + 1) / 2
            excess = off - allowed
            if excess <= 0 and check.rounding and off > check.tolerance + DUST * (item.parts + 1) / 2:
                rounded.append(item)
            compared.append(Comparison(excess) if excess <= 0 else _wrong(item, excess, measures))
        found.append(judgement(rule, check.severity, compared))
    if check.rounding:
        text = (
            f"{len(rounded)} Summen weichen von ihren Teilen um nicht mehr ab, als die Rundung der Quelle auf "
            f"{number(check.rounding)} erklärt. Das ist kein Fehler; die Zahlen stehen wie geliefert."
        )
        found.append(judgement(ROUNDING, "warning", [Comparison(float(len(rounded)), text)]))
    return found


def _wrong(item: Sum, excess: float, measures: Mapping[str, MeasureFacts]) -> Comparison:
    relation = "ergeben" if item.complete else "ergeben schon ohne die gesperrten und fehlenden Angaben"
    text = (
        f"„{label(measures, item.total.measure_id)}“ {item.total.area_code} am {item.total.period_end:%d.%m.%Y}: "
        f"{item.what} {relation} {number(item.known)}, als Summe steht {number(float(item.total.value))}. "
        "Bitte beide Stellen prüfen und die falsche berichtigen."
    )
    return Comparison(excess, text, value=number(float(item.total.value)), **where_found(item.total))


def _parts(frame: pd.DataFrame, measures: Mapping[str, MeasureFacts]) -> Iterator[Sum]:
    grouped = frame[frame["group_id"].str.fullmatch(r"[a-z_]+=[^;=]+", na=False)]
    if grouped.empty:
        return
    split = grouped["group_id"].str.split("=", n=1, expand=True)
    grouped = grouped.assign(dimension=split[0], member=split[1])
    totals = {
        tuple(getattr(row, name) for name in (*PLACE, "measure_id")): row
        for row in rows_of(frame[(frame["group_id"] == "total") & frame["value"].notna()])
    }
    for (measure, dimension), rows in groups(grouped, ["measure_id", "dimension"]):
        if dimension not in measures[measure].breakdowns:
            continue
        members = sorted(rows["member"].unique())
        if dimension == "age" and not disjoint(members):
            continue
        sums = rows.groupby(PLACE, sort=True).agg(
            known=("value", "sum"), size=("value", "size"), filled=("value", "count")
        )
        for place, row in zip(sums.index, rows_of(sums), strict=True):
            total = totals.get((*place, measure))
            if total is not None:
                whole = len(members) > 1 and row.size == len(members) == row.filled
                yield Sum(total, float(row.known), int(row.size), whole, f"die Angaben nach „{dimension}“")


def disjoint(members: Sequence[str]) -> bool:
    """True if age groups (`0-2`, `80+`, `5`) do not overlap and leave no gap: only then they can give a total."""
    spans: list[tuple[int, float]] = []
    for member in members:
        match = _AGE.fullmatch(member)
        if match is None:
            return False
        first = int(match[1])
        spans.append((first, float("inf") if match[3] else float(match[2] or first)))
    spans.sort()
    return all(left[1] + 1 == right[0] for left, right in pairwise(spans))


def children(
    frame: pd.DataFrame, known: KnownAreas | None, boundaries: date | None, own: frozenset[str] = frozenset()
) -> Iterator[Sum]:
    """Areas and the area above them, in the areas of `boundaries` (None: of the figures' own day).

    `own`: levels of one delivery, compared with those of others; only pairs with one of them. A file for each level is
    a published table: it is whole with the areas it names (nobody lives in those it leaves out), gaps are `O`.
    """
    for (system, day), rows in groups(frame, ["area_system", "period_end"]):
        levels = _order(rows, known, str(system))
        for coarse, fine in pairwise(levels):
            if not own or coarse in own or fine in own:
                yield from _level(rows, known, str(system), coarse, fine, boundaries or day, bool(own))


def _order(rows: pd.DataFrame, known: KnownAreas | None, system: str) -> list[str]:
    """Delivered levels, coarsest first; without a register by the number of areas, where one stands for all."""
    present = set(rows["area_level"])
    if known is not None and known.areas:
        return [level for level in known.levels.get(system, ()) if level in present]
    counts = rows.groupby("area_level")["area_code"].nunique().sort_values()
    names = [str(level) for level in counts.index]
    return names if len(names) == 2 and int(counts.iloc[0]) == 1 else []


def _level(
    rows: pd.DataFrame,
    known: KnownAreas | None,
    system: str,
    coarse: str,
    fine: str,
    day: Any,
    published: bool,
) -> Iterator[Sum]:
    keys = ["measure_id", "group_id", "period_type"]
    parents = rows[(rows["area_level"] == coarse) & rows["value"].notna()]
    children = rows[rows["area_level"] == fine]
    homes, expected = _homes(children, parents, known, system, coarse, fine, day)
    children = children.assign(
        home=children["area_code"].map(homes), named=~children["area_code"].str.endswith(UNASSIGNED)
    )
    sums = children.groupby([*keys, "home"], sort=True).agg(
        known=("value", "sum"), size=("value", "size"), filled=("value", "count"), named=("named", "sum")
    )
    totals = {(row.measure_id, row.group_id, row.period_type, row.area_code): row for row in rows_of(parents)}
    for place, row in zip(sums.index, rows_of(sums), strict=True):
        total = totals.get(place)
        if total is None:
            continue
        # All areas below are named and have a figure; otherwise what is known is a lower bound.
        listed = published or expected is None or row.named == expected.get(place[-1], -1)
        whole = row.filled == row.size and listed
        yield Sum(total, float(row.known), int(row.size), whole, f"{row.size} Gebiete der Ebene „{fine}“")


def _homes(
    children: pd.DataFrame,
    parents: pd.DataFrame,
    known: KnownAreas | None,
    system: str,
    coarse: str,
    fine: str,
    day: Any,
) -> tuple[dict[str, str | None], dict[str, int] | None]:
    """The area above every delivered child, and how many children every area above has; None: nobody knows."""
    codes = children["area_code"].unique()
    if known is None or not known.areas:
        (only,) = parents["area_code"].unique() if len(parents) else ("",)
        return dict.fromkeys(codes, only), None
    expected: dict[str, int] = {}
    for code in known.on_level(system, fine, day):
        home = known.ancestor((system, fine, code), coarse, day)
        if home is not None:
            expected[home] = expected.get(home, 0) + 1
    return {code: known.ancestor((system, fine, code), coarse, day) for code in codes}, expected
