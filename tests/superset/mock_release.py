"""A small released file with the contract's schema: 4 Gemeinden, 12 Sozialräume, 6 years, hidden cells.

Belongs here: only what the Superset room reads. Values are made up, their arithmetic is right: shares are
numerator / denominator, parents are sums of children unless a child is hidden.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from lagebild.embedding import EmbeddingSettings
from lagebild.instance import AreaLevel, AreaSystem, DashboardSettings, InstanceConfig, SyntheticSettings
from orchestration.release_contract import PUBLISHED_MODELS
from tests.superset import mock_lage, mock_parts, mock_profile, mock_ziele

YEARS = tuple(range(2019, 2025))
GEMEINDEN = ("Altensiel", "Brookmühlen", "Craneburg", "Dünenförde")
HIDDEN = ("99901003S02", "99901004S01")
"""Sozialräume whose `sgb2_rate` is hidden in every year."""

WEBSITE = "http://localhost:8193"
"""Where the test's website with an embedded dashboard answers; another host than Superset's to the browser."""

CONFIG = InstanceConfig(
    name="probekreis",
    title="Probekreis",
    subtitle="Prüfdaten",
    attribution='Prüfdaten der Tests, "frei erfunden"',
    synthetic=SyntheticSettings(seed=1, inhabitants=1, first_year=2019, years=6),
    area_systems=(
        AreaSystem(
            code="sozialraum",
            label="Sozialräume",
            levels=(
                AreaLevel(code="kreis", label="Kreis", plural="Kreis"),
                AreaLevel(code="gemeinde", label="Gemeinde", plural="Gemeinden"),
                AreaLevel(code="sozialraum", label="Sozialraum", plural="Sozialräume"),
            ),
        ),
    ),
    main_area_system="sozialraum",
    embedding=EmbeddingSettings(domains=(WEBSITE, "https://www.probekreis.example")),
    dashboard=DashboardSettings(
        headline_indicators=("population_total", "sgb2_rate", "child_poverty", "not_in_release"),
        map_indicator="sgb2_rate",
        map_level="sozialraum",
        series_indicators=("sgb2_rate", "child_poverty", "population_total"),
        ranking_indicator="sgb2_rate",
        ranking_level="gemeinde",
    ),
)


def _create_tables(db: duckdb.DuckDBPyConnection) -> None:
    """Every table of the release contract, empty: what a dashboard names exists, whatever the room fills below."""
    for model in PUBLISHED_MODELS:
        columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
        db.execute(f"create table {str(model['name']).removeprefix('published_')} ({columns})")


_FIGURE_COLUMNS = (
    "indicator_id",
    "indicator_label",
    "short_label",
    "theme_id",
    "theme_label",
    "unit",
    "decimals",
    "polarity",
    "area_system",
    "area_system_label",
    "area_level",
    "area_level_label",
    "level_rank",
    "area_key",
    "area_code",
    "area_name",
    "parent_area_name",
    "period_key",
    "period_type",
    "period_label",
    "period_end",
    "year",
    "is_latest",
    "numerator",
    "denominator",
    "factor",
    "value",
    "value_label",
    "obs_status",
    "conf_status",
    "empty_reason",
    "kreis_value",
    "kreis_value_label",
    "previous_value",
    "change",
    "change_label",
    "tendency",
    "rank",
    "is_current_area",
    "source_label",
    "attribution",
    "synthetic_note",
    "change_reason",
)

_INDICATORS = [
    (
        "population_total",
        "Einwohnerinnen und Einwohner",
        "Bevölkerung",
        "Personen",
        0,
        "neutral",
        "count",
        1.0,
    ),
    ("sgb2_rate", "SGB-II-Quote", "SGB-II-Quote", "%", 1, "lower_better", "share", 100.0),
    (
        "child_poverty",
        "Kinder in Bedarfsgemeinschaften",
        "Kinderarmut",
        "%",
        1,
        "lower_better",
        "share",
        100.0,
    ),
]


def _ring(column: int, row: int) -> str:
    west, south, size = 9.6 + column * 0.06, 53.6 + row * 0.05, 1.0
    east, north = west + 0.06 * size, south + 0.05 * size
    return json.dumps([[west, south], [east, south], [east, north], [west, north], [west, south]])


def _areas() -> list[tuple[str, str, str, int, str, str | None, str | None]]:
    """(level, level label, code, rank, name, parent code, parent name), finest last."""
    areas: list[tuple[str, str, str, int, str, str | None, str | None]] = [
        ("kreis", "Kreis", "99901", 0, "Probekreis", None, None)
    ]
    for g, gemeinde in enumerate(GEMEINDEN, start=1):
        code = f"9990100{g}"
        areas.append(("gemeinde", "Gemeinde", code, 1, gemeinde, "99901", "Probekreis"))
        for s in range(1, 4):
            name = f"{gemeinde} {('Nord', 'Mitte', 'Süd')[s - 1]}"
            areas.append(("sozialraum", "Sozialraum", f"{code}S0{s}", 2, name, code, gemeinde))
    return areas


def _leaf(code: str, year: int) -> tuple[int, dict[str, int]]:
    """Population and numerators of a Sozialraum in a year."""
    gemeinde, social = int(code[7]), int(code[10])
    population = 2000 + 700 * gemeinde + 310 * social + 25 * (year - 2019)
    rate = 0.03 + 0.012 * gemeinde + 0.009 * social + 0.002 * (year - 2019)
    return population, {
        "population_total": population,
        "sgb2_rate": round(population * rate),
        "child_poverty": round(population * 0.17 * rate * 1.6),
    }


def build(path: Path, title: str = "Probekreis (synthetisch)") -> Path:
    """Write the released file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    db = duckdb.connect(str(path))
    _create_tables(db)
    db.execute(
        """insert into dim_release (release_id, instance, title, is_synthetic, attribution, released_at,
            input_fingerprint, catalogue_version)
            values ('r1', 'probekreis', ?, true, ?, timestamp '2025-03-12 02:10:00', 'f', '1')""",
        [title, CONFIG.attribution],
    )
    for item in _INDICATORS:
        ident, label, short, unit, decimals, polarity, kind, factor = item
        db.execute(
            """insert into dim_indicator (indicator_key, indicator_id, version, label, short_label, definition,
                   theme_id, theme_label, kind, factor, unit, decimals, polarity, source_label, is_active)
               values (?, ?, 1, ?, ?, ?, 'lage', 'Soziale Lage', ?, ?, ?, ?, ?, 'Prüfstatistik', true)""",
            [
                f"{ident}@1",
                ident,
                label,
                short,
                f'Definition von "{label}".',
                kind,
                factor,
                unit,
                decimals,
                polarity,
            ],
        )
    _insert_figures(db)
    polygons = [
        (f"sozialraum:{code}", 1, _ring((int(code[7]) - 1), int(code[10]) - 1))
        for level, _, code, *_ in _areas()
        if level == "sozialraum"
    ]
    db.executemany("insert into dim_area_polygon (area_key, part, ring_json) values (?, ?, ?)", polygons)
    db.execute(
        """insert into mart_map by name
           select indicator_id, indicator_label, unit, area_system, area_level, m.area_key, area_name, period_key,
               period_label, period_end, is_latest, value, value_label, empty_reason, part, ring_json
           from mart_indicator m join dim_area_polygon p on p.area_key = m.area_key"""
    )
    db.execute(
        """insert into mart_withheld (measure_id, measure_label, breakdown, period_label, area_level_label, decision,
           cells_published, cells_withheld, note) values ('sgb2_persons', 'Personen im SGB II', 'total', '31.12.2024',
           'Sozialraum', 'teilweise zurückgehalten', 10, 2, 'Weniger als drei Personen')"""
    )
    db.execute(
        """insert into mart_measure by name
           select 'population' as measure_id, 'Bevölkerung' as measure_label, 'Personen' as unit, area_system,
               area_system_label, area_level, area_level_label, level_rank, area_key, area_code, area_name,
               parent_area_name, period_key, period_type, period_label, period_end, year, 'total' as breakdown,
               'total' as group_key, 'insgesamt' as group_label, numerator as value, obs_status, conf_status,
               empty_reason
           from mart_indicator where indicator_id = 'population_total'"""
    )
    mock_profile.fill(db)
    mock_lage.fill(db)
    mock_ziele.fill(db)
    mock_parts.fill(db)
    db.close()
    return path


