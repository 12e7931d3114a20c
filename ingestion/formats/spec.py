"""The mapping language of `options` in a source's YAML: how columns of a file become columns of a landing table.

The readers (`delimited`, `workbook`, `database`) share it, so a source of a known format is YAML only.
Examples: `instances/musterkreis/sources/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingestion.formats.signs import OFFICIAL, Cell, agreed
from ingestion.landing.contracts import TABLES

RAW_COLUMNS = {"person": ("street", "house_number"), "case": ("street", "house_number")}
"""What person-level tables may be read with although the landing contract does not hold it: it ends in anonymisation
(`protection.address`), before the gate."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """How one landing column is read from one column of the file.

    Steps in order: empty → `empty`; `extract` (regular expression, first group); `map`; `template`; `kind`.
    """

    header: str
    aliases: tuple[str, ...] = ()
    """Other names the column has had; using one is a warning."""
    optional: bool = False
    """The column may be absent (then NULL)."""
    kind: Literal["text", "integer", "decimal", "date", "months_to_years", "age_from_birth_date"] = "text"
    extract: str = ""
    map: dict[str, str] = Field(default_factory=dict)
    """Exact translation; a value outside of it is refused."""
    template: str = ""
    """Python format with `{value}` and the named groups of `file_pattern`, e.g. `99901002{value}`."""
    empty: str | None = None
    """What an empty field means; without it NULL."""


class Period(_Strict):
    """Where the reporting period comes from.

    From `file_pattern`: group `date` (ISO) or `year` with `day` for a Stichtag; `year` for Jahr and for
    Schuljahr (its first year). `header`: a column holding the Stichtag; it must hold one value, and agree with
    the file name where that tells the date.
    """

    type: Literal["stichtag", "jahr", "schuljahr"]
    day: str = Field(default="12-31", pattern=r"^\d\d-\d\d$")
    header: str = ""


class RowFilter(_Strict):
    """Rows whose column matches the regular expression (whole value)."""

    header: str
    match: str


class AreaRule(_Strict):
    """Area level of the codes that match (whole value); `code` replaces the code (template with `{value}`)."""

    match: str
    level: str
    code: str = "{value}"


class Area(_Strict):
    """Which area an observation belongs to."""

    header: str
    aliases: tuple[str, ...] = ()
    system: str
    rules: tuple[AreaRule, ...]


class Figure(_Strict):
    """One measure × group read from a column, or the sum of columns; `minus` subtracts further columns."""

    measure: str
    group: str = "total"
    """Group id; may use the named groups of `file_pattern`, e.g. `wahlart={art}`."""
    header: str = ""
    aliases: tuple[str, ...] = ()
    sum_of: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    """Headers whose figures are subtracted, e.g. to complete a breakdown of which one part is not delivered."""
    contributors: str = ""
    """Header of the column with the number of contributors."""
    where: RowFilter | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Figure:
        if bool(self.header) == bool(self.sum_of):
            raise ValueError(f"{self.measure}: exactly one of header and sum_of")
        return self


class Signs(_Strict):
    """What signs in figure cells mean (`ingestion.formats.signs`)."""

    official: bool = False
    """The signs of the statistical offices (`-` `.` `...` `/` `x`); the lists below are then additions to them."""
    zero: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("...", "…")

    @property
    def cells(self) -> Mapping[str, Cell]:
        """Sign → what it says."""
        own = agreed(zero=self.zero, hidden=self.hidden, missing=self.missing)
        return {**(OFFICIAL if self.official else {}), **own}


class CompleteAreas(_Strict):
    """Areas that are there in a period and have a true zero when the file does not name them."""

    valid_from: str = "0001-01-01"
    valid_to: str = "9999-12-31"
    first: int
    last: int
    """Codes `first` to `last`, both included."""
    without: tuple[int, ...] = ()


class Part(_Strict):
    """One table of the file (a sheet, a query, the CSV itself) and the landing table it becomes."""

    table: str
    sheet: str = ""
    query: str = ""
    columns: dict[str, Column] = Field(default_factory=dict)
    attributes: dict[str, Column] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    """Fixed values of text columns; may use the named groups of `file_pattern`."""
    ignored: tuple[str, ...] = ()
    """Columns known and not needed; any other unknown column is a warning."""
    skip_rows: tuple[RowFilter, ...] = ()
    header_row: int = Field(default=0, ge=0)
    """Row the header is agreed to stand in; elsewhere it is read with a warning. 0: wherever it is found."""
    area: Area | None = None
    figures: tuple[Figure, ...] = ()
    signs: Signs = Signs()
    empty_cells: Literal["missing", "skip"] = "missing"
    """Empty figure: not delivered (obs_status O), or no statement at all (no row)."""
    aggregate: bool = False
    """Sum rows of the same area, keeping the number of contributors and the two largest contributions."""
    complete_areas: tuple[CompleteAreas, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Part:
        if self.table not in TABLES:
            raise ValueError(f"unknown landing table '{self.table}'")
        if (self.table == "observation") != (self.area is not None and bool(self.figures)):
            raise ValueError("observation needs area and figures, other tables need columns")
        names = {*TABLES[self.table].names, *RAW_COLUMNS.get(self.table, ())}
        if unknown := (set(self.columns) | set(self.constants)) - names:
            raise ValueError(f"{self.table} has no columns {sorted(unknown)}")
        if self.complete_areas and not self.aggregate:
            raise ValueError("complete_areas needs aggregate")
        return self


class TabularOptions(_Strict):
    """`options` of the formats delimited, workbook and database."""

    file_pattern: str = ""
    """Regular expression for the whole file name; its named groups serve period, kommune and templates."""
    period: Period | None = None
    kommune: str = ""
    """Template of the Kommune that delivers, e.g. `{kommune}`."""
    delivery_part: str = ""
    """Template of what tells files apart that make up one period together, e.g. `{watermark}` of an increment."""
    encoding: str = "utf-8"
    delimiter: str = ";"
    decimal: Literal[",", "."] = ","
    """Decimal sign of numbers written as text; the other one is a warning where it is unambiguous."""
    parts: tuple[Part, ...] = Field(min_length=1)

    @classmethod
    def of(cls, options: dict[str, Any]) -> TabularOptions:
        """Validated options of a source; raises pydantic.ValidationError for a mistake in the YAML."""
        return cls.model_validate(options)
