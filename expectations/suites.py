"""Expectation suites of the landing tables, built from the contract and the source's configuration.

Each expectation carries in `meta` the rule's German name, what to do about it and its severity; the gate turns
failures into issues with them. What a source sets itself stands in its `checks` (`lagebild.checks`). Rules over more
than one cell are computed in `expectations.rules`; `comparison_suite` judges their result.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import great_expectations as gx
import pyarrow as pa
from great_expectations.expectations.core.expect_column_max_to_be_between import ExpectColumnMaxToBeBetween
from great_expectations.expectations.core.expect_column_min_to_be_between import ExpectColumnMinToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_between import (
    ExpectColumnValuesToBeBetween,
)
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.core.expect_column_values_to_not_be_null import (
    ExpectColumnValuesToNotBeNull,
)
from great_expectations.expectations.core.expect_column_values_to_not_match_regex import (
    ExpectColumnValuesToNotMatchRegex,
)
from great_expectations.expectations.core.expect_table_row_count_to_be_between import (
    ExpectTableRowCountToBeBetween,
)
from great_expectations.expectations.expectation import Expectation

from expectations.rules.comparison import Judgement
from ingestion.formats.base import Severity
from ingestion.landing.contracts import TABLES
from lagebild.checks import Checks
from lagebild.instance import SourceConfig

OBS_STATUS: Final = ["A", "B", "E", "F", "P", "M", "L", "O"]
SETS: Final[dict[str, list[str]]] = {
    "sex": ["m", "f", "d"],
    "nationality": ["de", "foreign"],
    "migration": ["yes", "no"],
    "household_type": ["single", "couple", "couple_children", "single_parent", "other"],
    "obs_status": OBS_STATUS,
    "conf_status": ["F", "C"],
    "period_type": ["stichtag", "jahr", "schuljahr", "monat"],
    "method": ["exact", "area", "population"],
}
"""Allowed members of coded columns, in whichever landing table they occur."""

_STATUS: Final = ["geplant", "in Umsetzung", "umgesetzt", "zurückgestellt"]
STATUS_SETS: Final = {"recommendation": _STATUS, "recommendation_status": _STATUS}

OFFICES: Final = ("responsible",)
"""Columns that name an office. They are published, so a person's name must not get in."""
PERSON: Final = r"@|\b(?:Herr|Herrn|Frau|Dr\.|Prof\.)\s+(?:Dr\.\s+)?[A-ZÄÖÜ]"
"""What gives a person away in such a column: a form of address before a name, an e-mail address."""

RANGES: Final[dict[str, tuple[float | None, float | None]]] = {
    "age": (0, 125),
    "household_size": (1, None),
    "contributors": (0, None),
    "quantity": (0, None),
    "weight": (0, 1),
}

SHARE_NEEDS_ROWS: Final = 100
"""Below this a share of rows says nothing: one missing block in a year of ten Hilfen is not a fault."""


def _meta(rule: str, action: str, severity: Severity = "refusal") -> dict[str, Any]:
    return {"rule": rule, "action": action, "severity": severity}


def _range(name: str, field: pa.Field, checks: Checks) -> tuple[float | None, float | None]:
    stated = next((item for item in checks.ranges if item.column == field.name), None)
    if stated is not None:
        return (stated.minimum, stated.maximum)
    if (name, field.name) == ("observation", "value"):
        return (None if checks.allow_negative else 0, None)
    return RANGES.get(field.name, (None, None)) if pa.types.is_primitive(field.type) else (None, None)


def _within(column: str, low: float | None, high: float | None) -> Iterator[Expectation]:
    """Bounds of a column by its extremes: judged at once, where a rule per value takes seconds on a register."""
    if column == "value":
        meta = _meta("Negative Zahl", "Anzahlen können nicht negativ sein. Bitte prüfen und berichtigen.")
    else:
        meta = _meta("Wert außerhalb des Möglichen", "Bitte die Angabe prüfen und berichtigen.")
    meta["range"] = [low, high]
    if low is not None:
        yield ExpectColumnMinToBeBetween(column=column, min_value=low, meta=meta)
    if high is not None:
        yield ExpectColumnMaxToBeBetween(column=column, max_value=high, meta=meta)


