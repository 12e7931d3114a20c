"""What an attacker reads out of each hidden cell, and whether that is too much.

Belongs here: verdicts and their readable reasons. Does not belong here: the attack and its proofs (`disclosure`).
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np

from disclosure.audit import audit
from disclosure.disproof import Cases, Chain, bound_proof
from disclosure.table import Flags, LinkedTable
from orchestration.pruefung.published import Assumptions, Figure, PublishedTable
from orchestration.pruefung.system import AuditedSystem, build_system

SECONDS = 120.0
_MOST_ATOMS_OF_A_PROOF = 20_000
"""A chain of sums is looked for with one linear program over the whole table; beyond this size it takes too long."""


class Verdict(StrEnum):
    """From bad to good."""

    EXACT = "genau bestimmbar"
    BELOW = "unter der Schwelle eingrenzbar"
    NARROWED = "eingegrenzt"
    AS_STATED = "nur wie angegeben bekannt"
    UNCRITICAL = "nicht schutzbedürftig"
    PROTECTED = "geschützt"
    UNDECIDED = "in der Zeit nicht entschieden"

    @property
    def is_disclosure(self) -> bool:
        return self in (Verdict.EXACT, Verdict.BELOW, Verdict.NARROWED)


@dataclass(frozen=True)
class HiddenCell:
    """One hidden cell. Ends in printed units; None is an open upper end. `real_*`: as if counts were not whole."""

    label: str
    place: str
    sign: str
    lower: float
    upper: float | None
    real_lower: float
    real_upper: float | None
    verdict: Verdict
    reason: str
    """The sums that give it away, in German; empty where nothing does."""

    @property
    def span(self) -> str:
        """The interval in words."""
        return span(self.lower, self.upper)


@dataclass(frozen=True)
class TableAudit:
    """The answer for one table."""

    name: str
    threshold: int
    cells: tuple[HiddenCell, ...]
    printed: int
    notes: tuple[str, ...]
    contradictions: tuple[str, ...]
    is_derived: bool = False
    """The cells are not hidden ones but figures nobody prints."""

    @property
    def counts(self) -> dict[Verdict, int]:
        found = Counter(cell.verdict for cell in self.cells)
        return {verdict: found[verdict] for verdict in Verdict if found[verdict]}

    @property
    def is_disclosing(self) -> bool:
        return any(cell.verdict.is_disclosure for cell in self.cells)


def span(lower: float, upper: float | None) -> str:
    if upper is None:
        return f"mindestens {number(lower)}"
    return f"genau {number(lower)}" if lower == upper else f"{number(lower)} bis {number(upper)}"


def number(value: float) -> str:
    """German notation with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return text.replace(".", ",")


def judge(table: PublishedTable, assumptions: Assumptions, *, seconds: float = SECONDS) -> TableAudit:
    """Attacks every hidden cell of a published table, over whole numbers and over the reals.

    Cells not finished after `seconds` are marked as undecided.
    """
    begin = time.monotonic()
    system = build_system(table, assumptions)
    printed = {figure.key: figure for figure in table.figures}
    asked = np.flatnonzero(system.is_hidden & system.is_printed)
    whole = audit(system.table, system.is_hidden, asked, integer=True, deadline=begin + seconds)
    real = audit(system.table, system.is_hidden, asked, integer=False, deadline=begin + 1.5 * seconds)
    cells = []
    for position, atom in enumerate(asked):
        figure = printed[system.keys[atom]]
        low, high = whole.lower[position], whole.upper[position]
        verdict = _verdict(figure, low, high, bool(whole.is_exact[position]), table.scale, assumptions)
        reason = ""
        if verdict.is_disclosure and time.monotonic() < begin + 2 * seconds:
            reason = _reason(table, system, int(atom), low, high, assumptions)
        cells.append(
            HiddenCell(
                table.label(figure.key),
                figure.place,
                figure.sign,
                low / table.scale,
                _end(high, table.scale),
                real.lower[position] / table.scale,
                _end(real.upper[position], table.scale),
                verdict,
                reason,
            )
        )
    shown = sum(not figure.is_hidden for figure in table.figures)
    touched = {atom for row in system.rows for atom in row.statement.terms}
    free = sum(int(atom) not in touched for atom in asked)
    alone = f"{free} gesperrte Zellen stehen in keiner erkannten Summe und keiner erkannten Quote."
    return TableAudit(
        table.name,
        assumptions.threshold,
        tuple(cells),
        shown,
        (*table.notes, *([alone] if free else [])),
        tuple(dict.fromkeys(system.dropped)),
    )


def _end(value: float, scale: int) -> float | None:
    return None if math.isinf(value) else float(value) / scale


def _verdict(
    figure: Figure, low: float, high: float, is_exact: bool, scale: int, assumptions: Assumptions
) -> Verdict:
    if not is_exact:
        return Verdict.UNDECIDED
    threshold = assumptions.threshold * scale
    stated_low = 1 if assumptions.zeros_shown else 0
    if low >= threshold:
        # A neighbour withheld for the others' sake: known to be no small count, whatever its value is.
        return Verdict.UNCRITICAL
    stated = (
        figure.below
        if figure.below is not None
        else assumptions.threshold
        if assumptions.only_small
        else None
    )
    if stated is not None and low <= stated_low and high >= stated * scale - 1:
        return Verdict.AS_STATED
    if low == high:
        return Verdict.EXACT
    if high < threshold:
        return Verdict.BELOW
    return Verdict.PROTECTED if low <= stated_low else Verdict.NARROWED


