"""BA-Statistik, kleinräumige Auswertung (AkG): one workbook per reporting month, SUM rows, `*` for 1 to 9.

The layout is the Bundesagentur's and the same for every Kreis; an instance only tells its Kreis code.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ingestion.formats import values
from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.mapping import map_part
from ingestion.formats.raw import RawTable
from ingestion.formats.reading import Context
from ingestion.formats.spec import Area, AreaRule, Figure, Part, Signs
from ingestion.formats.workbook import read_sheet, read_sheets
from lagebild.instance import SourceConfig

MONTH: Final = "Berichtsmonat"
AGS: Final = "AGS"
KEY: Final = "Gebietsschlüssel"
KEY_ALIASES: Final = ("Kleinräumige Gliederung",)


class AkgOptions(BaseModel):
    """Options of `format: ba_akg`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kreis_code: str
    area_system: str = "sozialraum"


def _figures(measure: str, *columns: tuple[str, str, tuple[str, ...]]) -> tuple[Figure, ...]:
    return tuple(
        Figure(measure=measure, header=header, group=group, aliases=aliases)
        for header, group, aliases in columns
    )


_SEX: Final = (("Männer", "sex=m", ()), ("Frauen", "sex=f", ()))
_NATIONALITY: Final = (("Deutsche", "nationality=de", ()), ("Ausländer", "nationality=foreign", ()))

SHEETS: Final[dict[str, tuple[Figure, ...]]] = {
    "Arbeitslose": (
        *_figures(
            "unemployed",
            ("Arbeitslose insgesamt", "total", ()),
            *_SEX,
            ("15 bis unter 25 Jahre", "age=15-24", ()),
            ("25 bis unter 55 Jahre", "age=25-54", ()),
            ("55 Jahre und älter", "age=55+", ()),
            *_NATIONALITY,
            ("Rechtskreis SGB III", "rechtskreis=sgb3", ()),
            ("Rechtskreis SGB II", "rechtskreis=sgb2", ()),
        ),
        *_figures(
            "unemployed_longterm",
            ("darunter Langzeitarbeitslose", "total", ("dar. Langzeitarbeitslose (> 1 Jahr)",)),
        ),
    ),
    "Beschäftigte": (
        *_figures(
            "employed_svb",
            ("Sozialversicherungspflichtig Beschäftigte am Wohnort", "total", ()),
            *_SEX,
            *_NATIONALITY,
        ),
        *_figures("employed_marginal", ("Geringfügig Beschäftigte", "total", ())),
    ),
    "SGB II": (
        *_figures(
            "sgb2_persons",
            ("Personen in Bedarfsgemeinschaften", "total", ()),
            *_SEX,
            *_NATIONALITY,
            ("Erwerbsfähige Leistungsberechtigte", "leistungsberechtigung=elb", ()),
            ("Nicht erwerbsfähige Leistungsberechtigte", "leistungsberechtigung=nef", ()),
        ),
        *_figures("sgb2_children", ("Kinder unter 15 Jahren", "total", ())),
        *_figures("sgb2_elb_u25", ("15 bis unter 25 Jahre (ELB)", "total", ())),
        *_figures("bg_total", ("Bedarfsgemeinschaften", "total", ())),
        *_figures("bg_single_parent", ("Bedarfsgemeinschaften Alleinerziehende", "total", ())),
        *_figures("bg_children", ("Bedarfsgemeinschaften mit Kindern", "total", ())),
    ),
}
"""Sheet → figures, by measure. Columns that add up to a total are groups of its measure, not measures of their own."""


class BaAkgAdapter:
    """`format: ba_akg`; options: `AkgOptions`."""

    name: ClassVar[str] = "ba_akg"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = AkgOptions.model_validate(source.options)
        sheets = read_sheets(path)
        if isinstance(sheets, Issue):
            return ParsedDelivery(issues=(sheets,))
        period: DeliveryPeriod | None = None
        issues: list[Issue] = []
        tables: list[pa.Table] = []
        for sheet, figures in SHEETS.items():
            part = Part(
                table="observation",
                sheet=sheet,
                ignored=(AGS, "Gebietsname", KEY, *KEY_ALIASES),
                area=Area(header="area", system=options.area_system, rules=_area_rules(options.kreis_code)),
                figures=figures,
                signs=Signs(hidden=("*",), zero=("-",)),
            )
            raw = read_sheet(sheets, _finder(part), until_empty_row=True)
            if not isinstance(raw, RawTable):
                issues.extend([raw] if isinstance(raw, Issue) else raw)
                continue
            prepared, faults = _with_area(raw, options.kreis_code)
            issues.extend(faults)
            if prepared is None:
                continue
            month, fault = _month(prepared)
            if fault or month is None:
                issues.extend([fault] if fault else [])
                continue
            if period is not None and month != period:
                issues.append(
                    Issue(
                        "refusal",
                        "Berichtsmonat",
                        "Die Tabellenblätter nennen verschiedene Monate.",
                        sheet,
                        column=MONTH,
                    )
                )
            period = month
            outcome, _ = map_part(
                prepared,
                part.model_copy(update={"ignored": (*part.ignored, MONTH)}),
                Context({}, ",", False, month),
            )
            issues.extend(outcome.issues)
            if outcome.table is not None:
                tables.append(outcome.table)
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues), period=period)
        return ParsedDelivery({"observation": pa.concat_tables(tables)}, tuple(issues), period)


