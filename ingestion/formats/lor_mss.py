"""Berlin Monitoring Soziale Stadtentwicklung (MSS), waves 2013–2019: index, indicators, z-values, context indicators.

One file is one table of one wave (`…-2017-00-2-2-district-regions.csv`: wave 2017, table 2-2). Belongs here: the
known traps of these files, each turned into a status or an issue, never into a silent correction:

- The figures of wave Y are those of 31.12. of Y−1: the inhabitants equal the register of that day, area by area.
- `*-3-districts.csv` is not about districts: it is the table of z-values per Planungsraum under shifted headers.
- Planungsräume without index carry 0 in every column until 2017: "not computed", landed as NULL with status M.
- `-` and columns empty throughout were not collected (status L).
- From 2015 on the headers of table 4 are shifted from k06 on (the column k06 holds the share of foreigners): only
  k01–k05 land.
- Rows of city averages and deviations sit between the areas (`00Nummer`, `0000`, …) and have pushed real rows out.
- One file holds another wave than its name says (same content as that wave's own file): it lands as what it is.

Options of the source: `area_system`, `inhabitants` (wave → control total of the city), `areas` (level → how many).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final

from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import landing_table, observation, stichtag
from ingestion.formats.strict_csv import CsvRefused, read_records
from lagebild.instance import SourceConfig

FILE_NAME: Final = re.compile(
    r"(?P<wave>\d{4})-00-(?P<table>[1234](-[123])?)-(planning-areas|district-regions|districts)\.csv$"
)
CODE_LENGTH: Final = {"bezirk": 2, "bezirksregion": 6, "planungsraum": 8}
DYNAMICS: Final = {"+": 1.0, "+/-": 0.0, "-": -1.0}
"""Code of the dynamics class: 1 positive, 0 stable, −1 negative development against the city."""

_SHARES: Final = (
    "s1_percentage_unemployed",
    "s2_percentage_long_term_unemployed",
    "s3_percentage_transfer_payments_recipients",
    "s4_percentage_transfer_payments_recipients_below_15_years",
)
_CONTEXT: Final = (
    "k01_youth_unemployment",
    "k02_single_parent_households",
    "k03_old_age_poverty",
    "k04_children_with_migration_background",
    "k05_inhabitants_with_migration_background",
    "k06_change_proportion_of_foreigner",
    "k07_foreign_transfer_recipients",
    "k08_urban_apartments",
    "k09_simple_residential_area",
    "k10_duration_of_residence_over_5_years",
    "k11_migration_volume",
    "k12_balance_of_migration",
    "k13_balance_of_migration_of_children_below_6",
)
_CONTEXT_SOUND: Final = 5
"""Columns of table 4 whose header is right in every wave."""
_CONTEXT_SOUND_UNTIL: Final = 2013


@dataclass(frozen=True)
class Table:
    """What one table holds: its level and the columns that land, as (measure, column)."""

    level: str
    measures: tuple[tuple[str, str], ...]


def _indicators() -> tuple[tuple[str, str], ...]:
    shares = tuple((f"mss_s{number}_pct", column) for number, column in enumerate(_SHARES, 1))
    changes = tuple(
        (f"mss_d{number}_pct_points", f"d{column[1:]}") for number, column in enumerate(_SHARES, 1)
    )
    return shares + changes


def table_spec(table: str, wave: int) -> Table | None:
    """Level and landed columns of a table of a wave; None for an unknown table.

    The inhabitants land once per level (tables 1, 2-2, 2-3): the other tables repeat them.
    """
    population = (("mss_population", "inhabitants"),)
    context = tuple((f"mss_k{number:02}_pct", column) for number, column in enumerate(_CONTEXT, 1))
    if wave > _CONTEXT_SOUND_UNTIL:
        context = context[:_CONTEXT_SOUND]
    index = (
        ("mss_status_index", "status_index"),
        ("mss_dynamic_index", "dynamic_index"),
    )
    # Header of the file → what the column really holds (see the module's docstring).
    z_values = (
        ("mss_z_s1", "z_s1_percentage_unemployed"),
        ("mss_z_s2", "z_s2_percentage_long_term_unemployed"),
        ("mss_z_s3", "z_s3_percentage_transfer_payments_recipients"),
        ("mss_z_s4", "z_s4_percentage_transfer_payments_recipients_below_15_years"),
        ("mss_status_sum", "z_d1_percentage_unemployed"),
        ("mss_status_score", "z_d2_percentage_long_term_unemployed"),
        ("mss_z_d1", "z_d4_percentage_transfer_payments_recipients_below_15_years"),
    )
    return {
        "1": Table("planungsraum", population + index),
        "2-1": Table("planungsraum", _indicators()),
        "2-2": Table("bezirksregion", population + _indicators()),
        "2-3": Table("bezirk", population + _indicators()),
        "3": Table("planungsraum", z_values),
        "4-1": Table("planungsraum", context),
        "4-2": Table("bezirksregion", context),
        "4-3": Table("bezirk", context),
    }.get(table)


def wave_period(wave: int) -> DeliveryPeriod:
    """Stichtag of a wave: 31.12. of the year before."""
    return stichtag(date(wave - 1, 12, 31))


def is_area_code(code: str, level: str) -> bool:
    """Whether a key can be an area of the level (Bezirk 01–12)."""
    return len(code) == CODE_LENGTH[level] and code.isdigit() and 1 <= int(code[:2]) <= 12


def not_computed(record: Mapping[str, str]) -> bool:
    """A row with nothing but 0, `-` and blanks beside its inhabitants: no index was computed for this area."""
    return all(value in ("", "0", "-") for name, value in record.items() if name not in ("id", "inhabitants"))


def actual_wave(named: int, inhabitants: int, totals: Mapping[int, int]) -> int | None:
    """The wave whose control total the file's inhabitants match: the named one, another one, or None."""
    if totals.get(named) == inhabitants:
        return named
    return next((wave for wave, total in totals.items() if total == inhabitants), None)