def _reason(
    table: PublishedTable, system: AuditedSystem, atom: int, low: float, high: float, assumptions: Assumptions
) -> str:
    if system.table.atoms > _MOST_ATOMS_OF_A_PROOF:
        return ""
    wanted = []
    if high < assumptions.threshold * table.scale:
        wanted.append((True, high))
    if low > (1 if assumptions.zeros_shown else 0) and low != high:
        wanted.append((False, low))
    lines: list[str] = []
    for is_upper, end in wanted or [(False, low)]:
        try:
            proof = bound_proof(system.table, system.is_hidden, atom, is_upper=is_upper, end=int(end)).proof
        except RuntimeError:
            continue
        lines += _lines(table, system, atom, proof, is_upper, int(end))
    return "\n".join(lines)


def _lines(
    table: PublishedTable, system: AuditedSystem, atom: int, proof: Chain | Cases, is_upper: bool, end: int
) -> list[str]:
    own = system.keys[atom]
    label = table.label(own)
    verb = "höchstens" if is_upper else "mindestens"
    if isinstance(proof, Cases):
        other = table.label(system.keys[proof.atom], own)
        return [
            f"{label}: {verb} {number(end / table.scale)}, gleich ob {other} bis {proof.value} oder darüber liegt"
        ]
    sign = 1 if is_upper else -1
    words: list[str] = []
    figures: list[str] = []
    extra: list[str] = []
    for term in sorted(proof.terms, key=lambda term: sign * term.factor < 0):
        factor = sign * term.factor
        if term.kind == "cell":
            words.append(_signed(factor, table.label(system.keys[term.number], own), not words))
            figures.append(_signed(factor, number(term.value / table.scale), not figures))
        elif term.kind == "ceiling":
            extra.append(
                f"»{table.label(system.keys[term.number], own)}« höchstens {number(term.value / table.scale)}"
            )
        elif term.value or (term.number < len(system.rows) and system.rows[term.number].rate is not None):
            extra.append(_knowledge(system, term.number))
    bound = sign * proof.bound / table.scale
    relation = "=" if proof.is_equation and not proof.has_surplus else "≤" if is_upper else "≥"
    text = f"{label} {relation} "
    if words:
        told = sum(
            (sign * term.factor * term.value for term in proof.terms if term.kind == "cell"), Fraction(0)
        )
        text += f"{' '.join(words)} = {' '.join(figures)}"
        text += f" = {number(float(told / table.scale))}" if len(figures) > 1 else ""
    else:
        text += number(float(bound))
    if extra:
        text += f"; dazu {'; '.join(dict.fromkeys(extra))}: {verb} {number(end / table.scale)}"
    elif bound * table.scale != end:
        text += f", als ganze Zahl also {verb} {number(end / table.scale)}"
    return [text]


def _knowledge(system: AuditedSystem, row: int) -> str:
    if row >= len(system.rows):
        return "keine gesperrte Zahl ist 0"
    rate = system.rows[row].rate
    if rate is None:
        return "eine weitere Summe"
    value = format(rate.value, "f").replace(".", ",")
    return f"Quote {value} ({rate.place})"


def _signed(factor: Fraction, text: str, is_first: bool) -> str:
    size = abs(factor)
    body = text if size == 1 else f"{number(float(size))} · {text}"
    if is_first:
        return f"− {body}" if factor < 0 else body
    return f"− {body}" if factor < 0 else f"+ {body}"


def judge_linked(
    table: LinkedTable,
    is_hidden: Flags,
    labels: Sequence[str],
    offset: Sequence[int],
    scale: int,
    *,
    seconds: float = SECONDS,
) -> TableAudit:
    """The same for a table in JJ format: a primary has the protection levels of its own line as goals."""
    begin = time.monotonic()
    asked = np.flatnonzero(is_hidden)
    whole = audit(table, is_hidden, asked, integer=True, deadline=begin + seconds)
    real = audit(table, is_hidden, asked, integer=False, deadline=begin + 1.5 * seconds)
    cells = []
    for position, cell in enumerate(asked):
        low, high = whole.lower[position], whole.upper[position]
        if not whole.is_exact[position]:
            verdict = Verdict.UNDECIDED
        elif not table.is_primary[cell]:
            verdict = Verdict.UNCRITICAL
        elif low == high:
            verdict = Verdict.EXACT
        elif whole.is_unsafe[position]:
            verdict = Verdict.NARROWED
        else:
            verdict = Verdict.PROTECTED
        shift = offset[int(cell)]
        reason = ""
        if verdict.is_disclosure:
            below, above = table.lower_goal[cell] + shift, table.upper_goal[cell] + shift
            reason = f"verlangt ist ein Spielraum von {number(below / scale)} bis {number(above / scale)}"
        cells.append(
            HiddenCell(
                labels[int(cell)],
                labels[int(cell)],
                "u" if table.is_primary[cell] else "m",
                (low + shift) / scale,
                _end(high + shift, scale),
                (real.lower[position] + shift) / scale,
                _end(real.upper[position] + shift, scale),
                verdict,
                reason,
            )
        )
    return TableAudit(table.name, 0, tuple(cells), int((~is_hidden).sum()), (), ())
