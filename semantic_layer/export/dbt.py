"""Catalogue tables and variables for dbt.

`catalogue_tables` is pure (same YAML, same tables); `write_catalogue_tables` puts them below the protected zone of the
instance, where the dbt sources `catalogue.*` read them. Schemas are fixed here, so an empty table keeps its columns.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from lagebild.instance import PUBLIC, Instance, InstanceMeasure, SourceConfig
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.history import load_changes
from semantic_layer.catalogue.index_history import changes_file
from semantic_layer.catalogue.linked import linked as linked_measures
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.model import AGE, Catalogue, Measure
from semantic_layer.catalogue.resolve import ResolvedIndicator, Supply, resolve
from semantic_layer.export import companions, forecasting, indices, linked, rules

Row = dict[str, Any]

_TEXT, _INT, _FLOAT, _BOOL, _DAY = pa.string(), pa.int32(), pa.float64(), pa.bool_(), pa.date32()


# A source delivered once per occasion (an election) has no cycle of its own: the entry says it.
_CYCLES: Final[Mapping[str, str]] = {
    "monthly": "monatlich",
    "quarterly": "vierteljährlich",
    "half_yearly": "halbjährlich",
    "yearly": "jährlich",
    "two_yearly": "alle zwei Jahre",
    "five_yearly": "alle fünf Jahre",
}


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in fields.items()])


SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "theme": _schema(theme_id=_TEXT, label=_TEXT, description=_TEXT, sort_key=_INT),
    "indicator": _schema(
        indicator_key=_TEXT,
        indicator_id=_TEXT,
        version=_INT,
        label=_TEXT,
        short_label=_TEXT,
        definition=_TEXT,
        theme_id=_TEXT,
        kind=_TEXT,
        factor=_FLOAT,
        unit=_TEXT,
        decimals=_INT,
        polarity=_TEXT,
        source_label=_TEXT,
        legal_basis=_TEXT,
        cycle=_TEXT,
        reference_day=_TEXT,
        delay=_TEXT,
        first_period=_TEXT,
        breaks=_TEXT,
        lowest_level=_TEXT,
        tier=_TEXT,
        benchmark_method=_TEXT,
        trend_method=_TEXT,
        caveats=_TEXT,
        owner=_TEXT,
        status=_TEXT,
        unavailable_reason=_TEXT,
        successor=_TEXT,
        keywords=_TEXT,
        min_denominator=_INT,
        rules=_TEXT,
        additivity=_TEXT,
        area_system=_TEXT,
    ),
    "indicator_part": _schema(indicator_key=_TEXT, part=_TEXT, measure_id=_TEXT, group_id=_TEXT, sign=_FLOAT),
    "measure": _schema(
        measure_id=_TEXT,
        label=_TEXT,
        definition=_TEXT,
        unit=_TEXT,
        value_kind=_TEXT,
        additive_over_areas=_BOOL,
        semi_additive_time=_BOOL,
        source_id=_TEXT,
        input=_TEXT,
        where_sql=_TEXT,
        value_sql=_TEXT,
        category_dimension=_TEXT,
        period_type=_TEXT,
        area_system=_TEXT,
        lowest_level=_TEXT,
        public_level=_TEXT,
        rule_id=_TEXT,
        tier=_TEXT,
        part_of=_TEXT,
    ),
    "measure_breakdown": _schema(measure_id=_TEXT, breakdown=_TEXT, tier=_TEXT),
    "group_member": _schema(
        group_id=_TEXT,
        breakdown=_TEXT,
        group_label=_TEXT,
        age_from=_INT,
        age_to=_INT,
        sex=_TEXT,
        nationality=_TEXT,
        migration=_TEXT,
        category_dimension=_TEXT,
        category=_TEXT,
        sort_key=_INT,
    ),
    "rule": rules.RULE_SCHEMA,
    "rule_threshold": rules.THRESHOLD_SCHEMA,
    "rule_combination": rules.COMBINATION_SCHEMA,
    "group_coarser": rules.COARSER_SCHEMA,
    "area_level": _schema(
        area_system=_TEXT,
        area_system_label=_TEXT,
        is_main=_BOOL,
        level=_TEXT,
        level_label=_TEXT,
        level_plural=_TEXT,
        level_rank=_INT,
    ),
    "age_band": _schema(dimension=_TEXT, age_from=_INT, age_to=_INT, member=_TEXT),
    "source": _schema(
        source_id=_TEXT,
        label=_TEXT,
        supplier=_TEXT,
        cycle=_TEXT,
        reference_day=_TEXT,
        expected_by=_TEXT,
        licence=_TEXT,
        legal_basis=_TEXT,
        tier=_TEXT,
        kommunen_expected=_INT,
    ),
    "source_coverage": _schema(source_id=_TEXT, kommune_code=_TEXT),
    "indicator_break": _schema(indicator_key=_TEXT, break_on=_DAY, note=_TEXT),
    "indicator_change": _schema(indicator_id=_TEXT, version=_INT, changed_on=_DAY, kind=_TEXT, note=_TEXT),
    "target": _schema(
        indicator_id=_TEXT,
        area_level=_TEXT,
        area_code=_TEXT,
        year=_INT,
        value=_FLOAT,
        decision=_TEXT,
        recommendation_id=_TEXT,
        decided_on=_DAY,
    ),
    "budget_link": _schema(
        product_code=_TEXT,
        case_measure_id=_TEXT,
        case_group_key=_TEXT,
        spending_measure_id=_TEXT,
        note=_TEXT,
    ),
    "budget_indicator": _schema(product_code=_TEXT, indicator_id=_TEXT, position=_INT),
    "audience": _schema(audience=_TEXT, label=_TEXT, area_system=_TEXT, level=_TEXT, position=_INT),
    "release_decision": _schema(
        measure_id=_TEXT,
        period_key=_TEXT,
        area_code=_TEXT,
        group_key=_TEXT,
        decision=_TEXT,
        decided_on=_DAY,
        position=_INT,
    ),
    "peer_feature": _schema(indicator_id=_TEXT, label=_TEXT, is_logarithmic=_BOOL),
    **linked.SCHEMAS,
    **forecasting.SCHEMAS,
    **indices.SCHEMAS,
}


def supply_of(instance: Instance, catalogue: Catalogue | None = None) -> Supply:
    """The instance's measures beside the catalogue; reads YAML."""
    return Supply(catalogue or load_catalogue(), instance.config, instance.measures)


