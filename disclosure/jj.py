"""The JJ format of τ-ARGUS: cells with bounds and protection levels, then the equations between them, as plain text.

Belongs here: text ↔ cells and equations ↔ linked table. Does not belong here: files (`orchestration.pruefung`).

Layout (τ-ARGUS manual 4; the names of the letters are those of its cell status):
    0                                                    fixed
    5                                                    number of cells
    0 24 24 s 0 48 0 0 0                                 number value cost status lower upper LPL UPL SPL
    …
    2                                                    number of equations
    0 3 : 0 (-1) 1 (1) 2 (1)                             right-hand side, number of terms : cell (coefficient) …
Status: u primary, m secondary, s safe (may be suppressed), z safe and not to be suppressed. Lower and upper are what an
attacker knows from outside. sdcTable writes `0(-1)` without the space; both are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal, cast

import numpy as np
from scipy.sparse import csr_matrix, identity, vstack

from disclosure.table import UNLIMITED, Flags, Integers, Knowledge, LinkedTable

Status = Literal["s", "u", "z", "m"]
_TERM = re.compile(r"(\d+)\s*\(\s*([-+]?\d+(?:\.\d+)?)\s*\)")
OPEN_END_FACTOR = 10
"""What nothing limits is written with this multiple of the largest cell: the format knows no open end."""


class JJError(ValueError):
    """The text is not a table in JJ format; the message is German and names the line."""


@dataclass(frozen=True)
class JJCell:
    """One line of the first part. `lower_protection` … `sliding` are distances from the value."""

    number: int
    value: Decimal
    cost: Decimal
    status: Status
    lower: Decimal
    upper: Decimal
    lower_protection: Decimal = Decimal(0)
    upper_protection: Decimal = Decimal(0)
    sliding: Decimal = Decimal(0)


@dataclass(frozen=True)
class JJEquation:
    """right_hand_side = sum of coefficient × cell."""

    right_hand_side: Decimal
    terms: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JJTable:
    """Cells are numbered from 0 in their order."""

    cells: tuple[JJCell, ...]
    equations: tuple[JJEquation, ...]

    def contradictions(self) -> list[int]:
        """Numbers of the equations that the values do not keep."""
        return [
            number
            for number, equation in enumerate(self.equations)
            if sum((by * self.cells[cell].value for cell, by in equation.terms), Decimal(0))
            != equation.right_hand_side
        ]


def parse_jj(text: str) -> JJTable:
    """Raises JJError where the text breaks the layout above."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    reader = iter(lines)

    def following(what: str) -> tuple[int, str]:
        try:
            return next(reader)
        except StopIteration:
            last = lines[-1][0] if lines else 0
            raise JJError(f"Die Datei endet nach Zeile {last}; es fehlt: {what}.") from None

    def count(what: str) -> int:
        number, line = following(what)
        if not line.isdigit():
            raise JJError(f"Zeile {number}: Hier muss die {what} stehen, gefunden wurde »{line[:40]}«.")
        return int(line)

    number, line = following("die erste Zeile »0«")
    if line != "0":
        raise JJError(f"Zeile {number}: Eine JJ-Datei beginnt mit »0«, gefunden wurde »{line[:40]}«.")
    cells = tuple(
        _cell(*following("eine Tabellenzelle"), expected) for expected in range(count("Anzahl der Zellen"))
    )
    equations = tuple(
        _equation(*following("eine Gleichung"), len(cells)) for _ in range(count("Anzahl der Gleichungen"))
    )
    surplus = next(reader, None)
    if surplus is not None:
        raise JJError(f"Zeile {surplus[0]}: Nach der letzten Gleichung steht noch Text.")
    return JJTable(cells, equations)


def _cell(number: int, line: str, expected: int) -> JJCell:
    fields = line.split()
    if len(fields) != 9:
        raise JJError(
            f"Zeile {number}: Eine Zelle hat neun Angaben (Nummer, Wert, Kosten, Status, Untergrenze, Obergrenze und "
            f"drei Schutzabstände), gefunden wurden {len(fields)}."
        )
    if fields[0] != str(expected):
        raise JJError(f"Zeile {number}: Erwartet wurde die Zelle {expected}, gefunden wurde »{fields[0]}«.")
    if fields[3] not in ("s", "u", "z", "m"):
        raise JJError(f"Zeile {number}: Der Status »{fields[3]}« ist unbekannt (erlaubt sind s, u, z und m).")
    value, cost, *rest = (_number(number, field) for field in (fields[1], fields[2], *fields[4:]))
    return JJCell(expected, value, cost, cast(Status, fields[3]), *rest)


