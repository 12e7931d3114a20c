"""`lagebild katalog …`: the catalogue checked, carried forward and written out for its readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.common import InstanceName, fail, known_instance

app = typer.Typer(help="Kennzahlenkatalog und was aus ihm entsteht.", no_args_is_help=True)

Target = Annotated[Path, typer.Argument(help="Wohin geschrieben wird.")]


@app.command("pruefen")
def check_catalogue() -> None:
    """Prüft Kennzahlenkatalog und Instanzen auf Widersprüche."""
    from semantic_layer.catalogue.check import check

    problems = check()
    for problem in problems:
        typer.echo(f"- {problem}")
    if problems:
        fail(f"{len(problems)} Beanstandung(en).")
    typer.echo("Der Kennzahlenkatalog ist in Ordnung.")


@app.command("fortschreiben")
def advance_history() -> None:
    """Trägt neue und geänderte Kennzahlen und Indizes in die Änderungsverzeichnisse ein."""
    from datetime import date

    from lagebild.instance import Instance, list_instances
    from semantic_layer.catalogue.history import CHANGES_FILE, advance, load_changes, save_changes
    from semantic_layer.catalogue.index_history import advance_indices, changes_file, definitions_of
    from semantic_layer.catalogue.loader import load_catalogue

    today = date.today()  # noqa: DTZ011 - the log speaks of local days
    instances = [Instance(name) for name in list_instances()]
    try:
        logs = {CHANGES_FILE: advance(load_catalogue(), load_changes(), today)}
        for instance in instances:
            file = changes_file(instance)
            logs[file] = advance_indices(definitions_of(instance), load_changes(file), today)
    except ValueError as error:
        fail(str(error))
    found = False
    # Nothing is written before every log could be carried on.
    for file, after in logs.items():
        new = after[len(load_changes(file)) :]
        if new:
            save_changes(after, file)
        for change in new:
            found = True
            typer.echo(f"{change.indicator}, Fassung {change.version}: {change.kind} – {change.note}")
    if not found:
        typer.echo("Es gibt nichts Neues einzutragen.")


@app.command("handbuch")
def write_handbook(
    instance: InstanceName,
    target: Annotated[Path, typer.Argument(help="Datei mit der Endung .pdf oder .html.")],
) -> None:
    """Schreibt das Datenkonzept: ein Steckbrief je Kennzahl, Quellen, Lieferkalender, Glossar."""
    from semantic_layer.export.handbook import handbook, render_html, render_pdf

    content = handbook(known_instance(instance))
    if target.suffix == ".pdf":
        target.write_bytes(render_pdf(content))
    elif target.suffix == ".html":
        target.write_text(render_html(content), encoding="utf-8")
    else:
        fail("Die Zieldatei braucht die Endung .pdf oder .html.")
    typer.echo(f"Datenkonzept geschrieben: {target}")


@app.command("osi")
def write_osi(instance: InstanceName, target: Target) -> None:
    """Schreibt die Kennzahlen als semantisches Modell (Open Semantic Interchange)."""
    from semantic_layer.export.osi import osi_yaml

    target.write_text(osi_yaml(known_instance(instance)), encoding="utf-8")
    typer.echo(f"Semantisches Modell geschrieben: {target}")


@app.command("dbt-semantik")
def write_semantic_project(instance: InstanceName, target: Target) -> None:
    """Schreibt die Kennzahlen als Projekt für dbt und MetricFlow in einen Ordner."""
    from semantic_layer.export.semantic_models import semantic_project

    files = semantic_project(known_instance(instance))
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    typer.echo(f"{len(files)} Dateien geschrieben: {target}")


@app.command("offene-daten")
def write_open_data_package(instance: InstanceName, target: Target) -> None:
    """Schreibt das Paket offener Daten der aktuellen Veröffentlichung als ZIP-Datei in einen Ordner."""
    from semantic_layer.export.open_data import write_open_data

    found = known_instance(instance)
    release = found.paths.current_release
    if not release.exists():
        fail("Es gibt noch keine Veröffentlichung. Sie entsteht mit »make refresh«.")
    try:
        written = write_open_data(found, release, target)
    except ValueError as error:
        fail(str(error))
    typer.echo(f"Offene Daten geschrieben: {written}")
