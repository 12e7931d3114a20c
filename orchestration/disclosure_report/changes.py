"""What is different from the release before: figures (both release files) and rules (both reports)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

from orchestration.database_files import sql_literal
from orchestration.disclosure_report.facts import Change

_COMPARED: Final = """
    with
        old as (select measure_id, period_key, area_key, group_key, value, conf_status from before.fct_measure),
        new as (select measure_id, period_key, area_key, group_key, value, conf_status from after.fct_measure)
    select
        measure_id,
        count(*) filter (old.value is not null and new.conf_status = 'C'),
        count(*) filter (old.conf_status = 'C' and new.value is not null),
        count(*) filter (abs(old.value - new.value) > 1e-9 * greatest(1, abs(old.value))),
        count(*) filter (old.conf_status is null),
        count(*) filter (new.conf_status is null)
    from old
    full join new using (measure_id, period_key, area_key, group_key)
    group by measure_id
    order by measure_id
"""


def changes(published: Path, previous: str, current: str, labels: Mapping[str, str]) -> tuple[Change, ...]:
    """What two releases show differently, per measure; empty when one of the files is gone or nothing differs."""
    files = [published / f"release-{release}.duckdb" for release in (previous, current)]
    if not previous or not all(path.exists() for path in files):
        return ()
    with duckdb.connect() as connection:
        for name, path in zip(("before", "after"), files, strict=True):
            connection.execute(f"attach {sql_literal(path)} as {name} (read_only)")
        rows = connection.execute(_COMPARED).fetchall()
    return tuple(
        Change(labels.get(row[0], row[0]), *(int(number) for number in row[1:]))
        for row in sorted(rows, key=lambda row: labels.get(row[0], row[0]))
        if any(row[1:])
    )


def changed_rules(before: Mapping[str, str] | None, now: Mapping[str, str]) -> tuple[str, ...]:
    """German sentences about rules that were added, dropped or changed; none without a report to compare with."""
    if before is None:
        return ()
    sentences = [f"Neu: {now[name]}" for name in sorted(now.keys() - before.keys())]
    sentences += [f"Entfallen: {before[name]}" for name in sorted(before.keys() - now.keys())]
    sentences += [
        f"Geändert: bisher {before[name]}; jetzt {now[name]}"
        for name in sorted(before.keys() & now.keys())
        if before[name] != now[name]
    ]
    return tuple(sentences)


__all__ = ["changed_rules", "changes"]
