"""An answer: Arrow table and everything needed to quote it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pandas as pd

_FOOTNOTES = {
    "gesperrt": "Wert aus Gründen der statistischen Geheimhaltung nicht ausgewiesen.",
    "unter Mindestbevölkerung": "Wert wegen zu kleiner Bezugsgröße nicht ausgewiesen.",
    "noch nicht geliefert": "Die Lieferstelle hat für diesen Zeitraum noch nicht vollständig geliefert.",
    "nicht erhoben": "Für diesen Zeitraum oder dieses Gebiet nicht erhoben.",
    "nicht zutreffend": "Nicht anwendbar: Bezugsgröße null oder Gebiet bestand nicht im ganzen Zeitraum.",
    "k. A.": "Keine Angabe.",
}
_ESTIMATE = "Umgerechnete oder geschätzte Werte (Status E)."
_SYMBOLS = "¹²³⁴⁵⁶⁷⁸⁹"


@dataclass(frozen=True)
class MetricInfo:
    """What a reader has to know of a metric to print or quote it."""

    key: str
    id: str
    version: int
    kind: str
    label: str
    definition: str
    unit: str
    decimals: int | None


@dataclass(frozen=True)
class Footnote:
    symbol: str
    reason: str
    text: str


@dataclass(frozen=True)
class Result:
    """One row per metric and combination of `by` (docs/query.md lists the columns)."""

    table: pa.Table
    release_id: str
    instance: str
    attribution: str
    sql: str
    metrics: tuple[MetricInfo, ...] = ()
    notices: tuple[str, ...] = ()
    footnotes: tuple[Footnote, ...] = ()
    is_truncated: bool = False
    """True when there are more rows than the limit let through."""

    def to_pandas(self) -> pd.DataFrame:
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def __len__(self) -> int:
        return int(self.table.num_rows)


def footnotes_of(table: pa.Table) -> tuple[Footnote, ...]:
    """One footnote per reason for an empty cell that occurs, in a fixed order."""
    if "empty_reason" not in table.column_names:
        return ()
    present = set(pc.unique(table["empty_reason"]).to_pylist()) - {None}
    texts = [(reason, text) for reason, text in _FOOTNOTES.items() if reason in present]
    if "E" in pc.unique(table["obs_status"]).to_pylist():
        texts.append(("Schätzung", _ESTIMATE))
    return tuple(Footnote(_SYMBOLS[index], reason, text) for index, (reason, text) in enumerate(texts))


__all__ = ["Footnote", "MetricInfo", "Result", "footnotes_of"]
