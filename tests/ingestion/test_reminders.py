"""Reminders: who gets which letter, and that it arrives through a real SMTP server."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ingestion.landing.calendar import delivery_calendar
from ingestion.landing.mail import (
    MailError,
    MailSettings,
    ledger_path,
    mail_settings,
    not_sent_lately,
    send_reminders,
)
from ingestion.landing.manifest import Manifest
from ingestion.landing.reminders import Item, Reminder, open_items, write_reminders
from lagebild.instance import Instance, SourceConfig
from tests.ingestion.agreements import QUARTER, delivery, source
from tests.ports import free_port

DAY = date(2024, 6, 1)
NOW = datetime(2024, 6, 1, 8, tzinfo=UTC)
CANARY = "Kanarienvogel4711"
OFFICES = {
    "K": {"name": "Kreisjugendamt", "email": "kreis@uebersee.example"},
    "A": {"name": "Jugendamt Großstädten", "email": "a@uebersee.example"},
    "B": {"name": "Jugendamt Ölbach", "email": "b@uebersee.example"},
}


def hze(**changes: Any) -> SourceConfig:
    expected = {"period": "jahr", "first_period": "2023-12-31", "due": QUARTER}
    fields = {
        "label": "Hilfen für Familien",
        "coverage": tuple(OFFICES),
        "supply": {"expected": expected, "suppliers": OFFICES},
    }
    return source(**(fields | changes))


def kita() -> SourceConfig:
    """Delivered by office A too, due in a few days."""
    expected = {
        "period": "stichtag",
        "days": ["03-01"],
        "first_period": "2024-03-01",
        "due": {"months": 3, "day": 10},
    }
    return source(
        "kita", label="Kindertagesbetreuung", contact="a@uebersee.example", supply={"expected": expected}
    )


def letters(sources: list[SourceConfig], *manifests: Manifest) -> tuple[list[Reminder], list[Item]]:
    by_id = {item.id: item for item in sources}
    rows = delivery_calendar(by_id, manifests, DAY)
    items = open_items(by_id, rows, manifests, DAY)
    return write_reminders("Kreis Übersee", "planung@uebersee.example", items, DAY)


def from_office(code: str, **changes: Any) -> Manifest:
    return delivery(f"d{code}", date(2024, 3, 1), kommune_code=code, **changes)


def test_one_letter_per_supplier_and_none_for_who_is_on_time() -> None:
    found, unreachable = letters([hze(), kita()], from_office("K"))
    assert {item.email for item in found} == {"a@uebersee.example", "b@uebersee.example"}
    assert unreachable == []
    a = next(item for item in found if item.email.startswith("a@"))
    assert a.subject == "Kreis Übersee: 2 Datenlieferungen ausstehend"
    for text in (
        "Hilfen für Familien, 2023",
        "fällig war der 31.03.2024 (vor 62 Tagen)",
        "Kindertagesbetreuung, 01.03.2024",
        "fällig am 10.06.2024",
        "§ 98 SGB VIII",
        "planung@uebersee.example",
        "01.06.2024",
    ):
        assert text in a.body
    assert a.body.index("Überfällig") < a.body.index("Demnächst fällig")
    b = next(item for item in found if item.email.startswith("b@"))
    assert "Kindertagesbetreuung" not in b.body
    assert max(len(line) for item in found for line in item.body.split("\n")) <= 78


def test_kommunen_of_one_address_are_told_in_one_breath() -> None:
    shared = {
        "expected": hze().supply.expected,
        "suppliers": {"*": {"name": "Amt", "email": "amt@x.example"}},
    }
    (letter,) = letters([hze(supply=shared)], from_office("K"))[0]
    assert letter.body.count("Hilfen für Familien") == 1
    assert "Kommunen: A, B" in letter.body
    assert "2 Datenlieferungen" in letter.subject
    assert letter.names == ("Amt",)


def test_nothing_outstanding_no_letter() -> None:
    found, unreachable = letters([hze()], *(from_office(code) for code in OFFICES))
    assert (found, unreachable) == ([], [])


def test_far_deadlines_are_not_announced() -> None:
    configured = source(
        supply={"expected": {"period": "jahr", "first_period": "2023-12-31", "due": {"months": 12}}}
    )
    assert letters([configured]) == ([], [])


def test_a_supplier_without_an_address_is_named_to_the_planner() -> None:
    configured = source(contact="Amt für Statistik")
    found, unreachable = letters([configured], delivery("a", date(2023, 3, 1), end=date(2022, 12, 31)))
    assert found == []
    assert [(item.kind, item.row.period_label) for item in unreachable] == [("overdue", "2023")]


def refusal(**changes: Any) -> Manifest:
    issue = {
        "severity": "refusal",
        "rule": "Zeile unvollständig",
        "message": "Zeile bricht ab",
        "value": CANARY,
    }
    return from_office("A", status="quarantined", issues=(issue, issue), file_name=f"{CANARY}.csv", **changes)


def test_a_refused_delivery_is_explained_without_a_value_or_a_personal_file_name() -> None:
    (letter,) = letters([hze(personal=True)], refusal(), from_office("K"), from_office("B"))[0]
    assert "Zeile unvollständig (2-mal)" in letter.body
    assert "Lieferung vom 01.03.2024" in letter.body
    assert CANARY not in letter.body
    assert letter.attachments == ()
    (open_letter,) = letters([hze()], refusal(), from_office("K"), from_office("B"))[0]
    assert open_letter.attachments == ("dA",)


def test_a_refused_file_without_a_period_is_outstanding_until_something_good_comes() -> None:
    nameless = {"end": None}
    bad = delivery("bad", date(2024, 5, 1), status="quarantined", **nameless)
    rest = [from_office(code) for code in OFFICES]
    assert [item.keys for item in letters([hze(supply={"expected": hze().supply.expected})], bad, *rest)[0]]
    mended = delivery("good", date(2024, 5, 3), end=date(2022, 12, 31), kommune_code="A")
    assert letters([hze()], bad, *rest, mended)[0] == []


# --- sending


class Postbox:
    """What the server has taken; refuses one address as a mail server would."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refused = "unbekannt@uebersee.example"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    return Instance("probe", tmp_path / "instance")


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def plain(postbox: Postbox) -> Iterator[MailSettings]:
    server = Controller(postbox, hostname="127.0.0.1", port=free_port())
    server.start()
    yield MailSettings("127.0.0.1", server.port, "none", "", "planung@uebersee.example")
    server.stop()


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_letters_arrive_with_umlauts_and_are_not_sent_twice(
    instance: Instance, postbox: Postbox, plain: MailSettings
) -> None:
    found, _ = letters([hze(), kita()], from_office("K"))
    outcome = send_reminders(instance, not_sent_lately(found, ledger_path(instance), NOW), plain, NOW)
    assert [item.error for item in outcome] == ["", ""]
    assert postbox.recipients == [["a@uebersee.example"], ["b@uebersee.example"]]
    first = postbox.messages[0]
    assert first["Subject"] == "Kreis Übersee: 2 Datenlieferungen ausstehend"
    assert first["Auto-Submitted"] == "auto-generated"
    assert text_of(first).replace("\r\n", "\n") == found[0].body
    assert "Jugendamt Großstädten" in text_of(first) and "Überfällig" in text_of(first)
    assert not_sent_lately(found, ledger_path(instance), NOW + timedelta(days=13)) == []
    assert not_sent_lately(found, ledger_path(instance), NOW + timedelta(days=15)) == found
    # Something new is told at once: what was due soon is overdue now.
    later = DAY + timedelta(days=10)
    by_id = {"kita": kita()}
    rows = delivery_calendar(by_id, [], later)
    news, _ = write_reminders("Kreis", "p@x.example", open_items(by_id, rows, [], later), later)
    assert not_sent_lately(news, ledger_path(instance), NOW + timedelta(days=10)) == news
    assert ledger_path(instance).stat().st_mode & 0o777 == 0o600


