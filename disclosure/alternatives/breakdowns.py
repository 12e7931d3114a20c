"""Subtables of statistical figures as Lagebild keys them: measure, area, group (`age=18-24;sex=f` or `total`).

Belongs here: finding the rows and columns the hypercube method needs. Does not belong here: the method (`hypercube`),
reading the figures (the benchmark).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from disclosure.alternatives.hypercube import Dimension, Subtable, subtables

TOTAL = "total"


def nested_families(members: Mapping[str, frozenset[Hashable]]) -> list[list[str]]:
    """Every area with the largest areas inside it, where these make it up: the families of one area system.

    `members`: the smallest parts of every area (blocks, atoms). Equal areas (a Stadt that is its own Gemeinde) count as
    parent and only child in the order given.
    """
    order = sorted(members, key=lambda area: -len(members[area]))
    families = []
    for position, parent in enumerate(order):
        rest, children = members[parent], list[str]()
        for child in order[position + 1 :]:
            if members[child] and members[child] <= rest:
                rest, children = rest - members[child], [*children, child]
        if children and not rest:
            families.append([parent, *children])
    return families


def breakdown_subtables(
    measures: Sequence[str],
    areas: Sequence[str],
    groups: Sequence[str],
    area_families: Sequence[Sequence[str]],
    measure_families: Sequence[Sequence[str]] = (),
) -> list[Subtable]:
    """One subtable per measure (and per family whole, part, rest), breakdown and family of areas.

    `measures`, `areas`, `groups`: one entry per cell. A breakdown contains its own margins: `age;sex` has the cells of
    `age`, of `sex` and the total.
    """
    parsed = [_parts(group) for group in groups]
    breakdowns = {(measure, tuple(sorted(parts))) for measure, parts in zip(measures, parsed, strict=True)}
    found: list[Subtable] = []
    for family in [[measure] for measure in dict.fromkeys(measures)] + [list(f) for f in measure_families]:
        own = {dimensions for measure, dimensions in breakdowns if measure in family}
        # A margin of a cross table lies in the cross table already.
        widest = [one for one in own if not any(set(one) < set(other) for other in own)]
        for dimensions in sorted(widest):
            inside = [
                measure in family and parts.keys() <= set(dimensions)
                for measure, parts in zip(measures, parsed, strict=True)
            ]
            axes = [_codes(measures, inside), _codes(areas, inside)]
            levels: list[Sequence[Sequence[str]]] = [[family], area_families]
            for name in dimensions:
                codes = [parts.get(name, TOTAL) for parts in parsed]
                axes.append(_codes(codes, inside))
                levels.append([[TOTAL, *sorted(set(axes[-1]) - {TOTAL, ""})]])
            found += subtables([Dimension(codes, way) for codes, way in zip(axes, levels, strict=True)])
    return found


def _parts(group: str) -> dict[str, str]:
    return {} if group == TOTAL else dict(part.split("=", 1) for part in group.split(";"))


def _codes(values: Sequence[str], inside: Sequence[bool]) -> list[str]:
    return [value if keep else "" for value, keep in zip(values, inside, strict=True)]
