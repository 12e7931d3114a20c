"""`lagebild geheimhaltung`: audit of published tables, and the JJ format of τ-ARGUS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from orchestration.commands.common import fail, known_instance

if TYPE_CHECKING:
    from orchestration.pruefung.description import Description
    from orchestration.pruefung.verdict import TableAudit

app = typer.Typer(
    no_args_is_help=True, help="Geheimhaltung: fremde und eigene Tabellen prüfen, Austausch mit τ-ARGUS."
)

_DISCLOSING = 1
_UNREADABLE = 2

ReportPath = Annotated[
    Path | None,
    typer.Option("--bericht", help="Bericht mit allen gesperrten Zellen schreiben (.xlsx, .csv oder .html)."),
]
Seconds = Annotated[float, typer.Option("--zeit", help="Höchstens so viele Sekunden je Tabelle.", min=1)]


@app.command("pruefen")
def check(
    table: Annotated[
        Path | None,
        typer.Argument(help="Veröffentlichte Tabelle: CSV, Arbeitsmappe (xlsx, xls, ods) oder JJ-Datei."),
    ] = None,
    description: Annotated[
        Path | None, typer.Option("--beschreibung", help="YAML-Datei, die den Aufbau der Tabelle nennt.")
    ] = None,
    threshold: Annotated[
        int | None,
        typer.Option("--schwelle", help="Zahlen darunter sind zu schützen.", show_default="3", min=1),
    ] = None,
    hidden: Annotated[
        str,
        typer.Option("--gesperrt", help="Zeichen gesperrter Zellen, mit Leerzeichen getrennt, z. B. '* .'."),
    ] = "",
    empty_is_hidden: Annotated[
        bool, typer.Option("--leer-gesperrt", help="Leere Zellen sind gesperrt.")
    ] = False,
    only_small: Annotated[
        bool,
        typer.Option(
            "--nur-kleine", help="Gesperrt ist laut Veröffentlichung nur, was unter der Schwelle liegt."
        ),
    ] = False,
    zeros_shown: Annotated[
        bool, typer.Option("--nullen-gezeigt", help="Nullen werden gezeigt; Gesperrtes ist mindestens 1.")
    ] = False,
    sheet: Annotated[str | None, typer.Option("--blatt", help="Nur dieses Blatt der Arbeitsmappe.")] = None,
    instance: Annotated[
        str | None,
        typer.Option(
            "--instanz",
            help="Statt einer Datei: die veröffentlichten Quellen dieser Instanz, z. B. flensburg.",
        ),
    ] = None,
    form: Annotated[
        Literal["auto", "jj"],
        typer.Option("--format", help="jj für Dateien aus τ-ARGUS, sonst nach der Endung."),
    ] = "auto",
    report: ReportPath = None,
    seconds: Seconds = 120.0,
) -> None:
    """Sagt, was sich aus einer veröffentlichten Tabelle über ihre gesperrten Zellen errechnen lässt.

    Ende mit 0: nichts; mit 1: mindestens eine Zelle lässt sich eingrenzen; mit 2: die Tabelle ist nicht lesbar.
    """
    from orchestration.pruefung.description import Description, read_description
    from orchestration.pruefung.published import Unreadable

    try:
        if (table is None) == (instance is None):
            raise Unreadable("Bitte eine Tabelle oder mit --instanz eine Instanz angeben.")
        given = read_description(description) if description else Description()
        changes: dict[str, object] = {
            "schwelle": threshold,
            "gesperrt": hidden.split() or None,
            "leer": "gesperrt" if empty_is_hidden else None,
            "nur_kleine_gesperrt": only_small or None,
            "nullen_gezeigt": zeros_shown or None,
            "blatt": sheet,
        }
        given = given.model_copy(update={name: value for name, value in changes.items() if value is not None})
        if instance is not None:
            from orchestration.pruefung.landed import audit_instance

            audits = audit_instance(known_instance(instance), seconds=seconds)
        else:
            assert table is not None
            is_jj = form == "jj" or table.suffix.lower() == ".jj"
            folder = (description or table).parent
            audits = [_audit_jj(table, seconds)] if is_jj else _audit_file(table, given, folder, seconds)
        _answer(audits, report)
    except Unreadable as reason:
        _unreadable(str(reason))
    except ValueError as reason:
        _unreadable(f"Die Tabelle lässt sich nicht prüfen: {reason}")


@app.command("jj-lesen")
def read_jj(
    file: Annotated[Path, typer.Argument(help="JJ-Datei aus τ-ARGUS.")],
    target: Annotated[
        Path, typer.Argument(help="CSV-Datei, in die Zellen und Gleichungen geschrieben werden.")
    ],
) -> None:
    """Wandelt eine JJ-Datei in eine CSV-Datei (eine Zeile je Zelle, mit den Gleichungen, in denen sie steht)."""
    from orchestration.pruefung.jj_files import read_jj_file, write_cells
    from orchestration.pruefung.published import Unreadable

    try:
        table = read_jj_file(file)
    except Unreadable as reason:
        _unreadable(str(reason))
    write_cells(table, target)
    typer.echo(f"{target}: {len(table.cells)} Zellen, {len(table.equations)} Gleichungen.")


@app.command("jj-schreiben")
def write_jj(
    table: Annotated[Path, typer.Argument(help="CSV-Datei oder Arbeitsmappe ohne gesperrte Zellen.")],
    target: Annotated[Path, typer.Argument(help="Zu schreibende JJ-Datei.")],
    description: Annotated[
        Path | None, typer.Option("--beschreibung", help="YAML-Datei, die den Aufbau der Tabelle nennt.")
    ] = None,
    threshold: Annotated[
        int,
        typer.Option(
            "--schwelle", help="Zahlen von 1 bis darunter werden als primär zu sperren geschrieben.", min=1
        ),
    ] = 3,
) -> None:
    """Schreibt eine Tabelle mit allen Zahlen als JJ-Datei, um sie mit τ-ARGUS zu sperren oder zu prüfen."""
    from orchestration.pruefung.description import Description, read_description
    from orchestration.pruefung.jj_files import table_as_jj, write_jj_file
    from orchestration.pruefung.published import Unreadable

    try:
        given = read_description(description) if description else Description()
        written = table_as_jj(table, given.model_copy(update={"schwelle": threshold}))
    except Unreadable as reason:
        _unreadable(str(reason))
    write_jj_file(written, target)
    typer.echo(
        f"{target}: {len(written.cells)} Zellen, {len(written.equations)} Gleichungen. Die Datei enthält alle Zahlen "
        "ungesperrt und ist nur für Sie lesbar."
    )


@app.command("export")
def export(
    instance: Annotated[str, typer.Argument(help="Name der Instanz, z. B. musterkreis.")],
    table_id: Annotated[
        str,
        typer.Argument(
            help="Kennung der Tabelle, z. B. 'sgb2_persons|S2024-12-31'; leer: Liste der Tabellen."
        ),
    ] = "",
    target: Annotated[
        Path | None,
        typer.Option("--datei", help="Zu schreibende Datei; ohne Angabe in der geschützten Zone."),
    ] = None,
) -> None:
    """Schreibt eine Tabelle der Instanz als JJ-Datei, zum Nachprüfen mit τ-ARGUS. Geschützte Daten!"""
    from orchestration.pruefung.jj_files import export_table, exportable_tables
    from orchestration.pruefung.published import Unreadable

    chosen = known_instance(instance)
    try:
        if not table_id:
            for line in exportable_tables(chosen):
                typer.echo(line)
            return
        path, written = export_table(chosen, table_id, target)
    except Unreadable as reason:
        _unreadable(str(reason))
    typer.echo(f"{path}: {len(written.cells)} Zellen, {len(written.equations)} Gleichungen.")
    typer.echo(
        "Achtung: Die Datei enthält ungesperrte Zahlen. Sie ist nur für Sie lesbar; bitte nicht weitergeben und nach "
        "der Prüfung löschen.",
        err=True,
    )


def _audit_file(table: Path, given: Description, folder: Path, seconds: float) -> list[TableAudit]:
    from orchestration.pruefung.audit_file import audit_file

    return audit_file(table, given, folder, seconds=seconds)


def _audit_jj(table: Path, seconds: float) -> TableAudit:
    from orchestration.pruefung.jj_files import audit_jj_file

    return audit_jj_file(table, seconds=seconds)


def _answer(audits: list[TableAudit], report: Path | None) -> None:
    from orchestration.pruefung.report import conclusion, summary, write_report

    for audit in audits:
        typer.echo("\n".join(summary(audit)) + "\n")
    typer.echo(conclusion(audits))
    if report is not None:
        try:
            write_report(audits, report)
        except (ValueError, OSError) as reason:
            fail(f"Der Bericht ließ sich nicht schreiben: {reason}")
        typer.echo(f"Bericht: {report} (nur für Sie lesbar)")
    if any(audit.is_disclosing for audit in audits):
        raise typer.Exit(_DISCLOSING)


def _unreadable(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(_UNREADABLE)


@app.command("bericht")
def report(
    instance: Annotated[str, typer.Argument(help="Name der Instanz, z. B. musterkreis.")],
) -> None:
    """Schreibt den Geheimhaltungsbericht der letzten Berechnung in die geschützte Zone (HTML und PDF)."""
    import duckdb

    from orchestration.disclosure_report.read import NothingToReport
    from orchestration.disclosure_report.write import write_report

    try:
        written = write_report(known_instance(instance))
    except NothingToReport as nothing:
        fail(str(nothing))
    except duckdb.IOException:
        fail("Das Warehouse wird gerade neu gerechnet. Bitte später noch einmal versuchen.")
    typer.echo(f"Stand: {written.label}")
    for path in (written.html, written.pdf, *written.annex):
        typer.echo(f"  {path}")
    if written.annex:
        typer.echo("Die Anlage ist nur für die entscheidende Stelle bestimmt.")


@app.command("offen")
def open_questions(
    instance: Annotated[str, typer.Argument(help="Name der Instanz, z. B. musterkreis.")],
) -> None:
    """Nennt die Werte, die sich nicht mehr schützen lassen, mit Vorschlag und Entscheidung (ohne Zahlen)."""
    from lagebild.release_decision import FILE_NAME
    from orchestration.unsafe import unsafe_cells, without_counterpart

    chosen = known_instance(instance)
    cells, gone = unsafe_cells(chosen), without_counterpart(chosen)
    for cell in cells:
        reader = "" if cell.audience == "public" else f" [{cell.audience}]"
        typer.echo(
            f"{cell.measure_label}, {cell.group_label}, {cell.area_label}, {cell.period_label}{reader}"
        )
        typer.echo(
            f"  measure: {cell.measure_id}, period: {cell.period_key}, area: {cell.area_code}, "
            f'group: "{cell.group_key}"'
        )
        typer.echo(f"  Entschieden: {cell.decision.german}" if cell.decision else f"  Offen. {cell.proposal}")
    for label, count in gone.items():
        typer.echo(
            f"{label}: {count} früher veröffentlichte Werte gehören zu Gebieten oder Gruppen, die es nicht mehr gibt."
        )
    waiting = sum(cell.is_open for cell in cells)
    if not cells:
        typer.echo("Kein Wert ist ungeschützt.")
    elif waiting:
        typer.echo(
            f"{waiting} von {len(cells)} Werten warten auf eine Entscheidung in instances/{instance}/{FILE_NAME}; "
            "bis dahin werden sie nicht gezeigt."
        )
