"""`lagebild kreuztabelle`: free cross tables for the statistics office, overlaid by the Cell-Key-Methode."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.common import InstanceName, fail, known_instance

app = typer.Typer()


@app.command("kreuztabelle")
def cross_table(
    instance: InstanceName,
    measure: Annotated[str, typer.Option("--messgroesse", help="Kennung der Messgröße, z. B. population.")],
    by: Annotated[
        str,
        typer.Option(
            "--nach", help="Merkmale, durch Semikolon getrennt, z. B. alter;geschlecht;nationalitaet."
        ),
    ],
    level: Annotated[str, typer.Option("--ebene", help="Gebietsebene, z. B. sozialraum.")],
    day: Annotated[
        str, typer.Option("--stichtag", help="Stichtag oder letzter Tag des Zeitraums, z. B. 31.12.2024.")
    ],
    output: Annotated[Path, typer.Option("--ausgabe", help="Neue Datei mit der Endung .xlsx.")],
) -> None:
    """Freie Kreuztabelle aus den geschützten Einzeldaten, mit der Cell-Key-Methode überlagert. Wird protokolliert."""
    import duckdb

    from disclosure.cell_key import ImpossibleParameters
    from orchestration.cross_table import journal, tabulate
    from orchestration.cross_table.request import Refused, request
    from orchestration.cross_table.workbook import warning, workbook
    from semantic_layer.catalogue.loader import load_catalogue

    chosen = known_instance(instance)
    period_end = _day(day)
    if output.suffix != ".xlsx":
        fail("Die Ausgabe ist eine Arbeitsmappe; bitte einen Namen mit der Endung .xlsx angeben.")
    if output.exists():
        fail("Am Ziel liegt bereits eine Datei; sie wird nicht überschrieben.")
    if not output.parent.is_dir():
        fail(f"Den Ordner {output.parent} gibt es nicht.")
    if not chosen.paths.warehouse.exists():
        fail(f"Für {chosen.config.title} ist noch nichts gerechnet (make refresh INSTANCE={instance}).")
    catalogue = load_catalogue()
    words = [word for word in by.split(";") if word.strip()]
    try:
        asked = request(chosen.config, catalogue, chosen.measures, chosen.rules, measure, words, level)
        table = tabulate.cross_table(chosen, catalogue, asked, period_end)
    except Refused as refusal:
        fail(str(refusal))
    except ImpossibleParameters as error:
        fail(
            f"Die Angaben unter »cell_key« in instance.yml widersprechen sich: Für die Fallzahl {error.count} gibt es "
            "keine unverzerrte Überlagerung. Eine größere Varianz oder kleinere Sperre wählen."
        )
    except duckdb.IOException:
        fail("Das Warehouse wird gerade neu gerechnet. Bitte später noch einmal versuchen.")
    before = journal.other_noise(chosen.paths.cell_key, table)
    # Noted first: a table nobody has noted must not exist.
    journal.note(chosen.paths.cell_key, table, output.name)
    output.write_bytes(workbook(table, chosen.config, datetime.now(UTC).date()))
    typer.echo(f"Geschrieben: {output} ({table.cells} Felder). {warning(asked.settings.max_deviation)}")
    if before:
        typer.echo(
            "Achtung: Von dieser Messgröße gibt es schon Tabellen mit anderen Parametern "
            f"({', '.join(before)}). Nebeneinander verraten sie mehr als jede für sich.",
            err=True,
        )


def _day(text: str) -> date:
    for form in ("%d.%m.%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            continue
    fail(f"»{text}« ist kein Tag. Erwartet wird zum Beispiel 31.12.2024.")
