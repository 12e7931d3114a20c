"""Words with their grammar: indicators as subjects, areas after a preposition, periods, values and differences.

A label whose gender is not known is never guessed: it stands in quotes behind „die Kennzahl“.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from lagebild import german
from reports.facts import Area, Figure, Indicator

Gender = Literal["m", "f", "n", "p"]
"""p is the plural."""

NBSP: Final = "\u00a0"
MINUS: Final = "\u2212"

# Last part of a head noun -> gender. Only words that take "liegt bei" as a measured quantity.
_HEADS: Final[dict[str, Gender]] = {
    "anteil": "m",
    "quote": "f",
    "quotient": "m",
    "ziffer": "f",
    "relation": "f",
    "index": "m",
    "armut": "f",
    "alter": "n",
    "saldo": "m",
    "dichte": "f",
    "größe": "f",
    "fläche": "f",
    "belegung": "f",
    "beteiligung": "f",
    "fluktuation": "f",
    "preis": "m",
    "miete": "f",
    "wohngeld": "n",
    "ausgaben": "p",
    "einkommen": "n",
    "verdienst": "m",
    "losigkeit": "f",
    "bezug": "m",
    "bevölkerung": "f",
}
_ARTICLES: Final[dict[Gender, tuple[str, str]]] = {
    "m": ("der", "dem"),
    "f": ("die", "der"),
    "n": ("das", "dem"),
    "p": ("die", "den"),
}
_LEVELS: Final[dict[str, Gender]] = {
    "kreis": "m",
    "raum": "m",
    "region": "f",
    "bezirk": "m",
    "teil": "m",
    "gemeinde": "f",
    "verband": "m",
    "land": "n",
    "amt": "n",
    "stadt": "f",
    "quartier": "n",
}
# Heads that can stand behind a number.
_COUNTABLE: Final = (
    "einwohnerinnen", "schülerinnen", "haushalte", "einrichtungen", "kinder", "menschen", "wohnungen", "personen",
    "hilfen", "arbeitslose", "fälle", "leistungsberechtigte", "staatsangehörige", "beratungen", "räumungen",
    "kündigungen", "mitteilungen", "klagen",
)  # fmt: skip
_ADJECTIVE: Final = re.compile(r"^(\w+?)(e|er|es)$")


@dataclass(frozen=True)
class Subject:
    """An indicator as a noun phrase. `nominative` begins in lower case; use `opening` at the start of a sentence."""

    nominative: str
    dative: str
    is_plural: bool

    @property
    def opening(self) -> str:
        return capital(self.nominative)

    def verb(self, singular: str, plural: str) -> str:
        return plural if self.is_plural else singular


def capital(text: str) -> str:
    """First letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def subject(indicator: Indicator) -> Subject:
    """The indicator with article: `die SGB-II-Quote`, `der natürliche Saldo`, else `die Kennzahl „…“`."""
    label = indicator.label
    quoted = Subject(f"die Kennzahl „{label}“", f"der Kennzahl „{label}“", False)
    words = label.split(" ")
    if not words or "," in label or ":" in label:
        return quoted
    adjective = ""
    head = words[0]
    found = _ADJECTIVE.match(words[0])
    if len(words) > 1 and words[1][:1].isupper() and found and _gender(words[0], _HEADS) is None:
        adjective, head = found[1].lower(), words[1]
    gender = _gender(head, _HEADS)
    if gender is None:
        return quoted
    rest = " ".join(words[1:] if adjective else words)
    nominative, dative = _ARTICLES[gender]
    strong = ("en" if gender == "p" else "e", "en")
    with_adjective = [f" {adjective}{ending}" if adjective else "" for ending in strong]
    return Subject(
        f"{nominative}{with_adjective[0]} {rest}", f"{dative}{with_adjective[1]} {rest}", gender == "p"
    )


def counted(indicator: Indicator) -> str | None:
    """The label of a count as the noun behind a number: `pflegebedürftige Menschen`; None where it is no such noun."""
    words = indicator.label.split(" ")
    adjective = len(words) > 1 and words[1][:1].isupper() and words[0].endswith("e")
    head = words[1] if adjective else words[0]
    if (
        indicator.kind != "count"
        or not head.lower().endswith(_COUNTABLE)
        or set(indicator.label) & set("(:,")
    ):
        return None
    return indicator.label[:1].lower() + indicator.label[1:] if adjective else indicator.label


def _gender(word: str, table: dict[str, Gender]) -> Gender | None:
    lowered = word.lower()
    return next((gender for ending, gender in table.items() if lowered.endswith(ending)), None)


