"""Reads the facts of a report: warehouse, proof, releases, dbt's results. Everything is opened read-only.

Belongs here: queries that count. Does not belong here: wording, layout, single figures (`findings` names cells).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from lagebild.instance import Instance
from orchestration.cross_table import journal
from orchestration.disclosure_report.changes import changed_rules, changes
from orchestration.disclosure_report.facts import Counted, Facts, Finding, Gap, Rule
from orchestration.disclosure_report.read_proof import (
    ATTACK_FILE,
    audience_sizes,
    certificate_checks,
    read_attack,
    table_groups,
    uncertified_tables,
)
from orchestration.publish import RELEASE_ID_FORMAT, read_ledger
from orchestration.unsafe import without_counterpart


class NothingToReport(Exception):
    """There is no finished build to report on; the message says so in German."""


def read_facts(
    instance: Instance, findings: Sequence[Finding] = (), gap: Gap | None = None, now: datetime | None = None
) -> Facts:
    """The facts about the build in the warehouse; `findings` and `gap` are found elsewhere. Raises NothingToReport."""
    paths = instance.paths
    made_at = (now or datetime.now(UTC)).astimezone(UTC)
    require_build(instance)
    with duckdb.connect(str(paths.warehouse), read_only=True) as connection:
        release_id = str(_one(connection, "select release_id from published.dim_release"))
        rules = _rules(connection)
        counted = _counted(connection)
        readers = {item.id: item.label for item in instance.config.audiences}
        groups = table_groups(connection, paths.proof, readers)
        uncertified, inconsistent = uncertified_tables(connection, paths.proof)
        audiences = audience_sizes(connection, paths.proof, instance)
        labels = dict(_rows(connection, "select measure_id, label from staging.stg_catalogue__measure"))
    released = [item.release_id for item in read_ledger(paths.published)]
    is_released = release_id in released
    before = [item for item in released if item < release_id]
    previous = before[-1] if before else ""
    reported = {rule.rule_id: _rule_line(rule) for rule in rules}
    return Facts(
        instance=instance.name,
        title=instance.config.title,
        attribution=instance.config.attribution,
        is_synthetic=instance.config.synthetic is not None,
        release_id=release_id,
        released_on=_day(release_id) if is_released else None,
        made_at=made_at,
        rules=rules,
        counted=counted,
        groups=groups,
        uncertified_tables=uncertified,
        inconsistent_tables=inconsistent,
        checks=certificate_checks(paths.dbt_target),
        attack=read_attack(paths.proof / ATTACK_FILE),
        findings=tuple(findings),
        without_counterpart=without_counterpart(instance),
        gap=gap,
        audiences=audiences,
        changes=changes(paths.published, previous, release_id, labels),
        changed_rules=changed_rules(_reported(paths.reports, previous), reported),
        previous_release=previous,
        cross_tables=_cross_tables(paths.cell_key, previous, made_at),
        reported_rules=reported,
    )


def require_build(instance: Instance) -> None:
    """Raises NothingToReport where the warehouse holds no finished build of this version."""
    warehouse = instance.paths.warehouse
    if not warehouse.exists():
        raise NothingToReport(f"Für {instance.config.title} ist noch nichts gerechnet.")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = _rows(
            connection,
            """
            select table_schema || '.' || table_name, column_name from information_schema.columns
            where (table_schema, table_name) in
                (('disclosure', 'int_disclosure__decision'), ('published', 'dim_release'))
            """,
        )
    if ("published.dim_release", "release_id") not in found:
        raise NothingToReport("Im Warehouse steht keine fertig gerechnete Veröffentlichung.")
    if ("disclosure.int_disclosure__decision", "decided_by") not in found:
        raise NothingToReport("Das Warehouse stammt aus einer älteren Fassung; bitte neu rechnen.")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        finished = str(_one(connection, "select release_id from published.dim_release"))
    # The first half of a night that stopped before its second one: its figures and the old id do not belong together.
    begun = _begun(instance)
    if begun not in ("", finished):
        raise NothingToReport(
            f"Die Berechnung {begun} ist zwischen Geheimhaltung und Veröffentlichung stehen geblieben; der Bericht zur"
            f" letzten fertigen Berechnung ({finished}) liegt unverändert bei den Berichten."
        )


def _begun(instance: Instance) -> str:
    """Id of the build that was begun last; empty before the first one."""
    path = instance.paths.build_identity
    return str(json.loads(path.read_text(encoding="utf-8"))["release_id"]) if path.exists() else ""


_DECIDED: Final = """
    with judged as (
        select
            cell.measure_id, cell.area_key, cell.value,
            -- As in `published_fct_measure`: a star of the supplier stays one whatever was decided.
            coalesce(decision.is_published, false) and cell.conf_status = 'F' as is_published,
            case
                when cell.is_primary then cell.primary_rule
                when cell.conf_status = 'C' then 'hidden_at_source'
                when cell.policy = 'withhold' then 'withheld'
                when cell.policy = 'evaluate' and decision.decided_by = 'policy' then 'contradiction'
            end as reason
        from disclosure.int_disclosure__cell as cell
        left join disclosure.int_disclosure__decision as decision
            on decision.measure_id = cell.measure_id
            and decision.period_key = cell.period_key
            and decision.area_key = cell.area_key
            and decision.group_key = cell.group_key
        -- What nobody has delivered is neither published nor hidden.
        where cell.tier = 'public' and (cell.value is not null or cell.conf_status = 'C')
    ),
    decided as (select *, reason is not null and not is_published as is_primary from judged)