def _number(text: str, measure: str) -> float | None:
    if measure == "mss_dynamic_index":
        return DYNAMICS.get(text)
    try:
        return float(text)
    except ValueError:
        return None


def _observations(
    records: Sequence[tuple[int, Mapping[str, str]]],
    spec: Table,
    system: str,
    period: DeliveryPeriod,
) -> Iterable[dict[str, Any] | Issue]:
    empty = {
        column for _, column in spec.measures if all(record[column] in ("", "-") for _, record in records)
    }
    for number, record in records:
        area = (system, spec.level, record["id"])
        unscored = not_computed(record)
        for measure, column in spec.measures:
            text = record[column]
            value: float | None = None
            scored = measure == "mss_population" or not unscored
            # "-" is a value of the dynamics class and "not collected" everywhere else.
            blank = text in ("", "-") and measure != "mss_dynamic_index"
            if blank or not scored:
                status = "L" if column in empty else "M"
            else:
                value, status = _number(text, measure), "A"
                if value is None:
                    yield Issue(
                        "refusal",
                        "Keine Zahl",
                        "Der Wert ist nicht lesbar.",
                        row=number,
                        column=column,
                        value=text,
                    )
                    continue
            yield observation(
                row=number,
                area=area,
                period=period,
                measure=measure,
                value=value,
                status=status,
                column=column,
            )


