"""The Kurzimpuls goes out through a real SMTP server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from dagster import DefaultScheduleStatus
from typer.testing import CliRunner

from lagebild.instance import Instance
from orchestration.cli import app
from orchestration.definitions import build_definitions
from tests.orchestration.test_deliveries import free_port
from tests.reports import probe


class Postbox:
    """Takes what comes, except for one address."""

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("unbekannt@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
def postbox(var: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    current = Instance("musterkreis").paths.current_release
    current.parent.mkdir(parents=True)
    probe.build(current)
    box = Postbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    for name, value in {
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
        "SECURITY": "none",
    }.items():
        monkeypatch.setenv(f"LAGEBILD_SMTP_{name}", value)
    monkeypatch.setenv("LAGEBILD_MAIL_FROM", "planung@musterkreis.example")
    yield box
    server.stop()


def test_everybody_gets_a_message_of_his_own_with_the_page(postbox: Postbox) -> None:
    to = ["landrat@musterkreis.example", "unbekannt@musterkreis.example", "jugend@musterkreis.example"]
    done = CliRunner().invoke(
        app, ["bericht", "senden", "musterkreis", *(word for one in to for word in ("--an", one))]
    )
    # A refused address is named and does not stop the others.
    assert done.exit_code == 1 and "unbekannt@musterkreis.example" in done.output
    assert [recipients for recipients, _ in postbox.messages] == [[to[0]], [to[2]]]
    for recipients, message in postbox.messages:
        assert message["To"] == recipients[0] and message["Auto-Submitted"] == "auto-generated"
        plain = message.get_body(("plain",))
        assert plain is not None and "synthetisch" in plain.get_content().casefold()
        (page,) = message.iter_attachments()
        assert page.get_content_type() == "application/pdf" and page.get_content().startswith(b"%PDF")


def test_without_a_mail_server_nothing_is_sent(postbox: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAGEBILD_SMTP_HOST")
    done = CliRunner().invoke(app, ["bericht", "senden", "musterkreis"])
    assert done.exit_code == 1 and "kein Mailserver" in done.output and not postbox.messages


def test_the_schedule_exists_where_somebody_wants_the_mail(postbox: Postbox) -> None:
    found = build_definitions(["musterkreis", "flensburg"])
    schedule = found.resolve_schedule_def("kurzimpuls_montags_musterkreis")
    assert schedule.cron_schedule == "30 7 * * 1" and schedule.default_status == DefaultScheduleStatus.RUNNING
    assert "kurzimpuls_montags_flensburg" not in {item.name for item in found.schedules or []}
