"""How a text file is written: encoding, delimiter, decimal sign, spelling of dates – found in the file itself, and
compared with what the registry says.

Belongs here: what can be seen without knowing the table. Not here: reading it, and any rule of one format.
A file that is written otherwise than agreed is refused with the two spellings named: read with the wrong ones it would
give wrong names or figures a thousand times too large, silently. Own checks decide where they can (byte order mark,
strict UTF-8, German letters, unambiguous numbers); charset-normalizer is asked about single-byte encodings only.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from charset_normalizer import from_bytes

from ingestion.formats.base import Issue

SAMPLE: Final = 1 << 20
"""Bytes looked at for the encoding of single-byte files; the strict UTF-8 check always covers everything given."""

DELIMITERS: Final = (";", ",", "\t", "|")
DELIMITER_NAMES: Final = {";": "Semikolon", ",": "Komma", "\t": "Tabulator", "|": "senkrechter Strich"}
DECIMAL_NAMES: Final = {",": "Dezimalkomma", ".": "Dezimalpunkt"}

DateStyle = Literal["JJJJ-MM-TT", "TT.MM.JJJJ", "TT/MM/JJJJ", "MM/TT/JJJJ", "Zahl"]

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GERMAN: Final = "äöüÄÖÜß"
_SINGLE_BYTE: Final = ("cp1252", "cp850", "mac_roman")
_SAME_AS: Final = {
    **dict.fromkeys(("iso8859-1", "latin-1", "latin1", "iso-8859-1", "iso8859-15", "iso-8859-15"), "cp1252"),
    **dict.fromkeys(("windows-1252", "cp1252"), "cp1252"),
    **dict.fromkeys(("utf-8", "utf-8-sig", "utf8", "ascii"), "utf-8"),
    **dict.fromkeys(("utf-16", "utf-16-le", "utf-16-be"), "utf-16"),
}
_DOUBLE: Final = re.compile("Ã[¤¶¼Ÿ„–œ\x84\x96\x9c\x9f]")


@dataclass(frozen=True)
class Agreed:
    """How the registry says a file is written; None: not agreed, whatever is found is taken."""

    encoding: str | None = "utf-8"
    delimiter: str | None = ";"
    decimal: str | None = ","
    dates: DateStyle | None = None


def family(encoding: str) -> str:
    """Encodings that do not differ in German text share a name (ISO 8859-1, -15 and cp1252)."""
    name = encoding.lower().replace("_", "-")
    with suppress(LookupError):
        name = codecs.lookup(encoding).name
    return _SAME_AS.get(name, name)


def encoding_of(content: bytes, complete: bool = True, prefer: str = "cp1252") -> str | None:
    """Encoding of a text: `utf-8`, `utf-16`, `utf-32`, `cp1252`, `cp850`, `mac_roman`; `ascii` fits every agreement;
    None: no text (or none of these). `complete=False` for a sample that may end inside a character. Where the bytes
    speak for several single-byte encodings alike (a lone ©), the preferred one is taken."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return name
    if b"\x00" in content[:SAMPLE]:
        return None
    if content.isascii():
        return "ascii"
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(content, final=complete)
    except UnicodeDecodeError:
        return _single_byte(content[:SAMPLE], prefer)
    return "utf-8"


def _single_byte(sample: bytes, prefer: str) -> str | None:
    """The encoding in which the non-ASCII bytes are mostly German letters."""
    high = Counter(byte for byte in sample if byte >= 0x80)
    scores: dict[str, int] = {}
    for name in _SINGLE_BYTE:
        try:
            scores[name] = sum(
                count * (bytes([byte]).decode(name) in _GERMAN) for byte, count in high.items()
            )
        except UnicodeDecodeError:  # a byte this encoding does not have
            continue
    best = max(scores.values(), default=0)
    winners = [name for name, score in scores.items() if score == best]
    if len(winners) == 1:
        return winners[0]
    if not scores:
        return None
    # No German letters, or as many either way: what is agreed, else the statistics of charset-normalizer.
    preferred = next((name for name in winners if family(name) == family(prefer)), None)
    if preferred is not None:
        return preferred
    guess = from_bytes(sample[:65536], cp_isolation=list(scores)).best()
    return guess.encoding if guess is not None else winners[0]


def delimiter_of(text: str, lines: int = 200) -> str | None:
    """The delimiter that gives most lines the same number of cells; None where no line is divided."""
    head = text.splitlines()[:lines]
    best: tuple[int, int] = (0, 0)
    found = None
    for delimiter in DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(head, delimiter=delimiter) if len(row) > 1)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        if (count, width) > best:
            best, found = (count, width), delimiter
    return found


def decimal_of(cells: Iterable[str]) -> Literal[",", ".", "mixed"] | None:
    """The decimal sign of numbers written as text; `mixed` where some say one and some the other, None where none
    tells (`1.234` may be either)."""
    seen: set[Literal[",", "."]] = set()
    for cell in cells:
        sign = _decimal_in(cell.strip())
        if sign is not None:
            seen.add(sign)
            if len(seen) == 2:
                return "mixed"
    return next(iter(seen), None)


@lru_cache(maxsize=4096)
def _decimal_in(cell: str) -> Literal[",", "."] | None:
    if re.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})", cell):
        return ","
    if re.fullmatch(r"[+-]?(\d{1,3}(\.\d{3})+),\d{3}|[+-]?(0|\d{4,}),\d+", cell):
        return ","
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3}){2,}", cell):
        return ","  # 1.234.567: points group thousands
    if re.fullmatch(r"[+-]?(\d+|\d{1,3}(,\d{3})+)\.(\d{1,2}|\d{4,})", cell):
        return "."
    if re.fullmatch(r"[+-]?(\d{1,3}(,\d{3})+)\.\d{3}|[+-]?(0|\d{4,})\.\d+", cell):
        return "."
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3}){2,}", cell):
        return "."
    return None


