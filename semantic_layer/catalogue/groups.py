"""Groups of breakdowns: age bands, members, group ids and their German labels. Pure functions.

Two spellings of a group id exist, because two kinds of input do:
persons and cases are banded by dbt, which names the age dimension as the instance does (`age_moves=18-24`);
aggregated deliveries arrive with `age=15-24` whatever their scale, so `age_akg` only says which bands to expect.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from lagebild.instance import InstanceConfig, InstanceMeasure
from semantic_layer.catalogue.model import AGE, UNKNOWN, AgeRange, Catalogue

TOTAL = "total"


@dataclass(frozen=True)
class Member:
    """One value of one dimension. `age` is set for bands, `column` names the column of `dim_group` it goes to."""

    dimension: str
    code: str
    label: str
    column: str
    age: AgeRange | None = None
    sort_key: int = 0


@dataclass(frozen=True)
class Group:
    """One cell of a breakdown: a member of each of its dimensions."""

    group_id: str
    breakdown: str
    label: str
    members: tuple[Member, ...]


def is_age_dimension(dimension: str, config: InstanceConfig) -> bool:
    return dimension in config.dimensions


def age_bands(dimension: str, lower_bounds: Sequence[int]) -> tuple[Member, ...]:
    """Bands from their lower bounds; the last one is open."""
    bands = []
    for index, lower in enumerate(lower_bounds):
        upper = lower_bounds[index + 1] - 1 if index + 1 < len(lower_bounds) else None
        bands.append(
            Member(
                dimension,
                age_code(lower, upper),
                age_label((lower, upper)),
                AGE,
                (lower, upper),
                sort_key=lower,
            )
        )
    return tuple(bands)


def age_code(lower: int, upper: int | None) -> str:
    return f"{lower}+" if upper is None else f"{lower}-{upper}"


def age_label(ages: AgeRange) -> str:
    """`65 Jahre und älter`, `unter 3 Jahre`, `18–24 Jahre`, `15 Jahre`."""
    lower, upper = ages
    if upper is None:
        return f"{lower} Jahre und älter" if lower else "alle Altersjahre"
    if lower == 0:
        return f"unter {upper + 1} Jahre"
    return f"{lower} Jahre" if lower == upper else f"{lower}–{upper} Jahre"


def is_coarse(breakdown: Sequence[str], config: InstanceConfig) -> bool:
    """True when a breakdown contains a coarser scale of another dimension (`coarser` in instance.yml)."""
    return any(dimension in config.coarser for dimension in breakdown)


def finer_breakdown(breakdown: Sequence[str], config: InstanceConfig) -> tuple[str, ...]:
    """The breakdown with every coarse dimension replaced by the fine one it merges."""
    return tuple(config.coarser[name].of if name in config.coarser else name for name in breakdown)


def finer_groups(
    breakdown: Sequence[str], measure: InstanceMeasure, catalogue: Catalogue, config: InstanceConfig
) -> tuple[tuple[Group, tuple[Group, ...]], ...]:
    """Every group of a coarse breakdown with the fine groups it adds up.

    "ohne Angabe" adds up to "ohne Angabe". Empty for a breakdown without a coarse dimension.
    """
    if not is_coarse(breakdown, config):
        return ()
    fine = groups_of(finer_breakdown(breakdown, config), measure, catalogue, config)
    return tuple(
        (group, tuple(item for item in fine if _is_merged(item, group, config)))
        for group in groups_of(breakdown, measure, catalogue, config)
    )


def _is_merged(fine: Group, coarse: Group, config: InstanceConfig) -> bool:
    codes = {member.dimension: member.code for member in fine.members}
    for member in coarse.members:
        scale = config.coarser.get(member.dimension)
        merged = (member.code,) if scale is None else scale.members.get(member.code, (UNKNOWN,))
        if codes[member.dimension if scale is None else scale.of] not in merged:
            return False
    return True


def dimension_label(dimension: str, catalogue: Catalogue, config: InstanceConfig) -> str:
    if dimension in config.coarser:
        return config.coarser[dimension].label
    if is_age_dimension(dimension, config) or dimension == AGE:
        return "Alter"
    found = catalogue.dimension_by_id.get(dimension)
    return found.label if found else dimension


def members(dimension: str, catalogue: Catalogue, config: InstanceConfig) -> tuple[Member, ...]:
    """Members of a dimension in reading order, without "ohne Angabe"; empty for an unknown dimension."""
    if is_age_dimension(dimension, config):
        return age_bands(dimension, config.dimensions[dimension])
    if dimension in config.coarser:
        return _coarse_members(dimension, catalogue, config)
    found = catalogue.dimension_by_id.get(dimension)
    if found is None:
        return ()
    return tuple(
        Member(dimension, code, label, found.column, sort_key=index)
        for index, (code, label) in enumerate(found.members.items())
    )


def _coarse_members(dimension: str, catalogue: Catalogue, config: InstanceConfig) -> tuple[Member, ...]:
    """Members of a coarser scale. They are categories of their own, also where they merge age bands: a reader who asks
    for age bands must not get bands that overlap."""
    scale = config.coarser[dimension]
    fine = {member.code: member for member in members(scale.of, catalogue, config)}
    found = []
    for index, (code, codes) in enumerate(scale.members.items()):
        merged = [fine[item] for item in codes if item in fine]
        label = scale.labels.get(code) or _merged_label(merged)
        found.append(Member(dimension, code, label, "category", sort_key=index))
    return tuple(found)


def _merged_label(merged: Sequence[Member]) -> str:
    """`unter 14 Jahre` for bands that follow one another, else the labels joined by `und`."""
    bands = sorted((member.age for member in merged if member.age), key=lambda age: age[0])
    follow = all(one[1] is not None and one[1] + 1 == other[0] for one, other in itertools.pairwise(bands))
    if bands and len(bands) == len(merged) and follow:
        return age_label((bands[0][0], bands[-1][1]))
    return " und ".join(member.label for member in merged)


def id_dimension(dimension: str, measure: InstanceMeasure, config: InstanceConfig) -> str:
    """Name of a dimension inside the group ids of a measure (see the module's docstring)."""
    return AGE if measure.input == "observation" and is_age_dimension(dimension, config) else dimension


def group_id(chosen: Sequence[Member], measure: InstanceMeasure, config: InstanceConfig) -> str:
    """`total`, or `dimension=member` joined by `;` in alphabetical order of the dimension."""
    if not chosen:
        return TOTAL
    pairs = sorted((id_dimension(member.dimension, measure, config), member.code) for member in chosen)
    return ";".join(f"{dimension}={code}" for dimension, code in pairs)


def released_breakdown(breakdown: Sequence[str], measure: InstanceMeasure, config: InstanceConfig) -> str:
    """Canonical breakdown as it follows from the group ids of the measure."""
    return ";".join(sorted(id_dimension(dimension, measure, config) for dimension in breakdown)) or TOTAL


def total_group() -> Group:
    return Group(TOTAL, TOTAL, "insgesamt", ())


def groups_of(
    breakdown: Sequence[str], measure: InstanceMeasure, catalogue: Catalogue, config: InstanceConfig
) -> tuple[Group, ...]:
    """All groups of a breakdown of a measure, the cross of its members, each dimension with "ohne Angabe".

    `Group.breakdown` carries the instance's own names of the age scales: two scales of one instance never mix.
    """
    if not breakdown:
        return (total_group(),)
    ordered = sorted(breakdown)
    choices = []
    for dimension in ordered:
        known = members(dimension, catalogue, config)
        column = AGE if is_age_dimension(dimension, config) else known[0].column if known else "category"
        label = f"{dimension_label(dimension, catalogue, config)} ohne Angabe"
        choices.append((*known, Member(dimension, UNKNOWN, label, column, sort_key=999)))
    return tuple(
        Group(
            group_id(chosen, measure, config),
            ";".join(ordered),
            ", ".join(member.label for member in chosen),
            chosen,
        )
        for chosen in product(*choices)
    )


__all__ = [
    "TOTAL",
    "Group",
    "Member",
    "age_bands",
    "age_label",
    "dimension_label",
    "finer_breakdown",
    "finer_groups",
    "group_id",
    "groups_of",
    "is_age_dimension",
    "is_coarse",
    "members",
    "released_breakdown",
]
