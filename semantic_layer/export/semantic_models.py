"""dbt semantic models and metrics of one instance: the catalogue in the words MetricFlow understands.

`semantic_project` is pure: file names and contents of a complete small dbt project over one released file.
Whoever uses dbt can ask it with `mf query`; the tests use it as an oracle that nobody here wrote.

Two things MetricFlow does not know are written into the metrics: a sum over areas is empty when one of its parts is
empty (never the sum of the survivors), and a stock at a reference day is not added up over time.
Measures are read at the lowest level they are released on; every coarser area is a sum of those rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from lagebild.instance import Instance, InstanceMeasure
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.model import Catalogue
from semantic_layer.catalogue.resolve import ResolvedIndicator, ResolvedPart, Supply, resolve
from semantic_layer.catalogue.text import identifier

RELEASE_VARIABLE: Final = "LAGEBILD_RELEASE"
"""Environment variable that names the released file the project reads."""
FILE_VARIABLE: Final = "LAGEBILD_SEMANTIC_FILE"
"""Environment variable that names the file the project's views are written to."""

_DATABASE: Final = "release"


def semantic_project(instance: Instance, catalogue: Catalogue | None = None) -> dict[str, str]:
    """Relative path → content of a dbt project with one semantic model per measure and one metric per active,
    public indicator. Deterministic."""
    supply = Supply(catalogue or load_catalogue(), instance.config, instance.measures)
    shown = [item for item in resolve(supply) if item.status == "active" and item.tier == "public"]
    parts = _parts(shown)
    used = [item for item in supply.measures if item.measure in parts]
    files = {
        "dbt_project.yml": _yaml(_project(instance.name)),
        "profiles.yml": _yaml(_profile()),
        "models/sources.yml": _yaml(_sources()),
        "models/area.sql": _area_sql(supply),
        "models/time_spine.sql": _TIME_SPINE_SQL,
        "models/time_spine.yml": _yaml(_time_spine()),
        "models/area.yml": _yaml({"semantic_models": [_area_model(supply)]}),
        "models/period.sql": _PERIOD_SQL,
        "models/period.yml": _yaml({"semantic_models": [_period_model()]}),
        "models/metrics.yml": _yaml({"metrics": [_metric(item, supply.catalogue) for item in shown]}),
    }
    for item in used:
        name = f"measure_{item.measure}"
        files[f"models/measures/{name}.sql"] = _measure_sql(item)
        model = _measure_model(item, parts[item.measure], supply.catalogue)
        files[f"models/measures/{name}.yml"] = _yaml({"semantic_models": [model]})
    return files


def _parts(shown: Sequence[ResolvedIndicator]) -> dict[str, list[str]]:
    """Groups needed of each measure, in order of first use."""
    found: dict[str, dict[str, None]] = {}
    for item in shown:
        for part in (*item.numerator, *item.denominator):
            found.setdefault(part.measure_id, {})[part.group_id] = None
    return {measure: list(group_ids) for measure, group_ids in found.items()}


def part_name(measure_id: str, group_id: str) -> str:
    """Name of a part in MetricFlow; a double underscore is its separator and must not occur."""
    return identifier(f"part_{measure_id}_{group_id}")


def _metric(item: ResolvedIndicator, catalogue: Catalogue) -> dict[str, Any]:
    indicator = item.indicator
    inputs: dict[str, None] = {}
    for part in (*item.numerator, *item.denominator):
        inputs[part_name(part.measure_id, part.group_id)] = None
    numerator = _sum_expression(item.numerator)
    value = f"{indicator.factor!r} * ({numerator})"
    if item.denominator:
        value = f"{value} / nullif({_sum_expression(item.denominator)}, 0)"
    gaps = " + ".join(f"{name}_gaps" for name in inputs)
    return {
        "name": indicator.id,
        "label": indicator.label,
        "description": indicator.definition,
        "type": "derived",
        "type_params": {
            # A missing row on one side gives NULL gaps, hence NULL: incomplete is empty as well.
            "expr": f"case when {gaps} = 0 then {value} end",
            "metrics": [{"name": name} for item in inputs for name in (item, f"{item}_gaps")],
        },
        "config": {
            "meta": {
                "indicator_key": indicator.key,
                "unit": indicator.unit,
                "decimals": indicator.decimals,
                "polarity": indicator.polarity or "neutral",
                "theme": catalogue.theme_by_id[indicator.theme].label,
                "tier": item.tier,
            }
        },
    }


def _sum_expression(parts: Sequence[ResolvedPart]) -> str:
    terms = [(part.sign, part_name(part.measure_id, part.group_id)) for part in parts]
    text = " ".join(f"{'+' if sign > 0 else '-'} {name}" for sign, name in terms)
    return text.removeprefix("+ ")


