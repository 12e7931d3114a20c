"""What own analyses need: every active indicator as a metric of the wide dataset, in the order of the Handlungsfelder.

Belongs here: labels and formats from the released dimensions, openings of the templates. Does not belong here: values.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts
from superset_assets.topics import profil
from superset_assets.topics.profil import PyramidPart


@dataclass(frozen=True)
class WideMetric:
    """One indicator as a metric. `adds_up`: its parts may be added over areas of a level."""

    indicator_id: str
    label: str
    """Unique over the release: two indicators of the same name carry their id."""
    description: str
    theme_label: str
    d3_format: str
    adds_up: bool


@dataclass(frozen=True)
class SelbstbedienungFacts:
    """Grain: one release. The openings are what a saved template shows before somebody changes it."""

    metrics: tuple[WideMetric, ...]
    folders: tuple[tuple[str, tuple[str, ...]], ...]
    """Handlungsfeld -> ids of its metrics."""
    series_id: str
    series_label: str
    level: str
    level_plural: str
    cross_ids: tuple[str, ...]
    measure_id: str
    measure_label: str
    breakdown: str
    """Cross table of the measure the template opens with; empty where the release has none."""
    measure_period: str
    pyramid_parts: tuple[PyramidPart, ...]
    """Halves of the pyramid as the Sozialraumprofil has them; none where it has no pyramid."""
    pyramid_area: str

    @property
    def has_measure(self) -> bool:
        return bool(self.measure_id)

    @property
    def not_additive(self) -> list[str]:
        """Indicators whose values must not be added over areas: index values, delivered rates."""
        return [item.indicator_id for item in self.metrics if not item.adds_up]

    def labels_of(self, ids: tuple[str, ...]) -> list[str]:
        """Names of metrics, as charts and folders call them."""
        return [item.label for item in self.metrics if item.indicator_id in ids]


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> SelbstbedienungFacts | None:
    """Facts of own analyses; None where the release holds no value."""
    metrics = _metrics(db)
    if not metrics:
        return None
    known = {item.indicator_id: item for item in metrics}
    opened = next((item for item in base.rankings if item.indicator_id in known), None)
    wanted = (*config.dashboard.series_indicators, *config.dashboard.headline_indicators)
    chosen = tuple(dict.fromkeys(name for name in wanted if name in known))
    themes = dict.fromkeys(item.theme_label for item in metrics)
    measure = _measure(db, base.area_system)
    profile = profil.read(db, config, base)
    return SelbstbedienungFacts(
        metrics=metrics,
        folders=tuple(
            (theme, tuple(item.indicator_id for item in metrics if item.theme_label == theme))
            for theme in themes
        ),
        series_id=opened.indicator_id if opened else metrics[0].indicator_id,
        series_label=opened.label if opened else metrics[0].label,
        level=base.ranking_level,
        level_plural=base.ranking_level_plural,
        cross_ids=(chosen or tuple(known))[:4],
        measure_id=measure[0],
        measure_label=measure[1],
        breakdown=measure[2],
        measure_period=measure[3],
        pyramid_parts=tuple(profile.pyramid_parts) if profile else (),
        pyramid_area=profile.area_label if profile else "",
    )


def _metrics(db: duckdb.DuckDBPyConnection) -> tuple[WideMetric, ...]:
    """Active indicators with at least one released value, in the order of the Handlungsfelder."""
    rows = db.execute(
        """
        with valued as (select distinct indicator_id from mart_indicator where value is not null),
        parts as (
            select part.indicator_key, bool_and(coalesce(measure.additive_over_areas, false)) as adds_up
            from dim_indicator_part as part inner join dim_measure as measure using (measure_id)
            group by part.indicator_key
        )
        select i.indicator_id,
            i.label || case when coalesce(i.unit, '') in ('', 'Anzahl') then '' else ' (' || i.unit || ')' end,
            coalesce(i.definition, ''), i.theme_label, coalesce(i.decimals, 0), coalesce(i.caveats, ''),
            coalesce(parts.adds_up, false), count(*) over (partition by i.label, i.unit)
        from dim_indicator as i inner join valued using (indicator_id)
        left join parts using (indicator_key)
        left join dim_theme as theme using (theme_id)
        where i.is_active
        order by theme.sort_key, i.label, i.indicator_id
        """
    ).fetchall()
    return tuple(
        WideMetric(
            indicator_id=str(name),
            label=str(label) if same == 1 else f"{label} – {name}",
            description=" ".join(filter(None, (str(definition), str(caveats)))),
            theme_label=str(theme),
            d3_format=f",.{decimals}f",
            adds_up=bool(adds_up),
        )
        for name, label, definition, theme, decimals, caveats, adds_up, same in rows
    )


def _measure(db: duckdb.DuckDBPyConnection, system: str) -> tuple[str, str, str, str]:
    """(id, label, breakdown, latest period) of the cross table with most figures, the population before others.

    Empty strings where the release has none.
    """
    row = db.execute(
        """
        select measure_id, any_value(measure_label), breakdown, arg_max(period_label, period_end) from mart_measure
        where area_system = ? and breakdown <> 'total' and value is not null
        group by measure_id, breakdown
        order by measure_id = 'population' desc, breakdown = 'age;sex' desc, count(*) desc, measure_id, breakdown
        limit 1
        """,
        [system],
    ).fetchone()
    return ("", "", "", "") if row is None else (str(row[0]), str(row[1]), str(row[2]), str(row[3]))
