"""`lagebild pruefseiten` and `lagebild datenbogen`: what the gate judged, and the forms that come back to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.common import InstanceName, fail, known_instance

app = typer.Typer(no_args_is_help=True)


@app.command("pruefseiten")
def check_pages(
    instance: InstanceName,
    everything: Annotated[
        bool, typer.Option("--alle", help="Alle Lieferungen, nicht nur die zuletzt geprüften.")
    ] = False,
) -> None:
    """Schreibt die Prüfseiten (Data Docs) der zuletzt geprüften Lieferungen."""
    from ingestion.landing.check_pages import build_pages

    index = build_pages(known_instance(instance), everything)
    if index is None:
        fail("Es ist noch keine Lieferung geprüft worden.")
    typer.echo(f"Prüfseiten geschrieben: {index}")


@app.command("datenbogen")
def form(
    instance: InstanceName,
    source: Annotated[str, typer.Argument(help="Quelle, die mit einem Datenbogen erhoben wird.")],
    kommune: Annotated[str, typer.Option("--kommune", help="Schlüssel der Kommune; ohne Angabe alle.")] = "",
    year: Annotated[
        int, typer.Option("--jahr", help="Berichtsjahr; ohne Angabe das vergangene.", min=0, max=2999)
    ] = 0,
    folder: Annotated[
        Path | None,
        typer.Option("--ordner", help="Wohin geschrieben wird; ohne Angabe in die geschützte Zone."),
    ] = None,
) -> None:
    """Schreibt Excel-Datenbögen für Kommunen und Träger ohne eigenen Export."""
    from ingestion.datenbogen.landed import NoForm, write_forms
    from ingestion.landing.deliveries import today

    chosen = known_instance(instance)
    if source not in chosen.sources:
        fail(f"Unbekannte Quelle »{source}«. Vorhanden: {', '.join(chosen.sources)}.")
    config = chosen.sources[source]
    if kommune and config.coverage and kommune not in config.coverage:
        fail(f"»{kommune}« liefert diese Quelle nicht. Vorhanden: {', '.join(config.coverage)}.")
    kommunen = [kommune] if kommune else list(config.coverage)
    if not kommunen:
        fail("Bitte mit --kommune angeben, für wen der Datenbogen ist.")
    target = folder or chosen.paths.protected / "datenbogen" / source
    try:
        written = write_forms(chosen, config, kommunen, year or today().year - 1, target)
    except NoForm as reason:
        fail(str(reason))
    for path in written:
        typer.echo(str(path))
    typer.echo(
        f"{len(written)} Datenbogen geschrieben."
        if len(written) == 1
        else f"{len(written)} Datenbögen geschrieben."
    )
