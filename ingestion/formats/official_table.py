"""From understood figures of an official table to observations: what ffcsv and NRW tables share after reading.

Belongs here: the options both have in the registry, keys of areas, what a dash means, double statements, the period of
the delivery. Not here: how a file is laid out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.official import area_of
from ingestion.formats.rows import landing_schema
from ingestion.formats.signs import IMPOSSIBLE, NOT_COLLECTED, Cell
from ingestion.formats.spec import AreaRule

Codes = npt.NDArray[np.int64]
"""Per figure: position in a list of distinct things."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfficialArea(_Strict):
    """Which areas the table holds."""

    system: str = "amtlich"
    levels: tuple[str, ...] = ()
    """Levels agreed for this table; a key of another level is a refusal. Empty: any."""
    rules: tuple[AreaRule, ...] = ()
    """Keys that do not follow the official pattern, or mean something else; asked before the pattern."""
    constant: str = ""
    """Area of the whole table where it names none, e.g. `DG`."""


class Nothing(_Strict):
    """What `-` means in this table where it does not mean „nothing, exactly zero“."""

    areas: Literal["zero", "not_collected", "not_applicable"] | None = None
    """Areas (of one period) whose every figure is `-`. The offices print it for „no cattle“ as well as for a dissolved
    Kreis and for areas a survey does not cover. Not said here: no value, status L, and a warning."""
    not_applicable: tuple[str, ...] = ()
    """Measures (ids) that do not exist where nothing was counted, e.g. a mean price without sales."""