"""
_REASONS: Final = (
    _DECIDED
    + """
    select decided.measure_id, area.area_level_label, decided.reason, count(*)
    from decided
    inner join core.dim_area as area using (area_key)
    where decided.is_primary
    group by all
    order by all
"""
)


def _counted(connection: duckdb.DuckDBPyConnection) -> tuple[Counted, ...]:
    reasons: dict[tuple[str, str], dict[str, int]] = {}
    for measure_id, level, rule, count in _rows(connection, _REASONS):
        reasons.setdefault((measure_id, level), {})[rule] = count
    rows = _rows(
        connection,
        _DECIDED
        + """
        select
            decided.measure_id, measure.label, measure.rule_id, area.area_level_label, area.level_rank,
            count(*),
            count(*) filter (not decided.is_published),
            count(*) filter (decided.is_primary),
            sum(abs(decided.value)) filter (not decided.is_published) / nullif(sum(abs(decided.value)), 0),
            count(*) filter (decided.value is null)
        from decided
        inner join staging.stg_catalogue__measure as measure using (measure_id)
        inner join core.dim_area as area using (area_key)
        group by all
        order by measure.label, area.level_rank
        """,
    )
    return tuple(
        Counted(
            measure_id=row[0],
            measure=row[1],
            rule_id=row[2],
            level=row[3],
            level_rank=row[4],
            cells=row[5],
            hidden=row[6],
            primary=row[7],
            reasons=reasons.get((row[0], row[3]), {}),
            hidden_share=None if row[9] else float(row[8] or 0.0),
        )
        for row in rows
    )


def _rules(connection: duckdb.DuckDBPyConnection) -> tuple[Rule, ...]:
    measures: dict[str, list[str]] = {}
    for rule_id, label in _rows(
        connection, "select rule_id, label from staging.stg_catalogue__measure order by label"
    ):
        measures.setdefault(rule_id, []).append(label)
    rows = _rows(
        connection,
        "select rule_id, basis, decision, policy, thresholds_text from staging.stg_catalogue__rule order by rule_id",
    )
    return tuple(
        Rule(
            rule_id=rule_id,
            basis=basis,
            decision=decision or "",
            policy=policy,
            thresholds=thresholds or "",
            measures=tuple(measures[rule_id]),
        )
        for rule_id, basis, decision, policy, thresholds in rows
        if rule_id in measures
    )


def _rule_line(rule: Rule) -> str:
    return f"»{rule.rule_id}« ({rule.basis}): {rule.thresholds or 'ohne Schwellen'}"


def _reported(reports: Path, release_id: str) -> dict[str, str] | None:
    path = reports / f"geheimhaltung-{release_id}.json"
    if not release_id or not path.exists():
        return None
    stored: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["rules"]
    return stored


def _cross_tables(folder: Path, previous: str, until: datetime) -> int:
    since = datetime.strptime(previous, RELEASE_ID_FORMAT).replace(tzinfo=UTC) if previous else None
    moments = [datetime.fromisoformat(line["at"]) for line in journal.entries(folder)]
    return sum((since is None or moment > since) and moment <= until for moment in moments)


def _day(release_id: str) -> date | None:
    try:
        return datetime.strptime(release_id, RELEASE_ID_FORMAT).replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return connection.execute(sql).fetchall()[0][0]


__all__ = ["NothingToReport", "read_facts", "require_build"]
