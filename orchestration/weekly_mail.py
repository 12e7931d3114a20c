"""The Kurzimpuls by e-mail: one indicator on one page, every Monday to those who asked for it.

Belongs here: putting report and mail together. Does not belong here: what the page says (`reports`), how mail is sent
(`ingestion.landing.mail`). Only released figures are in it, so nothing is lost when an address is wrong.
"""

# No `from __future__ import annotations`: Dagster compares the annotation of `context` with the class itself.

import smtplib
from datetime import UTC, datetime

from dagster import (
    DefaultScheduleStatus,
    JobDefinition,
    OpExecutionContext,
    ScheduleDefinition,
    in_process_executor,
    job,
    op,
)

from ingestion.landing.deliveries import today
from ingestion.landing.mail import MailSettings, connection, envelope, mail_settings
from lagebild.instance import Instance

MONDAYS = "30 7 * * 1"
TIMEZONE = "Europe/Berlin"


def send_impulse(instance: Instance, recipients: tuple[str, ...], settings: MailSettings) -> list[str]:
    """Writes the Kurzimpuls of the live release and sends it with the newsletter as text. Returns addresses the mail
    server did not take.

    Every recipient gets a message of his own, so that nobody sees the list. Raises MailError when the server cannot be
    reached, reports.release.NothingReleased where there is no release.
    """
    # Here, because the web server of Dagster loads this module and needs no charts.
    from reports.write import Order, newsletter_of, write_impulse

    order = Order(instance.name, today(), forms=("pdf",))
    (page,) = write_impulse(order)
    letter = newsletter_of(order)
    refused = []
    with connection(settings) as send:
        for address in recipients:
            message = envelope(settings, address, letter.subject, datetime.now(UTC))
            message.set_content(letter.text)
            message.add_alternative(letter.html, subtype="html")
            message.add_attachment(
                page.read_bytes(), maintype="application", subtype="pdf", filename=page.name
            )
            try:
                send(message)
            except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
                refused.append(address)
    return refused


def impulse_job(name: str) -> tuple[JobDefinition, ScheduleDefinition]:
    """Job and weekly schedule of one instance."""

    @op(name=f"kurzimpuls_{name}", description="Sendet den Kurzimpuls an die Empfängerinnen und Empfänger.")
    def send(context: OpExecutionContext) -> None:
        settings = mail_settings()
        if settings is None:
            raise RuntimeError("no mail server is configured any more")
        instance = Instance(name)
        recipients = instance.config.weekly_mail
        refused = send_impulse(instance, recipients, settings)
        # Counts only: addresses are persons.
        context.log.info(f"{len(recipients) - len(refused)} of {len(recipients)} messages sent")
        if refused:
            raise RuntimeError(f"{len(refused)} messages were refused by the mail server")

    @job(
        name=f"kurzimpuls_versand_{name}",
        executor_def=in_process_executor,
        description="Wöchentlicher Kurzimpuls per E-Mail.",
        tags={"instance": name},
    )
    def weekly_impulse() -> None:
        send()

    schedule = ScheduleDefinition(
        name=f"kurzimpuls_montags_{name}",
        job=weekly_impulse,
        cron_schedule=MONDAYS,
        execution_timezone=TIMEZONE,
        default_status=DefaultScheduleStatus.RUNNING,
    )
    return weekly_impulse, schedule
