"""Which members of a feature add up to which other one.

Belongs here: total words, indentation, `darunter`, and the check of every guess against the printed figures.
Does not belong here: where the labels stand (`layout`), hierarchies somebody has written down (`description`).

A guess is kept when the figures agree, kept with a rest when the parts never exceed the whole, and dropped otherwise;
the report names what was kept, so that a planner can object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from orchestration.pruefung.published import WHOLE, Dimension, Figure, Group, Key

TOTAL = re.compile(r"\b(insgesamt|zusammen|summe|total|gesamt|gesamtsumme|insg\.?|alle)\b", re.IGNORECASE)
_GRAND = re.compile(r"\b(insgesamt|total|gesamt|gesamtsumme)\b", re.IGNORECASE)
_TOLD = 4
_PART_OF = re.compile(r"^(darunter|dar\.|darin)\b", re.IGNORECASE)


def guessed_groups(members: Sequence[str], indents: Mapping[str, int]) -> list[Group]:
    """Sums the labels speak of: depth by leading blanks, else subtotals and a grand total by their words."""
    plain = [member for member in members if not _PART_OF.match(member)]
    aside = _parts_aside(members)
    if indents and len({indents.get(member, 0) for member in plain}) > 1:
        return [*_by_indent(plain, indents), *aside]
    totals = [member for member in plain if TOTAL.search(member)]
    if not totals:
        return aside
    grand = next((member for member in totals if _GRAND.search(member)), totals[-1])
    if len(totals) > 1 and grand not in (plain[0], plain[-1]):
        grand = totals[-1] if totals[-1] == plain[-1] else totals[0]
    groups: list[Group] = []
    open_parts: list[str] = []
    top: list[str] = []
    is_first = plain[0] in totals and plain[0] != grand and len(totals) > 1
    for member in plain:
        if member == grand:
            continue
        if member in totals:
            if is_first:
                top += open_parts
                open_parts = []
                continue
            if open_parts:
                groups.append(Group(member, tuple(open_parts)))
                open_parts = []
            top.append(member)
        else:
            open_parts.append(member)
    top += open_parts
    if len(top) > 1:
        groups.append(Group(grand, tuple(top)))
    return [*groups, *aside]


def _parts_aside(members: Sequence[str]) -> list[Group]:
    """`darunter weiblich` is a part of the nearest line above that is none itself; the rest of it is not printed."""
    groups = []
    whole = None
    for member in members:
        if _PART_OF.match(member):
            if whole is not None:
                groups.append(Group(whole, (member,), has_rest=True))
        else:
            whole = member
    return groups


def _by_indent(members: Sequence[str], indents: Mapping[str, int]) -> list[Group]:
    parts: dict[str, list[str]] = {}
    stack: list[tuple[int, str]] = []
    for member in members:
        depth = indents.get(member, 0)
        while stack and stack[-1][0] >= depth:
            stack.pop()
        if stack:
            parts.setdefault(stack[-1][1], []).append(member)
        stack.append((depth, member))
    return [Group(whole, tuple(found)) for whole, found in parts.items() if len(found) > 1]


def numeric_group(dimension: Dimension, at: int, figures: Sequence[Figure]) -> Group | None:
    """The first or last member as total of all others, if the figures say so at least once and never otherwise."""
    if len(dimension.members) < 3:
        return None
    for whole in (dimension.members[-1], dimension.members[0]):
        group = Group(whole, tuple(member for member in dimension.members if member != whole))
        exact, below, beyond = compared(group, at, figures)
        if exact and not below and not beyond:
            return group
    return None


def compared(group: Group, at: int, figures: Sequence[Figure]) -> tuple[int, int, int]:
    """Places where the parts equal the whole, stay below it (all printed), or exceed it (whatever is hidden)."""
    by_context: dict[Key, dict[str, int | None]] = {}
    wanted = {group.whole, *group.parts}
    for figure in figures:
        if figure.key[at] in wanted:
            context = (*figure.key[:at], *figure.key[at + 1 :])
            by_context.setdefault(context, {})[figure.key[at]] = figure.value
    exact = below = beyond = 0
    for values in by_context.values():
        whole = values.get(group.whole)
        if whole is None:
            continue
        printed = [value for part in group.parts if (value := values.get(part)) is not None]
        complete = len(printed) == len(group.parts)
        if sum(printed) > whole:
            beyond += 1
        elif complete and sum(printed) == whole:
            exact += whole > 0
        elif complete:
            below += 1
    return exact, below, beyond


def settled(
    dimension: Dimension, at: int, figures: Sequence[Figure], *, is_written: bool
) -> tuple[Dimension, list[str]]:
    """The dimension with the groups that the figures bear, and what was found, in German.

    Written groups (`is_written`) are never dropped: somebody who knows the table has stated them.
    """
    kept: list[Group] = []
    summed: list[str] = []
    dropped: list[str] = []
    special: list[str] = []
    for group in dimension.groups:
        exact, below, beyond = compared(group, at, figures)
        whole = "insgesamt" if group.whole == WHOLE else f"»{group.whole}«"
        what = f"{whole} als Summe von {_listed(group.parts)}"
        runs = _runs(group, at, figures) if beyond > exact and not (is_written or group.has_rest) else []
        if group.has_rest:
            kept.append(group)
            special.append(f"{_listed(group.parts)} als Teil von {whole}, mit ungenanntem Rest")
        elif runs:
            kept += runs
            summed += [f"{whole} als Summe von {_listed(run.parts)}" for run in runs]
        elif beyond > exact and not is_written:
            dropped.append(f"{what} verworfen: die Teile übersteigen sie")
        elif below and not is_written:
            kept.append(Group(group.whole, group.parts, has_rest=True))
            special.append(
                f"{what}, mit ungenanntem Rest (an {below} Stellen ist die Summe größer als ihre Teile)"
            )
        else:
            kept.append(group)
            (special if beyond else summed).append(
                what + (f"; an {beyond} Stellen widersprechen sich die Zahlen" if beyond else "")
            )
    notes = [
        f"{dimension.name}: {note}" for found in (summed, special, dropped) for note in _shortened(found)
    ]
    return Dimension(dimension.name, dimension.members, tuple(kept)), notes


def _shortened(notes: Sequence[str]) -> list[str]:
    """A long hierarchy is told by its first sums."""
    if len(notes) <= _TOLD:
        return [f"{note}." for note in notes]
    return [*(f"{note}." for note in notes[:_TOLD]), f"… und {len(notes) - _TOLD} weitere dieser Art."]


def _runs(group: Group, at: int, figures: Sequence[Figure]) -> list[Group]:
    """`Insgesamt | männlich | weiblich | unter 18 | ab 18`: neighbours that make up the whole, once and again."""
    found = []
    start = 0
    while start < len(group.parts):
        for end in range(start + 2, len(group.parts) + 1):
            run = Group(group.whole, group.parts[start:end])
            exact, below, beyond = compared(run, at, figures)
            if exact and not below and not beyond:
                found.append(run)
                start = end
                break
        else:
            start += 1
    return found


def _listed(parts: Sequence[str]) -> str:
    if len(parts) <= 3:
        return ", ".join(f"»{part}«" for part in parts)
    return f"{len(parts)} Teilen (»{parts[0]}« bis »{parts[-1]}«)"


def nested_pairs(dimensions: Sequence[Dimension], figures: Iterable[Figure]) -> tuple[tuple[int, int], ...]:
    """Pairs (outer, inner) in which every part of the inner dimension stands below one part of the outer one only.

    A list `Gemeinde | Sozialraum` is nested, `Gemeinde | Geschlecht` is crossed.
    """
    keys = [figure.key for figure in figures]
    wholes = [
        {group.whole for group in dimension.groups}
        | {member for member in dimension.members if TOTAL.search(member)}
        for dimension in dimensions
    ]
    found = []
    for outer, inner in pairwise(range(len(dimensions))):
        homes: dict[str, set[str]] = {}
        for key in keys:
            if key[outer] not in wholes[outer] and key[inner] not in wholes[inner]:
                homes.setdefault(key[inner], set()).add(key[outer])
        if len({home for several in homes.values() for home in several}) > 1 and all(
            len(several) == 1 for several in homes.values()
        ):
            found.append((outer, inner))
    return tuple(found)
