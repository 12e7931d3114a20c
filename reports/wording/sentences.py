"""Sentences about figures: level, change, comparison, spread, gaps. Rules only, no causes.

Every function returns one German sentence or None where the figures do not carry it.
"""

from __future__ import annotations

from collections.abc import Sequence

from lagebild import german
from reports.facts import Area, Figure, Indicator
from reports.wording import grammar
from reports.wording.grammar import NBSP


def level(indicator: Indicator, figure: Figure, area: Area) -> str | None:
    """`Die SGB-II-Quote liegt im Musterkreis am 31.12.2025 bei 8,7 %.`"""
    if figure.value is None:
        return None
    place, time = grammar.where(area), grammar.when(figure)
    noun = grammar.counted(indicator)
    if noun is not None and figure.value != 1:
        number = grammar.plain(figure.value, indicator.decimals)
        if figure.value == 0:
            # Behind „keine“ an adjective is declined as behind an article.
            first, _, rest = noun.partition(" ")
            number, noun = "keine", f"{first}n {rest}" if first[:1].islower() else noun
        return f"{grammar.capital(place)} gibt es {time} {number}{NBSP}{noun}."
    who = grammar.subject(indicator)
    value = grammar.measured(figure.value, indicator)
    if indicator.kind in {"count", "money"}:
        return f"{who.opening} {who.verb('beträgt', 'betragen')} {place} {time} {value}."
    return f"{who.opening} {who.verb('liegt', 'liegen')} {place} {time} bei {value}."


def change(indicator: Indicator, figure: Figure, previous: Figure | None) -> str | None:
    """`Gegenüber dem Stand vom 31.12.2024 (9,0 %) ist das ein Rückgang um 0,3 Prozentpunkte.`"""
    if figure.value is None:
        return None
    if figure.change is None or figure.previous_value is None:
        reason = figure.change_reason.rstrip(".")
        return f"Ein Vergleich mit dem Wert davor ist nicht möglich: {reason}." if reason else None
    stand = _stand(previous)
    before = grammar.measured(figure.previous_value, indicator)
    if round(figure.change, indicator.decimals) == 0:
        return f"Gegenüber {stand} hat sich der Wert nicht verändert."
    word = "Anstieg" if figure.change > 0 else "Rückgang"
    # The release writes the two values and their difference rounded; all three come from there.
    text = (
        f"Gegenüber {stand} ({before}) ist das ein {word} um {grammar.difference(figure.change, indicator)}"
    )
    if figure.tendency in {"günstig", "ungünstig"}:
        text += f"; die Veränderung gilt als {figure.tendency}"
    return f"{text}."


def _stand(previous: Figure | None) -> str:
    if previous is None:
        return "dem Wert davor"
    if previous.period_type == "stichtag":
        return f"dem Stand vom {previous.period_label}"
    return f"dem {'Jahr ' if previous.period_type == 'jahr' else ''}{previous.period_label}"


def against(indicator: Indicator, figure: Figure, other: Area, value: float | None) -> str | None:
    """`Das sind 2,1 Prozentpunkte mehr als im Musterkreis (8,7 %).` Counts are not compared between areas."""
    if figure.value is None or value is None or indicator.is_absolute:
        return None
    gap = round(figure.value, indicator.decimals) - round(value, indicator.decimals)
    place = grammar.where(other)
    there = grammar.measured(value, indicator)
    if round(gap, indicator.decimals) == 0:
        return f"Das ist derselbe Wert wie {place} ({there})."
    amount = grammar.difference(gap, indicator)
    verb = "ist" if german.number(abs(gap), indicator.decimals) in {"1", "1,0"} else "sind"
    return f"Das {verb} {amount} {'mehr' if gap > 0 else 'weniger'} als {place} ({there})."


def spread(
    indicator: Indicator,
    figures: Sequence[tuple[Area, Figure | None]],
    plural: str,
    rankable: bool | None,
    reason: str = "",
) -> str | None:
    """From the lowest to the highest value of a level, with names. Where a ranking could be noise (`rankable` False)
    the ends are given without names."""
    known = [(area, f.value) for area, f in figures if f is not None and f.value is not None]
    if len(known) < 3 or indicator.is_absolute:
        return None
    low = min(known, key=lambda item: item[1])
    high = max(known, key=lambda item: item[1])
    if low[1] == high[1]:
        return f"Alle {german.number(len(known))} {plural} mit einem Wert haben denselben."
    whole = len(known) == len(figures)
    first = f"Unter den {german.number(len(known))} {grammar.dative_plural(plural)}" + (
        "" if whole else ", für die es einen Wert gibt,"
    )
    ends = [grammar.measured(low[1], indicator), grammar.measured(high[1], indicator)]
    if rankable is False:
        because = grammar.released(reason).strip().rstrip(".")
        refused = f"Eine Reihenfolge wird daraus nicht abgeleitet{f': {grammar.capital(because)}' if because else ''}."
        return f"{first} reicht die Spanne von {ends[0]} bis {ends[1]}. {refused}"
    lows = [area.name for area, value in known if value == low[1]]
    highs = [area.name for area, value in known if value == high[1]]
    return f"{first} reicht die Spanne von {ends[0]} ({_few(lows)}) bis {ends[1]} ({_few(highs)})."


def _few(names: list[str]) -> str:
    if len(names) <= 2:
        return grammar.listed(names)
    return f"{names[0]} und {german.number(len(names) - 1)} weitere"


def gaps(figures: Sequence[tuple[Area, Figure | None]], singular: str, plural: str) -> str | None:
    """`Für 15 Sozialräume ist der Wert gesperrt, für einen noch nicht geliefert.`"""
    counted: dict[str, int] = {}
    for _, figure in figures:
        if figure is None or figure.value is None:
            reason = (figure.empty_reason if figure else "") or "keine Angabe"
            counted[reason] = counted.get(reason, 0) + 1
    if not counted:
        return None
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    parts = [
        f"für {grammar.number_of(count, singular, plural)} {_PREDICATES.get(reason, f'gilt: {reason}')}"
        for reason, count in ordered
    ]
    return f"{grammar.capital(grammar.listed(parts))}."


_PREDICATES = {
    "gesperrt": "ist der Wert aus Gründen der Geheimhaltung gesperrt",
    "noch nicht geliefert": "ist der Wert noch nicht geliefert",
    "nicht zutreffend": "ist die Kennzahl nicht zutreffend",
    "nicht erhoben": "wird die Kennzahl nicht erhoben",
    "keine Angabe": "liegt keine Angabe vor",
}


__all__ = ["against", "change", "gaps", "level", "spread"]
