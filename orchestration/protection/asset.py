"""The asset between the two halves of dbt, and its check.

Belongs here: what Dagster and the terminal show, what stops the night. Does not belong here: any decision on a figure.
No value of a figure may enter metadata or logs: Dagster's storage lies outside the protected zone.
"""

# No `from __future__ import annotations`: Dagster compares the annotation of `context` with the class itself.

from collections.abc import Iterator, Sequence
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Failure,
    MaterializeResult,
    asset,
)

from lagebild.instance import Instance
from orchestration import progress
from orchestration.exclusive import resource_key
from orchestration.protection.check import AttackReport
from orchestration.protection.decide import Protection

ATTACK_CHECK = "angriffspruefung"
_NAMED = 5
"""Tables a message names; the rest is counted."""


def protection_asset(instance: Instance, judged: Sequence[AssetKey]) -> AssetsDefinition:
    """`<instance>/protection`, after the models that judge every figure."""
    key = AssetKey([instance.name, "protection"])

    @asset(
        key=key,
        deps=list(judged),
        required_resource_keys={resource_key(instance.name)},
        # DuckDB has one writer per file, and no readers beside it.
        pool=f"{instance.name}_warehouse",
        group_name=f"{instance.name}_geheimhaltung",
        description="Geheimhaltung: welche Zellen veröffentlicht werden, mit einem Nachweis je Tabelle.",
        check_specs=[
            AssetCheckSpec(
                ATTACK_CHECK,
                asset=key,
                description="Angriff auf eine Stichprobe geheimer Zellen mit unabhängigem Rechenweg.",
                blocking=True,
            )
        ],
    )
    def protection(context: AssetExecutionContext) -> Iterator[MaterializeResult[Any]]:
        from orchestration.protection.check import attack, write_attack
        from orchestration.protection.decide import protect_warehouse
        from orchestration.protection.workers import ProtectionFailed

        paths, settings = instance.paths, instance.config.disclosure
        with progress.step("Geheimhaltung") as step:
            try:
                done = protect_warehouse(paths.warehouse, paths.proof, settings, step.tick)
            except ProtectionFailed as problem:
                raise Failure(description=str(problem)) from problem
            attacked = attack(paths.warehouse, paths.proof, context.run_id, settings.attack_s, step.tick)
            write_attack(paths.proof, attacked)
            step.result(_german(done, attacked))
        passed = not attacked.disproved
        yield MaterializeResult(
            metadata={
                "tables": done.tables,
                "solved": done.solved,
                "reused": done.reused,
                "inconsistent": done.inconsistent,
                "cells": done.cells,
                "primaries": done.primaries,
                "secondaries": done.secondaries,
                "unsafe": done.unsafe,
                "witnesses": done.witnesses,
                "seconds": round(done.seconds, 1),
                **{f"method_{name}": count for name, count in sorted(done.methods.items())},
            },
            check_results=[
                AssetCheckResult(
                    check_name=ATTACK_CHECK,
                    passed=passed,
                    severity=AssetCheckSeverity.ERROR,
                    metadata={
                        "tables": attacked.tables,
                        "primaries": attacked.primaries,
                        "disproved": ", ".join(attacked.disproved) or "–",
                        "overcautious": attacked.overcautious,
                    },
                )
            ],
        )
        if not passed:
            raise Failure(description=_disproved(attacked.disproved))

    return protection


def _german(done: Protection, attacked: AttackReport) -> str:
    if not done.tables:
        return "nichts zu entscheiden"
    parts = [
        f"{done.tables} Tabellen, {done.solved} neu gerechnet",
        f"{done.secondaries} Zellen zusätzlich gesperrt",
    ]
    if done.unsafe:
        parts.append(f"{done.unsafe} NICHT MEHR ZU SCHÜTZEN")
    if done.inconsistent:
        parts.append(f"{done.inconsistent} widersprüchlich")
    fallback = done.methods.get("fallback", 0) + done.methods.get("withheld", 0)
    if fallback:
        parts.append(f"{fallback} nach dem Ersatzverfahren")
    parts.append(
        f"{attacked.primaries} Zellen vergeblich angegriffen" if not attacked.disproved else "ANGRIFF GELANG"
    )
    return ", ".join(parts)


def _disproved(tables: Sequence[str]) -> str:
    named = ", ".join(f"„{name}“" for name in tables[:_NAMED])
    more = f" und {len(tables) - _NAMED} weitere" if len(tables) > _NAMED else ""
    return (
        f"Angriffsprüfung: Eine geheime Zelle lässt sich trotz Nachweis eingrenzen (Tabellen {named}{more}). "
        "Es wurde nichts veröffentlicht."
    )
