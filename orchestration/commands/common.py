"""What all subcommands share: how they fail and how they find their instance."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from lagebild.instance import Instance, list_instances

InstanceName = Annotated[str, typer.Argument(help="Name der Instanz, z. B. musterkreis.")]


def fail(message: str) -> NoReturn:
    """Ends the command with one German line on stderr and exit code 1."""
    typer.echo(message, err=True)
    sys.stdout.flush()
    raise typer.Exit(1)


def known_instance(name: str) -> Instance:
    """The instance of that name; an unknown one ends the command with the names there are."""
    if name not in list_instances():
        fail(f"Unbekannte Instanz »{name}«. Vorhanden: {', '.join(list_instances())}.")
    return Instance(name)
