"""Unsafe figures with the published sums that give them away, without any number.

Belongs here: the chain in words for every figure that needs one. Does not belong here: which figures these are and what
was decided (`orchestration.unsafe`), the search for the chain (`disclosure.disproof`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import duckdb

from disclosure.disproof import Chain, Disproof, disproof
from lagebild.instance import PUBLIC, Instance
from orchestration.disclosure_report.facts import Finding
from orchestration.disclosure_report.solved import Key, solved_table
from orchestration.protection import load, store
from orchestration.unsafe import UnsafeCell, unsafe_cells

_SECONDS: Final = 60.0
"""Chains are looked for as long; what is found later is not worth a night. The finding itself is always listed."""
_NO_CHAIN: Final = "Die Summen ließen sich nicht in der vorgesehenen Zeit zusammenstellen."
_GIVEN_UP: Final = "Das Verfahren hat die Zahl aufgegeben; ein unabhängiger Rechenweg findet keine Ableitung."
_MORE_READERS: Final = "Folgt für diesen Leserkreis aus dem, was er über die Öffentlichkeit hinaus sieht."


def read_findings(instance: Instance, seconds: float = _SECONDS) -> list[Finding]:
    """All figures the proof calls unsafe, in reading order; chains for those the public can work out."""
    cells = unsafe_cells(instance)
    wanted = {_key(cell) for cell in cells if cell.audience == PUBLIC and not cell.is_out}
    chains = _chains(instance.paths.warehouse, instance.paths.proof, wanted, seconds) if wanted else {}
    labels = {audience.id: audience.label for audience in instance.config.audiences}
    return [
        Finding(
            measure=cell.measure_label,
            period=cell.period_label,
            area=f"{cell.area_label} ({cell.area_code})",
            group=cell.group_label,
            audience="" if cell.audience == PUBLIC else labels.get(cell.audience, cell.audience),
            chain=_chain(cell, chains),
            proposal=cell.proposal,
            decision=cell.decision.german if cell.decision else "",
        )
        for cell in cells
    ]


def _key(cell: UnsafeCell) -> Key:
    return cell.measure_id, cell.period_key, cell.area_key, cell.group_key


def _chain(cell: UnsafeCell, chains: dict[Key, str]) -> str:
    if cell.is_out:
        return f"Wurde in der Veröffentlichung {cell.last_release} selbst gezeigt."
    return chains.get(_key(cell), _NO_CHAIN) if cell.audience == PUBLIC else _MORE_READERS


def _chains(warehouse: Path, proof: Path, wanted: set[Key], seconds: float) -> dict[Key, str]:
    """Per figure its chain, as far as the time allows."""
    deadline = time.monotonic() + seconds
    pattern = store.proof_file(proof, "pattern")
    found: dict[Key, str] = {}
    with load.opened(warehouse) as connection:
        table_of = _tables(connection, pattern)
        names = {table_of[key] for key in wanted if key in table_of}
        load.prepare(connection, pattern)
        tables = [info for info in load.list_tables(connection) if info.table_id in names]
        for info, draft in zip(tables, load.load(connection, tables), strict=True):
            solved = solved_table(connection, proof, info.table_id, draft)
            for key in sorted(wanted & solved.position.keys()):
                if time.monotonic() > deadline:
                    return found
                try:
                    proved = disproof(solved.table, solved.is_hidden, solved.position[key])
                except ValueError:
                    # The solver gave up what the attacker cannot get: no danger, and nothing to show.
                    found[key] = _GIVEN_UP
                else:
                    found[key] = chain_in_words(proved, solved.names)
    return found


def _tables(connection: duckdb.DuckDBPyConnection, pattern: Path) -> dict[Key, str]:
    rows = connection.execute(
        """
        select measure_id, period_key, area_key, group_key, table_id from read_parquet(?)
        where is_unsafe and audience = ?
        """,
        [str(pattern), PUBLIC],
    ).fetchall()
    return {row[:4]: row[4] for row in rows}


def chain_in_words(found: Disproof, names: Sequence[str]) -> str:
    """Which published figures bound the hidden one and how they are added up: names and signs, none of their values."""
    if not isinstance(found.proof, Chain):
        used = sorted(names[cell] for cell in found.cells_used)
        return f"Folgt durch Fallunterscheidung aus: {'; '.join(used)}."
    sign = 1 if found.is_upper else -1
    parts: list[str] = []
    for term in sorted(found.proof.terms, key=lambda term: term.factor * sign < 0):
        factor = term.factor * sign
        name = names[term.number] if term.kind == "cell" else _OTHER.get(term.kind, "bekannter Zusammenhang")
        parts.append(_signed(factor, f"»{name}«", not parts))
    is_sum = found.proof.is_equation and not found.proof.has_surplus
    relation = "Ergibt sich als" if is_sum else "Ist eingegrenzt durch"
    rounded = " (gerundet, weil Fallzahlen ganze Zahlen sind)" if found.needs_rounding else ""
    return f"{relation}: {' '.join(parts) or 'kein Wert liegt unter 0'}{rounded}."


_OTHER: Final = {
    "knowledge": "gleiche Summe in zwei Gliederungen oder früher veröffentlichter Wert",
    "ceiling": "größtmöglicher Wert eines Teils",
}


def _signed(factor: Fraction, name: str, is_first: bool) -> str:
    size = abs(factor)
    text = name if size == 1 else f"{size} · {name}"
    if factor < 0:
        return f"− {text}"
    return text if is_first else f"+ {text}"


__all__ = ["chain_in_words", "read_findings"]
