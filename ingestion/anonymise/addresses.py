"""Writing of addresses: street names and house numbers brought into one form, so that two spellings are one address.

Pure. Belongs here: what German offices write differently (abbreviations, ß, umlauts, hyphens, suffixes, ranges).
Does not belong here: the address register (`register`), guessing (a misspelt name stays unmatched and is reviewed).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from ingestion.anonymise.columns import UMLAUTS

_WORDS: Final = {
    "str": "strasse",
    "pl": "platz",
    "st": "sankt",
    "skt": "sankt",
    "dr": "doktor",
    "prof": "professor",
    "bgm": "buergermeister",
    "bgmstr": "buergermeister",
    "gebr": "gebrueder",
    "geschw": "geschwister",
    "gr": "gross",
    "kl": "klein",
    "grosse": "gross",
    "grosser": "gross",
    "grosses": "gross",
    "grossen": "gross",
    "kleine": "klein",
    "kleiner": "klein",
    "kleines": "klein",
    "kleinen": "klein",
}
_ENDINGS: Final = (("str", "strasse"), ("pl", "platz"))
_DOTTED_ENDINGS: Final = ((re.compile(r"w\.$"), "weg"), (re.compile(r"all\.$"), "allee"))
"""Only with a dot: "…w" and "…all" are also endings of whole words."""


def street_key(street: str) -> str:
    """A street name as lower-case letters and digits without blanks: `Dr.-Külz-Str.` → `doktorkuelzstrasse`.

    Idempotent. Empty for a text without letters and digits.
    """
    key = _street_once(street)
    # Joining words may form an abbreviation that was none before ("S tr"): repeated until nothing changes.
    while (again := _street_once(key)) != key:
        key = again
    return key


def _street_once(street: str) -> str:
    words = []
    for part in re.split(r"[\s\-–—/,;'’`´]+|(?<=\.)(?=\S)", _folded(street)):
        for pattern, full in _DOTTED_ENDINGS:
            part = pattern.sub(full, part)
        word = "".join(char for char in part if char.isalnum())
        word = _WORDS.get(word, word)
        for ending, full in _ENDINGS:
            if word.endswith(ending):
                word = word.removesuffix(ending) + full
        words.append(word)
    return "".join(words)


def _folded(text: str) -> str:
    """Lower case, umlauts and ß written out, other accents dropped."""
    composed = unicodedata.normalize("NFKC", text).casefold().translate(UMLAUTS)
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", composed) if not unicodedata.combining(char)
    )
    return plain.casefold()


@dataclass(frozen=True)
class HouseNumber:
    """A house number or a range of them; `high` equals `low` for a single one."""

    low: int
    suffix: str = ""
    high: int = 0
    high_suffix: str = ""

    @property
    def key(self) -> str:
        """`12`, `12a`, `12½`, `12-16`, `12-14a`."""
        first = f"{self.low}{self.suffix}"
        return f"{first}-{self.high}{self.high_suffix}" if self.high > self.low else first

    def numbers(self) -> range:
        """The numbers of a range, on one side of the street where both ends are even or odd."""
        step = 2 if (self.high - self.low) % 2 == 0 else 1
        return range(self.low, max(self.high, self.low) + 1, step)


_HOUSE: Final = re.compile(
    r"(?:h(?:aus)?)?\s*(?:n(?:r|ummer)\.?)?\s*0*(?P<low>\d{1,5})"
    r"(?:(?P<half>\s*½|\s+1/2(?!\d))|\s*(?P<suffix>[a-z])(?![a-z]))?"
    r"(?:\s*(?:[-–—/+&]|bis|und|u\.)\s*(?P<high>\d{1,5})?\s*(?:(?P<high_suffix>[a-z])(?![a-z]))?)?"
)
LONGEST_RANGE: Final = 60
"""Numbers; a longer range is a typing error (`12-1214`)."""


def house_number(written: str) -> HouseNumber | None:
    """A house number as written: `12`, `012a`, `Nr. 12 A`, `12-16`, `12 – 14 a`, `7 1/2`, `12 Hinterhaus`.

    Additions after the number (Hinterhaus, Wohnung, floor) are left out; None where there is no number.
    """
    text = written.strip().casefold().replace("½", " ½")
    match = _HOUSE.match(re.sub(r"\s+", " ", text))
    if match is None or int(match["low"]) == 0:
        return None
    low = int(match["low"])
    suffix = "½" if match["half"] else match["suffix"] or ""
    high = int(match["high"] or 0)
    if low < high <= low + LONGEST_RANGE:
        return HouseNumber(low, suffix, high, match["high_suffix"] or "")
    return HouseNumber(low, suffix)


_STREET_AND_NUMBER: Final = re.compile(r"^(?P<street>.*?[^\W\d_][^\d]*?)[\s,]*(?P<house>\d.*)?$")


def split_address(written: str) -> tuple[str, str]:
    """Street and house number of one field: `Am Markt 7 a` → (`Am Markt`, `7 a`).

    A name with a number in it (`Straße des 17. Juni 3`) is cut at the last number.
    """
    text = written.strip()
    last = re.search(
        r"^(?P<street>.*[^\W\d_].*?)\s+(?P<house>\d+\s*[a-zA-Z]?(\s*[-–/]\s*\d+\s*[a-zA-Z]?)?)$", text
    )
    match = last or _STREET_AND_NUMBER.match(text)
    if match is None:
        return text, ""
    return match["street"].strip(), (match["house"] or "").strip()