class LorMssAdapter:
    """One table of one wave → observations of the measures `mss_*`, shares in percent as delivered.

    The delivery's `part` is the table number: a wave comes as eight files that do not replace one another.
    """

    name: ClassVar[str] = "lor_mss"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        match = FILE_NAME.search(path.name)
        spec = table_spec(match["table"], int(match["wave"])) if match else None
        if match is None or spec is None:
            message = "Der Dateiname nennt nicht Welle und Tabelle (…-2019-00-2-1-planning-areas.csv)."
            return ParsedDelivery(issues=(Issue("refusal", "Dateiname", message),))
        wave = int(match["wave"])
        wanted = ("id", "inhabitants", *(column for _, column in spec.measures))
        try:
            everything = read_records(path, wanted)
        except CsvRefused as refused:
            return ParsedDelivery(issues=refused.issues)
        records = [(row, record) for row, record in everything if is_area_code(record["id"], spec.level)]
        issues = _row_issues(everything, spec.level)
        expected = int(source.options["areas"][spec.level])
        if len(records) < expected:
            message = f"Es fehlen {expected - len(records)} von {expected} Räumen; der Rest wird übernommen."
            issues.append(Issue("warning", "Räume fehlen", message))
        elif not any(issue.severity == "refusal" for issue in issues):
            wave_issue, wave = _check_wave(wave, records, source)
            issues.extend(wave_issue)
        if match["table"] == "3":
            message = (
                "Die Datei heißt „districts“, enthält aber z-Werte je Planungsraum unter verschobenen Überschriften; "
                "gelesen wird die tatsächliche Reihenfolge (zS1–zS4, Statussumme, Statusindex, Klasse, zD1)."
            )
            issues.append(Issue("warning", "Überschriften verschoben", message))
        if match["table"].startswith("4") and wave > _CONTEXT_SOUND_UNTIL:
            message = (
                "Ab Spalte k06 stehen andere Größen unter den Überschriften (k06 enthält den Ausländeranteil); "
                "übernommen werden nur k01 bis k05."
            )
            issues.append(Issue("warning", "Überschriften verschoben", message, column=_CONTEXT[5]))
        period = wave_period(wave)
        rows: list[dict[str, Any]] = []
        for item in _observations(records, spec, str(source.options["area_system"]), period):
            if isinstance(item, Issue):
                issues.append(item)
            else:
                rows.append(item)
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        return ParsedDelivery(
            tables={"observation": landing_table("observation", rows)},
            issues=tuple(issues),
            period=period,
            part=f"tabelle-{match['table']}",
        )


def _row_issues(everything: Sequence[tuple[int, Mapping[str, str]]], level: str) -> list[Issue]:
    issues: list[Issue] = []
    seen: set[str] = set()
    for row, record in everything:
        code = record["id"]
        if not is_area_code(code, level):
            message = "Diese Zeile ist kein Raum (Mittelwert, Streuung oder leer) und wird nicht übernommen."
            issues.append(Issue("warning", "Fremde Zeile", message, row=row, value=code))
        elif code in seen:
            issues.append(
                Issue(
                    "refusal",
                    "Doppelte Zeile",
                    "Der Raum kommt zweimal vor.",
                    row=row,
                    value=code,
                )
            )
        elif not record["inhabitants"].isdigit():
            issues.append(
                Issue(
                    "refusal",
                    "Keine Zahl",
                    "Die Einwohnerzahl fehlt.",
                    row=row,
                    column="inhabitants",
                    value=code,
                )
            )
        seen.add(code)
    return issues


def _check_wave(
    named: int, records: Sequence[tuple[int, Mapping[str, str]]], source: SourceConfig
) -> tuple[list[Issue], int]:
    """Compares the inhabitants of a complete table with the control totals; tells the wave the content belongs to."""
    totals = {int(wave): int(total) for wave, total in source.options["inhabitants"].items()}
    inhabitants = sum(int(record["inhabitants"]) for _, record in records)
    wave = actual_wave(named, inhabitants, totals)
    if wave is None:
        message = (
            f"Die Einwohnersumme {inhabitants} passt zu keiner Welle ({named}: {totals.get(named)} erwartet)."
        )
        return [Issue("refusal", "Einwohnersumme", message, column="inhabitants")], named
    if wave != named:
        message = (
            f"Der Dateiname nennt die Welle {named}, der Inhalt ist die Welle {wave} (Einwohnersumme {inhabitants}). "
            f"Die Zahlen werden unter {wave} geführt; die Tabelle der Welle {named} bitte nachliefern."
        )
        return [Issue("warning", "Falsche Welle", message, column="inhabitants")], wave
    return [], wave
