"""Counts a permitted cross table in the warehouse and overlays it. Nothing exact is returned.

Belongs here: reading the warehouse, the SQL (the project's own macros), the stored p-table. Does not belong here: what
may be asked (`request`), the file (`workbook`).
"""

from __future__ import annotations

import itertools
import math
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import jinja2
import pyarrow as pa
import pyarrow.parquet as pq

from disclosure.cell_key import Parameters, perturbation_table
from lagebild.cell_key import CellKeySettings
from lagebild.instance import Instance
from lagebild.paths import DBT_PROJECT_DIR
from orchestration.cross_table.records import period_column, record_keys, record_secret
from orchestration.cross_table.request import CrossTableRequest, Refused
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.model import UNKNOWN, Catalogue

TOTAL: Final = groups.TOTAL
_MACROS: Final = ("core/period.sql", "core/microdata.sql", "disclosure/cell_key.sql")
_QUERY: Final = """
with
    {{ located_microdata(measure, dimensions) }},
    placed as (
        select located.*, record_key.record_key, area.area_key as cell_area
        from located
        inner join record_key using (delivery_id, source_row)
        inner join {{ ref("bridge_area") }} as bridge
            on bridge.descendant_area_key = located.leaf_key
            and {{ valid_on("located.period_end", "bridge.valid_from", "bridge.valid_to") }}
        inner join {{ ref("dim_area") }} as area
            on area.area_key = bridge.ancestor_area_key and area.level_rank in ({{ level_rank }}, 0)
    ),
    cell as (
        select
            cell_area as area_key,
            {% for dimension in dimensions %}
            case when grouping(member_{{ dimension }}) = 1 then 'total' else member_{{ dimension }} end
                as {{ dimension }},
            {% endfor %}
            count(*) as value,
            {{ cell_key("record_key") }} as cell_key
        from placed
        group by cell_area, cube (
            {% for dimension in dimensions %}member_{{ dimension }}{{ ", " if not loop.last }}{% endfor %}
        )
    )
select area_key, {{ dimensions | join(", ") }}, shown
from ({{ overlaid("cell", "p_table", "value") }})
"""


@dataclass(frozen=True)
class Area:
    area_key: str
    code: str
    name: str
    is_missing: bool
    """The Kommune in charge has not delivered: the count is unknown, not zero."""


@dataclass(frozen=True)
class CrossTable:
    """An overlaid table. `shown` holds the cells that are not zero, keyed by (area, member of each dimension)."""

    request: CrossTableRequest
    period_key: str
    period_label: str
    areas: tuple[Area, ...]
    """Coarsest first: the whole area, then those of the level asked for."""
    members: tuple[tuple[tuple[str, str], ...], ...]
    """Per dimension (code, label) in reading order, the last one `total`."""
    shown: dict[tuple[str, ...], int]
    p_table_name: str

    @property
    def cells(self) -> int:
        return len(self.areas) * math.prod(len(known) for known in self.members)


def cross_table(
    instance: Instance, catalogue: Catalogue, asked: CrossTableRequest, period_end: date
) -> CrossTable:
    """The table. Raises `Refused` for an unknown period, a dimension the source does not deliver, or a sparse table."""
    measure = asked.measure
    name, p_table = stored_p_table(instance.paths.cell_key, asked.settings)
    with duckdb.connect(str(instance.paths.warehouse), read_only=True) as connection:
        period_key, period_label = _period(connection, asked, period_end)
        areas = _areas(connection, asked, period_key, period_end)
        keys = record_keys(connection, measure, period_end, record_secret(instance))
        connection.register("record_key", keys)
        connection.register("p_table", p_table)
        rows = connection.execute(_sql(asked, period_end)).fetchall()
    cells = {tuple(row[:-1]): int(row[-1]) for row in rows}
    members = tuple(
        _members(instance, catalogue, dimension, {key[position] for key in cells})
        for position, dimension in enumerate(asked.dimensions, start=1)
    )
    _refuse_sparse(asked, areas, members, cells)
    visible = {area.area_key for area in areas if not area.is_missing}
    shown = {key: value for key, value in cells.items() if key[0] in visible}
    return CrossTable(asked, period_key, period_label, areas, members, shown, name)


def stored_p_table(folder: Path, settings: CellKeySettings) -> tuple[str, pa.Table]:
    """Name and rows (count, deviation, key_from, key_to) of the p-table of these parameters.

    Written on first use and read ever after: another version of the solver must not give known cells another noise.
    """
    name = f"p_table-D{settings.max_deviation}-V{settings.variance:g}-js{settings.blocked}"
    path = folder / f"{name}.parquet"
    if not path.exists():
        made = perturbation_table(Parameters(settings.max_deviation, settings.variance, settings.blocked))
        columns = {
            "count": made.count,
            "deviation": made.deviation,
            "key_from": made.lower,
            "key_to": made.upper,
        }
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        draft = folder / f".{name}.{os.getpid()}"
        pq.write_table(pa.table(columns), draft)
        draft.replace(path)
    return name, pq.read_table(path)