def where(area: Area) -> str:
    """`im Musterkreis`, `in Elmstade`, `im Amt Marschlande`, `im Sozialraum Elmstade Hafen`."""
    first = area.name.split(" ")[0]
    named = _gender(first, {k: v for k, v in _LEVELS.items() if k in {"kreis", "amt", "bezirk"}})
    is_type = first.lower() in {"amt", "kreis", "landkreis"}
    if named is not None and (area.rank == 0 or is_type or first.lower().endswith("-kreis")):
        return f"{_in(named)} {area.name}"
    if area.name.startswith(area.level_label):
        return f"{_in(_gender(area.level_label, _LEVELS) or 'm')} {area.name}"
    gender = _gender(area.level_label, _LEVELS)
    # Names of small areas are no place names everybody knows; those of Gemeinden and above are.
    small = area.rank > 1 and area.level_label.lower() not in {"gemeinde", "gemeindeverband"}
    if small and gender is not None and " " not in area.level_label:
        return f"{_in(gender)} {area.level_label} {area.name}"
    return f"in {area.name}"


def _in(gender: Gender) -> str:
    return {"m": "im", "n": "im", "f": "in der", "p": "in den"}[gender]


def when(figure: Figure) -> str:
    """`am 31.12.2025`, `im Jahr 2024`, `im Schuljahr 2024/25`."""
    label = figure.period_label
    if figure.period_type == "stichtag":
        return f"am {label}"
    if figure.period_type == "jahr":
        return f"im Jahr {label}"
    return f"im {label}"


def signed(value: float, decimals: int) -> str:
    """`+0,4`, `−1,2`, `±0,0`: with a real minus sign."""
    text = german.number(abs(value), decimals)
    if round(abs(value), decimals) == 0:
        return f"±{text}"
    return f"{'+' if value > 0 else MINUS}{text}"


def plain(value: float, decimals: int) -> str:
    """`−0,4`: a number with a real minus sign."""
    text = german.number(abs(value), decimals)
    return f"{MINUS}{text}" if value < 0 and round(abs(value), decimals) > 0 else text


def measured(value: float, indicator: Indicator) -> str:
    """Value with unit in running text: `8,7 %`, `39,1 je 1.000`, `812 Euro`."""
    unit = indicator.unit_label
    number = plain(value, indicator.decimals)
    if unit in {"", "Anzahl"}:
        return number
    if round(value, indicator.decimals) == 1 and indicator.decimals == 0:
        unit = {"Personen": "Person", "Haushalte": "Haushalt", "Fälle": "Fall", "Kinder": "Kind"}.get(
            unit, unit
        )
        unit = {"Wohnungen": "Wohnung", "Einrichtungen": "Einrichtung"}.get(unit, unit)
    return f"{number}{NBSP}{unit}".replace("je ", f"je{NBSP}")


def difference(value: float, indicator: Indicator) -> str:
    """Absolute difference in running text: `0,4 Prozentpunkte`, `1 Person`, `1,4 je 1.000`."""
    amount = abs(value)
    if indicator.unit == "%":
        word = (
            "Prozentpunkt" if german.number(amount, indicator.decimals) in {"1", "1,0"} else "Prozentpunkte"
        )
        return f"{german.number(amount, indicator.decimals)}{NBSP}{word}"
    return measured(amount, indicator)


def released(text: str) -> str:
    """A text of the release in the notation of the reports: `−0,4` for `-0,4`, `Euro` for `EUR`."""
    return re.sub(r"(?<![\w,.])-(?=\d)", MINUS, text).replace("EUR", "Euro")


def number_of(count: int, singular: str, plural: str) -> str:
    """`1 Sozialraum`, `3 Sozialräume`."""
    return f"{german.number(count)}{NBSP}{singular if count == 1 else plural}"


def listed(items: list[str]) -> str:
    """`a`, `a und b`, `a, b und c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} und {items[-1]}" if items else ""


_UNDECLINED: Final = {"Ämter und amtsfreie Gemeinden": "Ämtern und amtsfreien Gemeinden"}


def dative_plural(plural: str) -> str:
    """`Sozialräume` -> `Sozialräumen`; `Gemeinden` stays. Behind „nach“, „unter den“, „von den“."""
    if plural in _UNDECLINED:
        return _UNDECLINED[plural]
    words = [
        word if word in {"und", "oder"} or word.endswith(("n", "s")) else f"{word}n"
        for word in plural.split(" ")
    ]
    return " ".join(words)


__all__ = [
    "MINUS",
    "NBSP",
    "Subject",
    "capital",
    "counted",
    "dative_plural",
    "difference",
    "listed",
    "measured",
    "number_of",
    "plain",
    "released",
    "signed",
    "subject",
    "when",
    "where",
]
