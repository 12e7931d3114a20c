"""`lagebild originale …`: what an authorised operator may do with encrypted originals.

Belongs here: arguments and German output. Does not belong here: keys and encryption (`ingestion.anonymise`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.common import fail, known_instance

app = typer.Typer(no_args_is_help=True)
originals_app = typer.Typer(
    help="Verschlüsselte Originale personenbezogener Lieferungen.", no_args_is_help=True
)
app.add_typer(originals_app, name="originale")


@originals_app.callback()
def _group() -> None:
    """Verschlüsselte Originale personenbezogener Lieferungen."""


@originals_app.command("entschluesseln")
def decrypt(
    instance: Annotated[str, typer.Argument(help="Name der Instanz, z. B. musterkreis.")],
    delivery_id: Annotated[str, typer.Argument(help="Kennung der Lieferung, z. B. register-1a2b3c4d5e6f.")],
    target: Annotated[Path, typer.Argument(metavar="ZIEL", help="Neue Datei oder vorhandener Ordner.")],
) -> None:
    """Schreibt das Original einer Lieferung entschlüsselt nach ZIEL. Jeder Aufruf wird protokolliert."""
    import pyrage

    from ingestion.anonymise.originals import open_original

    chosen = known_instance(instance)
    try:
        written = open_original(chosen, delivery_id, target)
    except FileExistsError:
        fail("Am Ziel liegt bereits eine Datei; sie wird nicht überschrieben.")
    except FileNotFoundError:
        fail(f"Zur Lieferung »{delivery_id}« gibt es kein Original, oder der Ordner des Ziels fehlt.")
    except pyrage.DecryptError:
        fail(
            "Das Original lässt sich nicht entschlüsseln: Der Schlüssel passt nicht, oder die Datei ist beschädigt."
        )
    typer.echo(f"Geschrieben: {written}. Die Datei ist personenbezogen; bitte nach Gebrauch löschen.")
