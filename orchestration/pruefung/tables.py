"""From recognised cells to audited tables: figures in whole units, sums, rates.

Belongs here: putting layout, sums and rates together. Does not belong here: the attack (`system`, `verdict`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from disclosure.rates import rounded
from orchestration.pruefung.description import Description, RateColumn, read_hierarchy
from orchestration.pruefung.grid import Grid, Kind
from orchestration.pruefung.layout import Entry, Layout, recognise
from orchestration.pruefung.published import (
    Dimension,
    Figure,
    Group,
    Key,
    PrintedRate,
    PublishedTable,
    Unreadable,
)
from orchestration.pruefung.sums import guessed_groups, nested_pairs, numeric_group, settled

_RATE_HEADER = re.compile(r"%|\bin Prozent\b|quote\b|quotient\b|\banteil\b|\bje 1[.0]*00\b", re.IGNORECASE)
_LARGEST_SCALE = 4
_ENOUGH = 3
"""Rows that have to confirm a guessed rate before it is taken for one."""


def read_table(
    grid: Grid, description: Description, folder: Path, *, needs_hidden: bool = True
) -> PublishedTable:
    """The audited table of one sheet. Raises Unreadable. `folder`: where hierarchies named in the description lie."""
    layout = recognise(grid, description)
    entries = _distinct(layout)
    rate_names = _rate_members(entries, description)
    counts = [entry for entry in entries if entry.labels[-1] not in rate_names]
    if needs_hidden and not any(entry.cell.kind is Kind.HIDDEN for entry in counts):
        raise Unreadable(
            f"{grid.name}: In der Tabelle ist keine Zelle gesperrt. Gesucht wurden die Zeichen "
            f"{', '.join(f'»{sign}«' for sign in description.gesperrt)}; andere nennt die Angabe --gesperrt."
        )
    figures, scale = _figures(grid, counts)
    notes = list(layout.notes)
    dimensions = []
    for at, name in enumerate(layout.names):
        members = tuple(dict.fromkeys(figure.key[at] for figure in figures))
        found, told = _dimension(name, members, at, figures, layout.indents, description, folder)
        dimensions.append(found)
        notes += told
    rates, told = _rates(grid, entries, rate_names, dimensions, figures, scale, description)
    notes += told
    if not any(dimension.groups for dimension in dimensions) and not rates:
        notes.append(
            "Es ist keine Summe zu erkennen: gesperrte Zellen lassen sich nur mit Summen oder Quoten angreifen."
        )
    return PublishedTable(
        grid.name,
        tuple(dimensions),
        figures,
        rates,
        nested=nested_pairs(dimensions, figures),
        scale=scale,
        notes=tuple(notes),
    )


def _distinct(layout: Layout) -> list[Entry]:
    """Entries with labels of their own: two rows called `zusammen` become `zusammen (Zeile 7)` and `… (Zeile 12)`."""
    at = max(len(layout.names) - 2, 0)
    rows = defaultdict(set)
    for entry in layout.entries:
        rows[entry.labels].add(entry.row)
    doubled = {labels[at] for labels, found in rows.items() if len(found) > 1}
    return [
        replace(
            entry,
            labels=(
                *entry.labels[:at],
                f"{entry.labels[at]} (Zeile {entry.row + 1})",
                *entry.labels[at + 1 :],
            ),
        )
        if entry.labels[at] in doubled
        else entry
        for entry in layout.entries
    ]


def _rate_members(entries: Sequence[Entry], description: Description) -> set[str]:
    """Columns that hold rates: percent signs, decimals beside whole numbers, or a header that says so."""
    by_column: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_column[entry.labels[-1]].append(entry)
    named = {rate.quote for rate in description.quoten}
    fractions = {
        name: any(entry.cell.decimals for entry in found if entry.cell.kind is Kind.NUMBER)
        for name, found in by_column.items()
    }
    some_whole = not all(fractions.values())
    return {
        name
        for name, found in by_column.items()
        if name in named
        or any(entry.cell.kind is Kind.PERCENT for entry in found)
        or (some_whole and (fractions[name] or bool(_RATE_HEADER.search(name))))
    }


def _figures(grid: Grid, entries: Sequence[Entry]) -> tuple[tuple[Figure, ...], int]:
    scale = 10 ** max((entry.cell.decimals for entry in entries if entry.cell.value is not None), default=0)
    if scale > 10**_LARGEST_SCALE:
        raise Unreadable(
            f"{grid.name}: Zahlen mit mehr als {_LARGEST_SCALE} Nachkommastellen werden nicht geprüft."
        )
    figures = []
    for entry in entries:
        cell, place = entry.cell, grid.place(entry.row, entry.column)
        if cell.kind is Kind.MISSING:
            continue
        if cell.kind is Kind.HIDDEN:
            figures.append(Figure(entry.labels, None, place, cell.text, cell.below))
            continue
        value = (cell.value or Decimal(0)) * scale
        if value < 0:
            raise Unreadable(f"{place}: Negative Zahlen ({cell.text}) werden nicht geprüft.")
        figures.append(Figure(entry.labels, int(value), place))
    twice = [key for key, count in Counter(figure.key for figure in figures).items() if count > 1]
    if twice:
        places = [figure.place for figure in figures if figure.key == twice[0]]
        raise Unreadable(
            f"{places[0]} und {places[1]} tragen dieselbe Beschriftung »{' · '.join(twice[0])}«. Bitte mit einer "
            "Beschreibung (kopfzeilen, merkmale) sagen, was sie unterscheidet."
        )
    return tuple(figures), scale


def _dimension(
    name: str,
    members: tuple[str, ...],
    at: int,
    figures: Sequence[Figure],
    indents: dict[str, int],
    description: Description,
    folder: Path,
) -> tuple[Dimension, list[str]]:
    written = description.hierarchien.get(name)
    if written is not None:
        sums = dict(written.summen)
        if written.datei is not None:
            sums |= read_hierarchy(folder / written.datei)
        strange = sorted(set(sums) - set(members))
        known = {whole: [part for part in parts if part in members] for whole, parts in sums.items()}
        groups = tuple(
            Group(whole, tuple(known[whole]), written.mit_rest or len(known[whole]) < len(parts))
            for whole, parts in sums.items()
            if whole in members and known[whole]
        )
        found, notes = settled(Dimension(name, members, groups), at, figures, is_written=True)
        if strange:
            notes.append(f"{name}: nicht in der Tabelle: {', '.join(f'»{item}«' for item in strange)}.")
        return found, notes
    dimension = Dimension(name, members)
    groups = tuple(guessed_groups(members, indents))
    if not groups:
        numeric = numeric_group(dimension, at, figures)
        groups = (numeric,) if numeric is not None else ()
    return settled(Dimension(name, members, groups), at, figures, is_written=False)


def _rates(
    grid: Grid,
    entries: Sequence[Entry],
    names: set[str],
    dimensions: Sequence[Dimension],
    figures: Sequence[Figure],
    scale: int,
    description: Description,
) -> tuple[tuple[PrintedRate, ...], list[str]]:
    notes, rates = [], []
    by_name = {rate.quote: rate for rate in description.quoten}
    values = {figure.key: figure.value for figure in figures}
    for name in dict.fromkeys(entry.labels[-1] for entry in entries if entry.labels[-1] in names):
        printed = [
            entry
            for entry in entries
            if entry.labels[-1] == name and entry.cell.kind in (Kind.NUMBER, Kind.PERCENT)
        ]
        rate = by_name.get(name) or _recognised(name, printed, dimensions, values)
        if rate is None:
            notes.append(
                f"»{name}« ist eine Quote; Zähler und Nenner sind nicht zu erkennen, sie bleibt außer Betracht."
            )
            continue
        decimals = rate.dezimalen
        if decimals is None:
            decimals = max((entry.cell.decimals for entry in printed), default=0)
        found = [_printed_rate(grid, entry, rate, decimals, dimensions, scale) for entry in printed]
        rates += found
        unit = {100: "in Prozent", 1: ""}.get(rate.faktor, f"je {rate.faktor}")
        at_total = "".join(f" bei »{member}«" for member in rate.nenner_bei.values())
        notes.append(
            f"»{name}« {unit} mit {decimals} Nachkommastellen: »{rate.zaehler}« geteilt durch »{rate.nenner}«{at_total}"
            f"{'' if name in by_name else ' (aus den Zahlen erkannt)'}."
        )
    return tuple(rates), notes


def _printed_rate(
    grid: Grid, entry: Entry, rate: RateColumn, decimals: int, dimensions: Sequence[Dimension], scale: int
) -> PrintedRate:
    assert entry.cell.value is not None
    numerator = (*entry.labels[:-1], rate.zaehler)
    denominator: Key | int
    if isinstance(rate.nenner, int):
        denominator = rate.nenner * scale
    else:
        names = [dimension.name for dimension in dimensions]
        unknown = sorted(set(rate.nenner_bei) - set(names))
        if unknown:
            raise Unreadable(f"Beschreibung, Quote »{rate.quote}«: Das Merkmal »{unknown[0]}« gibt es nicht.")
        moved = [rate.nenner_bei.get(name, part) for name, part in zip(names, entry.labels, strict=True)]
        denominator = (*moved[:-1], rate.nenner)
    place = grid.place(entry.row, entry.column)
    return PrintedRate(
        (*entry.labels[:-1], rate.quote),
        entry.cell.value,
        decimals,
        numerator,
        denominator,
        place,
        rate.faktor,
        rate.rundung,
    )


def _recognised(
    name: str, printed: Sequence[Entry], dimensions: Sequence[Dimension], values: dict[Key, int | None]
) -> RateColumn | None:
    """The one pair of columns (or column and its total) whose quotient is printed here in every row that shows all."""
    decimals = max((entry.cell.decimals for entry in printed), default=0)
    columns = dimensions[-1].members
    wholes: list[dict[str, str]] = [{}]
    wholes += [{dimension.name: group.whole} for dimension in dimensions[:-1] for group in dimension.groups]
    names = [dimension.name for dimension in dimensions]
    found = []
    for numerator in columns:
        for denominator in columns:
            for moved in wholes:
                if numerator == denominator and not moved:
                    continue
                agreeing = 0
                for entry in printed:
                    top = values.get((*entry.labels[:-1], numerator))
                    place = [moved.get(part, label) for part, label in zip(names, entry.labels, strict=True)]
                    base = values.get((*place[:-1], denominator))
                    if top is None or not base or entry.cell.value is None:
                        continue
                    span = rounded(entry.cell.value, decimals).scaled(Decimal(base) / 100)
                    lower, upper = span.integers()
                    if not lower <= top <= upper:
                        agreeing = -1
                        break
                    agreeing += top != base
                if agreeing >= _ENOUGH:
                    found.append(
                        RateColumn(quote=name, zaehler=numerator, nenner=denominator, nenner_bei=moved)
                    )
    return found[0] if len(found) == 1 else None
