"""What Dagster loads: assets, one job, one nightly schedule and one inbox sensor per instance.

Belongs here: assembling. Does not belong here: what a step does (`orchestration.assets`).
"""

from __future__ import annotations

from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    Definitions,
    ScheduleDefinition,
    define_asset_job,
    definitions,
    in_process_executor,
)

from ingestion.landing.deliveries import TIMEZONE
from ingestion.landing.mail import mail_is_wanted
from lagebild.instance import Instance, list_instances
from orchestration.assets import instance_assets
from orchestration.exclusive import exclusive_resource, resource_key
from orchestration.inbox_sensor import inbox_sensor
from orchestration.reminding import REMINDERS
from orchestration.warehouse import prepared_manifest
from orchestration.weekly_mail import IMPULSE

NIGHTLY = "0 2 * * *"
RUNNING_BY_DEFAULT = frozenset({"musterkreis"})
"""Others are switched on in the web server once their deliveries come every night."""


def job_name(instance: str) -> str:
    """Name of the refresh job of an instance."""
    return f"refresh_{instance}"


def build_definitions(instances: list[str] | None = None) -> Definitions:
    """Definitions of the given instances, by default of all."""
    names = list_instances() if instances is None else instances
    manifest = prepared_manifest()
    jobs = [
        define_asset_job(
            job_name(name),
            selection=AssetSelection.key_prefixes([name]),
            description="Der nächtliche Weg der Zahlen: Eingang, Warehouse, Veröffentlichung, Dashboards.",
            # One process: starting one per step would cost more than most steps.
            executor_def=in_process_executor,
            tags={"instance": name},
        )
        for name in names
    ]
    schedules = [
        ScheduleDefinition(
            name=f"nightly_{name}",
            job=job,
            cron_schedule=NIGHTLY,
            execution_timezone=TIMEZONE.key,
            default_status=(
                DefaultScheduleStatus.RUNNING if name in RUNNING_BY_DEFAULT else DefaultScheduleStatus.STOPPED
            ),
        )
        for name, job in zip(names, jobs, strict=True)
    ]
    # Letters can only be sent where a mail server is named.
    mailing = names if mail_is_wanted() else []
    by_mail = [
        *(REMINDERS.definitions(name) for name in mailing),
        *(IMPULSE.definitions(name) for name in mailing if Instance(name).config.weekly_mail),
    ]
    return Definitions(
        assets=[item for name in names for item in instance_assets(name, manifest)],
        jobs=[*jobs, *(job for job, _ in by_mail)],
        schedules=[*schedules, *(schedule for _, schedule in by_mail)],
        sensors=[inbox_sensor(name, job_name(name)) for name in names],
        resources={resource_key(name): exclusive_resource(name) for name in names},
    )


@definitions
def defs() -> Definitions:
    """Entry point of web server and daemon (`-m orchestration.definitions`)."""
    return build_definitions()
