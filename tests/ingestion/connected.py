"""A source that counts playgrounds per Sozialraum, for the tests of all connectors: small files, full landing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ingestion.landing.deliveries import delivery_table, registry_path, write_delivery_table
from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance, SourceConfig

__all__ = ["content", "manifests", "registry", "secret", "source", "values"]

HEADER = "Sozialraum;Anzahl"


def content(*counts: int) -> bytes:
    """A delivery with one row per count."""
    rows = [f"99901001S{number:02d};{count}" for number, count in enumerate(counts, start=1)]
    return ("\n".join([HEADER, *rows]) + "\n").encode()


def source(connector: dict[str, Any], **changes: Any) -> SourceConfig:
    """The source, fetched through the given connector."""
    fields: dict[str, Any] = {
        "id": "spielplaetze",
        "label": "Spielplätze",
        "supplier": "Grünflächenamt",
        "contact": "gruen@beispiel.example",
        "legal_basis": "§ 80 SGB VIII",
        "format": "delimited",
        "files": "${INBOX}/spielplaetze/*.csv",
        "tables": ("observation",),
        "cycle": "yearly",
        "reference_day": "31.12.",
        "connector": connector,
        "options": {
            "file_pattern": r"Spielplaetze_(?P<year>\d{4}).*\.csv",
            "period": {"type": "stichtag", "day": "12-31"},
            "parts": [
                {
                    "table": "observation",
                    "area": {
                        "header": "Sozialraum",
                        "system": "sozialraum",
                        "rules": [{"match": r"99901\d{3}S\d\d", "level": "sozialraum"}],
                    },
                    "figures": [{"measure": "playgrounds", "header": "Anzahl"}],
                }
            ],
        },
    }
    return SourceConfig.model_validate(fields | changes)


def secret(var: Path, name: str, value: str) -> None:
    """Stores a given secret as an operator would."""
    folder = var / "secrets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(value + "\n", encoding="utf-8")
    (folder / name).chmod(0o600)


def manifests(instance: Instance) -> list[Manifest]:
    return sorted(read_manifests(instance), key=lambda item: item.received_at)


def registry(instance: Instance) -> dict[str, str]:
    """Status of every delivery by the beginning of its hash, as dbt will read it."""
    write_delivery_table(instance)
    rows = pq.read_table(registry_path(instance)).to_pylist()
    assert len(rows) == delivery_table(read_manifests(instance)).num_rows
    return {row["delivery_id"].rsplit("-", 1)[1]: row["status"] for row in rows}


def values(instance: Instance, manifest: Manifest) -> list[float]:
    """The figures of one landed delivery."""
    table = pq.read_table(
        instance.paths.landing / manifest.source_id / manifest.delivery_id / "observation.parquet"
    )
    return [float(value) for value in table["value"].to_pylist()]
