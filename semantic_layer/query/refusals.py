"""Questions that have no answer in this release, told before anything is planned."""

from __future__ import annotations

from semantic_layer.query.benchmarks import STORED, UPPER_LEVELS
from semantic_layer.query.errors import QueryError, ReleaseError, did_you_mean
from semantic_layer.query.metadata import Metadata
from semantic_layer.query.model import Query
from semantic_layer.query.output import output_columns


def check(query: Query, metadata: Metadata) -> None:
    """Raises `QueryError` or, for what only newer releases hold, `ReleaseError`; both in German."""
    compare = query.compare
    by_area = "area" in query.by or any(name in query.by for name in metadata.all_levels)
    by_time = "period" in query.by or "year" in query.by
    if query.boundaries == "as_is" and "fct_measure_as_is" not in metadata.columns:
        raise ReleaseError(
            "Dieser Datenstand enthält keine in heutige Grenzen umgerechneten Werte. Bitte in den Grenzen des "
            "Stichtags abfragen (as_was) oder einen neueren Datenstand wählen."
        )
    if (compare.kreis or compare.parent) and not by_area:
        raise QueryError(
            "Der Vergleich mit Kreis oder übergeordnetem Gebiet braucht eine Gliederung nach Gebiet (by: area)."
        )
    if compare.benchmarks:
        _check_benchmarks(query, metadata)
    single = query.where.latest or len(query.where.period) == 1 or len(query.where.year) == 1
    if (compare.previous or compare.index_base_year is not None) and not (by_time or single):
        raise QueryError(
            "Vorperiode und Index brauchen eine Gliederung nach Zeitraum oder Jahr (by: period)."
        )
    known = output_columns(query, metadata)
    for item in query.order:
        if item.column not in known:
            raise QueryError(
                f"Nach „{item.column}“ lässt sich nicht sortieren.{did_you_mean(item.column, known)} "
                f"Es gibt: {', '.join(known)}."
            )


def _check_benchmarks(query: Query, metadata: Metadata) -> None:
    if "area_level" not in metadata.columns.get("fct_benchmark", {}):
        raise ReleaseError(
            "Dieser Datenstand enthält keine Vergleichswerte (benchmarks). Bitte einen neueren wählen."
        )
    if "area" not in query.by or not ("period" in query.by or query.where.latest):
        raise QueryError("Vergleichswerte (benchmarks) gibt es je Gebiet und Zeitraum (by: area, period).")
    known = list(dict.fromkeys((*STORED, *UPPER_LEVELS, *sorted(metadata.all_levels))))
    for name in query.compare.benchmarks:
        if name not in known:
            raise QueryError(f"Den Vergleichswert „{name}“ gibt es nicht.{did_you_mean(name, known)}")
