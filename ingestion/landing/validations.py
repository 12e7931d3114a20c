"""What Great Expectations found about a delivery, kept beside its manifest for the Data Docs.

Nothing of a person may stand in them: for personal sources only counts and verdicts are kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lagebild.instance import SourceConfig

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult

VALIDATION_NAME: Final = "validation.json"
KEPT_VALUES: Final = 20
"""Offending values kept per rule of a non-personal source; the Prüfbericht names more."""

_COUNTS: Final = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "missing_count",
    "missing_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
)
_ROW_COUNT: Final = "expect_table_row_count_to_be_between"


class Validations:
    """Collects the results of one delivery; a `expectations.gate.Recorder`."""

    def __init__(self, source: SourceConfig) -> None:
        self._personal = source.personal
        self._results: list[dict[str, Any]] = []

    def __call__(self, result: ExpectationSuiteValidationResult) -> None:
        found = result.to_json_dict()  # type: ignore[no-untyped-call]
        self._results.append(reduced(found, self._personal))

    def write(self, folder: Path) -> None:
        """Writes `validation.json` into a delivery folder; nothing where nothing was judged."""
        if self._results:
            text = json.dumps(self._results, ensure_ascii=False, default=str)
            (folder / VALIDATION_NAME).write_text(text, encoding="utf-8")


def reduced(validation: Any, personal: bool) -> dict[str, Any]:
    """A validation result without the values of persons and without long lists."""
    for item in validation["results"]:
        found = item.get("result") or {}
        if personal:
            counts = {name: found[name] for name in _COUNTS if name in found}
            # The number of rows is a count; the extremes of a column are values of persons.
            if item["expectation_config"]["type"] == _ROW_COUNT and "observed_value" in found:
                counts["observed_value"] = found["observed_value"]
            item["result"] = counts
        else:
            item["result"] = {
                name: value[:KEPT_VALUES] if isinstance(value, list) else value
                for name, value in found.items()
                if name != "unexpected_index_query"
            }
    return dict(validation)
