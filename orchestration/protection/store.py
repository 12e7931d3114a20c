"""Files of the protected zone that hold solved tables and the proof of the present release.

Belongs here: layout, atomic replacement, forgetting. Does not belong here: what is solved (`decide`).

`proof/*.parquet` is what dbt reads: written anew as a whole. `proof/solved/<input_hash>.npz` is the memory that spares
a table the solver as long as nothing about it changes.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from disclosure.table import Flags, Integers, Pattern, Witnesses

_TEXT, _BIG = pa.string(), pa.int64()

SCHEMAS: Final = {
    "pattern": pa.schema(
        [
            (name, _TEXT)
            for name in ("audience", "table_id", "measure_id", "period_key", "area_key", "group_key")
        ]
        + [("is_published", pa.bool_()), ("is_unsafe", pa.bool_())]
    ),
    "witness": pa.schema(
        [
            ("audience", _TEXT),
            ("table_id", _TEXT),
            ("witness_id", pa.int32()),
            ("atom_id", pa.int32()),
            ("delta", _BIG),
        ]
    ),
    "base": pa.schema([("table_id", _TEXT), ("atom_id", pa.int32()), ("base", _BIG)]),
    "verdict": pa.schema(
        [(name, _TEXT) for name in ("audience", "table_id", "table_group", "period_key", "method")]
        + [(name, _BIG) for name in ("cells", "primaries", "secondaries", "unsafe", "witnesses")]
        + [
            ("seconds", pa.float64()),
            ("input_hash", _TEXT),
            ("is_reused", pa.bool_()),
            ("solved_at", pa.timestamp("us")),
        ]
    ),
}
"""Tables of the proof; grains: cell, witness x atom, atom, table (each per audience)."""

_ROW_GROUP = 500_000


@dataclass(frozen=True)
class Solved:
    """The result on one table, by position of atoms and cells."""

    pattern: Pattern
    base: Integers
    """The world the witnesses start from."""
    is_published: Flags
    cells: int
    primaries: int
    secondaries: int
    seconds: float
    granted_s: float
    """How long the solver was allowed to take."""
    solved_at: datetime
    """UTC."""
    known_signature: str
    """State of the ledger the result is known to agree with."""


def proof_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def write_empty(folder: Path) -> None:
    """Files of the proof that are not there yet, without rows: dbt can read them before the first solution."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, schema in SCHEMAS.items():
        target = proof_file(folder, name)
        if not target.exists():
            draft = _draft_of(target)
            pq.write_table(schema.empty_table(), draft)
            os.replace(draft, target)


def save(folder: Path, input_hash: str, solved: Solved) -> None:
    """Remembers a result; a reader sees the old file or the new one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = _solved_file(folder, input_hash)
    draft = _draft_of(target)
    proof = solved.pattern.witnesses
    with draft.open("wb") as file:
        np.savez_compressed(
            file,
            is_hidden=solved.pattern.is_hidden,
            is_unsafe=solved.pattern.is_unsafe,
            is_published=solved.is_published,
            witness=proof.witness,
            atom=proof.atom,
            delta=proof.delta,
            base=solved.base,
            counts=np.array([solved.cells, solved.primaries, solved.secondaries], dtype=np.int64),
            times=np.array([solved.seconds, solved.granted_s]),
            texts=np.array([solved.pattern.method, solved.solved_at.isoformat(), solved.known_signature]),
        )
    os.replace(draft, target)


def recall(folder: Path, input_hash: str) -> Solved | None:
    """A remembered result; None where there is none or the file is damaged (then the table is solved again)."""
    try:
        with np.load(_solved_file(folder, input_hash), allow_pickle=False) as stored:
            arrays: dict[str, NDArray[Any]] = dict(stored)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile):
        return None
    cells, primaries, secondaries = (int(number) for number in arrays["counts"])
    method, solved_at, known_signature = (str(text) for text in arrays["texts"])
    return Solved(
        pattern=Pattern(
            is_hidden=arrays["is_hidden"],
            witnesses=Witnesses(arrays["witness"], arrays["atom"], arrays["delta"]),
            is_unsafe=arrays["is_unsafe"],
            method=method,
        ),
        base=arrays["base"],
        is_published=arrays["is_published"],
        cells=cells,
        primaries=primaries,
        secondaries=secondaries,
        seconds=float(arrays["times"][0]),
        granted_s=float(arrays["times"][1]),
        solved_at=datetime.fromisoformat(solved_at),
        known_signature=known_signature,
    )


def forget(folder: Path, keep: Iterable[str]) -> int:
    """Deletes remembered results that no table of this release needs; how many."""
    wanted = {_solved_file(folder, input_hash).name for input_hash in keep}
    outdated = [path for path in folder.glob("*") if path.name not in wanted]
    for path in outdated:
        path.unlink()
    return len(outdated)


def _solved_file(folder: Path, input_hash: str) -> Path:
    return folder / f"{input_hash}.npz"


def _draft_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.tmp")


class ProofWriter:
    """Writes one table of the proof in pieces; `commit` puts it into place. Without commit nothing has happened."""

    def __init__(self, folder: Path, name: str) -> None:
        self._target = proof_file(folder, name)
        self._schema = SCHEMAS[name]
        self._pieces: list[pa.Table] = []
        self._rows = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._writer = pq.ParquetWriter(_draft_of(self._target), self._schema, compression="zstd")

    def add(self, **columns: Any) -> None:
        """Arrays of one length, or a single value for all rows."""
        sizes = {len(values) for values in columns.values() if isinstance(values, np.ndarray)}
        rows = sizes.pop() if sizes else 1
        arrays = [_column(columns[field.name], field.type, rows) for field in self._schema]
        self._pieces.append(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows += rows
        if self._rows >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._pieces:
            self._writer.write_table(pa.concat_tables(self._pieces))
        self._pieces, self._rows = [], 0

    def close(self) -> Path:
        """The finished draft."""
        self._flush()
        self._writer.close()
        return _draft_of(self._target)

    def commit(self) -> None:
        os.replace(self.close(), self._target)


def _column(values: Any, kind: pa.DataType, rows: int) -> pa.Array:
    if isinstance(values, np.ndarray):
        return pa.array(values, type=kind)
    return pa.repeat(pa.scalar(values, type=kind), rows)
