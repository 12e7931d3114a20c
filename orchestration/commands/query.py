"""`lagebild abfrage`, `sql`, `erklaeren`: questions to a release from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.commands.common import InstanceName, fail, known_instance

if TYPE_CHECKING:
    from semantic_layer.query import Result

app = typer.Typer()

AsOf = Annotated[str | None, typer.Option("--stand", help="Veröffentlichung, die an diesem Tag galt.")]
Form = Annotated[
    str, typer.Option("--format", help="tabelle, json, csv, csv-deutsch, xlsx, arrow oder geojson.")
]
Output = Annotated[Path | None, typer.Option("--ausgabe", help="Datei statt Bildschirm.")]


@app.command("abfrage")
def ask(
    instance: InstanceName,
    metrics: Annotated[list[str] | None, typer.Argument(help="Kennzahlen oder Messgrößen.")] = None,
    by: Annotated[
        list[str] | None, typer.Option("--nach", help="Gliederung, z. B. area, period, age.")
    ] = None,
    level: Annotated[list[str] | None, typer.Option("--ebene", help="Gebietsebene, z. B. gemeinde.")] = None,
    area: Annotated[list[str] | None, typer.Option("--gebiet", help="Gebietsschlüssel.")] = None,
    within: Annotated[
        list[str] | None, typer.Option("--innerhalb", help="Gebiet und alles darunter.")
    ] = None,
    year: Annotated[list[int] | None, typer.Option("--jahr")] = None,
    latest: Annotated[bool, typer.Option("--neueste", help="nur der neueste Zeitraum")] = False,
    group: Annotated[
        list[str] | None, typer.Option("--gruppe", help="Merkmal=Ausprägung, z. B. sex=f.")
    ] = None,
    age: Annotated[str | None, typer.Option("--alter", help="von-bis, z. B. 0-17 oder 65-.")] = None,
    compare: Annotated[
        list[str] | None, typer.Option("--vergleich", help="previous, kreis, parent oder ein Vergleichswert.")
    ] = None,
    as_is: Annotated[bool, typer.Option("--heutige-grenzen", help="in den Grenzen von heute")] = False,
    totals: Annotated[bool, typer.Option("--summen", help="mit Summenzeilen")] = False,
    question_file: Annotated[
        Path | None, typer.Option("--frage", help="Frage als JSON-Datei statt der übrigen Angaben.")
    ] = None,
    as_of: AsOf = None,
    form: Form = "tabelle",
    output: Output = None,
) -> None:
    """Fragt Kennzahlen aus der aktuellen Veröffentlichung ab."""
    from semantic_layer.query import open_release, parse_query

    known_instance(instance)
    with _answers():
        if question_file is not None:
            question = json.loads(question_file.read_text(encoding="utf-8"))
        else:
            question = _question(
                metrics or [], by, level, area, within, year, latest, group, age, compare, as_is, totals
            )
        release = open_release(instance, as_of)
        _put(release.run(parse_query(question)), release, form, output)


@app.command("sql")
def ask_sql(
    instance: InstanceName,
    statement: Annotated[str, typer.Argument(help="SELECT …, auch mit MEASURE(kennzahl).")],
    as_of: AsOf = None,
    form: Form = "tabelle",
    output: Output = None,
) -> None:
    """Führt eine lesende SQL-Abfrage auf der Veröffentlichung aus."""
    from semantic_layer.query import open_release

    known_instance(instance)
    with _answers():
        release = open_release(instance, as_of)
        _put(release.sql(statement), release, form, output)


@app.command("erklaeren")
def explain(
    instance: InstanceName,
    metric: Annotated[str, typer.Argument(help="Kennzahl oder Messgröße.")],
    area: Annotated[str, typer.Argument(help="Gebietsschlüssel oder Name.")],
    period: Annotated[str, typer.Argument(help="Zeitraum, Jahr oder latest.")] = "latest",
    as_of: AsOf = None,
) -> None:
    """Zeigt, woraus eine Zahl besteht und aus welchen Dateien und Zeilen sie stammt."""
    from lagebild import german
    from orchestration.explain import origins
    from semantic_layer.query import open_release
    from semantic_layer.query.passport import passport

    found = known_instance(instance)
    with _answers():
        release = open_release(instance, as_of)
        sheet = passport(release, metric, area, period)
        files = origins(found, release, sheet)
    typer.echo(f"{sheet.label} · {sheet.area_name} ({sheet.area_code}) · {sheet.period_label}")
    typer.echo(f"  Wert        {sheet.value_text}" + (f" – {sheet.reason}" if sheet.reason else ""))
    if sure := sheet.certainty:
        if sure.interval_text and sure.confidence:
            typer.echo(
                f"  Bereich     {sure.interval_text} ({100 * sure.confidence:.0f}-%-Vertrauensbereich)"
            )
        said = {
            "Vergleich": sure.comparison,
            "Hinweis": sure.note,
            "Trend": sure.trend,
            "Warnung": sure.warning,
        }
        for name, text in said.items():
            if text:
                typer.echo(f"  {name:<11} {text}")
    typer.echo(f"  Definition  {sheet.definition} (Fassung {sheet.version})")
    typer.echo("\nBestandteile")
    for part in sheet.parts:
        value = "–" if part.value is None else german.number(part.value)
        sign = "+" if part.sign > 0 else "−"
        when = part.period_label or "kein Zeitraum"
        typer.echo(f"  {part.role:<7} {sign} {value:>12}  {part.measure_label}, {part.group_label}, {when}")
    typer.echo("\nRegeln der Geheimhaltung")
    for rule in dict.fromkeys(part.rule for part in sheet.parts):
        typer.echo(f"  {rule}")
    typer.echo("\nLieferungen")
    for source in sheet.sources:
        typer.echo(f"  {source.source_label} ({source.supplier}), {len(source.deliveries)} Lieferung(en)")
    typer.echo("\nDateien")
    for origin in files:
        rows = (
            f"{origin.figures} Angaben, Zeilen {origin.first_row} bis {origin.last_row}"
            if origin.figures is not None and origin.first_row is not None
            else f"{german.number(origin.records)} Datensätze insgesamt"
        )
        where = f", Blatt {origin.sheet}" if origin.sheet else ""
        typer.echo(
            f"  {origin.file_name}{where}: {rows} (eingegangen {origin.received_at}, {origin.delivery_id})"
        )
    if not files:
        typer.echo("  Die Lieferungen dieser Veröffentlichung werden hier nicht aufbewahrt.")
    typer.echo(f"\n{sheet.citation}")


# The names of the semantic layer's own documents; the German ones are those of the help.
app.command("query", hidden=True)(ask)
app.command("explain", hidden=True)(explain)


def _question(
    metrics: list[str],
    by: list[str] | None,
    level: list[str] | None,
    area: list[str] | None,
    within: list[str] | None,
    year: list[int] | None,
    latest: bool,
    group: list[str] | None,
    age: str | None,
    compare: list[str] | None,
    as_is: bool,
    totals: bool,
) -> dict[str, Any]:
    """The same plain data that the HTTP interface takes."""
    groups: dict[str, Any] = {}
    for item in group or []:
        dimension, found, member = item.partition("=")
        if not found:
            fail(f"»{item}« ist keine Gruppe. Erwartet wird zum Beispiel sex=f.")
        groups.setdefault(dimension, []).append(member)
    if age is not None:
        lower, found, upper = age.partition("-")
        if not lower.isdigit() or (upper and not upper.isdigit()):
            fail(f"»{age}« ist kein Alter. Erwartet wird zum Beispiel 0-17 oder 65-.")
        groups["age"] = [int(lower), int(upper) if upper else (None if found else int(lower))]
    where: dict[str, Any] = {
        "level": level or (),
        "area_code": area or (),
        "within": within or (),
        "year": year or (),
        "latest": latest,
        "groups": groups,
    }
    switches = {"previous", "kreis", "parent"}
    chosen = compare or []
    question: dict[str, Any] = {
        "metrics": metrics,
        "where": where,
        "compare": {
            **dict.fromkeys(switches & set(chosen), True),
            "benchmarks": [name for name in chosen if name not in switches],
        },
        "boundaries": "as_is" if as_is else "as_was",
        "totals": totals,
    }
    return question | ({"by": by} if by else {})


@contextmanager
def _answers() -> Iterator[None]:
    from semantic_layer.query import QueryError

    try:
        yield
    except QueryError as error:
        fail(str(error))
    except json.JSONDecodeError as error:
        fail(f"Die Frage ist kein gültiges JSON (Zeile {error.lineno}).")


def _put(result: Result, release: Any, form: str, output: Path | None) -> None:
    from semantic_layer.present import files
    from semantic_layer.present.answer import render_answer

    if form == "tabelle":
        if output is not None:
            fail("Für eine Datei bitte ein Format nennen, zum Beispiel --format xlsx.")
        _print_table(result)
        return
    if form not in files.MEDIA_TYPES:
        fail(f"Das Format »{form}« gibt es nicht. Es gibt: tabelle, {', '.join(files.MEDIA_TYPES)}.")
    content = render_answer(release, result, form)
    if output is not None:
        output.write_bytes(content)
        typer.echo(f"{len(result)} Zeilen geschrieben: {output}")
    else:
        sys.stdout.buffer.write(content)


def _print_table(result: Result) -> None:
    from semantic_layer.present.files import german_rows

    head, rows = german_rows(result)
    widths = [max(len(line[position]) for line in (head, *rows)) for position in range(len(head))]
    for line in (head, *rows):
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    for note in (
        *(f"{item.symbol} {item.reason}: {item.text}" for item in result.footnotes),
        *result.notices,
    ):
        typer.echo(note)
    typer.echo(f"{len(rows)} Zeilen. {result.attribution}, Veröffentlichung {result.release_id}")
