"""Turns the catalogue into the figures one instance can show: group filters become concrete groups.

Pure. An indicator whose measure, breakdown, age band or area system the instance lacks becomes `not_available`,
with a German reason that names what is missing; nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from lagebild.instance import InstanceConfig, InstanceMeasure
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.model import AGE, AgeRange, Catalogue, Indicator, Measure, Part


@dataclass(frozen=True)
class ResolvedPart:
    """One summand on concrete ground: the value of a measure in one group, added or subtracted."""

    measure_id: str
    group_id: str
    sign: int


@dataclass(frozen=True)
class ResolvedIndicator:
    """An entry of the catalogue as one instance can show it; parts are empty unless it is active."""

    indicator: Indicator
    status: str
    unavailable_reason: str = ""
    numerator: tuple[ResolvedPart, ...] = ()
    denominator: tuple[ResolvedPart, ...] = ()
    area_system: str = ""
    lowest_level: str = ""
    tier: str = "public"
    rules: tuple[str, ...] = ()


class NotAvailableError(Exception):
    """What an instance lacks for an indicator, in German."""


@dataclass(frozen=True)
class Supply:
    """What an instance supplies: its measures beside the catalogue they refer to."""

    catalogue: Catalogue
    config: InstanceConfig
    measures: tuple[InstanceMeasure, ...]

    def measure(self, measure_id: str) -> InstanceMeasure | None:
        return next((item for item in self.measures if item.measure == measure_id), None)

    def label(self, measure_id: str) -> str:
        found = self.catalogue.measure_by_id.get(measure_id)
        return found.label if found else measure_id


def resolve(supply: Supply) -> tuple[ResolvedIndicator, ...]:
    """All entries meant for the instance, in the order of themes."""
    return tuple(_resolve_one(item, supply) for item in supply.catalogue.indicators_for(supply.config.name))


def _resolve_one(indicator: Indicator, supply: Supply) -> ResolvedIndicator:
    if indicator.status != "active":
        return ResolvedIndicator(
            indicator, indicator.status, indicator.unavailable_reason, tier=indicator.tier
        )
    try:
        numerator = _resolve_parts(indicator.numerator, supply)
        denominator = _resolve_parts(indicator.denominator, supply)
        supplied = _supplied(indicator, supply)
        system = _area_system(supplied, supply)
    except NotAvailableError as missing:
        return ResolvedIndicator(indicator, "not_available", str(missing), tier=indicator.tier)
    internal = indicator.tier == "internal" or any(item.tier == "internal" for item in supplied)
    return ResolvedIndicator(
        indicator,
        "active",
        numerator=numerator,
        denominator=denominator,
        area_system=system,
        lowest_level=_lowest_level(indicator, supplied, supply.config),
        tier="internal" if internal else "public",
        rules=tuple(sorted({item.rule for item in supplied})),
    )


def _resolve_parts(parts: Sequence[Part], supply: Supply) -> tuple[ResolvedPart, ...]:
    return tuple(resolved for part in parts for resolved in resolve_part(part, supply))


def resolve_part(part: Part, supply: Supply) -> tuple[ResolvedPart, ...]:
    """The groups whose sum is this part, from the released breakdown with the fewest dimensions that can answer.

    Raises `NotAvailableError` when the instance does not supply the measure in a fitting breakdown.
    """
    supplied = supply.measure(part.measure)
    definition = supply.catalogue.measure_by_id.get(part.measure)
    if supplied is None or definition is None:
        raise NotAvailableError(
            f"Die Messgröße „{supply.label(part.measure)}“ wird von keiner Quelle geliefert."
        )
    wanted = _effective_filter(part, definition)
    answers = [
        found
        for breakdown in ((), *supplied.breakdowns)
        if (found := _answer(wanted, definition, supplied, breakdown, supply)) is not None
    ]
    if not answers:
        raise NotAvailableError(_missing_breakdown(wanted, supplied, supply))
    best = min(answers, key=lambda found: (len(found[0]), len(found)))
    return tuple(
        ResolvedPart(part.measure, groups.group_id(chosen, supplied, supply.config), part.sign)
        for chosen in best
    )


def _effective_filter(part: Part, definition: Measure) -> dict[str, AgeRange | tuple[str, ...]]:
    """The part's filter without an age range that the measure meets by its own definition."""
    wanted = dict(part.group)
    if part.age is not None and definition.covers is not None and within(definition.covers, part.age):
        del wanted[AGE]
    return wanted


def within(inner: AgeRange, outer: AgeRange) -> bool:
    """True when every age of `inner` belongs to `outer`."""
    fits_above = outer[1] is None or (inner[1] is not None and inner[1] <= outer[1])
    return inner[0] >= outer[0] and fits_above


