"""The passport of one figure: what it is made of, who delivered it, which rule applies, how it is quoted.

Everything here stands in the released file. The way on to the delivered file and its rows lies in the protected zone
and is walked by the operator's command `lagebild erklaeren` only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from lagebild import german
from semantic_layer.query import directory
from semantic_layer.query.certainty import Certainty, certainty
from semantic_layer.query.errors import QueryError, did_you_mean
from semantic_layer.query.metadata import Area, Metadata, Metric
from semantic_layer.query.model import Query, Where
from semantic_layer.query.release import Release
from semantic_layer.query.result import footnotes_of


@dataclass(frozen=True)
class PartPassport:
    """One summand of the figure with its released value and where it came from."""

    role: str
    """`Zähler` or `Nenner`."""
    sign: int
    measure_id: str
    measure_label: str
    definition: str
    group_label: str
    period_key: str | None
    period_label: str | None
    value: float | None
    empty: bool
    rule: str
    source_id: str


@dataclass(frozen=True)
class SourcePassport:
    """Who delivered what a figure is made of, and in which deliveries."""

    source_id: str
    source_label: str
    supplier: str
    period_key: str
    deliveries: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Passport:
    """All that has to be known to trust and quote one figure."""

    metric: str
    label: str
    version: int
    definition: str
    unit: str
    factor: float
    area_code: str
    area_name: str
    area_level: str
    area_valid_from: date | None
    area_valid_to: date | None
    period_key: str
    period_label: str
    value: float | None
    value_text: str
    reason: str | None
    certainty: Certainty | None
    """Interval and trend; None where the release says nothing about it."""
    parts: tuple[PartPassport, ...]
    sources: tuple[SourcePassport, ...]
    changes: tuple[dict[str, Any], ...]
    release_id: str
    released_at: datetime
    catalogue_version: str
    attribution: str
    is_synthetic: bool
    citation: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: days and times as ISO text."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def passport(release: Release, metric: str, area: str, period: str) -> Passport:
    """The passport of `metric` in `area` (code, key or name) for `period` (key, label or `latest`).

    Raises `QueryError` (German) when one of the three does not exist or the release holds no such figure.
    """
    metadata = release.metadata
    found = metadata.metric(metric)
    places = _areas(metadata, found, area)
    when = _period(metadata, found, period)
    answer = release.run(
        Query(
            metrics=(found.key,),
            by=("area", "period"),
            where=Where(area_key=tuple(item.key for item in places), period=(when,), include_unassigned=True),
        )
    )
    rows = answer.table.to_pylist()
    if not rows:
        raise QueryError(
            f"Zu „{found.label}“ gibt es für „{places[0].name}“ und den Zeitraum {when} keine Angabe in dieser "
            "Veröffentlichung."
        )
    row = rows[0]
    place = metadata.areas[row["area_key"]]
    about = directory.about(release)
    value_text = (
        f"{german.number(row['value'], found.decimals)} {found.unit}".strip()
        if row["value"] is not None
        else str(row["empty_reason"])
    )
    parts, sources = _parts(release, found, place, row["period_end"])
    return Passport(
        metric=found.key,
        label=found.label,
        version=found.version,
        definition=found.definition,
        unit=found.unit,
        factor=found.factor,
        area_code=place.code,
        area_name=place.name,
        area_level=place.level,
        area_valid_from=place.valid_from,
        area_valid_to=place.valid_to,
        period_key=row["period_key"],
        period_label=row["period_label"],
        value=row["value"],
        value_text=value_text,
        reason=next(
            (note.text for note in footnotes_of(answer.table) if note.reason == row["empty_reason"]), None
        ),
        certainty=certainty(release, found.key, place.key, row["period_key"]),
        parts=parts,
        sources=sources,
        changes=tuple(directory.changes(release, found.id)),
        release_id=metadata.release_id,
        released_at=about["released_at"],
        catalogue_version=about["catalogue_version"],
        attribution=metadata.attribution,
        is_synthetic=metadata.is_synthetic,
        citation=_citation(found, place, row["period_label"], value_text, metadata, about["released_at"]),
    )


def _citation(
    metric: Metric, place: Area, period: str, value: str, metadata: Metadata, released_at: datetime
) -> str:
    """The line below a figure in a paper for the Kreistag."""
    return (
        f"{metric.label}, {place.name}, {period}: {value}. {metadata.attribution}, "
        f"Veröffentlichung {metadata.release_id} vom {german.day(released_at)}, Definition in Fassung {metric.version}."
    )


def _areas(metadata: Metadata, metric: Metric, name: str) -> list[Area]:
    """Areas of the metric's system with that key, code or name, the coarsest level first, all validities."""
    asked = name.casefold()
    inside = [item for item in metadata.areas.values() if item.system == metric.area_system]
    found = [item for item in inside if asked in (item.key.casefold(), item.code.casefold())]
    found = found or [item for item in inside if asked == item.name.casefold()]
    if not found:
        known = {item.code: item.name for item in inside}
        raise QueryError(f"Das Gebiet „{name}“ gibt es nicht.{did_you_mean(name, known)}")
    top = min(item.rank for item in found)
    return [item for item in found if item.rank == top]