def _finder(part: Part) -> Part:
    """The part as the header search needs it: the area column does not stand in the file."""
    assert part.area is not None
    area = part.area.model_copy(update={"header": KEY, "aliases": KEY_ALIASES})
    return part.model_copy(update={"area": area})


def _area_rules(kreis: str) -> tuple[AreaRule, ...]:
    code = re.escape(kreis)
    return (
        AreaRule(match=rf"{code}", level="kreis"),
        AreaRule(match=rf"{code}A\d\d", level="amt"),
        AreaRule(match=rf"{code}\d{{3}}", level="gemeinde"),
        AreaRule(match=rf"{code}\d{{3}}(S\d\d|-NZ)", level="sozialraum"),
    )


def _area_code(key: str, ags: str, kreis: str) -> str:
    """Area code of a Gebietsschlüssel `AAAGGGSSS`; the key itself where it follows no known pattern."""
    if key == "SUMSUMSUM":
        return kreis
    if re.fullmatch(r"\d{3}SUMSUM", key):
        return f"{kreis}A{key[1:3]}"
    if re.fullmatch(r"\d{6}SUM", key):
        return f"{kreis}{key[3:6]}"
    if re.fullmatch(r"\d{6}999", key):
        return f"{ags}-NZ"
    if re.fullmatch(r"\d{9}", key):
        return f"{ags}S{key[7:9]}"
    return key


def _with_area(raw: RawTable, kreis: str) -> tuple[RawTable | None, list[Issue]]:
    """Adds the column `area`; needs Gebietsschlüssel and AGS."""
    issues: list[Issue] = []
    position = {header: number for number, header in enumerate(raw.headers)}
    key_header = next((name for name in (KEY, *KEY_ALIASES) if name in position), None)
    for header, present in (
        (KEY, key_header is not None),
        (AGS, AGS in position),
        (MONTH, MONTH in position),
    ):
        if not present:
            message = (
                f"In der Kopfzeile (Zeile {raw.header_row}) fehlt die Spalte „{header}“. Bitte ergänzen."
            )
            issues.append(Issue("refusal", "Spalte fehlt", message, raw.sheet, raw.header_row, header))
    if issues or key_header is None:
        return None, issues
    if key_header != KEY:
        message = f"Die Spalte „{KEY}“ heißt in dieser Datei „{key_header}“. Sie wurde erkannt."
        issues.append(
            Issue("warning", "Spaltenname geändert", message, raw.sheet, raw.header_row, key_header)
        )
    keys, ags = list(raw.columns[position[key_header]]), list(raw.columns[position[AGS]])
    areas: list[Any] = [
        None
        if key is None
        else _area_code(values.text(key).zfill(9), values.text(code) if code else "", kreis)
        for key, code in zip(keys, ags, strict=True)
    ]
    return (
        RawTable(
            (*raw.headers, "area"), (*raw.columns, areas), raw.rows, raw.sheet, raw.header_row, raw.notes
        ),
        issues,
    )


def _month(raw: RawTable) -> tuple[DeliveryPeriod | None, Issue | None]:
    """The reporting month as Stichtag: its last day (BA counts in the middle of the month and reports on it)."""
    encoded = raw.encoded(raw.headers.index(MONTH))
    texts = {values.text(cell) for cell in encoded.cells}
    if len(texts) != 1 or not re.fullmatch(r"\d{4}(0[1-9]|1[0-2])", next(iter(texts))):
        message = "Alle Zeilen müssen denselben Berichtsmonat in der Form JJJJMM nennen."
        return None, Issue("refusal", "Berichtsmonat", message, raw.sheet, raw.header_row + 1, MONTH)
    year, month = int(next(iter(texts))[:4]), int(next(iter(texts))[4:])
    following = np.datetime64(f"{year:04d}-{month:02d}") + 1
    end: date = (following.astype("datetime64[D]") - np.timedelta64(1, "D")).astype(date)
    return DeliveryPeriod("stichtag", end, end), None
