"""Berlin register population by LOR (Statistischer Bericht A I 16 hj, English-headed CSV), one half-year and one level.

File names say what is inside: `…-2024-02-t2-planning-areas.csv` is Tabelle 2 (age, sex, nationality) of the second
half-year of 2024 (Stichtag 31.12.) for the Planungsräume; `t1` holds nationality by migration background.
Belongs here: reading these files and checking that their rows add up. Not here: shares – the `*_percentage` columns
were added by the repository the files come from and are ignored.

Options of the source: `area_system`, `root_code` (area code of the whole city, which the files call `0`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.rows import landing_table, observation, stichtag
from ingestion.formats.strict_csv import CsvRefused, read_records
from lagebild.instance import SourceConfig

FILE_NAME: Final = re.compile(
    r"(?P<year>\d{4})-(?P<half>0[12])-(?P<table>t[12])-"
    r"(?P<level>city|districts|forecast-areas|district-regions|planning-areas)\.csv$"
)
LEVELS: Final[dict[str, tuple[str, int]]] = {
    "city": ("stadt", 1),
    "districts": ("bezirk", 2),
    "forecast-areas": ("prognoseraum", 4),
    "district-regions": ("bezirksregion", 6),
    "planning-areas": ("planungsraum", 8),
}
"""Level word of the file name → area level and length of its codes."""

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Figure:
    """One landed group: the group id, the delivered column it is read from, and how."""

    group: str
    column: str
    value: Callable[[Counts], int]


def _column(group: str, column: str) -> Figure:
    return Figure(group, column, lambda counts: counts[column])


_AGES: Final = {
    "0-5": "inhabitants_age_below_6",
    "6-14": "inhabitants_age_6_15",
    "15-17": "inhabitants_age_15_18",
    "18-26": "inhabitants_age_18_27",
    "27-44": "inhabitants_age_27_45",
    "45-54": "inhabitants_age_45_55",
    "55-64": "inhabitants_age_55_65",
    "65+": "inhabitants_age_above_65",
}

# Total and nationality stand in both tables; they land from t2 only, so that one figure has one source.
FIGURES: Final[dict[str, tuple[Figure, ...]]] = {
    "t1": (
        _column("migration=yes", "inhabitants_with_migration_background"),
        _column("migration=no", "inhabitants_germans_without_migration_background"),
        _column(
            "migration=no;nationality=de",
            "inhabitants_germans_without_migration_background",
        ),
        _column(
            "migration=yes;nationality=de",
            "inhabitants_germans_with_migration_background",
        ),
        # The Landesamt counts every foreigner as having a migration background: that group is all foreigners.
        _column("migration=yes;nationality=foreign", "inhabitants_foreigners"),
    ),
    "t2": (
        _column("total", "inhabitants"),
        *(_column(f"age={band}", column) for band, column in _AGES.items()),
        _column("sex=f", "inhabitants_female"),
        # The report counts two sexes: the difference to all inhabitants is the male population.
        Figure(
            "sex=m",
            "inhabitants - inhabitants_female",
            lambda c: c["inhabitants"] - c["inhabitants_female"],
        ),
        _column("nationality=foreign", "inhabitants_foreigners"),
        Figure(
            "nationality=de",
            "inhabitants - inhabitants_foreigners",
            lambda c: c["inhabitants"] - c["inhabitants_foreigners"],
        ),
    ),
}

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "t1": (
        "inhabitants",
        "inhabitants_with_migration_background",
        "inhabitants_germans",
        "inhabitants_germans_without_migration_background",
        "inhabitants_germans_with_migration_background",
        "inhabitants_foreigners",
    ),
    "t2": (
        "inhabitants",
        *_AGES.values(),
        "inhabitants_female",
        "inhabitants_foreigners",
    ),
}

# (sum, its parts) that must agree in every row
_SUMS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "t1": (
        ("inhabitants", ("inhabitants_germans", "inhabitants_foreigners")),
        (
            "inhabitants_germans",
            (
                "inhabitants_germans_without_migration_background",
                "inhabitants_germans_with_migration_background",
            ),
        ),
        (
            "inhabitants_with_migration_background",
            ("inhabitants_germans_with_migration_background", "inhabitants_foreigners"),
        ),
    ),
    "t2": (("inhabitants", tuple(_AGES.values())),),
}


def reference_day(year: int, half: int) -> date:
    """Stichtag of a half-year: 30.06. or 31.12."""
    return date(year, 6, 30) if half == 1 else date(year, 12, 31)


def _refusal(rule: str, message: str, **where: Any) -> ParsedDelivery:
    return ParsedDelivery(issues=(Issue("refusal", rule, message, **where),))


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def check_row(table: str, row: int, counts: Counts) -> Iterable[Issue]:
    """Sums within one row that do not close."""
    for total, parts in _SUMS[table]:
        if counts[total] != sum(counts[part] for part in parts):
            yield Issue(
                "refusal",
                "Summe geht nicht auf",
                f"Die Spalte {total} ist nicht die Summe von {' + '.join(parts)}. Bitte die Zeile prüfen.",
                row=row,
                column=total,
                value=str(counts[total]),
            )
    if (
        table == "t2"
        and max(counts["inhabitants_female"], counts["inhabitants_foreigners"]) > counts["inhabitants"]
    ):
        yield Issue(
            "refusal",
            "Teil größer als Ganzes",
            "Mehr Frauen oder Ausländer als Einwohner.",
            row=row,
        )


class LorPopulationAdapter:
    """One file → observations of the measure `population` at one level and Stichtag.

    The delivery's `part` is the level: a half-year comes as five files, which do not replace one another.
    """

    name: ClassVar[str] = "lor_population"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        match = FILE_NAME.search(path.name)
        if match is None:
            return _refusal(
                "Dateiname",
                "Der Dateiname nennt nicht Halbjahr, Tabelle und Ebene (…-2024-02-t2-districts.csv).",
            )
        table = match["table"]
        level, code_length = LEVELS[match["level"]]
        period = stichtag(reference_day(int(match["year"]), int(match["half"])))
        try:
            records = read_records(path, ("id", *COLUMNS[table]))
        except CsvRefused as refused:
            return ParsedDelivery(issues=refused.issues)
        issues: list[Issue] = []
        rows: list[dict[str, Any]] = []
        seen: set[str] = set()
        for number, record in records:
            code = record["id"]
            if len(code) != code_length or not code.isdigit():
                issues.append(
                    Issue(
                        "refusal",
                        "Schlüssel",
                        f"Kein Schlüssel der Ebene {level}.",
                        row=number,
                        value=code,
                    )
                )
                continue
            if code in seen:
                issues.append(
                    Issue(
                        "refusal",
                        "Doppelte Zeile",
                        "Der Raum kommt zweimal vor.",
                        row=number,
                        value=code,
                    )
                )
                continue
            seen.add(code)
            parsed = {name: _count(record[name]) for name in COLUMNS[table]}
            counts = {name: value for name, value in parsed.items() if value is not None}
            if len(counts) < len(parsed):
                bad = next(name for name, value in parsed.items() if value is None)
                issues.append(
                    Issue(
                        "refusal",
                        "Keine Zahl",
                        "Hier fehlt eine Anzahl.",
                        row=number,
                        column=bad,
                        value=record[bad],
                    )
                )
                continue
            issues.extend(check_row(table, number, counts))
            area = (
                str(source.options["area_system"]),
                level,
                str(source.options["root_code"]) if level == "stadt" else code,
            )
            rows.extend(
                observation(
                    row=number,
                    area=area,
                    period=period,
                    measure="population",
                    group=figure.group,
                    value=float(figure.value(counts)),
                    column=figure.column,
                )
                for figure in FIGURES[table]
            )
        if not records:
            return _refusal("Leere Datei", "Die Datei enthält keine Zeilen.")
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        return ParsedDelivery(
            tables={"observation": landing_table("observation", rows)},
            issues=tuple(issues),
            period=period,
            part=level,
        )
