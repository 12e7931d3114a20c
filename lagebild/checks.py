"""What the landing gate checks beyond the contract: the section `checks:` of `instances/<name>/sources/<id>.yml`.

Every rule has a default that follows from contract, registry and catalogue, so most sources need only what differs.
The rules themselves are in `expectations/`; what they mean to a supplier is told in docs/pruefbericht.md.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Severity = Literal["refusal", "warning"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RangeCheck(_Strict):
    """Possible values of a measure (observations) or of a column (all tables); both ends belong to the range.

    An entry replaces the range the catalogue suggests for the measure: `{measure: x}` alone takes it away.
    """

    measure: str = ""
    column: str = ""
    minimum: float | None = None
    maximum: float | None = None
    severity: Severity = "refusal"

    @model_validator(mode="after")
    def _one_target(self) -> RangeCheck:
        if bool(self.measure) == bool(self.column):
            raise ValueError("a range belongs to exactly one of measure and column")
        return self


class AreaCheck(_Strict):
    """Area keys known in the area register at the day of the figures."""

    severity: Severity | Literal["off"] = "refusal"
    """`off` only for keys the register does not hold on purpose."""


class CompletenessCheck(_Strict):
    """Expected measures and, per delivered measure and level, expected areas."""

    severity: Severity | Literal["off"] = "warning"
    levels: tuple[str, ...] = ()
    """Levels that have to be complete; empty: every level the delivery names for a measure."""
    measures: tuple[str, ...] = ()
    """Measures that have to be there; empty: those the instance obtains from this source."""
    sparse: tuple[str, ...] = ()
    """Measures whose areas without an entry mean nothing wrong."""


class SumCheck(_Strict):
    """Parts give their total, areas give the area above them."""

    severity: Severity | Literal["off"] = "warning"
    rounding: float = Field(default=0.0, ge=0)
    """Step the source rounds every figure to (INKAR, census: 1, 3, 5, 10 …); a sum of n figures may then be off by
    (n + 1) × step / 2 and is reported as rounding of the source."""
    tolerance: float = Field(default=0.0, ge=0)
    """Difference that is let pass beyond rounding, in units of the measure."""
    without: tuple[str, ...] = ()
    """Measures that do not add up by their nature (a person may be counted in two areas)."""
    between_deliveries: bool = False
    """Levels come in files of their own: areas are added up to the figures of the source's other deliveries, too."""
    boundaries: date | None = None
    """Day whose areas all figures are given in, where the supplier has converted the past (INKAR); None: their own."""


class JumpCheck(_Strict):
    """Change against the previous delivery of the same source, Kommune and period type."""

    severity: Severity | Literal["off"] = "warning"
    factor: float = Field(default=3.0, gt=1)
    """More than this many times as much, or less than the reciprocal, is remarkable."""
    refuse_factor: float | None = Field(default=50.0, gt=1)
    """A change beyond it, both figures at least `minimum_base`, is an error of unit or of a decimal sign and refused;
    null: never."""
    minimum_change: float = Field(default=100.0, ge=0)
    """Smaller changes in absolute terms are never remarkable."""
    minimum_base: float = Field(default=30.0, ge=0)
    """Neither is a change where both values lie below this."""
    levels: tuple[str, ...] = ()
    """Levels compared; empty: all."""
    without: tuple[str, ...] = ()
    """Measures that may jump."""


class PlausibilityCheck(_Strict):
    """A part is not larger than its whole, within the delivery and against other sources."""

    severity: Severity | Literal["off"] = "warning"
    tolerance_share: float = Field(default=0.05, ge=0)
    """Share of the whole by which another source's reference day or coverage may differ."""
    tolerance: float = Field(default=5.0, ge=0)
    """The same in absolute terms, for small areas."""
    days_apart: int = Field(default=31, ge=0)
    """Reference days that far apart are still compared."""
    without: tuple[str, ...] = ()
    """Measures not compared."""


class DuplicateCheck(_Strict):
    """Rows that say the same twice."""

    severity: Severity = "refusal"


class Checks(_Strict):
    """Plausibility rules of a source."""

    expected_rows_min: int = 1
    """0 lets a delivery without a single case pass: a small Jugendamt may have none."""
    expected_rows_max: int | None = None
    max_missing_block_share: float | None = Field(default=None, ge=0, le=1)
    """Share of persons or cases without a Baublock above which the delivery gets a warning."""
    max_file_mib: int | None = Field(default=None, gt=0)
    """Larger files are refused before they are opened; without it what the format bears (`ingestion.formats.guard`)."""
    allow_negative: bool = False
    """Differences, balances, z-values."""
    after: tuple[str, ...] = ()
    """Sources landed before this one because its figures are compared with theirs."""
    ranges: tuple[RangeCheck, ...] = ()
    areas: AreaCheck = AreaCheck()
    completeness: CompletenessCheck = CompletenessCheck()
    sums: SumCheck = SumCheck()
    jumps: JumpCheck = JumpCheck()
    plausibility: PlausibilityCheck = PlausibilityCheck()
    duplicates: DuplicateCheck = DuplicateCheck()
