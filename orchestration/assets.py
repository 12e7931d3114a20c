"""The assets of one instance, from its sources to its dashboards.

Belongs here: the order of the steps and what Dagster shows about them (counts, periods, ids).
Does not belong here: anything that computes; every asset calls one function of another room.
No value of a delivery may enter metadata or logs: Dagster's storage lies outside the protected zone.
"""

# No `from __future__ import annotations`: Dagster compares the annotation of `context` with the class itself.

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    Output,
    asset,
)

from lagebild.instance import Instance, SourceConfig, SyntheticSettings
from lagebild.paths import InstancePaths
from orchestration import progress
from orchestration.exclusive import resource_key
from orchestration.fingerprint import (
    changed_parts,
    current_deliveries,
    input_fingerprint,
    is_current,
    mark_synced,
)
from orchestration.protection.asset import protection_asset
from orchestration.protection.load import RELATIONS
from orchestration.publish import ReleaseRejected, current_release, publish, warehouse_release_id
from orchestration.warehouse import warehouse_assets

INTAKE_CHECK = "eingangspruefung"
KEEP_RELEASES = 10


def instance_assets(name: str, manifest: Path) -> list[AssetsDefinition]:
    """All assets of one instance; every key begins with the instance's name."""
    instance = Instance(name)
    assets: list[AssetsDefinition] = []
    if instance.config.synthetic is not None:
        assets.append(_sources(instance))
    landings = [_landing(instance, source) for source in instance.sources.values()]
    warehouse, published = warehouse_assets(instance, manifest)
    judged = [key for key in warehouse.keys if key.path[-1] in RELATIONS]
    released = [key for key in published.keys if key.path[1] == "published"]
    return [
        *assets,
        *landings,
        _delivery_registry(instance, [landing.key for landing in landings]),
        _catalogue(instance),
        _change(instance),
        warehouse,
        protection_asset(instance, sorted(judged)),
        published,
        _release(instance, sorted(released)),
        _disclosure_report(instance),
        *([_open_data(instance)] if instance.config.open_data is not None else []),
        _dashboards(instance),
    ]


def step_count(name: str) -> int:
    """Steps of a refresh: what `progress` counts to."""
    instance = Instance(name)
    optional = (instance.config.synthetic, instance.config.open_data)
    return len(instance.sources) + 9 + sum(item is not None for item in optional)


def synthetic_settings(instance: Instance) -> SyntheticSettings:
    """Settings of the generator; a smaller Musterkreis for tests through LAGEBILD_SYNTHETIC_INHABITANTS and _YEARS.

    Fewer years means the latest ones. Raises ValueError for an instance without synthetic sources.
    """
    settings = instance.config.synthetic
    if settings is None:
        raise ValueError(f"{instance.name} has no synthetic sources")
    inhabitants = int(os.environ.get("LAGEBILD_SYNTHETIC_INHABITANTS", settings.inhabitants))
    years = int(os.environ.get("LAGEBILD_SYNTHETIC_YEARS", settings.years))
    first_year = settings.first_year + settings.years - years
    return settings.model_copy(update={"inhabitants": inhabitants, "years": years, "first_year": first_year})


def calendar_horizon(instance: Instance) -> tuple[date, date] | None:
    """First and last day a calendar can hold: the simulated years of a synthetic instance, else unbounded."""
    if instance.config.synthetic is None:
        return None
    settings = synthetic_settings(instance)
    return date(settings.first_year, 1, 1), date(settings.first_year + settings.years - 1, 12, 31)


def _key(instance: Instance, *path: str) -> AssetKey:
    return AssetKey([instance.name, *path])


def _sources(instance: Instance) -> AssetsDefinition:
    @asset(
        key=_key(instance, "sources"),
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_eingang",
        description="Simulierte Quellsysteme: schreiben ihre Lieferungen in den Posteingang.",
    )
    def sources(context: AssetExecutionContext) -> MaterializeResult[Any]:
        from ingestion.anonymise.inbox import taken_files
        from ingestion.synthetic.generate import generate

        with progress.step("Simulierte Quellen schreiben ihre Lieferungen") as step:
            paths = instance.paths
            settings, taken = synthetic_settings(instance), taken_files(instance)
            report = generate(settings, paths.inbox, paths.truth, step.tick, taken)
            state = "unverändert" if report.skipped else f"{report.inhabitants} Personen simuliert"
            step.result(f"{report.files} Dateien, {state}")
        return MaterializeResult(metadata={"files": report.files, "faults": report.faults})

    return sources


