"""`lagebild annehmen`: a file somebody brought goes into the inbox of its source and through the gate at once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.common import fail, known_instance

app = typer.Typer()


@app.command("annehmen")
def accept(
    instance: Annotated[str, typer.Argument(help="Name der Instanz, z. B. musterkreis.")],
    source: Annotated[str, typer.Argument(help="Kennung der Quelle, z. B. einwohnerregister.")],
    files: Annotated[list[Path], typer.Argument(help="Eine oder mehrere Dateien.")],
) -> None:
    """Nimmt Dateien von Hand an, prüft sie sofort und sagt, was daraus geworden ist."""
    from ingestion.connectors.failure import ConnectorFailure
    from ingestion.connectors.manual import hand_over, inbox_place
    from ingestion.landing.land import land_source
    from ingestion.landing.manifest import read_manifests
    from orchestration.exclusive import exclusive

    chosen = known_instance(instance)
    if source not in chosen.sources:
        fail(f"Unbekannte Quelle »{source}«. Vorhanden: {', '.join(chosen.sources)}.")
    config = chosen.sources[source]
    places = {}
    for file in files:
        if not file.is_file():
            fail(f"Die Datei {file} gibt es nicht. Es wurde nichts angenommen.")
        try:
            places[file] = inbox_place(chosen, config, file.name)
        except ConnectorFailure as error:
            fail(f"{error}\nEs wurde nichts angenommen.")
    if len(set(places.values())) < len(places):
        fail("Zwei der Dateien tragen denselben Namen. Es wurde nichts angenommen.")

    refused = False
    with exclusive(instance):
        if any(target.exists() for target in places.values()):
            # A file of the same name may wait there, not landed yet: it is taken in before it is replaced.
            land_source(chosen, config)
        known = {item.delivery_id for item in read_manifests(chosen, source)}
        # One after the other: of two files for one period the one named last counts.
        for file, target in places.items():
            sha256 = _sha256(file)
            hand_over(config, file, target)
            report = land_source(chosen, config)
            same = [item for item in read_manifests(chosen, source) if item.sha256 == sha256]
            # Content that was superseded and comes back is a further delivery: the last one is meant.
            outcome = max(same, key=lambda item: item.received_at, default=None)
            if outcome is None:
                typer.echo(
                    f"{file.name}: liegt im Posteingang und wird mit der nächsten Aktualisierung geprüft"
                )
            elif outcome.status == "quarantined":
                refused = True
                typer.echo(f"{file.name}: zurückgewiesen")
            elif outcome.delivery_id in known:
                typer.echo(f"{file.name}: bereits bekannt, es ändert sich nichts")
            else:
                rows = sum(outcome.rows.values())
                hints = outcome.warnings
                hint = f", {hints} Hinweis{'' if hints == 1 else 'e'}" if hints else ""
                typer.echo(f"{file.name}: übernommen, {rows} Zeilen{hint}")
            if outcome is not None and outcome.issues:
                zone = chosen.paths.landing if outcome.status == "landed" else chosen.paths.quarantine
                typer.echo(f"  Prüfbericht: {zone / source / outcome.delivery_id / 'pruefbericht.html'}")
            for line in report.connector_failures:
                typer.echo(f"  Abruf gescheitert: {line}")
    if refused:
        raise typer.Exit(1)
    typer.echo(f"In Kennzahlen und Dashboards kommt Neues mit: lagebild refresh {instance}")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