def catalogue_tables(instance: Instance, catalogue: Catalogue | None = None) -> dict[str, pa.Table]:
    """All catalogue tables of an instance, rows in reading order.

    Raises `KeyError` for a measure the catalogue does not know: run `check.run` first, it explains the error.
    """
    supply = supply_of(instance, catalogue)
    resolved = resolve(supply)
    rows: dict[str, Iterable[Row]] = {
        "theme": [
            {
                "theme_id": item.id,
                "label": item.label,
                "description": item.description,
                "sort_key": item.sort_key,
            }
            for item in sorted(supply.catalogue.themes, key=lambda item: item.sort_key)
        ],
        "indicator": [
            {**_indicator_row(item, supply), **provenance(item, supply, instance.sources)}
            for item in resolved
        ],
        "indicator_part": [row for item in resolved for row in _part_rows(item)],
        "measure": [
            _measure_row(item, supply.catalogue.measure_by_id[item.measure]) for item in supply.measures
        ],
        "measure_breakdown": _breakdown_rows(supply),
        "group_member": _group_rows(supply),
        "rule": rules.rule_rows(instance.rules.values(), rules.labels_of(supply)),
        "rule_threshold": rules.threshold_rows(instance.rules.values(), rules.levels_of(supply.config)),
        "rule_combination": rules.combination_rows(supply, instance.rules),
        "group_coarser": rules.coarser_rows(supply),
        "area_level": _area_level_rows(supply),
        "age_band": [
            {"dimension": name, "age_from": _lower(band), "age_to": _upper(band), "member": band.code}
            for name, bounds in sorted(supply.config.dimensions.items())
            for band in groups.age_bands(name, bounds)
        ],
        "source": [
            {
                "source_id": item.id,
                **item.model_dump(include=set(SCHEMAS["source"].names)),
                "expected_by": item.expected_by,
                "kommunen_expected": max(1, len(item.coverage)),
            }
            for item in instance.sources.values()
        ],
        "source_coverage": [
            {"source_id": item.id, "kommune_code": code}
            for item in instance.sources.values()
            for code in item.coverage
        ],
        "indicator_break": companions.break_rows(resolved, supply.catalogue),
        "indicator_change": companions.change_rows(resolved, load_changes()),
        "audience": [
            {
                "audience": item.id,
                "label": item.label,
                "area_system": item.area_system or None,
                "level": item.level or None,
                "position": position,
            }
            for position, item in enumerate(supply.config.audiences, start=1)
        ],
        "release_decision": [
            {
                "measure_id": item.measure,
                "period_key": item.period or None,
                "area_code": item.area or None,
                "group_key": item.group or None,
                "decision": item.decision,
                "decided_on": item.decided_on,
                "position": position,
            }
            for position, item in enumerate(instance.decisions)
        ],
        "target": companions.target_rows(instance.targets),
        "budget_link": companions.budget_rows(instance.budget_links),
        "budget_indicator": companions.budget_indicator_rows(instance.budget_links),
        "peer_feature": companions.feature_rows(resolved, instance.config.peers),
        **linked.rows(linked_measures(supply, instance.rules)),
        **forecasting.rows(instance, resolved),
        **indices.rows(
            instance.indices,
            instance.attention,
            load_changes(changes_file(instance)),
            supply.catalogue,
            supply.config,
        ),
    }
    return {name: pa.Table.from_pylist(list(rows[name]), schema=schema) for name, schema in SCHEMAS.items()}


