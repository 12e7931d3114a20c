"""A weekly job that sends mail: one operation, one job, one schedule.

Belongs here: the Dagster parts and how an outcome is reported. Does not belong here: what is sent
(`orchestration.reminding`, `orchestration.weekly_mail`).
"""

# No `from __future__ import annotations`: Dagster compares the annotation of `context` with the class itself.

from collections.abc import Callable
from dataclasses import dataclass

from dagster import (
    DefaultScheduleStatus,
    JobDefinition,
    OpExecutionContext,
    ScheduleDefinition,
    in_process_executor,
    job,
    op,
)

from ingestion.landing.deliveries import TIMEZONE
from ingestion.landing.mail import MailSettings, mail_settings
from lagebild.instance import Instance


@dataclass(frozen=True)
class Outcome:
    """Numbers of messages; addresses are persons and do not go to Dagster."""

    found: int
    sent: int
    refused: int


@dataclass(frozen=True)
class WeeklyMail:
    """`operation`, `job` and `schedule` are names without the instance; `cron` is in local time."""

    operation: str
    job: str
    schedule: str
    description: str
    cron: str
    status: DefaultScheduleStatus
    send: Callable[[Instance, MailSettings], Outcome]

    def definitions(self, name: str) -> tuple[JobDefinition, ScheduleDefinition]:
        """Job and schedule of the instance `name`."""

        @op(name=f"{self.operation}_{name}", description=self.description)
        def send(context: OpExecutionContext) -> None:
            settings = mail_settings()
            if settings is None:
                raise RuntimeError("no mail server is configured any more")
            outcome = self.send(Instance(name), settings)
            context.log.info(f"{outcome.sent} of {outcome.found} messages sent, {outcome.refused} refused")
            if outcome.refused:
                raise RuntimeError(f"{outcome.refused} messages were refused by the mail server")

        @job(
            name=f"{self.job}_{name}",
            executor_def=in_process_executor,
            description=self.description,
            tags={"instance": name},
        )
        def weekly() -> None:
            send()

        schedule = ScheduleDefinition(
            name=f"{self.schedule}_{name}",
            job=weekly,
            cron_schedule=self.cron,
            execution_timezone=TIMEZONE.key,
            default_status=self.status,
        )
        return weekly, schedule
