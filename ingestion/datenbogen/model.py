"""What a form asks: options of a source, and one form of one Kommune and period with its structure hash. No I/O."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ingestion.formats.base import DeliveryPeriod

TITLE: Final = "Datenbogen"
GUIDE_SHEET: Final = "Anleitung"
ENTRY_SHEET: Final = "Angaben"
ID_SHEET: Final = "Kennung"

STATES: Final[dict[str, str]] = {"vollständig": "A", "liegt nicht vor": "O", "trifft nicht zu": "M"}
"""Drop-down per row → `obs_status`."""
COMPLETE: Final = "vollständig"

CODE_HEADER, NAME_HEADER, STATE_HEADER = "Schlüssel", "Gebiet", "Angabe liegt vor?"
HEADER_ROW: Final = 5
FIRST_ROW: Final = 6


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FormField(_Strict):
    """One figure asked per area."""

    measure: str
    group: str = "total"
    label: str
    """Header of the entry column."""
    hint: str = ""
    """Shown when the cell is chosen: what counts, what does not."""
    decimals: int = Field(default=0, ge=0, le=2)
    minimum: float = 0
    maximum: float | None = None


class FormOptions(_Strict):
    """`options` of `format: datenbogen`."""

    version: int = Field(ge=1)
    """Raised with every change of the fields; a form of another version is refused."""
    file_pattern: str = r"Datenbogen_.+\.xlsx"
    period: Literal["jahr", "stichtag"]
    day: str = Field(default="12-31", pattern=r"^\d\d-\d\d$")
    """Month and day of a Stichtag."""
    area_system: str
    area_level: str
    fields: tuple[FormField, ...] = Field(min_length=1)
    notes: tuple[str, ...] = ()
    """Sentences for the sheet `Anleitung`."""

    def period_of(self, year: int) -> DeliveryPeriod:
        """The period a form of that year asks for."""
        if self.period == "jahr":
            return DeliveryPeriod("jahr", date(year, 1, 1), date(year, 12, 31))
        day = date.fromisoformat(f"{year}-{self.day}")
        return DeliveryPeriod("stichtag", day, day)


@dataclass(frozen=True)
class Form:
    """One form: whom it asks for which period about which areas."""

    source_id: str
    kommune: str
    kommune_name: str
    year: int
    areas: tuple[tuple[str, str], ...]
    """Code and name, in order of the rows."""
    options: FormOptions

    @property
    def file_name(self) -> str:
        return f"Datenbogen_{self.source_id}_{self.kommune}_{self.year}.xlsx"

    def headers(self) -> tuple[str, ...]:
        """Header row of the sheet `Angaben`; beside every entry stands the value of the year before."""
        found = [CODE_HEADER, NAME_HEADER]
        for item in self.options.fields:
            found += [f"{item.label} {self.year}", f"zum Vergleich {self.year - 1}"]
        return (*found, STATE_HEADER)

    def structure_hash(self) -> str:
        """Hash of everything a supplier must not change."""
        content = {
            "source": self.source_id,
            "kommune": self.kommune,
            "year": self.year,
            "version": self.options.version,
            "areas": self.areas,
            "headers": self.headers(),
            "fields": [item.model_dump(include={"measure", "group"}) for item in self.options.fields],
        }
        text = json.dumps(content, ensure_ascii=True, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def identity(self) -> dict[str, str]:
        """Rows of the sheet `Kennung`."""
        return {
            "Quelle": self.source_id,
            "Kommune": self.kommune,
            "Jahr": str(self.year),
            "Fassung": str(self.options.version),
            "Aufbau": self.structure_hash(),
        }
