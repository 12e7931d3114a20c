"""Where in a grid the headers, the labels and the figures stand.

Belongs here: recognising the layout of cross tables and lists, several header rows, section lines, titles and footers.
Does not belong here: which members add up (`sums`), building the audited table (`tables`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.pruefung.description import Description
from orchestration.pruefung.grid import Cell, Grid, Kind, clean, letters
from orchestration.pruefung.published import Unreadable

_CODE_HEADERS = (
    "id",
    "nr",
    "nr.",
    "lfd. nr.",
    "ags",
    "ars",
    "code",
    "schlüssel",
    "kennziffer",
    "kennung",
    "jahr",
)


@dataclass(frozen=True)
class Entry:
    """One cell of figures with the labels that lead to it."""

    row: int
    column: int
    labels: tuple[str, ...]
    """Section (if any), row labels, column headers."""
    cell: Cell


@dataclass(frozen=True)
class Layout:
    """What was recognised. `names`: one per label of an entry; `order`: all labels of each, as printed."""

    names: tuple[str, ...]
    entries: tuple[Entry, ...]
    indents: dict[str, int]
    """Leading blanks of row labels, where the sheet shows depth that way."""
    notes: tuple[str, ...]


def recognise(grid: Grid, description: Description) -> Layout:
    """Raises Unreadable where no figures with labels are found."""
    header, first = _header(grid, description)
    last = min(description.letzte_zeile or len(grid.cells), len(grid.cells))
    body = [row for row in range(first, last) if any(cell.kind is not Kind.EMPTY for cell in grid.cells[row])]
    label_columns = _label_columns(grid, header, body, description)
    columns = _value_columns(grid, header, body, label_columns, description)
    paths = _paths(grid, header, columns)
    kept = [column for column in columns if not set(paths[column]) & set(description.ohne)]
    rows, sections = _rows(grid, body, label_columns, kept)
    if not rows or not kept:
        raise Unreadable(f"{_where(grid)}: Es sind keine Zahlen mit Beschriftung zu erkennen.")
    row_labels, row_names, indents, notes = _row_labels(grid, header, rows, label_columns)
    has_sections = len({section for section in sections.values() if section}) > 1
    depth = max(len(path) for path in paths.values())
    names = (
        *(("Abschnitt",) if has_sections else ()),
        *row_names,
        *(("Spalten",) if depth == 1 else tuple(f"Spalten {level + 1}" for level in range(depth))),
    )
    entries = []
    for row in rows:
        if set(row_labels[row]) & set(description.ohne):
            continue
        for column in kept:
            cell = grid.at(row, column)
            if cell.kind is Kind.TEXT:
                raise Unreadable(
                    f"{grid.place(row, column)}: »{cell.text[:40]}« ist weder eine Zahl noch ein vereinbartes Zeichen. "
                    "Zeichen für gesperrte Werte nennt die Angabe --gesperrt."
                )
            if cell.is_figure:
                section = (sections[row],) if has_sections else ()
                entries.append(Entry(row, column, (*section, *row_labels[row], *paths[column]), cell))
    shown = (
        f"Kopf in Zeile {header[0] + 1}" + (f" bis {header[-1] + 1}" if len(header) > 1 else "")
        if header
        else ""
    )
    found = (
        f"{_where(grid)}: {len(rows)} Zeilen und {len(kept)} Spalten mit Zahlen erkannt"
        f"{' (' + shown + ')' if shown else ''}; Beschriftung in Spalte "
        f"{', '.join(letters(column) for column in label_columns)}.",
    )
    return Layout(names, tuple(entries), indents, (*found, *notes))


def _where(grid: Grid) -> str:
    return f"Blatt »{grid.name}«" if grid.is_sheet else grid.name


def _header(grid: Grid, description: Description) -> tuple[list[int], int]:
    """Header rows and the first row below them."""
    if description.kopfzeilen:
        rows = [row - 1 for row in description.kopfzeilen]
        if rows[-1] >= len(grid.cells) - 1:
            raise Unreadable(f"{_where(grid)}: Unter der Kopfzeile {rows[-1] + 1} steht nichts.")
        return rows, rows[-1] + 1
    first = next((row for row in range(len(grid.cells)) if _is_data(grid, row)), None)
    if first is None:
        raise Unreadable(f"{_where(grid)}: Es ist keine Zeile mit Zahlen zu erkennen.")
    # Figures start behind the labels of the first row; headers stand above them, titles further left.
    cells = [grid.at(first, column) for column in range(grid.width)]
    named = next((place for place, cell in enumerate(cells) if cell.kind is Kind.TEXT), 0)
    start = next(place for place, cell in enumerate(cells) if cell.is_figure and place > named)
    header: list[int] = []
    for row in range(first - 1, -1, -1):
        if any(grid.at(row, column).kind is not Kind.EMPTY for column in range(start, grid.width)):
            header.insert(0, row)
        elif header:
            break
    if not header:
        raise Unreadable(f"{_where(grid)}: Über den Zahlen (Zeile {first + 1}) fehlt eine Kopfzeile.")
    return header, header[-1] + 1


def _is_data(grid: Grid, row: int) -> bool:
    """A label and at least one figure that is not a year of a header."""
    filled = [cell for cell in grid.cells[row] if cell.kind is not Kind.EMPTY]
    figures = [cell for cell in filled[1:] if cell.is_figure]
    if not figures or (len(figures) == len(filled) and len(filled) < 2):
        return False
    if any(cell.kind in (Kind.HIDDEN, Kind.PERCENT) and cell.below is None for cell in figures):
        return True
    # `<18` may be a hidden count or the name of an age group; a row of nothing else is a header.
    if all(cell.below is not None for cell in figures):
        return False
    years = [cell.value for cell in figures if cell.value is not None]
    in_order = all(
        value % 1 == 0 and 1950 <= value <= 2100 and (place == 0 or value >= years[place - 1])
        for place, value in enumerate(years)
    )
    texts = [cell for cell in filled if cell.kind is Kind.TEXT]
    header_above = any(
        sum(cell.kind is Kind.TEXT for cell in grid.cells[above]) >= 2
        and not any(cell.is_figure for cell in grid.cells[above])
        for above in range(row)
    )
    return not in_order or (header_above and len(texts) >= 1)


def _label_columns(
    grid: Grid, header: Sequence[int], body: Sequence[int], description: Description
) -> list[int]:
    if description.merkmale:
        return [_named_column(grid, header, name) for name in description.merkmale]
    found: list[int] = []
    texts_found = False
    for column in range(grid.width):
        kinds = Counter(grid.at(row, column).kind for row in body)
        figures = sum(kinds[kind] for kind in (Kind.NUMBER, Kind.PERCENT, Kind.HIDDEN, Kind.MISSING))
        is_text = kinds[Kind.TEXT] > figures
        name = _header_text(grid, header, column).lower()
        is_code = name in _CODE_HEADERS and not kinds[Kind.HIDDEN] and not kinds[Kind.PERCENT]
        if texts_found and not is_text and not is_code and figures:
            break
        if is_text and not texts_found:
            # Codes and years stand left of the first name.
            texts_found = True
            found = [left for left in range(column) if any(grid.at(row, left).text for row in body)]
        if is_text or (is_code and figures):
            found.append(column)
    found = sorted(set(found))
    if not found:
        # A table whose first column holds years or codes only.
        found = [
            next(column for column in range(grid.width) if any(grid.at(row, column).text for row in body))
        ]
    return found


def _named_column(grid: Grid, header: Sequence[int], name: str) -> int:
    for column in range(grid.width):
        if name in (letters(column), _header_text(grid, header, column)) or any(
            clean(grid.at(row, column).text) == name for row in header
        ):
            return column
    raise Unreadable(f"{_where(grid)}: Die Spalte »{name}« gibt es nicht.")


def _header_text(grid: Grid, header: Sequence[int], column: int) -> str:
    return " ".join(clean(grid.at(row, column).text) for row in header if grid.at(row, column).text)


def _value_columns(
    grid: Grid, header: Sequence[int], body: Sequence[int], labels: Sequence[int], description: Description
) -> list[int]:
    if description.werte:
        return [_named_column(grid, header, name) for name in description.werte]
    return [
        column
        for column in range(grid.width)
        if column not in labels and any(grid.at(row, column).is_figure for row in body)
    ]


def _paths(grid: Grid, header: Sequence[int], columns: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Column → its headers from top to bottom; a header over several columns is written once and holds on."""
    if not columns:
        return {}
    levels: list[dict[int, str]] = []
    for depth, row in enumerate(header):
        level: dict[int, str] = {}
        held = ""
        for column in range(min(columns), grid.width):
            text = clean(grid.at(row, column).text)
            starts_anew = any(grid.at(above, column).text for above in header[:depth])
            held = text if text or starts_anew else held
            # The lowest header names single columns: there a gap is a gap.
            level[column] = text if depth == len(header) - 1 and len(header) > 1 else held
        levels.append(level)
    told = [level for level in levels if len({level[column] for column in columns}) > 1]
    told = told or levels[-1:]
    paths = {column: tuple(level[column] for level in told) for column in columns}
    gaps = any(not part for path in paths.values() for part in path)
    if gaps or (len(told) > 1 and not _is_product(list(paths.values()))):
        # `Insgesamt | davon: männlich, weiblich` is one feature written over two rows.
        paths = {column: (" ".join(part for part in path if part),) for column, path in paths.items()}
    repeated = [path for path, count in Counter(paths.values()).items() if count > 1]
    if repeated or any(not any(path) for path in paths.values()):
        paths = {
            column: (*path[:-1], f"{path[-1]} [{letters(column)}]".strip())
            if path in repeated or not path[-1]
            else path
            for column, path in paths.items()
        }
    return paths


