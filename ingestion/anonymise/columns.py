"""Columns that must not arrive at all: names, contact data, identifiers of other registers, free text.

Pure; knows headers only, never cells.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

UMLAUTS: Final = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"}
_NEVER: Final = re.compile(
    r"(vor|nach|zu|familien|geburts|ruf|ehe|kuenstler|ordens|voll|frueherer?)?namen?(desvaters|dermutter|zusatz)?"
    r"|(mutter|vater|eltern|partner|kind|klient|patient|schueler)namen?"
    r"|(vor|nach|familien)nameund.*|namevorname|nachnamevorname|anrede|titel|doktorgrad"
    r"|(e?mail|telefon|tel|mobil|handy|fax)(nr|nummer|adresse)?|mobiltelefon"
    r"|iban|bic|konto(nr|nummer)?|bankverbindung"
    r"|steuer(id|nr|nummer|identifikationsnummer)|idnr|identifikationsnummer"
    r"|(renten|sozial|kranken)versicherungs(nr|nummer)|versichertennummer|(ausweis|pass)(nr|nummer)"
    r"|(bemerkung|anmerkung|notiz|kommentar|freitext|vermerk|beschreibung|begruendung|hinweis|diagnose)(en|e|n|text)?"
    r"|(geburts|sterbe)ort|religion|konfession"
)
"""Whole headers after folding. A header that holds more than such a word ("Name der Einrichtung") is none of them."""


def folded(header: str) -> str:
    """A header without case, blanks and punctuation; umlauts and ß written out."""
    text = header.strip().casefold().translate(UMLAUTS)
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if char.isascii() and char.isalnum())
    return text


def is_personal_header(header: str, further: Iterable[str] = ()) -> bool:
    """Whether a column of this name must not be delivered; `further` are the source's own headers."""
    text = folded(header)
    return bool(text) and (_NEVER.fullmatch(text) is not None or text in {folded(item) for item in further})