def _answer(
    wanted: dict[str, AgeRange | tuple[str, ...]],
    definition: Measure,
    supplied: InstanceMeasure,
    breakdown: Sequence[str],
    supply: Supply,
) -> tuple[tuple[groups.Member, ...], ...] | None:
    """Members chosen in each dimension of `breakdown`, or None when it cannot answer the filter exactly."""
    open_filters = dict(wanted)
    choices: list[tuple[groups.Member, ...]] = []
    for dimension in sorted(breakdown):
        known = groups.members(dimension, supply.catalogue, supply.config)
        chosen: tuple[groups.Member, ...] | None
        if groups.is_age_dimension(dimension, supply.config) and AGE in open_filters:
            chosen = bands_for(_age_range(open_filters.pop(AGE)), definition.covers, known)
        elif dimension in open_filters:
            codes = open_filters.pop(dimension)
            chosen = tuple(member for member in known if member.code in codes)
            if len(chosen) != len(set(codes)):
                chosen = None
        elif supplied.input == "observation":
            # A dimension nobody asked for is summed over: suppliers deliver complete members.
            chosen = known
        else:
            # Persons and cases without this attribute would be lost in the sum; the margin is a declaration away.
            chosen = None
        if not chosen:
            return None
        choices.append(chosen)
    return None if open_filters else tuple(product(*choices))


def bands_for(
    ages: AgeRange, covers: AgeRange | None, bands: Sequence[groups.Member]
) -> tuple[groups.Member, ...] | None:
    """The bands that add up to exactly `ages` (of those the measure covers), or None."""
    lower, upper = ages
    if covers is not None:
        lower = max(lower, covers[0])
        if covers[1] is not None and (upper is None or upper > covers[1]):
            upper = covers[1]
    open_end = covers[1] if covers is not None else None
    chosen = []
    for band in bands:
        if band.age is None or band.age[0] < lower or (upper is not None and band.age[0] > upper):
            continue
        chosen.append(band)
    if not chosen or chosen[0].age is None or chosen[-1].age is None or chosen[0].age[0] != lower:
        return None
    last = chosen[-1].age[1]
    reaches_end = last == upper or (
        upper is not None and upper == open_end and (last is None or last >= upper)
    )
    return tuple(chosen) if reaches_end else None


def _missing_breakdown(
    wanted: dict[str, AgeRange | tuple[str, ...]], supplied: InstanceMeasure, supply: Supply
) -> str:
    label = supply.label(supplied.measure)
    declared = {dimension for breakdown in supplied.breakdowns for dimension in breakdown}
    age_declared = any(groups.is_age_dimension(dimension, supply.config) for dimension in declared)
    missing = [
        groups.dimension_label(dimension, supply.catalogue, supply.config)
        for dimension in wanted
        if (dimension != AGE and dimension not in declared) or (dimension == AGE and not age_declared)
    ]
    if missing:
        return f"Die Messgröße „{label}“ liegt nicht nach {' und '.join(missing)} vor."
    if AGE in wanted and not _has_bands(wanted[AGE], supplied, supply):
        ages = groups.age_label(_age_range(wanted[AGE]))
        return f"Die Altersgruppe „{ages}“ ist aus den Altersgruppen der Messgröße „{label}“ nicht zu bilden."
    names = " und ".join(groups.dimension_label(item, supply.catalogue, supply.config) for item in wanted)
    return f"Die Messgröße „{label}“ liegt nicht in der benötigten Gliederung nach {names} vor."


def _has_bands(ages: AgeRange | tuple[str, ...], supplied: InstanceMeasure, supply: Supply) -> bool:
    """True when some age scale of the measure can form the range, whatever it is crossed with."""
    covers = supply.catalogue.measure_by_id[supplied.measure].covers
    scales = {name for breakdown in supplied.breakdowns for name in breakdown}
    return any(
        bands_for(_age_range(ages), covers, groups.members(name, supply.catalogue, supply.config))
        for name in scales
        if groups.is_age_dimension(name, supply.config)
    )


def _age_range(ages: AgeRange | tuple[str, ...]) -> AgeRange:
    lower, upper = ages
    return int(lower or 0), None if upper is None else int(upper)


def _supplied(indicator: Indicator, supply: Supply) -> list[InstanceMeasure]:
    wanted = {part.measure for part in indicator.parts}
    return [item for item in supply.measures if item.measure in wanted]


def _area_system(supplied: Sequence[InstanceMeasure], supply: Supply) -> str:
    systems = {item.area_system for item in supplied}
    if len(systems) > 1:
        labels = " und ".join(sorted(supply.config.area_system(code).label for code in systems))
        raise NotAvailableError(
            f"Zähler und Nenner liegen in verschiedenen Gebietsgliederungen vor ({labels})."
        )
    return systems.pop()


def _lowest_level(indicator: Indicator, supplied: Sequence[InstanceMeasure], config: InstanceConfig) -> str:
    """The coarsest of the measures' finest public levels and the entry's own limit.

    A limit that names a level the area system does not have is no limit there: levels are the instance's own.
    """
    system = config.area_system(supplied[0].area_system)
    levels = [item.released_level for item in supplied]
    if indicator.lowest_level in [level.code for level in system.levels]:
        levels.append(indicator.lowest_level)
    return min(levels, key=system.rank)


__all__ = [
    "NotAvailableError",
    "ResolvedIndicator",
    "ResolvedPart",
    "Supply",
    "bands_for",
    "resolve",
    "resolve_part",
    "within",
]