def _landed_after(instance: Instance, source: SourceConfig) -> list[AssetKey]:
    """What the gate needs to judge a source: the catalogue, the area register, what figures are compared with."""
    from ingestion.landing.order import landed_before

    before = [_key(instance, "landing", name) for name in landed_before(instance, source)]
    simulated = [_key(instance, "sources")] if instance.config.synthetic is not None else []
    return [*simulated, _key(instance, "catalogue"), *before]


def _landing(instance: Instance, source: SourceConfig) -> AssetsDefinition:
    @asset(
        key=_key(instance, "landing", source.id),
        deps=_landed_after(instance, source),
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_eingang",
        description=f"{source.label} ({source.supplier})",
        check_specs=[
            AssetCheckSpec(
                INTAKE_CHECK,
                asset=_key(instance, "landing", source.id),
                description="Eingangsprüfung: keine Lieferung zurückgewiesen, kein Abruf gescheitert.",
            )
        ],
    )
    def landing(context: AssetExecutionContext) -> Iterator[MaterializeResult[Any]]:
        from ingestion.landing.land import land_source

        with progress.step(f"Eingang: {source.label}") as step:
            report = land_source(
                instance, source, lambda line: step.tick(line.removeprefix(f"{source.label}: "))
            )
            new = f"{report.landed} neu, {report.duplicate} bekannt"
            new += f", {report.quarantined} ZURÜCKGEWIESEN" if report.quarantined else ""
            step.result("; ".join((new, *(f"ABRUF GESCHEITERT: {it}" for it in report.connector_failures))))
        newest = report.newest_period_end
        counts = {"files": report.files, "landed": report.landed, "duplicate": report.duplicate}
        faults = {"quarantined": report.quarantined, "warnings": report.warnings}
        waiting = _quarantined(instance, source)
        check = AssetCheckResult(
            check_name=INTAKE_CHECK,
            passed=waiting == 0 and not report.connector_failures,
            # One bad delivery is its supplier's to mend; the others go on, the last good one stays in use.
            severity=AssetCheckSeverity.WARN,
            metadata={
                "in_quarantine": waiting,
                **faults,
                "connector_failures": "\n".join(report.connector_failures) or "–",
            },
        )
        yield MaterializeResult(
            metadata={**counts, **faults, "newest_period_end": newest.isoformat() if newest else "–"},
            check_results=[check],
        )

    return landing


def _quarantined(instance: Instance, source: SourceConfig) -> int:
    return sum(1 for path in (instance.paths.quarantine / source.id).glob("*/manifest.json"))


def _delivery_registry(instance: Instance, landings: Sequence[AssetKey]) -> AssetsDefinition:
    @asset(
        key=_key(instance, "delivery_registry"),
        deps=landings,
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_eingang",
        description="Welche Lieferung zählt (neueste je Quelle, Zeitraum und Kommune) und der Lieferkalender.",
    )
    def delivery_registry(context: AssetExecutionContext) -> MaterializeResult[Any]:
        from ingestion.landing.empty import write_empty_tables
        from ingestion.landing.registry import write_registry

        with progress.step("Lieferverzeichnis schreiben") as step:
            write_empty_tables(instance)
            rows = write_registry(instance, calendar_horizon(instance))
            current = len(current_deliveries(instance))
            overdue = sum(row.status == "overdue" for row in rows)
            step.result(f"{current} gültige Lieferungen" + (f", {overdue} überfällig" if overdue else ""))
        return MaterializeResult(metadata={"current_deliveries": current, "overdue": overdue})

    return delivery_registry


def _catalogue(instance: Instance) -> AssetsDefinition:
    @asset(
        key=_key(instance, "catalogue"),
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_katalog",
        description="Kennzahlenkatalog und Regeln der Instanz als Tabellen.",
    )
    def catalogue(context: AssetExecutionContext) -> MaterializeResult[Any]:
        from semantic_layer.export.dbt import write_catalogue_tables

        with progress.step("Kennzahlenkatalog schreiben") as step:
            write_catalogue_tables(instance)
            tables = len(list(instance.paths.catalogue.glob("*.parquet")))
            step.result(f"{tables} Tabellen")
        return MaterializeResult(metadata={"tables": tables})

    return catalogue


