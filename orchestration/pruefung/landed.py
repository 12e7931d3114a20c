"""Tables an instance lands as published ones: what its suppliers' own sums, second prints and rates give away.

Belongs here: landed observations as published tables, `instances/<name>/pruefung.yml`. Does not belong here: the
attack.

Two kinds of audits come out: tables with hidden (or empty) cells, and small counts that are printed nowhere but follow
from a rate and its base.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict

from disclosure.rates import Rounding
from ingestion.connectors.folder import source_files
from ingestion.formats.registry import adapter
from lagebild.instance import Instance
from orchestration.pruefung.landed_rates import RateOverBase, audit_rates
from orchestration.pruefung.published import (
    WHOLE,
    Assumptions,
    Dimension,
    Figure,
    Group,
    Key,
    PublishedTable,
    Unreadable,
)
from orchestration.pruefung.sums import settled
from orchestration.pruefung.verdict import SECONDS, TableAudit, judge
from semantic_layer.catalogue.loader import load_catalogue

_DIMENSIONS = ("Kennzahl", "Zeitraum", "Gebiet", "Gliederung")
EMPTY_SIGN = "leer"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SameFigure(_Strict):
    """Two measures print the same figures wherever both print one."""

    kennzahl: str
    wie: str


class LandedRate(_Strict):
    """A rate whose numerator is printed nowhere; `zaehler` is its German name."""

    quote: str
    zaehler: str
    nenner: str
    dezimalen: int = 1
    faktor: int = 100
    rundung: Rounding = Rounding.COMMERCIAL


class LandedDescription(_Strict):
    """`instances/<name>/pruefung.yml`."""

    schwelle: int
    stern_heisst_unter_schwelle: bool = False
    nullen_gezeigt: bool = False
    zweitdruck: str | None = None
    """Prefix of measures that print a measure a second time."""
    gleich: list[SameFigure] = []
    quoten: list[LandedRate] = []


@dataclass(frozen=True)
class _Landed:
    """One printed figure, with the names a reader knows."""

    measure: str
    period: str
    area: str
    area_level: str
    group: str
    value: float | None
    is_hidden: bool
    applies: bool
    """False where there can be no figure (a share of nothing)."""
    is_computed: bool
    """Added up by our adapter: not printed."""
    place: str


def audit_instance(instance: Instance, *, seconds: float = SECONDS) -> list[TableAudit]:
    """Audits of all published tables of an instance. Raises Unreadable where it describes none or lacks its data."""
    description = read_landed_description(instance)
    figures = list(_figures(instance, description.zweitdruck or ""))
    if not any(figure.is_hidden or figure.value is None for figure in figures):
        raise Unreadable(
            f"{instance.config.title}: Keine Quelle dieser Instanz enthält gesperrte Zellen oder sie fehlt."
        )
    assumptions = Assumptions(description.schwelle, zeros_shown=description.nullen_gezeigt)
    audits = []
    for measures in _families(figures, description):
        table = _table(instance, measures, figures, description)
        audits.append(judge(table, assumptions, seconds=seconds))
    rates = audit_rates(_printed_rates(figures, description), description.schwelle)
    return [*audits, rates] if rates is not None else audits


def read_landed_description(instance: Instance) -> LandedDescription:
    """Raises Unreadable where the instance has none."""
    path = instance.folder / "pruefung.yml"
    if not path.is_file():
        raise Unreadable(
            f"{instance.config.title}: Es fehlt instances/{instance.name}/pruefung.yml; darin steht, welche Zahlen "
            "zusammengehören (docs/geheimhaltung-pruefen.md)."
        )
    return LandedDescription.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def _figures(instance: Instance, second_print: str) -> list[_Landed]:
    names = _area_names(instance.name)
    found: dict[tuple[str, str, str, str], _Landed] = {}
    rows = [row for table in _observations(instance.name) for row in table.to_pylist()]
    # First prints come first: what only the second one shows is added.
    rows.sort(key=lambda row: bool(second_print) and row["measure_id"].startswith(second_print))
    for row in rows:
        measure = row["measure_id"].removeprefix(second_print) if second_print else row["measure_id"]
        figure = _landed(row, measure, names)
        key = (figure.measure, figure.period, figure.area, figure.group)
        known = found.get(key)
        # A sum our adapter could not form stands nowhere; the second print may show it.
        if known is None or (known.value is None and known.is_computed):
            found[key] = figure
    return [figure for figure in found.values() if figure.applies and not figure.is_computed]


def _landed(row: Mapping[str, Any], measure: str, names: Mapping[str, str]) -> _Landed:
    period = (
        f"{row['period_end']:%d.%m.%Y}" if row["period_type"] == "stichtag" else f"{row['period_end']:%Y}"
    )
    column = row["source_column"] or ""
    return _Landed(
        measure=measure,
        period=period,
        area=names.get(row["area_code"], row["area_code"]),
        area_level=row["area_level"],
        group=row["group_id"],
        value=row["value"],
        is_hidden=row["conf_status"] == "C",
        applies=row["obs_status"] != "M",
        is_computed=row["source_row"] is None or " + " in column or " - " in column,
        place=f"{row['source_sheet'] or measure}, Zeile {row['source_row']}, {column}",
    )


@cache
def _parsed(instance_name: str) -> dict[str, list[pa.Table]]:
    instance = Instance(instance_name)
    tables: dict[str, list[pa.Table]] = defaultdict(list)
    for source in instance.sources.values():
        reader = adapter(source.format)
        for path in source_files(instance, source):
            for name, table in reader.parse(path, source).tables.items():
                tables[name].append(table)
    return tables


def _observations(instance_name: str) -> list[pa.Table]:
    return _parsed(instance_name)["observation"]


def _area_names(instance_name: str) -> dict[str, str]:
    names = {}
    for table in _parsed(instance_name)["area"]:
        for row in table.select(["area_code", "area_name"]).to_pylist():
            names[row["area_code"]] = row["area_name"]
    roots = [code for code in names if f"{code}-NZ" not in names]
    return names | {f"{code}-NZ": "räumlich nicht zuordenbar" for code in roots}


def _families(figures: Iterable[_Landed], description: LandedDescription) -> list[list[str]]:
    """Measures with hidden or empty cells, those that print the same figures together."""
    wanted = sorted({item.measure for item in figures if item.value is None})
    family = {measure: measure for measure in wanted}
    for same in description.gleich:
        if same.kennzahl in family or same.wie in family:
            family[same.kennzahl] = family[same.wie] = min(same.kennzahl, same.wie)
    return [
        [measure for measure, head in sorted(family.items()) if head == chosen]
        for chosen in dict.fromkeys(family[measure] for measure in sorted(family))
    ]


def _table(
    instance: Instance, measures: list[str], landed: Iterable[_Landed], description: LandedDescription
) -> PublishedTable:
    labels = _labels()
    own = [item for item in landed if item.measure in measures]
    figures = tuple(
        Figure(
            (labels.get(item.measure, item.measure), item.period, item.area, _group_label(item.group)),
            None if item.value is None else int(item.value),
            item.place,
            "*" if item.is_hidden else EMPTY_SIGN if item.value is None else "",
            description.schwelle if item.is_hidden and description.stern_heisst_unter_schwelle else None,
        )
        for item in own
    )
    dimensions = []
    notes: list[str] = []
    for at, name in enumerate(_DIMENSIONS):
        members = tuple(dict.fromkeys(figure.key[at] for figure in figures))
        groups: tuple[Group, ...] = ()
        if name == "Gebiet":
            groups = _area_groups(instance, own)
        elif name == "Gliederung":
            groups = _breakdown_groups(dict.fromkeys(item.group for item in own))
        settled_one, told = settled(Dimension(name, members, groups), at, figures, is_written=False)
        dimensions.append(settled_one)
        notes += told
    printed = {figure.key for figure in figures}
    same: list[tuple[Key, Key]] = []
    for pair in description.gleich:
        if pair.kennzahl in measures and pair.wie in measures:
            first, second = labels.get(pair.kennzahl, pair.kennzahl), labels.get(pair.wie, pair.wie)
            same += [
                (key, (second, *key[1:]))
                for key in printed
                if key[0] == first and (second, *key[1:]) in printed
            ]
    name = " / ".join(labels.get(measure, measure) for measure in measures)
    return PublishedTable(name, tuple(dimensions), figures, same=tuple(sorted(same)), notes=tuple(notes))


def _area_groups(instance: Instance, own: Iterable[_Landed]) -> tuple[Group, ...]:
    """The areas of a level make up the one of the level above, where that is one."""
    levels = [level.code for system in instance.config.area_systems for level in system.levels]
    by_level: dict[str, list[str]] = defaultdict(list)
    for item in own:
        if item.area not in by_level[item.area_level]:
            by_level[item.area_level].append(item.area)
    used = [level for level in levels if by_level[level]]
    return tuple(
        Group(by_level[upper][0], tuple(by_level[lower]))
        for upper, lower in pairwise(used)
        if len(by_level[upper]) == 1
    )


def _breakdown_groups(members: Iterable[str]) -> tuple[Group, ...]:
    """`total` is the sum of every breakdown with one dimension."""
    by_dimension: dict[str, list[str]] = defaultdict(list)
    for member in members:
        if member != WHOLE and ";" not in member:
            by_dimension[member.partition("=")[0]].append(member)
    return tuple(
        Group(WHOLE, tuple(map(_group_label, parts))) for parts in by_dimension.values() if len(parts) > 1
    )


@cache
def _labels() -> dict[str, str]:
    return {measure.id: measure.label for measure in load_catalogue().measures}


@cache
def _member_labels() -> dict[tuple[str, str], str]:
    dimensions = load_catalogue().dimensions
    return {(item.id, code): label for item in dimensions for code, label in item.members.items()}


def _group_label(group: str) -> str:
    """`hilfeart=p29` as a reader knows it; `total` stays, it is not shown."""
    if group == WHOLE:
        return WHOLE
    parts = [part.partition("=") for part in group.split(";")]
    return ", ".join(_member_labels().get((dimension, code), code) for dimension, _, code in parts)


def _printed_rates(figures: Iterable[_Landed], description: LandedDescription) -> list[RateOverBase]:
    labels = _labels()
    by_key = {(item.measure, item.period, item.area, item.group): item for item in figures}
    found = []
    for rate in description.quoten:
        for (measure, period, area, group), item in by_key.items():
            base = by_key.get((rate.nenner, period, area, group))
            if measure != rate.quote or item.value is None or base is None or not base.value:
                continue
            found.append(
                RateOverBase(
                    label=f"{rate.zaehler} · {period} · {area}",
                    base_label=f"{labels.get(rate.nenner, rate.nenner)} · {period} · {area}",
                    base=int(base.value),
                    value=Decimal(str(item.value)),
                    decimals=rate.dezimalen,
                    factor=rate.faktor,
                    rounding=rate.rundung,
                    place=item.place,
                )
            )
    return found
