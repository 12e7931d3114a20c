"""Fictional but plausible German names: towns, villages, Sozialräume, streets, homes.

Names are drawn without replacement from syllable lists, so they are unique within their list.
"""

from __future__ import annotations

from typing import Final

import numpy as np

_TOWNS: Final = (
    "Elmstade", "Wedenburg", "Quickhorst", "Barlebrück", "Tornau am Strom", "Schenkenau", "Rellbeck", "Hallstede",
)  # fmt: skip
_VILLAGE_HEADS: Final = (
    "Ahlen", "Bramm", "Dörp", "Eschel", "Fehl", "Grön", "Heidel", "Immen", "Kölp", "Lütt", "Mühl", "Norder", "Öhl",
    "Pöls", "Quern", "Rüst", "Sülz", "Tang", "Ülz", "Vier", "Wisch", "Zieg", "Bülk", "Hörn", "Kröp", "Mörs",
)  # fmt: skip
_VILLAGE_TAILS: Final = (
    "moorde", "wurthe", "fleth", "koppel", "lohe", "rade", "büll", "staden", "hoop", "groden", "wohlde", "siel",
    "katen", "brookhof", "hude",
)  # fmt: skip
_AMT_NAMES: Final = (
    "Amt Stromniederung", "Amt Geestrücken", "Amt Marschlande", "Amt Moorkante", "Amt Auetal-Nord", "Amt Heidewald",
    "Amt Elmer Land", "Amt Hohe Koppeln", "Amt Krummbach", "Amt Weidenau-Land",
)  # fmt: skip
_QUARTERS: Final = (
    "Altstadt", "Bahnhofsviertel", "Nordstadt", "Südstadt", "Weststadt", "Oststadt", "Hafen", "Mühlenberg",
    "Schlossviertel",
    "Am Wasserturm", "Gartenstadt", "Neuland", "Waldsiedlung", "Hochfeld", "Uferpark", "Ziegelei",
    "Rosenhöhe", "Kaserne",
)  # fmt: skip
_STREET_HEADS: Final = (
    "Ahorn", "Birken", "Buchen", "Deich", "Eichen", "Erlen", "Fichten", "Flieder", "Garten", "Hafen", "Heide",
    "Kastanien",
    "Kirch", "Koppel", "Linden", "Lerchen", "Marien", "Mühlen", "Moor", "Nelken", "Rosen", "Schul", "Sonnen", "Tannen",
    "Ufer", "Ulmen", "Wald", "Weiden", "Wiesen", "Ziegel", "Amsel", "Drossel", "Finken", "Krähen", "Möwen", "Schwalben",
)  # fmt: skip
_STREET_TAILS: Final = ("straße", "weg", "allee", "ring", "gasse", "stieg", "kamp", "damm", "platz", "redder")
_HOME_HEADS: Final = ("Haus", "Seniorenzentrum", "Pflegeheim", "Residenz", "Stift")
_HOME_TAILS: Final = (
    "am Deich", "Abendsonne", "Lindenhof", "Rosengarten", "am Park", "Elmblick", "Sankt Annen", "Heidehof", "am See",
    "Auenblick", "Kastanienhof", "an der Mühle", "Sonnenhof", "Waldesruh",
)  # fmt: skip


def town_names() -> tuple[str, ...]:
    """The eight towns, largest first."""
    return _TOWNS


def amt_names() -> tuple[str, ...]:
    """The ten Ämter of the villages."""
    return _AMT_NAMES


def village_names(rng: np.random.Generator, count: int) -> list[str]:
    """Unique village names; every head is used before one comes twice."""
    names: list[str] = []
    seen: set[str] = set()
    while len(names) < count:
        heads = rng.permutation(len(_VILLAGE_HEADS))
        tails = rng.integers(0, len(_VILLAGE_TAILS), len(heads))
        for head, tail in zip(heads, tails, strict=True):
            name = _VILLAGE_HEADS[head] + _VILLAGE_TAILS[tail]
            if name not in seen and len(names) < count:
                seen.add(name)
                names.append(name)
    return names


def quarter_names(rng: np.random.Generator, town: str, count: int) -> list[str]:
    """Names of a town's Sozialräume, prefixed by the town so that they are unique in the Kreis."""
    short = town.split(" ")[0]
    rest = rng.permutation(len(_QUARTERS) - 1)[: count - 1] + 1
    return [f"{short}-{_QUARTERS[0]}"] + [f"{short} {_QUARTERS[i]}" for i in rest]


def street_names(rng: np.random.Generator, count: int) -> list[str]:
    """Unique street names of one Gemeinde."""
    total = len(_STREET_HEADS) * len(_STREET_TAILS)
    picks = rng.permutation(total)[:count]
    width = len(_STREET_TAILS)
    return [_STREET_HEADS[i // width] + _STREET_TAILS[i % width] for i in picks]


def home_name(index: int) -> str:
    """Name of the index-th care home; unique for 70 homes."""
    return f"{_HOME_HEADS[index % len(_HOME_HEADS)]} {_HOME_TAILS[(index // len(_HOME_HEADS)) % len(_HOME_TAILS)]}"