def offenders(column: str, meta: dict[str, Any]) -> gx.ExpectationSuite:
    """The suite that finds the rows behind a failed bound."""
    low, high = meta["range"]
    rule = ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, meta=meta)
    return gx.ExpectationSuite(name=f"offenders.{column}", expectations=[rule])


def expectations(name: str, source: SourceConfig, rows: int, empty: frozenset[str]) -> Iterator[Expectation]:
    """Expectations of one landing table of one source that has `rows` rows and no value in the columns `empty`."""
    checks = source.checks
    schema = TABLES[name]
    provenance = ("delivery_id", "source_id")
    for field in schema:
        if field.name in provenance:
            continue
        if not field.nullable:
            yield ExpectColumnValuesToNotBeNull(
                column=field.name,
                meta=_meta(
                    "Pflichtangabe fehlt",
                    "Die Angabe ist in jeder Zeile nötig. Bitte ergänzen und neu liefern.",
                ),
            )
        allowed = SETS.get(field.name) if field.name != "status" else STATUS_SETS.get(name)
        if allowed:
            yield ExpectColumnValuesToBeInSet(
                column=field.name,
                value_set=allowed,
                meta=_meta(
                    "Unzulässiger Wert",
                    "Der Wert gehört nicht zum vereinbarten Schlüssel. Bitte berichtigen.",
                ),
            )
        if field.name in OFFICES and field.name not in empty:
            yield ExpectColumnValuesToNotMatchRegex(
                column=field.name,
                regex=PERSON,
                meta=_meta(
                    "Person statt Stelle",
                    "Die Angabe wird veröffentlicht und nennt die zuständige Stelle, keine Person. Bitte berichtigen.",
                ),
            )
        low, high = _range(name, field, checks)
        if field.name not in empty and (low is not None or high is not None):
            yield from _within(field.name, low, high)
    share = checks.max_missing_block_share
    if name in ("person", "case") and share is not None and rows >= SHARE_NEEDS_ROWS:
        yield ExpectColumnValuesToNotBeNull(
            column="block_code",
            mostly=1 - share,
            meta=_meta(
                "Viele Zeilen ohne Baublock",
                f"Mehr als {share:.0%} der Zeilen haben keinen Baublock; sie zählen als "
                "„räumlich nicht zuordenbar“. Bitte die Adresszuordnung prüfen.",
                "warning",
            ),
        )
    yield ExpectTableRowCountToBeBetween(
        min_value=checks.expected_rows_min,
        max_value=checks.expected_rows_max,
        meta=_meta(
            "Zeilenzahl ungewöhnlich",
            "Die Datei hat viel weniger oder mehr Zeilen als üblich. Bitte prüfen, ob sie vollständig ist.",
        ),
    )


def suite(name: str, source: SourceConfig, rows: int, empty: frozenset[str]) -> gx.ExpectationSuite:
    """The suite of one landing table of one source that has `rows` rows and no value in the columns `empty`."""
    return gx.ExpectationSuite(
        name=f"{source.id}.{name}", expectations=list(expectations(name, source, rows, empty))
    )


def rule_columns(found: list[Judgement]) -> list[str]:
    """Column of each judgement in the frame of `comparison_suite`."""
    names = [f"{item.rule} ({'Fehler' if item.severity == 'refusal' else 'Hinweis'})" for item in found]
    # Two judgements of the same rule and severity are two columns all the same.
    return [
        name if names.count(name) == 1 else f"{name} {number}" for number, name in enumerate(names, start=1)
    ]


def comparison_suite(source: SourceConfig, table: str, found: list[Judgement]) -> gx.ExpectationSuite:
    """The suite of the comparisons of one landing table: nothing exceeds what its rule allows."""
    rules = [
        ExpectColumnValuesToBeBetween(
            column=column,
            max_value=0,
            meta={"rule": item.rule, "action": item.advice, "severity": item.severity, "position": number},
        )
        for number, (column, item) in enumerate(zip(rule_columns(found), found, strict=True))
    ]
    return gx.ExpectationSuite(name=f"{source.id}.{table}.vergleiche", expectations=rules)