def write_catalogue_tables(instance: Instance) -> dict[str, Path]:
    """Write the tables to `var/<instance>/protected/catalogue/<table>.parquet`; each file is replaced as a whole.

    An unchanged table keeps its file (and its modification time).
    """
    folder = instance.paths.catalogue
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, table in catalogue_tables(instance).items():
        target = folder / f"{name}.parquet"
        if not (target.exists() and _same(target, table)):
            draft = folder / f".{name}.parquet.tmp"
            pq.write_table(table, draft, compression="zstd")
            os.replace(draft, target)
        written[name] = target
    return written


def _same(path: Path, table: pa.Table) -> bool:
    try:
        return bool(pq.read_table(path).equals(table))
    except (OSError, pa.ArrowInvalid):
        # A torn file from an interrupted run is written anew.
        return False


def catalogue_version(tables: Mapping[str, pa.Table]) -> str:
    """Short content hash of the catalogue tables: changes exactly when a definition, level or rule changes."""
    content = {name: table.to_pylist() for name, table in sorted(tables.items())}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def dbt_vars(instance: Instance, release_id: str = "", input_fingerprint: str = "") -> dict[str, Any]:
    """The `--vars` of a dbt run for an instance, plain JSON values only.

    `release_id` and `input_fingerprint` belong to the run and are the caller's.
    """
    config = instance.config
    return {
        "instance": instance.name,
        "title": config.title,
        "is_synthetic": config.synthetic is not None,
        "attribution": config.attribution,
        "landing_dir": str(instance.paths.landing),
        "catalogue_dir": str(instance.paths.catalogue),
        "main_area_system": config.main_area_system,
        "revision_tolerance": config.revision_tolerance,
        "release_id": release_id,
        "input_fingerprint": input_fingerprint,
        "catalogue_version": catalogue_version(catalogue_tables(instance)),
        "measures": [
            {
                **measure.model_dump(mode="json"),
                # dbt counts both tiers; which cell is of which stands in `measure_breakdown`.
                # Coarser scales are summed from the fine ones later on (fct_measure).
                "breakdowns": [
                    list(breakdown)
                    for breakdown in measure.all_breakdowns
                    if not groups.is_coarse(breakdown, config)
                ],
                "level_rank": config.area_system(measure.area_system).rank(measure.lowest_level),
                "refined_by": _refined_by(measure, instance),
            }
            for measure in instance.measures
            if measure.input != "observation"
        ],
    }


def _refined_by(measure: InstanceMeasure, instance: Instance) -> Row | None:
    """The second area system the same cases are released in; None without one."""
    supply = supply_of(instance)
    whole_id = linked_measures(supply, instance.rules).refinements.get(measure.measure)
    whole = supply.measure(whole_id) if whole_id else None
    if whole is None:
        return None
    system = instance.config.area_system(whole.area_system)
    return {"area_system": system.code, "level_rank": system.rank(whole.lowest_level)}


def _indicator_row(resolved: ResolvedIndicator, supply: Supply) -> Row:
    item = resolved.indicator
    plain = item.model_dump(include=set(SCHEMAS["indicator"].names) - {"breaks", "keywords"})
    return {
        **plain,
        "indicator_key": item.key,
        "indicator_id": item.id,
        "theme_id": item.theme,
        "polarity": item.polarity or "neutral",
        "breaks": "; ".join(item.breaks),
        "keywords": ", ".join(item.keywords),
        "status": resolved.status,
        "unavailable_reason": resolved.unavailable_reason or None,
        "successor": item.successor or None,
        "tier": resolved.tier,
        "lowest_level": resolved.lowest_level or item.lowest_level or None,
        "rules": ", ".join(resolved.rules),
        "additivity": additivity(resolved, supply.catalogue),
        "area_system": resolved.area_system or None,
    }


def provenance(
    resolved: ResolvedIndicator, supply: Supply, sources: Mapping[str, SourceConfig]
) -> dict[str, str]:
    """What depends on who delivers: source, legal basis, cycle, reference day and delay, from the instance's sources.

    The numerator's supplier sets the pace. An entry written for one supplier says all this itself, and so does one that
    is not available here: it describes where the figure would come from.
    """
    measures = [supply.measure(part.measure_id) for part in (*resolved.numerator, *resolved.denominator)]
    names = dict.fromkeys(item.source for item in measures if item)
    delivering = [sources[name] for name in names if name in sources]
    if resolved.indicator.instances or not delivering:
        return {}
    first = delivering[0]
    found = {
        "source_label": "; ".join(dict.fromkeys(source.label for source in delivering)),
        "legal_basis": first.legal_basis,
        "cycle": _CYCLES.get(first.cycle, ""),
        "reference_day": first.reference_day,
        "delay": first.expected_by,
    }
    return {name: text for name, text in found.items() if text}


