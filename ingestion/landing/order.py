"""The order in which sources land: what others are compared with comes first."""

from __future__ import annotations

from collections.abc import Iterator

from lagebild.instance import Instance, SourceConfig


def landed_before(instance: Instance, source: SourceConfig) -> list[str]:
    """Ids of the sources whose deliveries the gate needs to judge this source: the area register, the register of
    persons, and what the source names in `checks.after`."""
    stage = _stage(source)
    earlier = [item.id for item in instance.sources.values() if _stage(item) < stage]
    named = [name for name in source.checks.after if name in instance.sources]
    # Addresses become blocks through the address register: it has to be there first.
    registers = [
        item.id
        for item in instance.sources.values()
        if source.protection.address is not None and "address" in item.tables
    ]
    return sorted({*earlier, *named, *registers} - {source.id})


def landing_order(instance: Instance) -> list[SourceConfig]:
    """All sources, each after those it is compared with; otherwise by name. Raises ValueError for a circle."""
    waiting = dict(sorted(instance.sources.items()))
    done: list[SourceConfig] = []
    while waiting:
        ready = list(_ready(instance, waiting))
        if not ready:
            raise ValueError(f"checks.after runs in a circle: {', '.join(waiting)}")
        for source in ready:
            done.append(waiting.pop(source.id))
    return done


def _ready(instance: Instance, waiting: dict[str, SourceConfig]) -> Iterator[SourceConfig]:
    for source in waiting.values():
        if not set(landed_before(instance, source)) & set(waiting):
            yield source


def _stage(source: SourceConfig) -> int:
    if {"area", "area_crosswalk"} & set(source.tables):
        return 0
    return 1 if {"person", "address"} & set(source.tables) else 2