def _equation(number: int, line: str, cells: int) -> JJEquation:
    head, colon, body = line.partition(":")
    fields = head.split()
    if not colon or len(fields) != 2 or not fields[1].isdigit():
        raise JJError(f"Zeile {number}: Eine Gleichung beginnt mit »rechte Seite, Anzahl :«.")
    terms = tuple((int(cell), int(Decimal(by))) for cell, by in _TERM.findall(body))
    rest = _TERM.sub("", body).strip()
    if rest or len(terms) != int(fields[1]):
        raise JJError(f"Zeile {number}: Angekündigt sind {fields[1]} Summanden, gelesen wurden {len(terms)}.")
    if any(Decimal(by) % 1 for _, by in _TERM.findall(body)):
        raise JJError(f"Zeile {number}: Die Faktoren müssen ganze Zahlen sein.")
    beyond = [cell for cell, _ in terms if cell >= cells]
    if beyond:
        raise JJError(f"Zeile {number}: Die Zelle {beyond[0]} gibt es nicht.")
    return JJEquation(_number(number, fields[0]), terms)


def _number(number: int, field: str) -> Decimal:
    try:
        value = Decimal(field)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise JJError(f"Zeile {number}: »{field}« ist keine Zahl.")
    return value


def format_jj(table: JJTable) -> str:
    """The text of a table; `parse_jj` of it gives the table back."""
    lines = ["0", str(len(table.cells))]
    for cell in table.cells:
        figures = (cell.lower, cell.upper, cell.lower_protection, cell.upper_protection, cell.sliding)
        lines.append(
            f"{cell.number} {_text(cell.value)} {_text(cell.cost)} {cell.status} "
            + " ".join(_text(figure) for figure in figures)
        )
    lines.append(str(len(table.equations)))
    for equation in table.equations:
        terms = " ".join(f"{cell} ({by})" for cell, by in equation.terms)
        lines.append(f"{_text(equation.right_hand_side)} {len(equation.terms)} : {terms}")
    return "\n".join(lines) + "\n"


def _text(value: Decimal) -> str:
    return format(value, "f")


def from_linked(table: LinkedTable, is_hidden: Flags | None = None) -> JJTable:
    """A linked table as JJ: its cells in their order, then what ties them.

    Atoms that are no cell of their own become further cells (status m: never published), and so does the left side of
    every inequality the attacker knows, with his bounds as outer bounds. Costs are scaled to 1 … 1,000,000.
    `is_hidden`: the pattern to be checked; without it only primaries are marked.
    """
    hidden = table.is_primary if is_hidden is None else is_hidden
    values = table.value
    largest = int(max([1, *values.tolist(), *table.base.tolist()]))
    open_end = OPEN_END_FACTOR * largest
    membership = table.membership.tocsr()
    place = _cells_of_atoms(membership)
    top = float(table.weight.max(initial=0.0)) or 1.0
    cells = []
    for cell in range(table.cells):
        status: Status = "s" if table.may_hide[cell] else "z"
        if table.is_primary[cell]:
            status = "u"
        elif hidden[cell] or not table.may_publish[cell]:
            status = "m"
        value = int(values[cell])
        protected = status == "u"
        below = max(value - int(table.lower_goal[cell]), 0) if protected else 0
        above = max(int(table.upper_goal[cell]) - value, 0) if protected else 0
        ceilings = table.ceiling[membership.indices[membership.indptr[cell] : membership.indptr[cell + 1]]]
        upper = open_end if (ceilings == UNLIMITED).any() else int(ceilings.sum())
        cost = max(1, round(1_000_000 * float(table.weight[cell]) / top))
        cells.append(_whole(cell, value, cost, status, 0, max(upper, value + above), below, above))
    for atom in range(table.atoms):
        if atom not in place:
            place[atom] = len(cells)
            ceiling = int(table.ceiling[atom])
            upper = open_end if ceiling == UNLIMITED else ceiling
            cells.append(_whole(len(cells), int(table.base[atom]), 1, "m", 0, upper))
    equations = []
    for cell in range(table.cells):
        atoms = membership.indices[membership.indptr[cell] : membership.indptr[cell + 1]]
        if atoms.size == 1 and place[int(atoms[0])] == cell:
            continue
        equations.append(_sum_to(cell, [(place[int(atom)], 1) for atom in atoms]))
    rows = table.knowledge.rows.tocsr()
    for row in range(rows.shape[0]):
        span = slice(rows.indptr[row], rows.indptr[row + 1])
        terms = [
            (place[int(atom)], int(by)) for atom, by in zip(rows.indices[span], rows.data[span], strict=True)
        ]
        lower, upper = int(table.knowledge.lower[row]), int(table.knowledge.upper[row])
        if lower == upper:
            equations.append(JJEquation(Decimal(lower), tuple(terms)))
            continue
        reach = OPEN_END_FACTOR * largest * sum(abs(by) for _, by in terms)
        value = sum(by * int(cells[cell].value) for cell, by in terms)
        number = len(cells)
        cells.append(_whole(number, value, 1, "m", max(lower, -reach), min(upper, reach)))
        equations.append(_sum_to(number, terms))
    return JJTable(tuple(cells), tuple(equations))


