"""`lagebild api …`: the HTTP interface and its keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from orchestration.commands.common import fail

app = typer.Typer(help="Schnittstelle für Abfragen aus anderen Programmen.", no_args_is_help=True)
key_app = typer.Typer(help="Schlüssel der Schnittstelle.", no_args_is_help=True)
app.add_typer(key_app, name="schluessel")


@app.command("starten")
def serve(
    port: Annotated[int | None, typer.Option(help="Anschluss; ohne Angabe der übliche.")] = None,
) -> None:
    """Startet die Schnittstelle im Vordergrund (»make up« startet sie im Hintergrund)."""
    import uvicorn

    from orchestration.services import HOST, api_port

    uvicorn.run(
        "semantic_layer.api.app:create_app",
        factory=True,
        host=HOST,
        port=port or api_port(),
        access_log=False,  # the application logs without questions and addresses
        server_header=False,
    )


@key_app.command("anlegen")
def create(
    label: Annotated[str, typer.Argument(help="Wofür der Schlüssel ist, z. B. »Fachverfahren Jugend«.")],
    role: Annotated[str, typer.Option("--rolle")] = "fachdienst",
    kommune: Annotated[str, typer.Option(help="Gebietsschlüssel, nur für die Rolle kommune.")] = "",
    expires: Annotated[
        datetime | None, typer.Option("--bis", formats=["%Y-%m-%d"], help="letzter Tag")
    ] = None,
) -> None:
    """Legt einen Schlüssel an und zeigt ihn einmal."""
    from typing import cast, get_args

    from semantic_layer.api.keys import Role, create_key

    if role not in get_args(Role):
        fail(f"Die Rolle »{role}« gibt es nicht. Es gibt: {', '.join(get_args(Role))}.")
    try:
        text, entry = create_key(label, cast(Role, role), kommune, expires.date() if expires else None)
    except ValueError as error:
        fail(str(error))
    typer.echo(f"Schlüssel {entry.id} ({entry.role}): {text}")
    typer.echo("Er wird nur jetzt gezeigt und nirgends im Klartext gespeichert.")


@key_app.command("liste")
def show() -> None:
    """Zeigt alle Schlüssel ohne ihren Text."""
    from semantic_layer.api.keys import load_keys

    for key in load_keys():
        end = f", bis {key.expires_on:%d.%m.%Y}" if key.expires_on else ""
        gone = f", gesperrt am {key.withdrawn_on:%d.%m.%Y}" if key.withdrawn_on else ""
        place = f" {key.kommune}" if key.kommune else ""
        typer.echo(f"{key.id}  {key.role}{place}  {key.label} (seit {key.created_on:%d.%m.%Y}{end}{gone})")


@key_app.command("sperren")
def withdraw(identifier: Annotated[str, typer.Argument(help="Kennung aus der Liste.")]) -> None:
    """Sperrt einen Schlüssel ab sofort."""
    from semantic_layer.api.keys import withdraw_key

    try:
        withdraw_key(identifier)
    except KeyError:
        fail(f"Einen Schlüssel »{identifier}« gibt es nicht.")
    typer.echo(f"Schlüssel {identifier} gesperrt.")
