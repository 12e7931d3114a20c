"""A published table as linked table: one atom per figure, sums and rates as knowledge rows.

Belongs here: rows with a readable meaning, and a world that keeps them. Does not belong here: the attack (`verdict`).

Every figure is a variable of its own, also one a sum needs and the table does not print. That treats several divisions
of one whole, missing rows and rests alike; what belongs together is said by rows only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy.sparse import csr_matrix, identity

from disclosure.complete import complete
from disclosure.rates import Rate, Span, Statement, linear_knowledge
from disclosure.table import UNLIMITED, Flags, Integers, LinkedTable
from orchestration.pruefung.published import (
    Assumptions,
    Group,
    Key,
    PrintedRate,
    PublishedTable,
    Unreadable,
)

_MOST_ATOMS = 400_000


@dataclass(frozen=True)
class Row:
    """One knowledge row and what it means: a sum of the table, a rate, or two prints of the same figure."""

    statement: Statement
    whole: int | None
    """Atom on the left side of a sum."""
    parts: tuple[int, ...]
    rate: PrintedRate | None = None


@dataclass(frozen=True)
class AuditedSystem:
    """The linked table with the names of its atoms and rows. `dropped`: rows that contradict the others, in German."""

    table: LinkedTable
    is_hidden: Flags
    keys: tuple[Key, ...]
    """Per atom (= cell)."""
    is_printed: Flags
    """False for what a sum needs and the table does not print."""
    rows: tuple[Row, ...]
    dropped: tuple[str, ...]


class _Atoms:
    """Key → atom; grows while sums are written down."""

    def __init__(self, table: PublishedTable) -> None:
        self.place: dict[Key, int] = {}
        self.keys: list[Key] = []
        for figure in table.figures:
            self.of(figure.key)
        self.printed = len(self.keys)

    def of(self, key: Key) -> int:
        if key not in self.place:
            self.place[key] = len(self.keys)
            self.keys.append(key)
        return self.place[key]

    def nameless(self, key: Key) -> int:
        """An atom for the rest of a sum; its key carries the words."""
        self.keys.append(key)
        return len(self.keys) - 1


def build_system(table: PublishedTable, assumptions: Assumptions) -> AuditedSystem:
    """The attacker's system of a published table. Rows that contradict the printed figures are dropped and named."""
    atoms = _Atoms(table)
    rows = [*_sums(table, atoms), *_same(table, atoms), *_rates(table, atoms)]
    size = len(atoms.keys)
    value = np.zeros(size, dtype=np.int64)
    ceiling = np.full(size, UNLIMITED, dtype=np.int64)
    unknown = np.ones(size, dtype=np.bool_)
    floors: list[Statement] = []
    for figure in table.figures:
        atom = atoms.place[figure.key]
        if figure.value is not None:
            value[atom], unknown[atom] = figure.value, False
            continue
        below = figure.below if figure.below is not None else assumptions.threshold
        if figure.below is not None or assumptions.only_small:
            ceiling[atom] = below * table.scale - 1
        if assumptions.zeros_shown:
            floors.append(Statement({atom: 1}, Span(Fraction(1), None)))
    statements = [row.statement for row in rows]
    knowledge = linear_knowledge([*statements, *floors], size)
    cost = np.ones(len(statements) + len(floors))
    completed = complete(value, unknown, ceiling, knowledge.rows, knowledge.lower, knowledge.upper, cost)
    broken = completed.is_violated
    dropped = [
        _contradiction(table, atoms.keys, row, value, unknown)
        for number, row in enumerate(rows)
        if broken[number]
    ]
    dropped += [
        "Eine gesperrte Zelle müsste 0 sein." for number in range(len(rows), len(broken)) if broken[number]
    ]
    kept = np.flatnonzero(~broken)
    linked = LinkedTable(
        name=table.name,
        base=completed.base,
        ceiling=ceiling,
        membership=csr_matrix(identity(size, dtype=np.int64)),
        is_primary=np.zeros(size, dtype=np.bool_),
        lower_goal=np.zeros(size, dtype=np.int64),
        upper_goal=np.full(size, assumptions.threshold * table.scale, dtype=np.int64),
        may_hide=np.ones(size, dtype=np.bool_),
        may_publish=np.arange(size) < atoms.printed,
        weight=np.ones(size),
        knowledge=replace(
            knowledge,
            rows=csr_matrix(knowledge.rows[kept]),
            lower=knowledge.lower[kept],
            upper=knowledge.upper[kept],
        ),
    )
    return AuditedSystem(
        linked,
        unknown,
        tuple(atoms.keys),
        np.arange(size) < atoms.printed,
        tuple(row for number, row in enumerate(rows) if not broken[number]),
        tuple(dropped),
    )