def additivity(resolved: ResolvedIndicator, catalogue: Catalogue) -> str:
    """In German: over what the figure may be added up. Follows from its measures, is never written by hand."""
    if resolved.indicator.denominator:
        return "nicht summierbar: wird auf jeder Ebene aus Zähler und Nenner neu berechnet"
    found = [catalogue.measure_by_id[part.measure] for part in resolved.indicator.numerator]
    if not found:
        return ""
    areas = (
        "über Gebiete summierbar"
        if all(item.additive_over_areas for item in found)
        else "nicht über Gebiete summierbar"
    )
    stock = any(item.semi_additive_time for item in found)
    return f"{areas}; {'Bestand am Stichtag, nicht über die Zeit summierbar' if stock else 'über die Zeit summierbar'}"


def _part_rows(resolved: ResolvedIndicator) -> list[Row]:
    return [
        {
            "indicator_key": resolved.indicator.key,
            "part": name,
            "measure_id": part.measure_id,
            "group_id": part.group_id,
            "sign": float(part.sign),
        }
        for name, parts in (("numerator", resolved.numerator), ("denominator", resolved.denominator))
        for part in parts
    ]


def _measure_row(supplied: InstanceMeasure, definition: Measure) -> Row:
    return {
        **definition.model_dump(
            include={"label", "definition", "unit", "value_kind", "additive_over_areas", "semi_additive_time"}
        ),
        **supplied.model_dump(
            include={"input", "category_dimension", "period_type", "area_system", "lowest_level", "tier"}
        ),
        "measure_id": supplied.measure,
        "public_level": supplied.released_level,
        "source_id": supplied.source,
        "where_sql": supplied.where,
        "value_sql": supplied.value,
        "rule_id": supplied.rule,
        "part_of": ", ".join(definition.part_of or ((definition.restricts,) if definition.restricts else ())),
    }


def _breakdown_rows(supply: Supply) -> list[Row]:
    return [
        {"measure_id": item.measure, "breakdown": breakdown, "tier": tier}
        for item in supply.measures
        for breakdown, tier in _tiers(item, supply).items()
    ]


def _tiers(item: InstanceMeasure, supply: Supply) -> dict[str, str]:
    """Breakdown -> tier. What is public under one of its names is public."""
    internal = {
        groups.released_breakdown(it, item, supply.config): "internal" for it in item.internal_breakdowns
    }
    public = {groups.released_breakdown(it, item, supply.config): PUBLIC for it in ((), *item.breakdowns)}
    return {**public, **{name: tier for name, tier in internal.items() if name not in public}}


def _group_rows(supply: Supply) -> list[Row]:
    found: dict[tuple[str, str], groups.Group] = {}
    for item in supply.measures:
        for breakdown in ((), *item.all_breakdowns):
            for group in groups.groups_of(breakdown, item, supply.catalogue, supply.config):
                found.setdefault((group.breakdown, group.group_id), group)
    ordered = sorted(
        found.values(),
        key=lambda group: (
            group.breakdown != groups.TOTAL,
            group.breakdown,
            [m.sort_key for m in group.members],
        ),
    )
    return [_group_row(group, position) for position, group in enumerate(ordered)]


def _group_row(group: groups.Group, position: int) -> Row:
    row: Row = {
        "group_id": group.group_id,
        "breakdown": group.breakdown,
        "group_label": group.label,
        "sort_key": position,
    }
    for member in group.members:
        if member.column == AGE:
            row["age_from"], row["age_to"] = member.age or (None, None)
        elif member.column == "category":
            row["category_dimension"], row["category"] = member.dimension, member.code
        else:
            row[member.column] = member.code
    return row


def _area_level_rows(supply: Supply) -> list[Row]:
    return [
        {
            "area_system": system.code,
            "area_system_label": system.label,
            "is_main": system.code == supply.config.main_area_system,
            "level": level.code,
            "level_label": level.label,
            "level_plural": level.plural,
            "level_rank": rank,
        }
        for system in supply.config.area_systems
        for rank, level in enumerate(system.levels)
    ]


def _lower(band: groups.Member) -> int | None:
    return band.age[0] if band.age else None


def _upper(band: groups.Member) -> int | None:
    return band.age[1] if band.age else None


__all__ = [
    "SCHEMAS",
    "additivity",
    "catalogue_tables",
    "catalogue_version",
    "dbt_vars",
    "provenance",
    "supply_of",
    "write_catalogue_tables",
]