def test_the_pruefbericht_goes_with_the_letter(
    instance: Instance, postbox: Postbox, plain: MailSettings
) -> None:
    folder = instance.paths.quarantine / "hze" / "dA"
    folder.mkdir(parents=True)
    (folder / "pruefbericht.html").write_text("<h1>Prüfbericht für Übersee</h1>", encoding="utf-8")
    found, _ = letters([hze()], refusal(), from_office("K"), from_office("B"))
    send_reminders(instance, found, plain, NOW)
    (attached,) = postbox.messages[0].iter_attachments()
    assert attached.get_filename() == "Pruefbericht_dA.html"
    assert "Prüfbericht für Übersee" in str(attached.get_content())


def test_one_refused_address_does_not_stop_the_others(
    instance: Instance, postbox: Postbox, plain: MailSettings
) -> None:
    wrong = Reminder(postbox.refused, ("Amt",), "Betreff", "Text\n", ("x",))
    right = Reminder("b@uebersee.example", ("Amt",), "Betreff", "Text\n", ("y",))
    outcome = send_reminders(instance, [wrong, right], plain, NOW)
    assert [bool(item.error) for item in outcome] == [True, False]
    # The refused one is tried again next time.
    assert not_sent_lately([wrong, right], ledger_path(instance), NOW) == [wrong]