def _measure_model(item: InstanceMeasure, group_ids: Sequence[str], catalogue: Catalogue) -> dict[str, Any]:
    definition = catalogue.measure_by_id[item.measure]
    measures = []
    for group_id in group_ids:
        name = part_name(item.measure, group_id)
        of_group = f"case when group_key = '{group_id}' then"
        for part, expression, label in (
            (name, f"{of_group} value end", definition.label),
            (f"{name}_gaps", f"{of_group} cast(value is null as integer) end", f"{definition.label}: Lücken"),
        ):
            measure: dict[str, Any] = {
                "name": part,
                "label": f"{label} ({group_id})",
                "description": definition.definition,
                "agg": "sum",
                "expr": expression,
                "create_metric": True,
            }
            if definition.semi_additive_time:
                measure["non_additive_dimension"] = {"name": "period_end", "window_choice": "max"}
            measures.append(measure)
    return {
        "name": f"measure_{item.measure}",
        "description": definition.definition,
        "model": f"ref('measure_{item.measure}')",
        "defaults": {"agg_time_dimension": "period_end"},
        "entities": [
            {"name": f"{item.measure}_row", "type": "primary", "expr": "observation_key"},
            {"name": "area", "type": "foreign", "expr": "area_key"},
            {"name": "period", "type": "foreign", "expr": "period_key"},
        ],
        "dimensions": [{"name": "period_end", "type": "time", "type_params": {"time_granularity": "day"}}],
        "measures": measures,
    }


def _measure_sql(item: InstanceMeasure) -> str:
    return f"""select
    fact.area_key || '|' || fact.period_key || '|' || fact.group_key as observation_key,
    fact.area_key,
    fact.period_key,
    cast(period.period_end as timestamp) as period_end,
    fact.group_key,
    fact.value
from {{{{ source("{_DATABASE}", "fct_measure") }}}} as fact
inner join {{{{ source("{_DATABASE}", "dim_area") }}}} as area using (area_key)
inner join {{{{ source("{_DATABASE}", "dim_period") }}}} as period using (period_key)
where
    fact.measure_id = '{item.measure}'
    and area.area_system = '{item.area_system}'
    and area.area_level = '{item.released_level}'
"""


def _area_model(supply: Supply) -> dict[str, Any]:
    names = ["area_code", "area_name", "area_level", "area_system", *_ancestor_columns(supply)]
    return {
        "name": "area",
        "description": "Gebiete mit ihren übergeordneten Gebieten",
        "model": "ref('area')",
        "entities": [{"name": "area", "type": "primary", "expr": "area_key"}],
        "dimensions": [{"name": name, "type": "categorical"} for name in names],
    }


def _ancestor_columns(supply: Supply) -> dict[str, str]:
    """Column → level code, over all area systems; a level two systems share is one column."""
    levels = dict.fromkeys(level.code for system in supply.config.area_systems for level in system.levels)
    return {f"in_{level}": level for level in levels}


def _area_sql(supply: Supply) -> str:
    columns = ",\n".join(
        f"    max(ancestor.area_code) filter (where ancestor.area_level = '{level}') as {name}"
        for name, level in _ancestor_columns(supply).items()
    )
    return f"""select
    area.area_key,
    area.area_code,
    area.area_name,
    area.area_level,
    area.area_system,
{columns}
from {{{{ source("{_DATABASE}", "dim_area") }}}} as area
left join {{{{ source("{_DATABASE}", "bridge_area") }}}} as bridge on bridge.descendant_area_key = area.area_key
left join {{{{ source("{_DATABASE}", "dim_area") }}}} as ancestor on ancestor.area_key = bridge.ancestor_area_key
group by all
"""


_PERIOD_SQL: Final = f"""select period_key, period_label, period_type, year as calendar_year
from {{{{ source("{_DATABASE}", "dim_period") }}}}
"""


def _period_model() -> dict[str, Any]:
    names = ["period_label", "period_type", "calendar_year"]
    return {
        "name": "period",
        "description": "Zeiträume und Stichtage",
        "model": "ref('period')",
        "entities": [{"name": "period", "type": "primary", "expr": "period_key"}],
        "dimensions": [{"name": name, "type": "categorical"} for name in names],
    }


_TIME_SPINE_SQL: Final = f"""select
    cast(unnest(generate_series(min(period_start), max(period_end), interval 1 day)) as date) as date_day
from {{{{ source("{_DATABASE}", "dim_period") }}}}
"""


def _time_spine() -> dict[str, Any]:
    return {
        "models": [
            {
                "name": "time_spine",
                "description": "Alle Tage, über die es Angaben gibt",
                "time_spine": {"standard_granularity_column": "date_day"},
                "columns": [{"name": "date_day", "granularity": "day"}],
            }
        ]
    }


def _project(instance: str) -> dict[str, Any]:
    return {
        "name": identifier(f"lagebild_{instance}"),
        "version": "1.0.0",
        "config-version": 2,
        "profile": "lagebild_release",
        "model-paths": ["models"],
        "flags": {"send_anonymous_usage_stats": False},
        "models": {"+materialized": "view"},
    }


def _profile() -> dict[str, Any]:
    target = {
        "type": "duckdb",
        "path": f"{{{{ env_var('{FILE_VARIABLE}') }}}}",
        "threads": 1,
        "attach": [
            {"path": f"{{{{ env_var('{RELEASE_VARIABLE}') }}}}", "alias": _DATABASE, "read_only": True}
        ],
    }
    return {"lagebild_release": {"target": "duckdb", "outputs": {"duckdb": target}}}


def _sources() -> dict[str, Any]:
    tables = ["fct_measure", "dim_area", "dim_period", "bridge_area"]
    source = {
        "name": _DATABASE,
        "database": _DATABASE,
        "schema": "main",
        "tables": [{"name": name} for name in tables],
    }
    return {"version": 2, "sources": [source]}


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False, width=120)


__all__ = ["FILE_VARIABLE", "RELEASE_VARIABLE", "part_name", "semantic_project"]
