"""The tables and columns a release may hold, read from the contract of dbt's published models.

dbt enforces the contract while it builds; publishing checks the finished file against the same definition once more,
so that nothing reaches the published zone that the contract does not name.
Does not belong here: types and descriptions (dbt YAML), values (dbt tests).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lagebild.paths import DBT_PROJECT_DIR

_FOLDER = DBT_PROJECT_DIR / "models" / "published"


@dataclass(frozen=True)
class TableContract:
    """Columns of one published table in order, and the columns that identify a row (its `unique_grain`)."""

    columns: tuple[str, ...]
    key: tuple[str, ...]


def read_models(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """The descriptions of the published models, in the order of files and models."""
    files = sorted(folder.glob(pattern))
    return [model for file in files for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]]


def read_contract(models: list[dict[str, Any]], prefix: str) -> dict[str, TableContract]:
    """Released table -> contract. Raises ValueError for a released model whose grain nothing tests."""
    return {
        str(model["name"]).removeprefix(prefix): TableContract(
            columns=tuple(column["name"] for column in model["columns"]), key=_grain(model)
        )
        for model in models
    }


def _grain(model: dict[str, Any]) -> tuple[str, ...]:
    for test in model["data_tests"]:
        if isinstance(test, dict) and "unique_grain" in test:
            return tuple(test["unique_grain"]["arguments"]["columns"])
    raise ValueError(f"{model['name']}: no unique_grain test states its grain")


PUBLISHED_MODELS: Final = read_models(_FOLDER, "_published*.yml")
"""One file per topic: `_published.yml` for figures, `_published_<topic>.yml` for what is computed from them."""
RELEASE_TABLES: Final = read_contract(PUBLISHED_MODELS, "published_")
TIER_TABLES: Final = read_contract(read_models(_FOLDER / "tiers", "_tiers.yml"), "tier_")
"""Tables of a file of the internal tiers."""
