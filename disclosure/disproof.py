"""Why a hidden cell is not safe: a chain of published sums that anybody can add up.

Belongs here: multipliers that bound a cell, checked in fractions, and their German wording. Does not belong here: which
cells are unsafe (`audit`).

For multipliers m of what the attacker knows, with sum m_r * row_r >= cell on every atom, no world has more than
sum m_r * value_r in the cell (weak duality; signs turned for lower ends). The solver only proposes multipliers: they
are rounded to short fractions and the inequality is checked atom by atom, so that no tolerance is trusted. Where whole
numbers are needed, the bound is rounded; where one rounding does not do, the cases of one atom are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, hstack, identity, vstack

from disclosure.attacker import Attacker
from disclosure.system import Floats, System, attacker_system, known_cells
from disclosure.table import Flags, LinkedTable

_DENOMINATORS = (1, 2, 6, 12, 60, 840, 10_000)
_MOST_CASES = 64


@dataclass(frozen=True)
class Term:
    """One known sum, times a factor. `kind`: `cell` (number = cell), `knowledge` (number = knowledge row), `ceiling`
    (number = atom, its largest value) or `case` (number = atom, what the case assumes)."""

    kind: str
    number: int
    factor: Fraction
    value: int


@dataclass(frozen=True)
class Chain:
    """`terms` add up to a bound on the cell."""

    terms: tuple[Term, ...]
    has_surplus: bool
    """They add up more than the cell: the bound needs that no atom is below 0."""
    is_equation: bool
    """All terms are known values, none an end of a range: without surplus they are the cell itself."""

    @property
    def bound(self) -> Fraction:
        return sum((term.factor * term.value for term in self.terms), Fraction(0))


@dataclass(frozen=True)
class Cases:
    """An atom is at most `value`, or at least one more; each case has its own proof."""

    atom: int
    value: int
    low: Chain | Cases
    high: Chain | Cases


@dataclass(frozen=True)
class Disproof:
    """Proof that the hidden cell is at most (`is_upper`) or at least `end`."""

    cell: int
    is_upper: bool
    end: int
    proof: Chain | Cases

    @property
    def needs_rounding(self) -> bool:
        """True when the attacker has to know that counts are whole numbers."""
        return isinstance(self.proof, Cases) or self.proof.bound != self.end

    @property
    def cells_used(self) -> frozenset[int]:
        """Published cells without which this proof falls."""
        return frozenset(term.number for term in _terms(self.proof) if term.kind == "cell")

    def german(
        self,
        labels: Sequence[str],
        atom_labels: Mapping[int, str] | None = None,
        knowledge_labels: Mapping[int, str] | None = None,
    ) -> str:
        """The chain as text, one line per step. `labels`: per cell; the others where atoms or knowledge rows appear."""
        return "\n".join(
            _lines(self, self.proof, _Names(labels, atom_labels or {}, knowledge_labels or {}), 0)
        )


def disproof(table: LinkedTable, is_hidden: Flags, cell: int) -> Disproof:
    """The shortest chain of sums that proves a goal of the primary `cell` out of reach, or its value where it has one.

    The upper end is tried first. Raises ValueError where the cell is not unsafe (nothing to prove).
    """
    attacker = Attacker(table, is_hidden, np.array([cell]), integer=True)
    low, high = (end.bound for end in attacker.interval(cell))
    fails_above, fails_below = high < table.upper_goal[cell], low > table.lower_goal[cell]
    if not table.is_primary[cell]:
        fails_above = fails_below = low == high
    if not (fails_above or fails_below):
        raise ValueError(f"{table.name}: cell {cell} is safe, there is nothing to disprove")
    return bound_proof(table, is_hidden, cell, is_upper=fails_above, end=int(high if fails_above else low))


def bound_proof(table: LinkedTable, is_hidden: Flags, cell: int, *, is_upper: bool, end: int) -> Disproof:
    """Proof that `cell` is at most (at least) `end`, which must be true. Raises RuntimeError where none is found."""
    system = attacker_system(table, is_hidden)
    target = np.zeros(table.atoms)
    target[table.membership[cell].indices] = 1.0
    names = [("cell", int(number)) for number in np.flatnonzero(known_cells(table, is_hidden))]
    names += [("knowledge", number) for number in range(table.knowledge.lower.size)]
    proof, _ = _prove(
        _Problem(system, names, target if is_upper else -target, end if is_upper else -end), _MOST_CASES
    )
    return Disproof(cell, is_upper, end, proof)


@dataclass(frozen=True)
class _Names:
    cells: Sequence[str]
    atoms: Mapping[int, str]
    knowledge: Mapping[int, str]

    def of(self, term: Term) -> str:
        if term.kind == "cell":
            return self.cells[term.number]
        if term.kind == "knowledge":
            return self.knowledge.get(term.number, f"Vorwissen {term.number + 1}")
        return self.atom(term.number)

    def atom(self, number: int) -> str:
        return self.atoms.get(number, f"Teilwert {number + 1}")


@dataclass(frozen=True)
class _Problem:
    """Prove target @ y <= end in a system; a lower end is the upper end of the negated target."""

    system: System
    names: list[tuple[str, int]]
    target: Floats
    end: int


def _prove(problem: _Problem, cases: int) -> tuple[Chain | Cases, int]:
    """A chain that reaches the end exactly, else one that does after rounding, else two cases. Returns cases left."""
    for margin in (0.0, 1.0 - 1e-3):
        chain = _chain(problem, problem.end + margin)
        if chain is not None:
            return chain, cases
    if cases <= 0:
        raise RuntimeError("no readable proof: too many cases")
    atom, value = _split(problem)
    low, cases = _prove(_assume(problem, atom, value, at_most=True), cases - 1)
    high, cases = _prove(_assume(problem, atom, value + 1, at_most=False), cases)
    return Cases(atom, value, low, high), cases


def _assume(problem: _Problem, atom: int, value: int, *, at_most: bool) -> _Problem:
    """The problem with one more row about an atom."""
    system = problem.system
    row = csr_matrix(([1.0], ([0], [atom])), shape=(1, problem.target.size))
    extended = replace(
        system,
        rows=vstack([system.rows, row], format="csr"),
        lower=np.append(system.lower, -np.inf if at_most else float(value)),
        upper=np.append(system.upper, float(value) if at_most else np.inf),
    )
    return replace(problem, system=extended, names=[*problem.names, ("case", atom)])


def _split(problem: _Problem) -> tuple[int, int]:
    """The most fractional atom of a best world over the reals, among those of the cell first."""
    system = problem.system
    world = milp(
        -problem.target,
        constraints=LinearConstraint(system.rows, system.lower, system.upper),
        bounds=Bounds(system.floor, system.ceiling),
    ).x
    if world is None:
        raise RuntimeError("no readable proof: a case without worlds was not recognised")
    distance = np.abs(world - np.rint(world)) + np.where(problem.target != 0, 1e-3, 0.0)
    atom = int(np.argmax(np.where(np.abs(world - np.rint(world)) > 1e-6, distance, 0.0)))
    return atom, int(np.floor(world[atom]))


def _chain(problem: _Problem, most: float) -> Chain | None:
    """Multipliers with the smallest sum of sizes among those that bound the target by `most`, if there are any.

    Variables: per row a multiplier of its upper end and one of its lower end, per limited atom one of its ceiling.
    """
    system = problem.system
    limited = np.flatnonzero(np.isfinite(system.ceiling))
    up, down = np.flatnonzero(np.isfinite(system.upper)), np.flatnonzero(np.isfinite(system.lower))
    columns = [
        system.rows[up].T,
        -system.rows[down].T,
        identity(system.ceiling.size, format="csc")[:, limited],
    ]
    value = np.concatenate([system.upper[up], -system.lower[down], system.ceiling[limited]])
    # Knowledge, ceilings and cases are harder to read than a published figure; a total is as good as any.
    effort = np.array([1.0 if name == "cell" else 1.5 for name, _ in problem.names])
    cost = np.concatenate([effort[up], effort[down], np.full(limited.size, 2.0)])
    matrix = hstack(columns, format="csr")
    found = linprog(
        cost,
        A_ub=vstack([-matrix, csr_matrix(value)]),
        b_ub=np.append(-problem.target, most),
        bounds=(0, None),
        method="highs",
    )
    if found.status != 0:
        return None
    # What each variable stands for: a row turned round, or the ceiling of an atom.
    rows = [(int(row), 1) for row in up] + [(int(row), -1) for row in down]
    used = np.flatnonzero(found.x > 1e-9)
    for denominator in _DENOMINATORS:
        weight: dict[int, Fraction] = {}
        terms: list[Term] = []
        for position in map(int, used):
            factor = Fraction(float(found.x[position])).limit_denominator(denominator)
            if not factor:
                continue
            if position < len(rows):
                row, sign = rows[position]
                end = int(system.upper[row] if sign > 0 else system.lower[row])
                terms.append(Term(*problem.names[row], sign * factor, end))
                entries = slice(system.rows.indptr[row], system.rows.indptr[row + 1])
                parts = zip(system.rows.indices[entries], system.rows.data[entries], strict=True)
                factors = [(int(atom), sign * factor * int(entry)) for atom, entry in parts]
            else:
                atom = int(limited[position - len(rows)])
                terms.append(Term("ceiling", atom, factor, int(system.ceiling[atom])))
                factors = [(atom, factor)]
            for atom, part in factors:
                weight[atom] = weight.get(atom, Fraction(0)) + part
        chain = _checked(problem, terms, weight)
        if chain is not None:
            return chain
    return None


def _checked(problem: _Problem, terms: list[Term], weight: dict[int, Fraction]) -> Chain | None:
    """The chain, when fractions confirm it: on every atom at least the target, and rounded down at most the end.

    `weight`: what the terms add up to, per atom.
    """
    wanted = {int(atom): int(problem.target[atom]) for atom in np.flatnonzero(problem.target)}
    atoms = weight.keys() | wanted.keys()
    surplus = {atom: weight.get(atom, Fraction(0)) - wanted.get(atom, 0) for atom in atoms}
    if any(part < 0 for part in surplus.values()):
        return None
    settled = all(
        term.kind == "cell" or (term.kind == "knowledge" and _is_value(problem, term.number))
        for term in terms
    )
    chain = Chain(tuple(terms), any(surplus.values()), settled)
    return chain if floor(chain.bound) <= problem.end else None


def _is_value(problem: _Problem, knowledge: int) -> bool:
    row = problem.names.index(("knowledge", knowledge))
    return bool(problem.system.lower[row] == problem.system.upper[row])


def _terms(proof: Chain | Cases) -> tuple[Term, ...]:
    if isinstance(proof, Chain):
        return proof.terms
    return (*_terms(proof.low), *_terms(proof.high))


def _lines(what: Disproof, proof: Chain | Cases, names: _Names, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(proof, Chain):
        return [indent + _sentence(what, proof, names)]
    name = names.atom(proof.atom)
    return [
        f"{indent}Fall 1: {name} ist höchstens {proof.value}.",
        *_lines(what, proof.low, names, depth + 1),
        f"{indent}Fall 2: {name} ist mindestens {proof.value + 1}.",
        *_lines(what, proof.high, names, depth + 1),
    ]


def _sentence(what: Disproof, chain: Chain, names: _Names) -> str:
    # A lower end was proven as the upper end of the negated cell: turned back here.
    sign = 1 if what.is_upper else -1
    terms = sorted(((sign * term.factor, term) for term in chain.terms), key=lambda pair: pair[0] < 0)
    words = _sum([(factor, names.of(term)) for factor, term in terms])
    sums = _sum([(factor, _digits(term.value)) for factor, term in terms])
    bound = sign * chain.bound
    relation = "=" if chain.is_equation and not chain.has_surplus else "≤" if what.is_upper else "≥"
    steps = [step for step in dict.fromkeys((words, sums, _digits(bound))) if step]
    text = f"{names.cells[what.cell]} {relation} {' = '.join(steps)}"
    if chain.has_surplus:
        text += ", weil kein Wert unter 0 liegt"
    whole = floor(bound) if what.is_upper else ceil(bound)
    if whole != bound:
        text += "; Anzahlen sind ganze Zahlen, also "
        text += f"abgerundet: höchstens {whole}" if what.is_upper else f"aufgerundet: mindestens {whole}"
    return text + "."


def _sum(terms: list[tuple[Fraction, str]]) -> str:
    text = ""
    for factor, name in terms:
        size = abs(factor)
        part = name if size == 1 else f"{_digits(size)} · {name}"
        if not text:
            text = f"−{part}" if factor < 0 else part
        else:
            text += f" − {part}" if factor < 0 else f" + {part}"
    return text


def _digits(number: Fraction | int) -> str:
    fraction = Fraction(number)
    text = str(abs(fraction.numerator))
    if fraction.denominator != 1:
        text += f"/{fraction.denominator}"
    return f"−{text}" if fraction < 0 else text
