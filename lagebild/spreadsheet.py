"""Text that goes into cells of workbooks and CSV files opened by spreadsheets.

A cell that starts with one of `= + - @`, a tab or a line end is run as a formula by spreadsheet programs (OWASP,
"CSV Injection"). In a workbook a cell can say that it is text; in a CSV file a leading apostrophe has to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa
    from openpyxl.cell.cell import Cell, MergedCell

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def set_text(cell: Cell | MergedCell, value: Any) -> None:
    """Puts `value` into a workbook's cell; text stays text whatever it starts with.

    Control characters that a workbook cannot hold are left out.
    """
    if not isinstance(value, str):
        cell.value = value
        return
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    text = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell.value = text
    if text.startswith(_FORMULA_STARTS):
        cell.data_type = "s"
        # Shown by programs as "this is text": the protection survives the user's own editing and saving as CSV.
        cell.quotePrefix = True


def csv_text(value: str) -> str:
    """`value` for a CSV file such that no spreadsheet program runs it."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def csv_column(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """`csv_text` for a text column; NULL stays NULL."""
    import pyarrow.compute as pc

    runs = pc.match_substring_regex(texts, f"^[{re.escape(''.join(_FORMULA_STARTS))}]")
    return pc.if_else(pc.fill_null(runs, False), pc.binary_join_element_wise("'", texts, ""), texts)


__all__ = ["csv_column", "csv_text", "set_text"]
