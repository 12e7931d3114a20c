"""`lagebild szenario rechnen`: a planner's scenario from the current release, without a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.common import InstanceName, fail, known_instance

app = typer.Typer(help="Eigene Annahmen zur Bevölkerung durchrechnen.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Eigene Annahmen zur Bevölkerung durchrechnen."""


@app.command("rechnen")
def compute(
    instance: InstanceName,
    file: Annotated[Path, typer.Option("--datei", help="Szenario als YAML-Datei, siehe docs/forecasts.md.")],
    output: Annotated[
        Path | None, typer.Option("--ausgabe", help="Neue Datei mit der Endung .csv oder .xlsx.")
    ] = None,
) -> None:
    """Rechnet ein Szenario aus der aktuellen Veröffentlichung und vergleicht es mit dem mittleren Szenario."""
    import yaml
    from pydantic import ValidationError

    from lagebild.forecasting import read_scenario
    from orchestration import scenario as scenarios

    chosen = known_instance(instance)
    if not file.is_file():
        fail(f"Die Datei {file} gibt es nicht.")
    if output is not None:
        if output.suffix not in (".csv", ".xlsx"):
            fail("Bitte für die Ausgabe einen Namen mit der Endung .csv oder .xlsx angeben.")
        if output.exists():
            fail("Am Ziel liegt bereits eine Datei; sie wird nicht überschrieben.")
        if not output.parent.is_dir():
            fail(f"Den Ordner {output.parent} gibt es nicht.")
    try:
        scenario = read_scenario(file)
    except yaml.YAMLError:
        fail(f"{file.name} ist keine lesbare YAML-Datei.")
    except ValidationError as error:
        fields = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" for detail in error.errors()
        )
        fail(f"{file.name} ist nicht vollständig oder nicht stimmig: {fields}")
    try:
        result = scenarios.compute(chosen, scenario)
    except scenarios.ScenarioRefused as refusal:
        fail(str(refusal))
    typer.echo(result.text)
    if output is not None:
        scenarios.write(result, output)
        typer.echo(f"Geschrieben: {output} ({len(result.population)} Zeilen zur Bevölkerung).")