def project_sql(body: str, **names: Any) -> str:
    """A query that uses macros of the dbt project, so that persons are placed and banded as in the release."""
    macros = "\n".join((DBT_PROJECT_DIR / "macros" / name).read_text(encoding="utf-8") for name in _MACROS)
    environment = jinja2.Environment(  # noqa: S701 - SQL, not a page
        extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined
    )
    return environment.from_string(macros + body).render(ref=_relation, **names)


def _sql(asked: CrossTableRequest, period_end: date) -> str:
    day = f"{period_column(asked.measure)} = date '{period_end.isoformat()}'"
    measure = asked.measure.model_dump(mode="json")
    # One area system: the refinement with a second one is a matter of the release.
    measure |= {
        "refined_by": None,
        "where": f"({asked.measure.where}) and {day}",
        "level_rank": asked.level_rank,
    }
    return project_sql(
        _QUERY, measure=measure, dimensions=list(asked.dimensions), level_rank=asked.level_rank
    )


def _relation(model: str) -> str:
    return f"{'staging' if model.startswith('stg_') else 'core'}.{model}"


def _period(
    connection: duckdb.DuckDBPyConnection, asked: CrossTableRequest, period_end: date
) -> tuple[str, str]:
    known = connection.execute(
        """
        select distinct period.period_end, period.period_key, period.period_label
        from core.fct_measure as fact
        inner join core.dim_period as period using (period_key)
        where fact.measure_id = $measure
        order by period.period_end
        """,
        {"measure": asked.measure.measure},
    ).fetchall()
    found = next((row for row in known if row[0] == period_end), None)
    if found is None:
        days = ", ".join(f"{row[0]:%d.%m.%Y}" for row in known[-6:]) or "keine"
        raise Refused(
            f"»{asked.label}« liegt nicht zum {period_end:%d.%m.%Y} vor. "
            f"Die letzten Stichtage oder Zeitraumenden: {days}."
        )
    return str(found[1]), str(found[2])


def _areas(
    connection: duckdb.DuckDBPyConnection, asked: CrossTableRequest, period_key: str, day: date
) -> tuple[Area, ...]:
    rows = connection.execute(
        """
        select area.area_key, area.area_code, area.area_name, fact.value is null and fact.obs_status = 'O'
        from core.dim_area as area
        inner join core.fct_measure as fact
            on fact.area_key = area.area_key and fact.measure_id = $measure
            and fact.period_key = $period and fact.group_key = 'total'
        where area.area_system = $system and area.level_rank in (0, $rank)
            and $day between area.valid_from and coalesce(area.valid_to, date '9999-12-31')
        order by area.level_rank, area.is_unassigned, area.area_code
        """,
        {
            "measure": asked.measure.measure,
            "period": period_key,
            "system": asked.measure.area_system,
            "rank": asked.level_rank,
            "day": day,
        },
    ).fetchall()
    return tuple(Area(*row) for row in rows)


def _members(
    instance: Instance, catalogue: Catalogue, dimension: str, found: set[str]
) -> tuple[tuple[str, str], ...]:
    known = [
        (item.code, item.label)
        for item in groups.members(dimension, catalogue, instance.config)
        # "divers" is counted as female or male in staging (few persons): an empty column would look like a zero.
        if (dimension, item.code) != ("sex", "d") or item.code in found
    ]
    others = sorted(found - {code for code, _ in known} - {UNKNOWN, TOTAL})
    unknown = [(UNKNOWN, "ohne Angabe")] if UNKNOWN in found else []
    return (*known, *((code, code) for code in others), *unknown, (TOTAL, "insgesamt"))


def _refuse_sparse(
    asked: CrossTableRequest,
    areas: tuple[Area, ...],
    members: tuple[tuple[tuple[str, str], ...], ...],
    cells: dict[tuple[str, ...], int],
) -> None:
    for position, name in enumerate(asked.names, start=1):
        if not any(key[position] not in (UNKNOWN, TOTAL) for key in cells):
            raise Refused(f"Das Merkmal »{name}« ist in den Einzeldaten nicht enthalten.")
    inner = [tuple(code for code, _ in known if code != TOTAL) for known in members]
    finest = areas[1:] if asked.level_rank else areas
    count = len(finest) * math.prod(len(known) for known in inner)
    held = sum(
        cells.get((area.area_key, *chosen), 0) for area in finest for chosen in itertools.product(*inner)
    )
    if count and held / count < asked.settings.min_mean_count:
        raise Refused(
            f"Die Tabelle hätte {count} Felder mit im Mittel weniger als {asked.settings.min_mean_count:g} Fällen; "
            "sie zeigte vor allem die Überlagerung. Bitte eine gröbere Ebene oder weniger Merkmale wählen."
        )


__all__ = ["Area", "CrossTable", "cross_table", "project_sql", "stored_p_table"]
