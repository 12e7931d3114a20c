"""The command line `lagebild`: what stands behind the Makefile.

Belongs here: arguments, order of the steps of `up`, German text. Does not belong here: anything that works.
"""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from lagebild.instance import Instance, list_instances
from lagebild.paths import PROJECT_ROOT, InstancePaths, var_dir
from orchestration.commands import (
    annehmen,
    api,
    berichte,
    catalogue,
    dashboards,
    deliveries,
    geheimhaltung,
    kreuztabelle,
    originals,
    pruefseiten,
    query,
    szenario,
)
from orchestration.commands.common import fail, known_instance

DEFAULT_INSTANCE = "musterkreis"
EXECUTIVE_ROLE = "Führungskraft"

app = typer.Typer(
    help="Lagebild: Datenhaus der integrierten Sozialplanung.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(catalogue.app, name="katalog")
app.add_typer(query.app)
app.add_typer(api.app, name="api")
app.add_typer(deliveries.app)
app.add_typer(annehmen.app)
app.add_typer(pruefseiten.app)
app.add_typer(originals.app)
app.add_typer(kreuztabelle.app)
app.add_typer(geheimhaltung.app, name="geheimhaltung")
app.add_typer(szenario.app, name="szenario")
app.add_typer(berichte.app, name="bericht")
app.add_typer(dashboards.app, name="dashboard")


@app.command()
def up() -> None:
    """Richtet alles ein, rechnet den Musterkreis und startet Dashboards und Zeitplan."""
    from orchestration import services
    from orchestration.progress import Progress
    from orchestration.publish import current_release

    begin = time.monotonic()
    _private_var()
    with _user_errors():
        wanted = services.all_services()
        services.check_startable(wanted)
    _run_refresh(DEFAULT_INSTANCE)
    with _user_errors():
        released = [name for name in list_instances() if current_release(InstancePaths(name).published)]
        progress = Progress(len(wanted) + 2)
        with progress.step("Dashboards abgleichen") as step:
            shown, outdated = _sync_each(released, step.tick)
            older = f"; erst nach »make refresh INSTANCE=…«: {', '.join(outdated)}" if outdated else ""
            step.result(", ".join(shown) + older)
        # All are started before the first is waited for: they come up side by side.
        started = {service.name: services.start(service) for service in wanted}
        for service in wanted:
            with progress.step(service.label) as step:
                services.wait_until_ready(service, step.tick)
                step.result("gestartet" if started[service.name] else "lief bereits")
        with progress.step("Auf das Führungs-Dashboard warten") as step:
            step.result(_wait_for_dashboard(DEFAULT_INSTANCE, step.tick))
    typer.echo(f"\nBereit nach {time.monotonic() - begin:.0f} s.\n")
    _print_where_to_look()


@app.command()
def down() -> None:
    """Hält an, was »lagebild up« gestartet hat, und sonst nichts."""
    from orchestration import services

    names = services.service_names()
    stopped = [name for name in names if services.stop(name)]
    typer.echo(f"Angehalten: {', '.join(stopped)}." if stopped else "Es lief nichts.")


@app.command()
def status() -> None:
    """Zeigt, was läuft, welche Veröffentlichung aktuell ist und wie alt jede Quelle ist."""
    from orchestration import services
    from orchestration.status import all_status

    typer.echo("Dienste")
    for name in ("superset", "dagster-webserver", "dagster-daemon", "api"):
        running = services.find(name)
        where = f" auf Port {running.port}" if running and running.port else ""
        typer.echo(
            f"  {name:<20} {f'läuft{where} (Prozess {running.process.pid})' if running else 'läuft nicht'}"
        )
    for item in all_status():
        typer.echo(f"\n{item.title} ({item.name})")
        live = f"{item.release_id}, veröffentlicht am {item.released_at}" if item.release_id else "keine"
        typer.echo(f"  Aktuelle Veröffentlichung: {live}")
        width = max((len(source.label) for source in item.sources), default=0)
        for source in item.sources:
            days = source.age_days()
            age = (
                "noch nie geliefert"
                if days is None
                else f"geliefert vor {days} Tagen"
                if days
                else "heute geliefert"
            )
            age = "geliefert vor 1 Tag" if days == 1 else age
            fault = f", {source.quarantined} zurückgewiesen" if source.quarantined else ""
            typer.echo(f"  {source.label:<{width}}  Stand {source.last_period:<10}  {age}{fault}")


@app.command()
def refresh(
    instance: Annotated[str, typer.Argument(help="Name der Instanz, z. B. musterkreis oder berlin.")],
) -> None:
    """Nimmt neue Lieferungen an, rechnet und veröffentlicht. Ohne Neues geschieht nichts."""
    known_instance(instance)
    _private_var()
    _run_refresh(instance)


@app.command()
def logins() -> None:
    """Zeigt die Zugänge der Rollen zu den Dashboards."""
    from orchestration.services import superset_url
    from superset_assets.roles import logins_file, read_logins

    if not logins_file().exists():
        fail("Es gibt noch keine Zugänge. Sie entstehen beim ersten »make up«.")
    typer.echo(f"Zugänge zu {superset_url()} (die Kennwörter sind für diese Einrichtung erzeugt):")
    known = list(read_logins().values())
    role, user = max(len(item.role) for item in known), max(len(item.user) for item in known)
    typer.echo(f"  {'Rolle':<{role}} {'Anmeldename':<{user}} Kennwort")
    for login in known:
        typer.echo(f"  {login.role:<{role}} {login.user:<{user}} {login.password}")


@app.command()
def version() -> None:
    """Zeigt die Version."""
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    typer.echo(f"Lagebild {project['version']}")


def _run_refresh(name: str) -> None:
    from orchestration.refresh import refresh as run

    typer.echo(f"Aktualisierung {Instance(name).config.title}")
    with _user_errors():
        result = run(name)
    if not result.success:
        typer.echo(f"Aktualisierung gescheitert nach {result.seconds:.0f} s.", err=True)
        for step, message in zip(result.failed_steps, result.messages, strict=True):
            typer.echo(f"  Schritt {step}: {message}", err=True)
        kept = (
            f"Die Veröffentlichung {result.release_id} bleibt."
            if result.release_id
            else "Nichts ist veröffentlicht."
        )
        fail(f"{kept} Einzelheiten: {result.log_file}")
    outcome = "nichts Neues, die Veröffentlichung bleibt" if result.skipped else "veröffentlicht"
    typer.echo(f"{result.release_id}: {outcome} ({result.seconds:.0f} s)")


def _wait_for_dashboard(instance: str, tick: Callable[[str], None], patience_s: float = 180.0) -> str:
    """Asks every chart of the executive dashboard for its figures, as the role it is made for."""
    from orchestration.services import ServiceError, superset_url
    from superset_assets.identifiers import slug
    from superset_assets.roles import read_logins
    from superset_assets.server import dashboard_answers

    login = next(login for login in read_logins().values() if login.role == EXECUTIVE_ROLE)
    deadline = time.monotonic() + patience_s
    while True:
        answer = dashboard_answers(superset_url(), login, slug(instance))
        if answer.ok:
            return f"{len(answer.charts)} Diagramme antworten"
        reason = answer.error or "; ".join(answer.problems)
        if time.monotonic() > deadline:
            raise ServiceError(f"Das Führungs-Dashboard antwortet nicht: {reason}")
        tick(reason)
        time.sleep(1.0)


def _print_where_to_look() -> None:
    from orchestration.services import api_url, dagster_url, superset_url
    from superset_assets.identifiers import slug

    typer.echo("Adressen")
    typer.echo(f"  Führungs-Dashboard  {superset_url()}/superset/dashboard/{slug(DEFAULT_INSTANCE)}/")
    typer.echo(f"  Läufe und Zeitplan  {dagster_url()}")
    typer.echo(f"  Schnittstelle       {api_url()}/v1/instanzen\n")
    logins()
    typer.echo(
        "\nZuerst ansehen: das Führungs-Dashboard als Führungskraft, dann die Datensätze für eigene Auswertungen als "
        "Fachdienst.\nAnhalten: make down · Stand: make status · Zugänge: make logins"
    )


def _sync_each(names: Sequence[str], tick: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Instances shown, and those whose release was made by an older Lagebild: they keep their dashboards as they are
    until their next refresh. The main instance has just been refreshed and must be shown."""
    from orchestration.assets import sync_dashboards
    from superset_assets.sync import SyncError

    shown: list[str] = []
    outdated: list[str] = []
    for name in names:
        try:
            shown += sync_dashboards([name], tick)
        except SyncError:
            if name == DEFAULT_INSTANCE:
                raise
            outdated.append(name)
    return shown, outdated


def _private_var() -> None:
    # Landing holds personal data: nobody else on the machine may even list the folder.
    folder = var_dir()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


@contextmanager
def _user_errors() -> Iterator[None]:
    """Expected failures end with one German line, everything else with a traceback."""
    from orchestration.publish import ReleaseRejected
    from orchestration.services import ServiceError
    from superset_assets.sync import SyncError

    try:
        yield
    except (ServiceError, ReleaseRejected) as error:
        fail(str(error))
    except SyncError as error:
        fail(f"Die Dashboards ließen sich nicht abgleichen: {error}")
    except KeyboardInterrupt:
        fail("Abgebrochen.")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUTF8", "1")
    app()