def _whole(
    number: int, value: int, cost: int, status: Status, lower: int, upper: int, below: int = 0, above: int = 0
) -> JJCell:
    figures = (lower, upper, below, above)
    return JJCell(number, Decimal(value), Decimal(cost), status, *(Decimal(figure) for figure in figures))


def _sum_to(whole: int, parts: Sequence[tuple[int, int]]) -> JJEquation:
    return JJEquation(Decimal(0), ((whole, -1), *parts))


def _cells_of_atoms(membership: csr_matrix) -> dict[int, int]:
    """Atom → the first cell that consists of it alone."""
    place: dict[int, int] = {}
    for cell in np.flatnonzero(np.diff(membership.indptr) == 1):
        place.setdefault(int(membership.indices[membership.indptr[cell]]), int(cell))
    return place


@dataclass(frozen=True)
class ReadTable:
    """A JJ table as linked table: every JJ cell is an atom and a cell, the equations are knowledge.

    `is_hidden` marks u and m. Values are in units of 10^-decimals, and an atom counts from `offset` (below 0 only where
    the outer lower bound is): figure = (atom + offset) / 10^decimals.
    """

    table: LinkedTable
    is_hidden: Flags
    offset: Integers
    decimals: int


def to_linked(jj: JJTable, name: str) -> ReadTable:
    """The audit's view of a JJ table. Raises JJError when its values contradict its own equations or bounds."""
    broken = jj.contradictions()
    if broken:
        raise JJError(
            f"Die Werte erfüllen {len(broken)} Gleichungen nicht, zuerst die Gleichung {broken[0] + 1}."
        )
    figures = [figure for cell in jj.cells for figure in (cell.value, cell.lower, cell.upper)]
    decimals = max((_decimals(figure) for figure in figures), default=0)
    scale = 10**decimals
    value, lower, upper = (
        np.array([int(getattr(cell, part) * scale) for cell in jj.cells], dtype=np.int64)
        for part in ("value", "lower", "upper")
    )
    outside = np.flatnonzero((value < lower) | (value > upper))
    if outside.size:
        raise JJError(f"Der Wert der Zelle {outside[0]} liegt außerhalb ihrer eigenen Grenzen.")
    # Atoms are not negative: a cell that may be is counted from its lower bound.
    offset = np.minimum(lower, 0)
    size = len(jj.cells)
    rows, columns, data, right = [], [], [], []
    for number, equation in enumerate(jj.equations):
        rows += [number] * len(equation.terms)
        columns += [cell for cell, _ in equation.terms]
        data += [by for _, by in equation.terms]
        shift = sum(by * int(offset[cell]) for cell, by in equation.terms)
        right.append(int(equation.right_hand_side * scale) - shift)
    equations = csr_matrix((data, (rows, columns)), shape=(len(jj.equations), size), dtype=np.int64)
    # What is known to be more than nothing is a row of its own: an atom has a ceiling but no floor.
    floors = np.flatnonzero(lower > 0)
    above = csr_matrix(
        (np.ones(floors.size, dtype=np.int64), (np.arange(floors.size), floors)), shape=(floors.size, size)
    )
    known = Knowledge(
        csr_matrix(vstack([equations, above], format="csr", dtype=np.int64)),
        np.array([*right, *lower[floors].tolist()], dtype=np.int64),
        np.array([*right, *([UNLIMITED] * floors.size)], dtype=np.int64),
    )
    status = np.array([cell.status for cell in jj.cells])
    below = np.array([int(np.ceil(cell.lower_protection * scale)) for cell in jj.cells], dtype=np.int64)
    beyond = np.array([int(np.ceil(cell.upper_protection * scale)) for cell in jj.cells], dtype=np.int64)
    table = LinkedTable(
        name=name,
        base=value - offset,
        ceiling=upper - offset,
        membership=csr_matrix(identity(size, dtype=np.int64)),
        is_primary=status == "u",
        lower_goal=value - offset - below,
        upper_goal=value - offset + beyond,
        may_hide=status != "z",
        may_publish=np.ones(size, dtype=np.bool_),
        weight=np.array([float(cell.cost) for cell in jj.cells]),
        knowledge=known,
    )
    return ReadTable(table, np.isin(status, ("u", "m")), offset, decimals)


def _decimals(figure: Decimal) -> int:
    exponent = figure.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
