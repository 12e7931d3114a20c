"""What a release holds, for those who look before they ask: indicators, areas, periods, groups, boundaries.

One place for these lists; HTTP interface and command line only show them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from semantic_layer.query.errors import QueryError, did_you_mean
from semantic_layer.query.release import Release

Row = dict[str, Any]

_INDICATOR = """
    select indicator_id as id, indicator_key as key, version, label, short_label, theme_label as theme, unit, decimals,
        polarity, status, unavailable_reason, definition, kind, factor, source_label,
        coalesce(legal_basis, '') as legal_basis, coalesce(cycle, '') as cycle,
        coalesce(reference_day, '') as reference_day, coalesce(breaks, '') as breaks, coalesce(caveats, '') as caveats,
        lowest_level
    from dim_indicator
"""


def indicators(release: Release, theme: str = "", search: str = "") -> list[Row]:
    """Indicators in the order of themes, also those that are not available; `search` looks into labels, definition and
    keywords, capitals ignored."""
    return release.records(
        f"""{_INDICATOR}
        where (? = '' or lower(theme_label) = lower(?) or theme_id = lower(?))
            and (? = '' or contains(lower(concat_ws(' ', label, short_label, definition, keywords)), lower(?)))
        order by theme_id, indicator_key
        """,
        [theme, theme, theme, search, search],
    )


def indicator(release: Release, name: str) -> Row:
    """One indicator with its periods and changes. Raises `QueryError` with suggestions for an unknown one."""
    asked = name.split("@")[0]
    found = release.records(
        f"{_INDICATOR} where indicator_id = ? or indicator_key = ? order by version desc", [asked, name]
    )
    exact = [row for row in found if name in (row["key"], row["id"])]
    if not exact:
        known = {row["id"]: row["label"] for row in indicators(release)}
        raise QueryError(f"Die Kennzahl „{name}“ gibt es nicht.{did_you_mean(name, known)}")
    row = exact[0]
    metric = release.metadata.metrics.get(row["key"])
    filled = release.metadata.filled_periods.get(row["key"], frozenset())
    ends = release.metadata.periods
    return {
        **row,
        "area_system": metric.area_system if metric else None,
        "periods": sorted(filled, key=lambda key: (ends[key].end, key)),
        "changes": changes(release, row["id"]),
    }


def changes(release: Release, indicator_id: str) -> list[Row]:
    """The change log of one indicator, oldest first."""
    return release.records(
        "select version, changed_on, kind, note from dim_indicator_change where indicator_id = ? "
        "order by version, changed_on",
        [indicator_id],
    )


def areas(release: Release, system: str = "", level: str = "", current: bool = True) -> list[Row]:
    """Areas without "räumlich nicht zuordenbar", coarsest level first; `current` leaves out those that ended."""
    return release.records(
        """
        select area_key, area_system, area_level, area_level_label, area_code, area_name, parent_area_key, valid_from,
            valid_to, is_current
        from dim_area
        where not is_unassigned and (? = '' or area_system = ?) and (? = '' or area_level = ?) and (not ? or is_current)
        order by area_system, level_rank, area_code, valid_from
        """,
        [system, system, level, level, current],
    )


def geometries(release: Release, area_keys: Sequence[str]) -> dict[str, str]:
    """Area key → GeoJSON geometry; areas without a boundary are absent."""
    return dict(
        release.rows(
            "select area_key, geometry_geojson from dim_area "
            "where geometry_geojson is not null and list_contains(?, area_key)",
            [list(area_keys)],
        )
    )


def periods(release: Release) -> list[Row]:
    """All periods, oldest first."""
    return release.records(
        "select period_key, period_type, period_label, period_start, period_end, year from dim_period "
        "order by period_end, period_key",
    )


def groups(release: Release) -> list[Row]:
    """All groups of breakdowns in reading order."""
    return release.records(
        "select group_key, breakdown, group_label from dim_group order by sort_key, group_key"
    )


def about(release: Release) -> Row:
    """What the release says about itself."""
    (row,) = release.records(  # times are stored in UTC
        "select instance, title, release_id, released_at, attribution, is_synthetic, catalogue_version "
        "from dim_release",
    )
    return {**row, "released_at": row["released_at"].replace(tzinfo=UTC)}


__all__ = ["about", "areas", "changes", "geometries", "groups", "indicator", "indicators", "periods"]