def _is_product(paths: Sequence[tuple[str, ...]]) -> bool:
    """Headers that cross: a lower one stands below several upper ones."""
    below = Counter(path[-1] for path in set(paths))
    return any(count > 1 for count in below.values())


def _rows(
    grid: Grid, body: Sequence[int], labels: Sequence[int], columns: Sequence[int]
) -> tuple[list[int], dict[int, str]]:
    """Rows with figures, and the section line above each."""
    rows: list[int] = []
    sections: dict[int, str] = {}
    section = ""
    for row in body:
        has_figures = any(grid.at(row, column).is_figure for column in columns)
        has_label = any(grid.at(row, column).kind is not Kind.EMPTY for column in labels)
        if has_figures and has_label:
            rows.append(row)
            sections[row] = section
        elif not has_figures:
            texts = [cell.text for cell in grid.cells[row] if cell.kind is not Kind.EMPTY]
            section = clean(texts[0]) if len(texts) == 1 else section
    return rows, sections


def _row_labels(
    grid: Grid, header: Sequence[int], rows: Sequence[int], columns: Sequence[int]
) -> tuple[dict[int, tuple[str, ...]], tuple[str, ...], dict[str, int], tuple[str, ...]]:
    """Labels per row; a label above holds on in outer columns; a code beside a name is one label with it."""
    filled: dict[int, list[str]] = {}
    held = [""] * len(columns)
    for row in rows:
        texts = [clean(grid.at(row, column).text) for column in columns]
        for place, text in enumerate(texts):
            if text or place == len(columns) - 1:
                held[place] = text
                # What is further in starts anew below a new outer label.
                held[place + 1 :] = [""] * (len(columns) - place - 1)
        filled[row] = list(held)
    kept = list(range(len(columns)))
    for code in list(kept):
        if any(code != name and _is_code_of(code, name, filled) for name in kept):
            kept.remove(code)
    names = tuple(
        _header_text(grid, header, columns[place]) or f"Spalte {letters(columns[place])}" for place in kept
    )
    labels = {row: tuple(line[place] for place in kept) for row, line in filled.items()}
    indents: dict[str, int] = {}
    for row, label in labels.items():
        indents.setdefault(label[-1], grid.at(row, columns[kept[-1]]).indent)
    notes: list[str] = []
    seen = Counter(labels.values())
    sections_repeat = [label for label, count in seen.items() if count > 1]
    if sections_repeat:
        notes.append(
            f"Gleiche Beschriftung in mehreren Zeilen, zum Beispiel »{' · '.join(sections_repeat[0])}«."
        )
    return labels, names, indents if len(set(indents.values())) > 1 else {}, tuple(notes)


def _is_code_of(code: int, name: int, filled: dict[int, list[str]]) -> bool:
    """One column numbers the rows of another: it is left out, and tells rows of one name apart (changes `filled`)."""
    codes = [line[code] for line in filled.values()]
    names = [line[name] for line in filled.values()]
    looks_like_one = all(" " not in text and any(sign.isdigit() for sign in text) for text in codes)
    if len(codes) < 2 or len(set(codes)) < len(codes) or not all(names) or not looks_like_one:
        return False
    doubled = {text for text, count in Counter(names).items() if count > 1}
    # A number beside a few names that repeat is a figure of its own, not a code.
    if len(doubled) * 4 > len(set(names)):
        return False
    for line in filled.values():
        if line[name] in doubled:
            line[name] = f"{line[name]} ({line[code]})"
    return True