def _period(metadata: Metadata, metric: Metric, name: str) -> str:
    filled = metadata.filled_periods.get(metric.key, frozenset())
    if name == "latest":
        if not filled:
            raise QueryError(f"Zu „{metric.label}“ gibt es noch keine Angabe.")
        return max(filled, key=lambda key: metadata.periods[key].end)
    if name in metadata.periods:
        return name
    of_year = [key for key in filled if str(metadata.periods[key].year) == name]
    if of_year:
        return max(of_year, key=lambda key: metadata.periods[key].end)
    raise QueryError(f"Den Zeitraum „{name}“ gibt es nicht.{did_you_mean(name, metadata.periods)}")


_PART_SQL = """
    select period.period_key, period.period_label, period.period_end, fact.value
    from fct_measure as fact
    inner join dim_area as area using (area_key)
    inner join dim_period as period using (period_key)
    where fact.measure_id = ? and fact.group_key = ? and area.area_level = ? and area.area_code = ?
        and period.period_end <= ?::date and period.period_end >= ?::date - interval 366 day
    order by period.period_end desc, fact.value is null
    limit 1
"""


_MEASURE_SQL = """
    select measure.label, measure.definition, measure.rule_basis, measure.source_id, source.label, source.supplier
    from dim_measure as measure
    inner join dim_source as source using (source_id)
    where measure.measure_id = ?
"""


def _parts(
    release: Release, metric: Metric, place: Area, end: date
) -> tuple[tuple[PartPassport, ...], tuple[SourcePassport, ...]]:
    parts: list[PartPassport] = []
    sources: dict[tuple[str, str], SourcePassport] = {}
    groups = release.metadata.groups
    summands = [
        (role, part)
        for role, of_role in (("Zähler", metric.numerator), ("Nenner", metric.denominator))
        for part in sorted(of_role, key=lambda part: (part.measure_id, groups[part.group_key].sort_key))
    ]
    for role, part in summands:
        rows = release.rows(_PART_SQL, [part.measure_id, part.group_key, place.level, place.code, end, end])
        key, label, period_end, value = rows[0] if rows else (None, None, None, None)
        ((measure, definition, rule, source_id, source, supplier),) = release.rows(
            _MEASURE_SQL, [part.measure_id]
        )
        parts.append(
            PartPassport(
                role=role,
                sign=int(part.sign),
                measure_id=part.measure_id,
                measure_label=measure,
                definition=definition,
                group_label=groups[part.group_key].label,
                period_key=key,
                period_label=label,
                value=value,
                empty=value is None,
                rule=rule,
                source_id=source_id,
            )
        )
        if key is not None and (source_id, key) not in sources:
            found = _deliveries(release, source_id, period_end)
            sources[source_id, key] = SourcePassport(source_id, source, supplier, key, found)
    return tuple(parts), tuple(sources.values())


def _deliveries(release: Release, source_id: str, period_end: date | None) -> tuple[dict[str, Any], ...]:
    """The deliveries in force that reported on the period (or on many periods at once)."""
    rows = release.records(
        """
        select delivery_id, received_at, kommune_code, row_count, warnings
        from dim_delivery
        where source_id = ? and status = 'current' and (period_end is null or period_end = ?)
        order by kommune_code, received_at
        """,
        [source_id, period_end],
    )
    return tuple({**row, "received_at": row["received_at"].replace(tzinfo=UTC)} for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


__all__ = ["PartPassport", "Passport", "SourcePassport", "passport"]
