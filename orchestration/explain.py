"""The way from a released figure back to delivered files and rows. Reads the protected zone: an operator's tool.

For aggregated deliveries it names file, sheet and range of rows. For person- and case-level deliveries only the file
and its number of records: which of them stand behind a figure is nobody's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ingestion.landing.manifest import MANIFEST_NAME, Manifest
from lagebild.instance import Instance
from semantic_layer.query import Release
from semantic_layer.query.passport import Passport


@dataclass(frozen=True)
class Origin:
    """One delivered file behind a figure."""

    delivery_id: str
    file_name: str
    received_at: str
    records: int
    sheet: str | None = None
    first_row: int | None = None
    last_row: int | None = None
    figures: int | None = None
    """Delivered figures of the measure and period in the area or below; None for person- and case-level files."""


def origins(instance: Instance, release: Release, passport: Passport) -> list[Origin]:
    """The files behind a figure, in the order of sources. Deliveries that are no longer kept are left out."""
    codes = _codes_within(release, passport)
    measures = sorted({part.measure_id for part in passport.parts})
    found: list[Origin] = []
    for source in passport.sources:
        personal = instance.sources[source.source_id].personal
        for delivery in source.deliveries:
            folder = instance.paths.landing / source.source_id / delivery["delivery_id"]
            if not (folder / MANIFEST_NAME).exists():
                continue
            manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
            plain = Origin(
                manifest.delivery_id,
                manifest.file_name,
                f"{manifest.received_at:%d.%m.%Y}",
                sum(manifest.rows.values()),
            )
            table = folder / "observation.parquet"
            if personal or not table.exists():
                found.append(plain)
                continue
            ranges = _ranges(str(table), measures, codes, source.period_key, release)
            found += [
                Origin(
                    plain.delivery_id,
                    plain.file_name,
                    plain.received_at,
                    plain.records,
                    sheet,
                    first,
                    last,
                    figures,
                )
                for sheet, first, last, figures in ranges
            ]
    return found


def _codes_within(release: Release, passport: Passport) -> list[str]:
    rows = release.rows(
        """
        select distinct below.area_code
        from dim_area as area
        inner join bridge_area as bridge on bridge.ancestor_area_key = area.area_key
        inner join dim_area as below on below.area_key = bridge.descendant_area_key
        where area.area_code = ? and area.area_level = ?
        union select ?
        """,
        [passport.area_code, passport.area_level, passport.area_code],
    )
    return [row[0] for row in rows]


def _ranges(
    table: str, measures: Sequence[str], codes: Sequence[str], period_key: str, release: Release
) -> list[tuple[Any, ...]]:
    period_end = release.metadata.periods[period_key].end
    with duckdb.connect() as connection:
        return connection.execute(
            """
            select source_sheet, min(source_row), max(source_row), count(*)
            from read_parquet(?)
            where list_contains(?, measure_id) and list_contains(?, area_code) and period_end = ?
            group by source_sheet
            order by source_sheet
            """,
            [table, list(measures), list(codes), period_end],
        ).fetchall()


__all__ = ["Origin", "origins"]
