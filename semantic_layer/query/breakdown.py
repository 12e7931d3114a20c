"""Group filters and breakdowns: which released groups make up the part of a metric for women, for 0–17, per age band.

Pure functions on metadata. A group that is not released as such is the sum of released members, if they tile it without
gap or overlap; otherwise the question is refused with the groups there are. Nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from semantic_layer.catalogue.groups import age_code, age_label
from semantic_layer.query.errors import QueryError, did_you_mean
from semantic_layer.query.metadata import Group, Metadata, Metric, Part

AgeRange = tuple[int, int | None]
WHOLE: AgeRange = (0, None)

_DIMENSION_LABELS = {
    "age": "Alter",
    "sex": "Geschlecht",
    "nationality": "Staatsangehörigkeit",
    "migration": "Migrationshintergrund",
    "household_type": "Haushaltstyp",
}


@dataclass(frozen=True)
class Filter:
    """A narrowing of groups: an age range and members of other dimensions."""

    age: AgeRange | None = None
    members: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def dimensions(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.members) | ({"age"} if self.age else frozenset())


@dataclass(frozen=True)
class Cell:
    """One combination of breakdown members: its codes and labels in the order asked, and the parts that form it."""

    codes: tuple[str, ...]
    labels: tuple[str, ...]
    numerator: tuple[Part, ...]
    denominator: tuple[Part, ...]


def dimension_label(dimension: str) -> str:
    return _DIMENSION_LABELS.get(dimension, dimension.replace("_", " ").capitalize())


def cells(metric: Metric, by: Sequence[str], wanted: Filter, metadata: Metadata) -> tuple[Cell, ...]:
    """All cells of a metric broken down `by`, narrowed to `wanted`; without both, the metric as it is defined.

    Raises `QueryError` where a measure is not released in the breakdown or age bands cannot form a range.
    """
    _check_names(by, wanted, metadata)
    if not by and not wanted.dimensions:
        return (Cell((), (), metric.numerator, metric.denominator),)
    found = []
    for codes, labels, narrowed in _members(metric, by, wanted, metadata):
        numerator = _narrow_all(metric.numerator, narrowed, metadata)
        denominator = _narrow_all(metric.denominator, narrowed, metadata)
        if not numerator or (metric.denominator and not denominator):
            if by:
                continue
            raise QueryError(
                f"Die Auswahl der Gruppen schließt {'den Zähler' if not numerator else 'den Nenner'} der Kennzahl "
                f"„{metric.label}“ ganz aus."
            )
        found.append(Cell(codes, labels, numerator, denominator))
    if not found:
        raise QueryError(f"Zu dieser Auswahl der Gruppen gibt es keine Zahlen der Kennzahl „{metric.label}“.")
    return tuple(found)


def _check_names(by: Sequence[str], wanted: Filter, metadata: Metadata) -> None:
    for name in (*by, *wanted.dimensions):
        if name != "age" and name not in metadata.dimensions:
            known = {item: dimension_label(item) for item in metadata.dimensions}
            raise QueryError(f"Das Merkmal „{name}“ gibt es nicht.{did_you_mean(name, known)}")
    for name, members in wanted.members:
        known_members = {
            member: metadata.member_labels.get((name, member), "")
            for group in metadata.groups.values()
            for dimension, member in group.members
            if dimension == name
        }
        for member in members:
            if member not in known_members:
                raise QueryError(
                    f"Das Merkmal „{dimension_label(name)}“ kennt „{member}“ nicht."
                    f"{did_you_mean(member, known_members)} Es gibt: {', '.join(sorted(known_members))}."
                )


def _members(
    metric: Metric, by: Sequence[str], wanted: Filter, metadata: Metadata
) -> list[tuple[tuple[str, ...], tuple[str, ...], Filter]]:
    """The member combinations of the breakdown, in reading order, each with the filter that selects it."""
    if not by:
        return [((), (), wanted)]
    found: dict[tuple[str, ...], tuple[tuple[str, ...], Filter]] = {}
    for part in metric.numerator:
        own = metadata.groups[part.group_key]
        narrowed = _intersect(own, wanted)
        if narrowed is None:
            continue
        for group in _candidates(part, narrowed, frozenset(by), metadata):
            members = dict(group.members)
            codes = tuple(
                age_code(*group.age) if name == "age" and group.age else members[name] for name in by
            )
            labels = tuple(
                age_label(group.age)
                if name == "age" and group.age
                else metadata.member_labels.get((name, members[name]), members[name])
                for name in by
            )
            if codes not in found:
                chosen = dict(narrowed.members) | {name: (members[name],) for name in by if name != "age"}
                kept = {
                    name: value
                    for name, value in chosen.items()
                    if name in by or name in dict(wanted.members)
                }
                age = group.age if "age" in by else wanted.age
                found[codes] = (labels, Filter(age, tuple(sorted(kept.items()))))
    return [(codes, labels, narrowed) for codes, (labels, narrowed) in found.items()]


def _narrow_all(parts: Sequence[Part], wanted: Filter, metadata: Metadata) -> tuple[Part, ...]:
    found: dict[tuple[str, str], Part] = {}
    for part in parts:
        narrowed = _intersect(metadata.groups[part.group_key], wanted)
        if narrowed is None:
            continue
        for group in _candidates(part, narrowed, frozenset(), metadata):
            found[part.measure_id, group.key] = Part(part.measure_id, group.key, part.sign)
    return tuple(found.values())


def _intersect(own: Group, wanted: Filter) -> Filter | None:
    """The filter that selects what is in both; None where nothing is."""
    age = own.age
    if wanted.age is not None:
        lower = max((own.age or WHOLE)[0], wanted.age[0])
        uppers = [end for end in ((own.age or WHOLE)[1], wanted.age[1]) if end is not None]
        upper = min(uppers) if uppers else None
        if upper is not None and upper < lower:
            return None
        age = (lower, upper)
    members: dict[str, tuple[str, ...]] = dict(wanted.members)
    for name, member in own.members:
        if name in members and member not in members[name]:
            return None
        members[name] = (member,)
    return Filter(age, tuple(sorted(members.items())))


def _candidates(part: Part, wanted: Filter, by: frozenset[str], metadata: Metadata) -> list[Group]:
    """Released groups of the part's measure that together are `wanted`, broken down at least `by`."""
    needed = wanted.dimensions | by
    released = metadata.groups_of(part.measure_id)
    chosen = dict(wanted.members)
    tables: dict[frozenset[str], list[Group]] = {}
    for group in released:
        if needed <= group.dimensions and all(
            member in chosen[name] for name, member in group.members if name in chosen
        ):
            tables.setdefault(group.dimensions, []).append(group)
    # The coarsest table that has the dimensions: the fewer parts, the fewer can be withheld.
    for dimensions in sorted(tables, key=lambda item: (len(item), sorted(item))):
        groups = tables[dimensions]
        if "age" not in dimensions:
            return groups
        groups = _within(groups, wanted.age or WHOLE)
        if groups and (wanted.age is None or _tiles(groups, wanted.age)):
            return groups
    raise QueryError(_not_released(part, needed, wanted, bool(tables), released, metadata))


