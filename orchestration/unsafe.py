"""Figures that can no longer be protected, and what people have decided about them.

Belongs here: finding them in the warehouse, their German names, the proposal. Does not belong here: deciding (that is
`geheimhaltung_entscheidungen.yml`, `lagebild.release_decision`), proofs (`disclosure.disproof`).

Names only, never values: the list is read by people who have to decide, and it may be printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

from lagebild.instance import PUBLIC, Instance
from lagebild.release_decision import ReleaseDecision, decision_for


@dataclass(frozen=True)
class UnsafeCell:
    """One primary cell of the present build that some reader can work out whatever is withheld."""

    audience: str
    measure_id: str
    period_key: str
    area_key: str
    area_code: str
    group_key: str
    measure_label: str
    period_label: str
    area_label: str
    group_label: str
    last_release: str
    """Release that showed the figure last; empty when it never was shown itself."""
    is_out: bool
    """Earlier releases show it with today's value."""
    decision: ReleaseDecision | None

    @property
    def is_open(self) -> bool:
        return self.decision is None

    @property
    def proposal(self) -> str:
        """What we would decide, and why, in German."""
        if self.is_out:
            return (
                f"Der Wert steht seit einer früheren Veröffentlichung (zuletzt {self.last_release}) fest und gilt "
                "heute als geschützt. Vorschlag: gesperrt lassen, ältere Fassungen zurückziehen, soweit sie noch "
                "angeboten werden, und den Vorgang der behördlichen Datenschutzbeauftragten anzeigen."
            )
        if self.last_release:
            return (
                f"Ein früher veröffentlichter Wert (zuletzt {self.last_release}) wurde berichtigt und grenzt den "
                "heutigen zu eng ein. Vorschlag: gesperrt lassen; prüfen, ob die Berichtigung erst mit der nächsten "
                "Jahreszahl erscheinen kann."
            )
        return (
            "Der Wert folgt aus anderen Werten, die schon veröffentlicht sind. Vorschlag: gesperrt lassen und prüfen, "
            "welche der früheren Angaben zurückgezogen werden können."
        )


def unsafe_cells(instance: Instance) -> list[UnsafeCell]:
    """All unsafe cells of the present build, for every audience; none where nothing has been decided yet."""
    if not instance.paths.warehouse.exists():
        return []
    with duckdb.connect(str(instance.paths.warehouse), read_only=True) as connection:
        try:
            rows = connection.execute(_UNSAFE).fetchall()
        except duckdb.CatalogException:
            # A warehouse from before there was a proof.
            return []
    found = []
    for row in rows:
        names = dict(zip(_NAMES, (str(text) for text in row), strict=False))
        decision = decision_for(
            instance.decisions,
            names["measure_id"],
            names["period_key"],
            names["area_code"],
            names["group_key"],
        )
        found.append(
            UnsafeCell(**names, last_release=str(row[10] or ""), is_out=bool(row[11]), decision=decision)
        )
    return found


_NAMES: Final = (
    "audience",
    "measure_id",
    "period_key",
    "area_key",
    "area_code",
    "group_key",
    "measure_label",
    "period_label",
    "area_label",
    "group_label",
)


def without_counterpart(instance: Instance) -> dict[str, int]:
    """German measure name -> number of figures released before that no figure of today corresponds to: areas or groups
    that are gone. What they give away beside today's figures is not examined."""
    if not instance.paths.warehouse.exists():
        return {}
    with duckdb.connect(str(instance.paths.warehouse), read_only=True) as connection:
        try:
            rows = connection.execute(_WITHOUT_COUNTERPART).fetchall()
        except duckdb.CatalogException:
            return {}
    return {str(label): int(count) for label, count in rows}


_WITHOUT_COUNTERPART = """
    select measure.label, count(*)
    from (
        select distinct measure_id, period_key, area_key, group_key
        from staging.stg_ledger__cell
        anti join disclosure.int_disclosure__cell using (measure_id, period_key, area_key, group_key)
    ) as gone
    inner join staging.stg_catalogue__measure as measure using (measure_id)
    inner join staging.stg_catalogue__rule as rule using (rule_id)
    where rule.policy = 'evaluate'
    group by measure.label
    order by measure.label
"""
_UNSAFE = f"""
    select
        pattern.audience, pattern.measure_id, pattern.period_key, pattern.area_key,
        coalesce(area.area_code, '') || coalesce('&' || overlapping.area_code, ''), pattern.group_key,
        coalesce(measure.label, pattern.measure_id)
            || case when pattern.measure_id like '%~rest' then ' (Rest zur übergeordneten Zahl)' else '' end,
        coalesce(period.period_label, pattern.period_key),
        coalesce(area.area_name, pattern.area_key)
            || coalesce(', soweit im Gebiet ' || overlapping.area_name, '')
            || case when pattern.area_key like '%~rest' then ' (Rest)' else '' end,
        coalesce(members.group_label, pattern.group_key),
        known.release_id, known.value_low = known.value_high and known.value_low = cell.value_units
    from disclosure.stg_proof__pattern as pattern
    inner join disclosure.int_disclosure__table_cell as cell using (table_id, measure_id, area_key, group_key)
    -- Remainders (`~rest`) and overlaps of two areas (`&`) are never tabulated, but they can be worked out, too.
    left join core.dim_area as area
        on area.area_key = replace(split_part(pattern.area_key, '&', 1), '~rest', '')
    left join core.dim_area as overlapping
        on overlapping.area_key = replace(split_part(pattern.area_key, '&', 2), '~rest', '')
    left join staging.stg_catalogue__measure as measure
        on measure.measure_id = replace(pattern.measure_id, '~rest', '')
    left join core.dim_period as period on period.period_key = pattern.period_key
    left join core.dim_group as members on members.group_key = pattern.group_key
    left join disclosure.int_disclosure__known as known
        on known.table_id = pattern.table_id and known.measure_id = pattern.measure_id
        and known.area_key = pattern.area_key and known.group_key = pattern.group_key
        and known.audience = pattern.audience
    left join disclosure.stg_proof__pattern as everybody
        on everybody.audience = '{PUBLIC}' and everybody.table_id = pattern.table_id
        and everybody.measure_id = pattern.measure_id and everybody.area_key = pattern.area_key
        and everybody.group_key = pattern.group_key and everybody.is_unsafe
    -- What the public can work out is not repeated for those who know more.
    where pattern.is_unsafe and (pattern.audience = '{PUBLIC}' or everybody.table_id is null)
    order by pattern.audience <> '{PUBLIC}', pattern.audience, measure.label, period.sort_key, area.level_rank,
        area.area_code, members.sort_key
"""