def _change(instance: Instance) -> AssetsDefinition:
    @asset(
        key=_key(instance, "change"),
        deps=[_key(instance, "delivery_registry"), _key(instance, "catalogue")],
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_katalog",
        description="Prüft, ob es gegenüber der aktuellen Veröffentlichung etwas Neues gibt.",
        output_required=False,
    )
    def change(context: AssetExecutionContext) -> Iterator[Output[None]]:
        with progress.step("Auf Neues prüfen") as step:
            fingerprint = input_fingerprint(instance)
            nothing_new = is_current(instance, fingerprint)
            changed = ", ".join(changed_parts(instance)) or "seit der letzten Veröffentlichung"
            text = "nichts Neues, die Veröffentlichung bleibt" if nothing_new else f"es gibt Neues: {changed}"
            step.result(text)
        context.log.info(f"{instance.name}: {text}")
        # Without an output Dagster skips warehouse, release and dashboards.
        if not nothing_new:
            yield Output(None, metadata={"fingerprint": fingerprint})

    return change


def _release(instance: Instance, published: Sequence[AssetKey]) -> AssetsDefinition:
    @asset(
        key=_key(instance, "release"),
        deps=published,
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_veroeffentlichung",
        description="Veröffentlichte Datei: geprüft kopiert und in einem Zug aktuell gesetzt.",
    )
    def release(context: AssetExecutionContext) -> MaterializeResult[Any]:
        with progress.step("Veröffentlichen") as step:
            release_id = warehouse_release_id(instance.paths.warehouse)
            done = publish(instance.paths.warehouse, instance.paths.published, release_id, keep=KEEP_RELEASES)
            step.result(f"{done.release_id}, {sum(done.rows.values())} Zeilen")
        rows = {f"rows_{table}": count for table, count in done.rows.items()}
        return MaterializeResult(metadata={"release_id": done.release_id, "sha256": done.sha256, **rows})

    return release


def _disclosure_report(instance: Instance) -> AssetsDefinition:
    @asset(
        key=_key(instance, "disclosure_report"),
        deps=[_key(instance, "release")],
        required_resource_keys={resource_key(instance.name)},
        # Reads the warehouse.
        pool=f"{instance.name}_warehouse",
        group_name=f"{instance.name}_geheimhaltung",
        description="Geheimhaltungsbericht zur Veröffentlichung, für die Datenschutzbeauftragten.",
    )
    def disclosure_report(context: AssetExecutionContext) -> MaterializeResult[Any]:
        from orchestration.disclosure_report.write import write_report

        with progress.step("Geheimhaltungsbericht schreiben") as step:
            files = write_report(instance)
            step.result(files.pdf.name)
        return MaterializeResult(metadata={"file": files.pdf.name})

    return disclosure_report


def _open_data(instance: Instance) -> AssetsDefinition:
    @asset(
        key=_key(instance, "open_data"),
        deps=[_key(instance, "release")],
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_veroeffentlichung",
        description="Paket offener Daten zur Veröffentlichung: CSV, GeoJSON, DCAT-AP.de, Datenkonzept.",
    )
    def open_data(context: AssetExecutionContext) -> MaterializeResult[Any]:
        from semantic_layer.export.open_data import write_open_data

        with progress.step("Offene Daten zusammenstellen") as step:
            folder = instance.paths.open_data
            package = write_open_data(instance, instance.paths.current_release, folder)
            for outdated in sorted(folder.glob("*.zip"))[:-KEEP_RELEASES]:
                outdated.unlink()
            step.result(f"{package.name}, {package.stat().st_size // 1_000_000} MB")
        return MaterializeResult(metadata={"file": package.name, "bytes": package.stat().st_size})

    return open_data


def _dashboards(instance: Instance) -> AssetsDefinition:
    @asset(
        key=_key(instance, "dashboards"),
        deps=[_key(instance, "release")],
        required_resource_keys={resource_key(instance.name)},
        group_name=f"{instance.name}_veroeffentlichung",
        description="Dashboards in Superset zur aktuellen Veröffentlichung.",
    )
    def dashboards(context: AssetExecutionContext) -> MaterializeResult[Any]:
        with progress.step("Dashboards abgleichen") as step:
            shown = sync_dashboards([instance.name], step.tick)
            if instance.name not in shown:
                raise ReleaseRejected(("Ohne Veröffentlichung gibt es keine Dashboards.",))
        return MaterializeResult()

    return dashboards


def sync_dashboards(names: Sequence[str], tick: Callable[[str], None]) -> Sequence[str]:
    """Brings Superset to the live releases of the named instances; returns the names whose release it shows.

    Idempotent: what is shown already is left alone. Raises `SyncError` when Superset could not be brought there.
    """
    from superset_assets.sync import sync

    report = sync(list(names), progress=tick)
    for name in report.synced:
        paths = InstancePaths(name)
        live = current_release(paths.published)
        if live is not None:
            mark_synced(paths, live["release_id"])
    return report.synced