def _within(groups: Sequence[Group], ages: AgeRange) -> list[Group]:
    lower, upper = ages
    return [
        group
        for group in groups
        if group.age
        and group.age[0] >= lower
        and (upper is None or (group.age[1] is not None and group.age[1] <= upper))
    ]


def _tiles(groups: Sequence[Group], ages: AgeRange) -> bool:
    """True where the bands cover the range without a gap; per combination of the other dimensions it is the same."""
    expected: int | None = ages[0]
    for lower, upper in sorted({group.age for group in groups if group.age}, key=lambda item: item[0]):
        if lower != expected:
            return False
        expected = None if upper is None else upper + 1
    return expected is None if ages[1] is None else expected == ages[1] + 1


def _not_released(
    part: Part,
    needed: frozenset[str],
    wanted: Filter,
    has_table: bool,
    released: Sequence[Group],
    metadata: Metadata,
) -> str:
    label = metadata.metrics[part.measure_id].label
    if has_table and wanted.age is not None:
        bands = sorted({group.age for group in released if group.age}, key=lambda item: item[0])
        return (
            f"Die Altersgruppe „{age_label(wanted.age)}“ ist aus den veröffentlichten Altersgruppen der Messgröße "
            f"„{label}“ nicht zu bilden. Es gibt: {', '.join(age_label(band) for band in bands)}."
        )
    tables = sorted({" × ".join(sorted(map(dimension_label, group.dimensions))) for group in released} - {""})
    available = (
        f" Veröffentlicht ist sie nach: {'; '.join(tables)}." if tables else " Sie ist nicht untergliedert."
    )
    asked = " und ".join(sorted(map(dimension_label, needed)))
    return f"Die Messgröße „{label}“ liegt nicht nach {asked} vor.{available}"


def filter_of(age: AgeRange | None, members: Mapping[str, tuple[str, ...]]) -> Filter:
    return Filter(age, tuple(sorted(members.items())))


__all__ = ["Cell", "Filter", "cells", "dimension_label", "filter_of"]