def test_a_server_that_is_not_there_is_said_in_german(instance: Instance) -> None:
    settings = MailSettings("127.0.0.1", 9, "none", "", "planung@uebersee.example")
    with pytest.raises(MailError, match="nicht erreichbar"):
        send_reminders(instance, [Reminder("b@x.example", (), "s", "t", ("k",))], settings, NOW)
    assert not ledger_path(instance).exists()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


@pytest.fixture
def encrypted(postbox: Postbox, certificate: tuple[Path, Path]) -> Iterator[MailSettings]:
    """Takes mail after STARTTLS and a login only."""

    def authenticate(
        _server: object, _session: object, _envelope: object, _how: str, data: object
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == b"Geheim-1"
        return AuthResult(success=right, handled=False)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    server = Controller(
        postbox,
        hostname="localhost",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
    )
    server.start()
    yield MailSettings("localhost", server.port, "starttls", "planung", "planung@uebersee.example")
    server.stop()


def test_starttls_with_login(
    instance: Instance,
    postbox: Postbox,
    encrypted: MailSettings,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letter = Reminder("b@uebersee.example", ("Amt",), "Größe", "Grüße\n", ("y",))
    with pytest.raises(MailError, match="SSLCertVerificationError"):
        send_reminders(instance, [letter], encrypted, NOW)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with pytest.raises(MailError, match="nicht hinterlegt"):
        send_reminders(instance, [letter], encrypted, NOW)
    monkeypatch.setenv("LAGEBILD_SECRET_SMTP_PASSWORD", "falsch")
    with pytest.raises(MailError, match="Kennwort nicht an"):
        send_reminders(instance, [letter], encrypted, NOW)
    monkeypatch.setenv("LAGEBILD_SECRET_SMTP_PASSWORD", "Geheim-ß")
    with pytest.raises(MailError, match="Zeichen"):
        send_reminders(instance, [letter], encrypted, NOW)
    assert postbox.messages == []
    monkeypatch.setenv("LAGEBILD_SECRET_SMTP_PASSWORD", "Geheim-1")
    send_reminders(instance, [letter], encrypted, NOW)
    assert [message["Subject"] for message in postbox.messages] == ["Größe"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"LAGEBILD_SMTP_SECURITY": "ssl"}, "SECURITY"),
        ({"LAGEBILD_SMTP_SECURITY": "none"}, "Unverschlüsselt"),
        ({"LAGEBILD_MAIL_FROM": ""}, "MAIL_FROM"),
        ({"LAGEBILD_SMTP_PORT": "smtp"}, "PORT"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes: dict[str, str], complaint: str) -> None:
    good = {"LAGEBILD_SMTP_HOST": "mail.uebersee.example", "LAGEBILD_MAIL_FROM": "planung@uebersee.example"}
    assert mail_settings({}) is None
    settings = mail_settings(good)
    assert settings is not None and (settings.port, settings.security) == (587, "starttls")
    with pytest.raises(MailError, match=complaint):
        mail_settings(good | changes)
