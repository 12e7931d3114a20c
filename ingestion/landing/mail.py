"""Sends mail through SMTP; for reminders it remembers which have gone out.

Belongs here: settings, the connection, the head of a message, the ledger of reminders. Does not belong here: what a
reminder says (`ingestion.landing.reminders`).

Settings come from the environment; the password is a given secret (`smtp_password`):

| variable | is |
|---|---|
| `LAGEBILD_SMTP_HOST` | the mail server; without it nothing is ever sent |
| `LAGEBILD_SMTP_PORT` | default 587 (465 for `tls`) |
| `LAGEBILD_SMTP_SECURITY` | `starttls` (default), `tls`, or `none`, which only a server on this machine may have |
| `LAGEBILD_SMTP_USER` | login; empty for none |
| `LAGEBILD_MAIL_FROM` | sender, also the address for questions |
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final, Literal, get_args

from ingestion.landing.reminders import Reminder
from lagebild.connector import LOOPBACK
from lagebild.instance import Instance
from lagebild.secrets import SecretMissing, given_secret

Security = Literal["starttls", "tls", "none"]

REPEAT_AFTER_DAYS: Final = 14
"""A supplier is not told the same again before."""
_TIMEOUT_S: Final = 30.0
REPORT_NAME: Final = "pruefbericht.html"


class MailError(Exception):
    """Sending is not possible; the message is German and holds no password."""


@dataclass(frozen=True)
class MailSettings:
    """How to reach the mail server. The password is read when it is needed and kept nowhere."""

    host: str
    port: int
    security: Security
    user: str
    sender: str


@dataclass(frozen=True)
class Sent:
    """What became of one reminder."""

    reminder: Reminder
    error: str = ""


def mail_is_wanted() -> bool:
    """True where a mail server is named; whether its settings are sound shows when something is sent."""
    return bool(os.environ.get("LAGEBILD_SMTP_HOST"))


def mail_settings(environment: Mapping[str, str] | None = None) -> MailSettings | None:
    """The settings, None where no server is named. Raises `MailError` for settings that contradict themselves."""
    values = os.environ if environment is None else environment
    host = values.get("LAGEBILD_SMTP_HOST", "")
    if not host:
        return None
    security = values.get("LAGEBILD_SMTP_SECURITY", "starttls")
    if security not in get_args(Security):
        raise MailError("LAGEBILD_SMTP_SECURITY muss starttls, tls oder none sein.")
    if security == "none" and host not in LOOPBACK:
        raise MailError("Unverschlüsselt wird nur an einen Mailserver auf diesem Rechner gesendet.")
    sender = values.get("LAGEBILD_MAIL_FROM", "")
    if "@" not in sender:
        raise MailError("LAGEBILD_MAIL_FROM muss die Absenderadresse nennen.")
    port = values.get("LAGEBILD_SMTP_PORT", "465" if security == "tls" else "587")
    if not port.isdigit():
        raise MailError("LAGEBILD_SMTP_PORT muss eine Zahl sein.")
    found: Security = "tls" if security == "tls" else "none" if security == "none" else "starttls"
    return MailSettings(host, int(port), found, values.get("LAGEBILD_SMTP_USER", ""), sender)


def ledger_path(instance: Instance) -> Path:
    """What has been sent to whom: one line per letter, in the protected zone."""
    return instance.paths.protected / "reminders.jsonl"


def not_sent_lately(
    reminders: Sequence[Reminder], ledger: Path, now: datetime, days: int = REPEAT_AFTER_DAYS
) -> list[Reminder]:
    """Reminders that say at least one thing their address has not been told within the last days."""
    told: set[tuple[str, str]] = set()
    if ledger.exists():
        for line in ledger.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if datetime.fromisoformat(entry["sent_at"]) > now - timedelta(days=days):
                told |= {(entry["email"], key) for key in entry["keys"]}
    return [item for item in reminders if any((item.email, key) not in told for key in item.keys)]


def send_reminders(
    instance: Instance, reminders: Sequence[Reminder], settings: MailSettings, now: datetime | None = None
) -> list[Sent]:
    """Sends the letters over one connection and writes each into the ledger as soon as the server has taken it.

    A refused address does not stop the others. Raises `MailError` when the server cannot be reached or refuses us.
    """
    if not reminders:
        return []
    moment = now or datetime.now(UTC)
    outcome = []
    with connection(settings) as send:
        for reminder in reminders:
            try:
                send(_message(instance, reminder, settings, moment))
            except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
                outcome.append(Sent(reminder, f"vom Mailserver nicht angenommen ({type(error).__name__})"))
                continue
            _remember(ledger_path(instance), reminder, moment)
            outcome.append(Sent(reminder))
    return outcome


@contextmanager
def connection(settings: MailSettings) -> Iterator[Callable[[EmailMessage], object]]:
    """One connection to the mail server; yields what sends a message. Raises `MailError` for whatever goes wrong."""
    context = ssl.create_default_context()
    try:
        server = (
            smtplib.SMTP_SSL(settings.host, settings.port, timeout=_TIMEOUT_S, context=context)
            if settings.security == "tls"
            else smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT_S)
        )
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user:
                server.login(settings.user, given_secret("smtp_password"))
            yield server.send_message
    except SecretMissing as error:
        raise MailError(f"Das Kennwort des Mailservers ist nicht hinterlegt ({error.name}).") from error
    except smtplib.SMTPAuthenticationError as error:
        raise MailError("Der Mailserver nimmt Anmeldename oder Kennwort nicht an.") from error
    except UnicodeEncodeError as error:
        # smtplib speaks ASCII where it logs in.
        raise MailError(
            "Anmeldename oder Kennwort des Mailservers enthält Zeichen außerhalb von ASCII."
        ) from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(
            f"Der Mailserver {settings.host} ist nicht erreichbar oder lehnt ab ({type(error).__name__})."
        ) from error


def envelope(settings: MailSettings, to: str, subject: str, moment: datetime) -> EmailMessage:
    """A message with its head and no content yet."""
    message = EmailMessage()
    message["From"] = settings.sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(moment)
    message["Message-ID"] = make_msgid(domain=settings.sender.rsplit("@", 1)[1].rstrip(">"))
    # RFC 3834: no out-of-office replies to a machine.
    message["Auto-Submitted"] = "auto-generated"
    return message


def _message(
    instance: Instance, reminder: Reminder, settings: MailSettings, moment: datetime
) -> EmailMessage:
    message = envelope(settings, reminder.email, reminder.subject, moment)
    message.set_content(reminder.body)
    for delivery_id in reminder.attachments:
        for report in instance.paths.quarantine.glob(f"*/{delivery_id}/{REPORT_NAME}"):
            text = report.read_text(encoding="utf-8")
            message.add_attachment(text, subtype="html", filename=f"Pruefbericht_{delivery_id}.html")
    return message


def _remember(ledger: Path, reminder: Reminder, moment: datetime) -> None:
    ledger.parent.mkdir(parents=True, exist_ok=True)
    entry = {"sent_at": moment.isoformat(), "email": reminder.email, "keys": list(reminder.keys)}
    with ledger.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    ledger.chmod(0o600)
