"""The Kurzimpuls by e-mail: one indicator on one page, every Monday to those who asked for it.

Belongs here: putting report and mail together. Does not belong here: what the page says (`reports`), how mail is sent
(`ingestion.landing.mail`). Only released figures are in it, so nothing is lost when an address is wrong.
"""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime

from dagster import DefaultScheduleStatus

from ingestion.landing.deliveries import today
from ingestion.landing.mail import MailSettings, connection, envelope
from lagebild.instance import Instance
from orchestration.weekly import Outcome, WeeklyMail


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


def _send(instance: Instance, settings: MailSettings) -> Outcome:
    recipients = instance.config.weekly_mail
    refused = send_impulse(instance, recipients, settings)
    return Outcome(len(recipients), len(recipients) - len(refused), len(refused))


IMPULSE = WeeklyMail(
    operation="kurzimpuls",
    job="kurzimpuls_versand",
    schedule="kurzimpuls_montags",
    description="Sendet den Kurzimpuls an die Empfängerinnen und Empfänger.",
    cron="30 7 * * 1",
    status=DefaultScheduleStatus.RUNNING,
    send=_send,
)
