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


def fits_other_sign(cells: list[Any], sign: str) -> bool:
    """True where every number of a column could also be written with the other decimal sign (`1234`, `12.50`)."""
    return all(_OTHER[sign].fullmatch(cell.strip()) for cell in cells if isinstance(cell, str))


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


def birth_date(cell: Any) -> date:
    """A birth date; registers write 00 for a day or month nobody knows, which is taken as the middle (15th, 1 July)."""
    written = str(cell).strip() if isinstance(cell, str) else ""
    unknown = re.fullmatch(
        r"00\.(?P<month>\d\d)\.(?P<year>\d{4})|(?P<iso>\d{4})-(?P<iso_month>\d\d)-00", written
    )
    if unknown is None:
        return day(cell)
    year, month = int(unknown["year"] or unknown["iso"]), int(unknown["month"] or unknown["iso_month"])
    return date(year, month, 15) if month else date(year, 7, 1)


def age_on(birth: date, reference: date) -> int:
    """Completed years on the reference date; who is born on 29 February has the birthday on 1 March in other years
    (§ 187 (2), § 188 (2) BGB). Raises ValueError for a birth after the reference date."""
    if birth > reference:
        raise ValueError("born after the reference date")
    return reference.year - birth.year - ((reference.month, reference.day) < (birth.month, birth.day))