class OfficialOptions(_Strict):
    """Options every table of the statistical offices has."""

    table: str = ""
    """Code of the table (`12411-02-03-4`); the file must be it. Also names the delivery's part."""
    delimiter: str = ";"
    decimal: Literal[",", "."] = ","
    area: OfficialArea = OfficialArea()
    measures: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    """Code or label of the office → measure id; or code → unit → measure id."""
    dimensions: dict[str, str] = Field(default_factory=dict)
    """Variable → dimension; two variables may share one."""
    members: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Variable → attribute → member; `total` for a total of its own code."""
    nothing: Nothing = Nothing()


@dataclass(frozen=True)
class Figures:
    """All figures of a table, column-wise. `*_of` point into the lists of distinct things."""

    areas: Sequence[tuple[str, str]]
    area_of: Codes
    periods: Sequence[DeliveryPeriod]
    period_of: Codes
    measures: Sequence[str]
    measure_of: Codes
    groups: Sequence[str]
    group_of: Codes
    cells: Sequence[Cell]
    cell_of: Codes
    dashes: npt.NDArray[np.bool_]
    """Per figure: written as `-`."""
    columns: Sequence[str]
    column_of: Codes
    rows: npt.NDArray[np.int64]


def area_key(written: str, options: OfficialArea, levels: Sequence[str] = ()) -> tuple[str, str] | None:
    """Level and code of a key by the source's own rules, else by the official pattern; None where unknown or of a
    level the table (`levels`) or the registry does not have."""
    for rule in options.rules:
        if re.fullmatch(rule.match, written):
            return rule.level, rule.code.format(value=written)
    found = area_of(written)
    if found is None or (levels and found[0] not in levels):
        return None
    return found if not options.levels or found[0] in options.levels else None


def area_issue(bad: Sequence[str], options: OfficialArea, row: int, column: str) -> Issue:
    """Refusal for keys no rule understands."""
    agreed = f" Vereinbart sind die Ebenen {', '.join(options.levels)}." if options.levels else ""
    return Issue(
        "refusal",
        "Unbekanntes Gebiet",
        f"{len(bad)} Gebietsschlüssel {'ist' if len(bad) == 1 else 'sind'} nicht bekannt oder von einer nicht "
        f"vereinbarten Ebene, zum Beispiel „{bad[0]}“.{agreed} Bitte die Schlüssel prüfen.",
        row=row,
        column=column,
        value=bad[0],
    )


def measure_id(options: OfficialOptions, code: str, unit: str, default: str) -> str:
    """Measure of a code (or label) and unit: as the registry maps it, else `default`."""
    mapped = options.measures.get(code, default)
    return mapped if isinstance(mapped, str) else mapped.get(unit, default)


def group_id(members: dict[str, str]) -> str:
    """Group of dimension → member, in the spelling of the landing contract."""
    return ";".join(f"{name}={members[name]}" for name in sorted(members)) or "total"


def combine(first: Codes, second: Codes) -> Codes:
    """Codes of the pairs of two codes; small again, so that it may be repeated for any number of columns."""
    _, pairs = np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)
    return np.asarray(pairs.reshape(-1), dtype=np.int64)


_WHOLE: Final = {"not_collected": NOT_COLLECTED, "not_applicable": IMPOSSIBLE}


def assemble(figures: Figures, options: OfficialOptions) -> ParsedDelivery:
    """Observations of a table. Refuses contradicting double statements; the same statement twice counts once."""
    issues: list[Issue] = []
    cells, cell_of = _dashes(figures, options.nothing, issues)
    keep, faults = _once(figures, cell_of)
    issues.extend(faults)
    if any(issue.severity == "refusal" for issue in issues):
        return ParsedDelivery(issues=tuple(issues))
    part = options.table or None
    area_codes, period_codes = figures.area_of[keep], figures.period_of[keep]

    def chosen(names: Sequence[str], codes: Codes) -> pa.Array:
        return pc.take(pa.array(names, pa.string()), pa.array(codes))

    def days(values: list[object]) -> pa.Array:
        return pc.take(pa.array(values, pa.date32()), pa.array(period_codes))

    told = [cells[code] for code in range(len(cells))]
    cell_codes = cell_of[keep]
    count = len(keep)
    columns: dict[str, pa.Array] = {
        "source_row": pa.array(figures.rows[keep]),
        "source_column": chosen(figures.columns, figures.column_of[keep]),
        "area_system": pa.repeat(options.area.system, count),
        "area_level": chosen([level for level, _ in figures.areas], area_codes),
        "area_code": chosen([code for _, code in figures.areas], area_codes),
        "period_type": chosen([item.period_type for item in figures.periods], period_codes),
        "period_start": days([item.start for item in figures.periods]),
        "period_end": days([item.end for item in figures.periods]),
        "measure_id": chosen(figures.measures, figures.measure_of[keep]),
        "group_id": chosen(figures.groups, figures.group_of[keep]),
        "value": pc.take(pa.array([cell.value for cell in told], pa.float64()), pa.array(cell_codes)),
        "obs_status": chosen([cell.obs_status for cell in told], cell_codes),
        "conf_status": chosen([cell.conf_status for cell in told], cell_codes),
    }
    schema = landing_schema("observation")
    table = pa.Table.from_arrays(
        [columns.get(field.name, pa.nulls(count, field.type)).cast(field.type) for field in schema],
        schema=schema,
    )
    used = {figures.periods[code] for code in np.unique(period_codes)}
    # A table of several periods replaces the table before it, whatever its window: it has no period of its own.
    period = next(iter(used)) if len(used) == 1 else None
    return ParsedDelivery({"observation": table}, tuple(issues), period, part=part)


def _dashes(figures: Figures, nothing: Nothing, issues: list[Issue]) -> tuple[list[Cell], Codes]:
    """The cells with dashes that are no zeros replaced."""
    cells = [*figures.cells, IMPOSSIBLE, NOT_COLLECTED]
    impossible, not_collected = len(cells) - 2, len(cells) - 1
    cell_of = figures.cell_of.copy()
    wanting = [code for code, name in enumerate(figures.measures) if name in nothing.not_applicable]
    cell_of[figures.dashes & np.isin(figures.measure_of, wanting)] = impossible
    if nothing.areas == "zero" or not figures.dashes.any():
        return cells, cell_of
    place = combine(figures.area_of, figures.period_of)
    empty = np.bincount(place) == np.bincount(place, weights=figures.dashes)
    whole = empty[place]
    cell_of[whole] = impossible if nothing.areas == "not_applicable" else not_collected
    if nothing.areas is None and whole.any():
        first = int(np.argmax(whole))
        issues.append(
            Issue(
                "warning",
                "Gebiete ohne Angaben",
                f"In {int(empty.sum())} Gebieten steht bei allen Angaben „-“. Ob dort nichts gezählt wurde oder ob die "
                "Tabelle diese Gebiete nicht enthält, sagt die Datei nicht; sie gelten als nicht erhoben. Bitte bei "
                "der Quelle festlegen.",
                row=int(figures.rows[first]),
                value=figures.areas[figures.area_of[first]][1],
            )
        )
    return cells, cell_of


def _once(figures: Figures, cell_of: Codes) -> tuple[npt.NDArray[np.int64], list[Issue]]:
    """Positions of the figures to keep: the first of each key."""
    key = combine(combine(figures.area_of, figures.period_of), combine(figures.measure_of, figures.group_of))
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    distinct = {cell: code for code, cell in reversed(list(enumerate(figures.cells)))}
    same = np.array([distinct[cell] for cell in figures.cells] + [-1, -2], dtype=np.int64)[cell_of]
    contradicting = np.flatnonzero(same != same[first][inverse])
    if len(contradicting):
        second = int(contradicting[0])
        area = figures.areas[figures.area_of[second]][1]
        message = (
            f"Für dieselbe Angabe stehen verschiedene Werte in der Datei ({len(contradicting)} Angaben), zum Beispiel "
            f"für das Gebiet {area} in Zeile {int(figures.rows[first[inverse[second]]])} und in Zeile "
            f"{int(figures.rows[second])}. Bitte prüfen, welcher Wert stimmt; sind es verschiedene Merkmale, bitte "
            "Bescheid geben, damit sie unterschieden werden."
        )
        issue = Issue("refusal", "Widersprüchliche Angaben", message, row=int(figures.rows[second]))
        return np.sort(first), [issue]
    return np.sort(first), []
