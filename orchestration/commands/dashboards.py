"""`lagebild dashboard`: a dashboard of the running installation on paper or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.common import fail

app = typer.Typer(help="Dashboards drucken.", no_args_is_help=True)


@app.callback()
def dashboards() -> None:
    """Dashboards drucken."""


@app.command("drucken")
def print_dashboard(
    address: Annotated[
        str, typer.Argument(help="Letzter Teil der Adresse des Dashboards, z. B. lage-musterkreis.")
    ],
    output: Annotated[Path, typer.Option("--ausgabe", help="Neue Datei mit der Endung .pdf oder .png.")],
    user: Annotated[
        str, typer.Option("--als", help="Anmeldename, dessen Sicht gedruckt wird (siehe lagebild logins).")
    ] = "fuehrung",
    width: Annotated[
        int, typer.Option("--breite", min=320, max=3840, help="Breite in Bildpunkten; 390 wie ein Telefon.")
    ] = 1440,
) -> None:
    """Druckt ein Dashboard der laufenden Einrichtung als PDF (eine lange Seite, Text durchsuchbar) oder als Bild."""
    from playwright.sync_api import Error

    from orchestration.services import superset_url
    from superset_assets.roles import logins_file, read_logins
    from superset_assets.screenshots import CHROMIUM, print_page
    from superset_assets.server import health

    if output.suffix not in {".pdf", ".png"}:
        fail("Gedruckt wird als PDF oder PNG; bitte einen Namen mit der Endung .pdf oder .png angeben.")
    if not output.parent.is_dir():
        fail(f"Den Ordner {output.parent} gibt es nicht.")
    if not Path(CHROMIUM).exists():
        fail("Zum Drucken fehlt der Browser Chromium (Debian/Ubuntu: apt-get install chromium).")
    if not health(superset_url()):
        fail("Die Dashboards laufen nicht. Sie starten mit »make up«.")
    logins = read_logins() if logins_file().exists() else {}
    if user not in logins:
        fail(f"Den Zugang »{user}« gibt es nicht. Vorhanden: {', '.join(logins)}.")
    try:
        printed = print_page(superset_url(), logins[user], address, output, width)
    except Error as error:
        fail(f"Das Dashboard »{address}« ließ sich nicht öffnen: {error.message.splitlines()[0]}")
    if printed.errors:
        fail(
            f"Gedruckt, aber {len(printed.errors)} Diagramme zeigen einen Fehler: {'; '.join(printed.errors)}"
        )
    typer.echo(f"Geschrieben: {output} ({printed.charts} Kacheln)")