def dates_of(cells: Iterable[str]) -> DateStyle | Literal["mixed"] | None:
    """How dates are spelled; `Zahl` for the day numbers of a spreadsheet, None where nothing looks like a date or
    `03/04/2024` could be either."""
    seen: set[DateStyle] = set()
    for cell in {cell.strip() for cell in cells}:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
            seen.add("JJJJ-MM-TT")
        elif re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{4}", cell):
            seen.add("TT.MM.JJJJ")
        elif re.fullmatch(r"[2-6]\d{4}([.,]\d+)?", cell):
            seen.add("Zahl")
        elif slashed := re.fullmatch(r"(\d{1,2})/(\d{1,2})/\d{4}", cell):
            if int(slashed[1]) > 12:
                seen.add("TT/MM/JJJJ")
            elif int(slashed[2]) > 12:
                seen.add("MM/TT/JJJJ")
    return "mixed" if len(seen) > 1 else next(iter(seen), None)


def decode(content: bytes, agreed: Agreed) -> str | Issue:
    """The text of a file in its agreed encoding; a refusal where the file is written in another one, or is no text."""
    found = encoding_of(content, prefer=agreed.encoding or "cp1252")
    if found is None:
        return _refusal(
            "Keine Textdatei",
            "Die Datei enthält keinen lesbaren Text. Bitte prüfen, ob sie beim Übertragen beschädigt wurde, "
            "und neu liefern.",
        )
    expected = agreed.encoding or found
    if found != "ascii" and family(found) != family(expected):
        return encoding_issue(expected, found)
    # Detected and agreed are of one family, so this cannot fail but for bytes outside of it.
    name = found if found in ("utf-16", "utf-32") else expected
    try:
        text = content.decode("utf-8-sig" if family(name) == "utf-8" else name)
    except UnicodeDecodeError:
        return encoding_issue(expected, None)
    if _DOUBLE.search(text[:SAMPLE]):
        return _refusal(
            "Zeichensatz",
            "Umlaute sind doppelt umgewandelt (zum Beispiel „Ã¤“ statt „ä“). Die Datei wurde vor der Lieferung mit dem "
            "falschen Zeichensatz geöffnet und gespeichert. Bitte aus dem Fachverfahren neu ausleiten.",
        )
    return text


def encoding_issue(expected: str, found: str | None) -> Issue:
    """Refusal naming the agreed encoding and the one found."""
    seen = (
        f"geschrieben ist sie in {found}" if found else "die Datei enthält Zeichen, die es darin nicht gibt"
    )
    return _refusal(
        "Zeichensatz",
        f"Vereinbart ist der Zeichensatz {expected}; {seen}. Bitte so speichern und neu liefern; "
        "ist die Umstellung gewollt, bitte Bescheid geben, damit die Vereinbarung geändert wird.",
    )


def delimiter_issue(text: str, agreed: Agreed) -> Issue | None:
    """Refusal where the columns are divided by another sign than agreed."""
    found = delimiter_of(text)
    if agreed.delimiter is None or found is None or found == agreed.delimiter:
        return None
    return _refusal(
        "Trennzeichen",
        f"Vereinbart ist als Trennzeichen {_delimiter(agreed.delimiter)}; die Spalten sind durch "
        f"{_delimiter(found)} getrennt. Bitte mit dem vereinbarten Trennzeichen neu liefern.",
    )


def decimal_issue(
    cells: Iterable[str], agreed: Agreed, column: str | None = None, grouped: bool = True
) -> Issue | None:
    """Refusal where figures are written with another decimal sign than agreed, or with both. `grouped=False` for
    formats that never group thousands: there `1.234` under an agreed comma is another decimal sign, not 1,234."""
    numbers = list(cells)
    found = decimal_of(numbers)
    if not grouped and found != "mixed":
        signs = {sign for cell in numbers if re.search(r"\d", cell) for sign in ",." if sign in cell}
        found = "mixed" if len(signs) > 1 else ("," if "," in signs else "." if signs else None)
    if agreed.decimal is None or found is None or found == agreed.decimal:
        return None
    written = "beide gemischt" if found == "mixed" else DECIMAL_NAMES[found]
    return _refusal(
        "Dezimalzeichen",
        f"Vereinbart ist {DECIMAL_NAMES[agreed.decimal]}; in der Datei steht {written}. Bitte einheitlich mit "
        f"{DECIMAL_NAMES[agreed.decimal]} neu liefern.",
        column,
    )


def dates_issue(cells: Iterable[str], agreed: Agreed, column: str | None = None) -> Issue | None:
    """Refusal where dates are spelled otherwise than agreed."""
    found = dates_of(cells)
    if agreed.dates is None or found is None or found == agreed.dates:
        return None
    written = {"mixed": "mehrere Schreibweisen gemischt", "Zahl": "Tageszahlen einer Tabellenkalkulation"}
    return _refusal(
        "Datumsformat",
        f"Vereinbart ist die Schreibweise {agreed.dates}; gefunden: {written.get(found, found)}. "
        "Bitte in der vereinbarten Schreibweise neu liefern.",
        column,
    )


def _delimiter(sign: str) -> str:
    name = DELIMITER_NAMES.get(sign)
    return f"„{sign}“" if name is None else name if sign == "\t" else f"{name} („{sign}“)"


def _refusal(rule: str, message: str, column: str | None = None) -> Issue:
    return Issue("refusal", rule, message, column=column)
