"""Reading of single cells: numbers, dates, codes. Pure; a cell that cannot be read raises ValueError."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, Final

_NUMBERS: Final = {
    ",": re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?"),
    ".": re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?"),
}
_OTHER: Final = {
    ",": re.compile(r"[+-]?\d+(\.\d{1,2})?"),
    ".": re.compile(r"[+-]?\d+(,\d{1,2})?"),
}


def text(cell: Any) -> str:
    """A cell as text; whole numbers without `.0`, dates in ISO form."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return str(cell).strip()


def decimal(cell: Any, sign: str) -> float:
    """A number; texts in German (`1.234,5`) or plain (`1,234.5`) notation according to the decimal sign."""
    if isinstance(cell, bool):
        raise ValueError("a truth value is no number")
    if isinstance(cell, int | float):
        return float(cell)
    written = str(cell).strip()
    if not _NUMBERS[sign].fullmatch(written):
        raise ValueError("not a number")
    thousands = "." if sign == "," else ","
    return float(written.replace(thousands, "").replace(sign, "."))


def uses_other_sign(cells: list[Any], sign: str) -> bool:
    """True where all numbers of a column are unambiguously written with the other decimal sign.

    `1234.50` in a column agreed with comma: at least one such cell that cannot be read otherwise, every
    cell readable with the other sign, and none holding the agreed one.
    """
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    if all(_NUMBERS[sign].fullmatch(item) for item in texts):
        return False
    return all(_OTHER[sign].fullmatch(item) for item in texts)


def integer(cell: Any) -> int:
    """A whole number; German thousands dots are read."""
    number = decimal(cell, ",")
    if not number.is_integer():
        raise ValueError("not a whole number")
    return int(number)


def day(cell: Any) -> date:
    """A date: `31.12.2024`, `2024-12-31` or a date cell."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    written = str(cell).strip()
    if german := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", written):
        return date(int(german[3]), int(german[2]), int(german[1]))
    return date.fromisoformat(written)


def age_on(birth: date, reference: date) -> int:
    """Completed years on the reference date."""
    return reference.year - birth.year - ((reference.month, reference.day) < (birth.month, birth.day))