def _sums(table: PublishedTable, atoms: _Atoms) -> Iterator[Row]:
    done: set[tuple[int, str, Key]] = set()
    seen = 0
    # A sum may need figures that are printed nowhere; those are parts of further sums.
    while seen < len(atoms.keys):
        fresh, seen = atoms.keys[seen:], len(atoms.keys)
        if seen > _MOST_ATOMS:
            raise Unreadable(f"{table.name}: Mehr als {_MOST_ATOMS} Zahlen werden nicht auf einmal geprüft.")
        for at, dimension in enumerate(table.dimensions):
            touched: dict[str, list[int]] = defaultdict(list)
            for number, group in enumerate(dimension.groups):
                for member in (group.whole, *group.parts):
                    touched[member].append(number)
            for key in list(fresh):
                for number in touched.get(key[at], ()) if len(key) > at else ():
                    context = (*key[:at], *key[at + 1 :])
                    mark = (at, f"{number}", context)
                    if mark not in done:
                        row = _sum(table, dimension.groups[number], at, context, atoms)
                        if row is not None:
                            done.add(mark)
                            yield row


def _sum(table: PublishedTable, group: Group, at: int, context: Key, atoms: _Atoms) -> Row | None:
    def key(member: str) -> Key:
        return (*context[:at], member, *context[at:])

    whole = atoms.place.get(key(group.whole))
    there = [part for part in group.parts if key(part) in atoms.place]
    if whole is None or not there:
        return None
    inner = any(at in pair for pair in table.nested)
    parts = [atoms.of(key(part)) for part in (there if inner else group.parts)]
    if group.has_rest:
        parts.append(atoms.nameless(key(f"ungenannter Rest von {group.whole}")))
    terms = {whole: -1} | dict.fromkeys(parts, 1)
    return Row(Statement(terms, Span.exactly(0)), whole, tuple(parts))


def _same(table: PublishedTable, atoms: _Atoms) -> Iterator[Row]:
    for one, other in table.same:
        if one in atoms.place and other in atoms.place:
            first, second = atoms.place[one], atoms.place[other]
            yield Row(Statement({first: -1, second: 1}, Span.exactly(0)), first, (second,))


def _rates(table: PublishedTable, atoms: _Atoms) -> Iterator[Row]:
    values = {figure.key: figure.value for figure in table.figures}
    for printed in table.rates:
        top = values.get(printed.numerator)
        base = (
            printed.denominator if isinstance(printed.denominator, int) else values.get(printed.denominator)
        )
        if top is not None and base is not None:
            continue
        numerator = top if top is not None else {atoms.of(printed.numerator): 1}
        denominator: int | dict[int, int]
        if base is not None:
            denominator = base
        else:
            assert not isinstance(printed.denominator, int)
            denominator = {atoms.of(printed.denominator): 1}
        if denominator == 0:
            continue
        rate = Rate(numerator, denominator, printed.value, printed.decimals, printed.factor, printed.rounding)
        for statement in _fitting(rate):
            yield Row(statement, None, tuple(statement.terms), printed)


def _fitting(rate: Rate) -> list[Statement]:
    """No statement where a printed rate fits no whole number: a misprint, or another base than assumed."""
    try:
        statements = rate.statements()
        for statement in statements:
            linear_knowledge([statement], max(statement.terms) + 1)
    except ValueError:
        return []
    return statements


def _contradiction(table: PublishedTable, keys: list[Key], row: Row, value: Integers, unknown: Flags) -> str:
    if row.rate is not None:
        return f"{row.rate.place}: Die Quote passt zu keiner ganzen Zahl, die übrigen Angaben vorausgesetzt."
    if row.whole is None:
        return "Zwei Angaben widersprechen sich."
    hidden = [part for part in row.parts if unknown[part]]
    printed = sum(int(value[part]) for part in row.parts if not unknown[part])
    whole = int(value[row.whole])
    label = table.label(keys[row.whole])
    if unknown[row.whole]:
        return f"{label}: Die Summe der Teile passt nicht zu den übrigen Angaben."
    if hidden:
        return (
            f"{label}: {len(hidden)} gesperrte Zellen müssten zusammen {(whole - printed) / table.scale:g} ergeben; "
            "das widerspricht den übrigen Angaben. Diese Summe bleibt außer Betracht."
        )
    return (
        f"{label}: Die Teile ergeben {printed / table.scale:g} statt {whole / table.scale:g}. Diese Summe bleibt außer "
        "Betracht."
    )
