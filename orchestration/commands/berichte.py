"""`lagebild bericht …`: reports of the current release, written into the published zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestration.commands.common import InstanceName, fail, known_instance

if TYPE_CHECKING:
    from reports.write import Order

app = typer.Typer(
    no_args_is_help=True, help="Berichte zur aktuellen Veröffentlichung: Dossier, Profile, Folien."
)

Year = Annotated[int | None, typer.Option("--jahr", help="Nur Zahlen bis zu diesem Jahr; ohne Angabe alle.")]
Output = Annotated[
    Literal["pdf", "html", "beides"], typer.Option("--ausgabe", help="In welcher Form der Bericht entsteht.")
]


@app.command("dossier")
def dossier(instance: InstanceName, year: Year = None, output: Output = "beides") -> None:
    """Schreibt das Planungsdossier »Fokus <Jahr>«."""
    from reports.write import write_dossier

    with _reporting():
        _done(write_dossier(_order(instance, year, output)))


@app.command("profil")
def profile(
    instance: InstanceName,
    area: Annotated[str, typer.Option("--gebiet", help="Name oder Schlüssel des Gebiets.")] = "",
    all_areas: Annotated[bool, typer.Option("--alle", help="Alle Gebiete der Ebene.")] = False,
    level: Annotated[str, typer.Option("--ebene", help="Gebietsebene; ohne Angabe die kleinste.")] = "",
    year: Year = None,
    output: Output = "beides",
) -> None:
    """Schreibt das Sozialraumprofil eines Gebiets oder aller Gebiete einer Ebene."""
    from reports.write import write_profiles

    if bool(area) == all_areas:
        fail("Bitte ein Gebiet nennen (--gebiet) oder alle wählen (--alle).")
    begin = time.monotonic()
    with _reporting():
        written = write_profiles(_order(instance, year, output), area, level, tick=_tick)
    if len(written) <= 2:
        _done(written)
        return
    typer.echo(f"{len(written)} Dateien in {written[0].parent} ({time.monotonic() - begin:.0f} s)")


@app.command("kurzimpuls")
def impulse(
    instance: InstanceName,
    indicator: Annotated[
        str, typer.Option("--kennzahl", help="Kennung einer Kennzahl; ohne Angabe die des Monats.")
    ] = "",
    year: Year = None,
    output: Output = "beides",
) -> None:
    """Schreibt den Kurzimpuls: eine Seite zu einer Kennzahl."""
    from reports.write import write_impulse

    with _reporting():
        _done(write_impulse(_order(instance, year, output), indicator))


@app.command("umsetzung")
def implementation(instance: InstanceName, output: Output = "beides") -> None:
    """Schreibt den Umsetzungsbericht zu den Handlungsempfehlungen."""
    from reports.write import write_implementation

    with _reporting():
        _done(write_implementation(_order(instance, None, output)))


@app.command("newsletter")
def newsletter(instance: InstanceName, year: Year = None) -> None:
    """Schreibt den Text des Newsletters: Markdown, reiner Text und E-Mail (HTML)."""
    from reports.write import write_newsletter

    with _reporting():
        _done(write_newsletter(_order(instance, year, "beides")))


@app.command("folien")
def slides(
    instance: InstanceName,
    theme: Annotated[
        str, typer.Option("--thema", help="Kennung des Handlungsfelds, z. B. existenzsicherung.")
    ],
    year: Year = None,
) -> None:
    """Schreibt ein Handlungsfeld als PowerPoint-Datei mit bearbeitbaren Diagrammen."""
    from reports.write import write_slides

    with _reporting():
        _done(write_slides(_order(instance, year, "beides"), theme))


@app.command("senden")
def send(
    instance: InstanceName,
    to: Annotated[
        list[str] | None,
        typer.Option("--an", help="Adresse; mehrfach möglich. Ohne Angabe die der Instanz (weekly_mail)."),
    ] = None,
) -> None:
    """Sendet den Kurzimpuls mit dem Newsletter als Text per E-Mail."""
    from ingestion.landing.mail import MailError, mail_settings
    from orchestration.weekly_mail import send_impulse

    chosen = known_instance(instance)
    recipients = tuple(to or chosen.config.weekly_mail)
    if not recipients:
        fail("Es ist keine Adresse genannt: --an verwenden oder weekly_mail in instance.yml eintragen.")
    try:
        settings = mail_settings()
        if settings is None:
            fail("Es ist kein Mailserver eingerichtet (LAGEBILD_SMTP_HOST).")
        with _reporting():
            refused = send_impulse(chosen, recipients, settings)
    except MailError as error:
        fail(str(error))
    if refused:
        fail(f"Vom Mailserver nicht angenommen: {', '.join(refused)}.")
    typer.echo(f"Gesendet an {len(recipients)} {'Adresse' if len(recipients) == 1 else 'Adressen'}.")


def _order(name: str, year: int | None, output: str) -> Order:
    from reports.write import FORMS, Order

    known_instance(name)
    forms = tuple(form for form in FORMS if output in (form, "beides"))
    return Order(name, date.today(), year, forms)  # noqa: DTZ011 - the day of printing is a local day


def _tick(done: int, of: int) -> None:
    if of > 1 and (done % 10 == 0 or done == of):
        typer.echo(f"  {done} von {of}")


@contextmanager
def _reporting() -> Iterator[None]:
    from reports.release import NothingReleased

    try:
        yield
    except NothingReleased as nothing:
        fail(str(nothing))


def _done(written: list[Path]) -> None:
    for path in written:
        typer.echo(str(path))