def _insert_figures(db: duckdb.DuckDBPyConnection) -> None:
    areas = _areas()
    leaves = [code for level, _, code, *_ in areas if level == "sozialraum"]
    rows = []
    for ident, label, short, unit, decimals, polarity, kind, factor in _INDICATORS:
        previous: dict[str, float | None] = {}
        for year in YEARS:
            values: dict[str, tuple[float, float | None, float]] = {}
            for _, _, code, *_ in areas:
                parts = [_leaf(leaf, year) for leaf in leaves if leaf.startswith(code)]
                numerator = float(sum(part[1][ident] for part in parts))
                base = 0.17 if ident == "child_poverty" else 1.0
                denominator = None if kind == "count" else float(sum(round(part[0] * base) for part in parts))
                values[code] = (numerator, denominator, factor * numerator / (denominator or 1.0))
            for level, level_label, code, rank, name, _, parent in areas:
                part_n, part_d, number = values[code]
                hidden = ident == "sgb2_rate" and code in HIDDEN
                value = None if hidden else number
                before = previous.get(code)
                change = None if value is None or before is None else value - before
                text = _german(number, decimals)
                rows.append(
                    (
                        ident, label, short, "lage", "Soziale Lage", unit, decimals, polarity, "sozialraum",
                        "Sozialräume", level, level_label, rank, f"sozialraum:{code}", code, name, parent,
                        f"S{year}-12-31", "stichtag", f"31.12.{year}", f"{year}-12-31", year, year == YEARS[-1],
                        None if hidden else part_n, part_d, factor, value, "gesperrt" if hidden else f"{text} {unit}",
                        "A", "C" if hidden else "F", "gesperrt" if hidden else None, values["99901"][2],
                        _german(values["99901"][2], decimals), before, change,
                        None if change is None else _german(change, decimals, sign="+"), _tendency(polarity, change),
                        None if hidden else 1, True, "Prüfstatistik",
                        CONFIG.attribution, "Synthetische Daten", None,
                    )
                )  # fmt: skip
                previous[code] = value
    places = ", ".join("?" * len(_FIGURE_COLUMNS))
    db.executemany(f"insert into mart_indicator ({', '.join(_FIGURE_COLUMNS)}) values ({places})", rows)


def _german(number: float, decimals: int, sign: str = "") -> str:
    """1234.5 -> 1.234,5; `sign="+"` also marks increases."""
    return f"{number:{sign},.{decimals}f}".translate(str.maketrans(",.", ".,"))


def _tendency(polarity: str, change: float | None) -> str:
    if change is None or polarity == "neutral":
        return "ohne Bewertung"
    return "stabil" if abs(change) < 0.05 else "ungünstig" if change > 0 else "günstig"
