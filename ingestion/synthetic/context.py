"""What every source system sees: the snapshot of a reference date, and the desk that files deliveries and faults.

Does not belong here: the layout of any one source (`deliveries`), the simulation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.synthetic.addresses import AddressBook
from ingestion.synthetic.areas import Areas, BlockCodes
from ingestion.synthetic.benefits import State
from ingestion.synthetic.chance import pseudonym, salt, uniform
from ingestion.synthetic.people import GERMAN, SEX
from ingestion.synthetic.population import HalfYear
from lagebild.instance import SyntheticSettings

Array = NDArray[Any]
REGISTER_LOSS: Final = 0.005
CASE_LOSS: Final = {
    "hze": 0.015, "seu": 0.012, "wohngeld": 0.018, "sgb12": 0.02, "pflege": 0.015, "schwerbehinderung": 0.012,
    "eingliederungshilfe": 0.015, "bewegungen": 0.01, "ba_akg": 0.012, "kita": 0.006, "schule": 0.006,
}  # fmt: skip
NOTE: Final = "synthetisch – simulierte Daten, kein Bezug zu wirklichen Personen oder Orten"


@dataclass(frozen=True)
class Fault:
    """One fault put into the deliveries on purpose."""

    fault_id: str
    kind: str
    source_id: str
    file: str
    period: str
    count: int
    expected: str
    note: str = ""


@dataclass(frozen=True)
class FaultYears:
    """Years in which the faults happen (see docs/musterkreis.md)."""

    settings: SyntheticSettings

    @property
    def last(self) -> int:
        return self.settings.first_year + self.settings.years - 1

    @property
    def header(self) -> int:
        return self.settings.first_year + self.settings.years // 2

    @property
    def decimal(self) -> int:
        return min(self.settings.first_year + 1, self.last)

    @property
    def previous(self) -> int:
        return max(self.last - 1, self.settings.first_year)

    @property
    def double(self) -> int:
        return max(self.last - 2, self.settings.first_year)


@dataclass(frozen=True)
class Snapshot:
    """Persons, states and area codes at one reference date; arrays are parallel to `half.people`."""

    half: HalfYear
    state: State
    areas: Areas
    seed: int

    @property
    def day(self) -> date:
        return self.half.day

    @property
    def year(self) -> int:
        return self.half.day.year

    @cached_property
    def codes(self) -> BlockCodes:
        return self.areas.codes_at(self.day)

    @cached_property
    def person_key(self) -> Array:
        return pseudonym(self.half.people.pid, self.seed, "person").astype(str)

    @cached_property
    def household_key(self) -> Array:
        return pseudonym(self.half.people.hid, self.seed, "household").astype(str)

    @cached_property
    def register_has_block(self) -> Array:
        """False where the register lost the block: the same persons as long as they live there."""
        people = self.half.people
        key = people.pid * 2048 + people.block
        return uniform(key, self.seed, "register block") >= REGISTER_LOSS

    def case_has_block(self, source: str, rows: Array) -> Array:
        """False where a source's record lacks the block."""
        return uniform(self.half.people.pid[rows], self.seed, source, self.day) >= CASE_LOSS[source]

    def cases(self, source: str, rows: Array) -> pd.DataFrame:
        """Common columns of a source's records about the given persons, with true and delivered area codes."""
        people, codes = self.half.people, self.codes
        block = people.block[rows]
        has = self.case_has_block(source, rows)
        true_block = codes.block[block]
        return pd.DataFrame(
            {
                "person_key": self.person_key[rows],
                "household_key": self.household_key[rows],
                "pid": people.pid[rows],
                "period_end": self.day,
                "gemeinde_code": codes.gemeinde[block],
                "block_code": true_block,
                "sozialraum_code": codes.sozialraum[block],
                "amt_code": codes.amt[block],
                "schulbezirk_code": self.areas.school[block],
                "kitabezirk_code": self.areas.kita[block],
                "block_delivered": has,
                "block": np.where(has, true_block, ""),
                "age": self.state.age[rows],
                "birth": people.birth[rows],
                "sex": np.array(SEX, dtype=object)[people.sex[rows]],
                "nationality": np.where(people.nat[rows] == GERMAN, "de", "foreign"),
                "migration": np.where(people.mig[rows], "yes", "no"),
                "ses": people.ses[rows],
            }
        )


@dataclass
class Desk:
    """Where the source systems hand in: writes below the inbox, keeps the ledger of faults and the truth tables."""

    settings: SyntheticSettings
    areas: Areas
    inbox: Path
    faults: list[Fault] = field(default_factory=list)
    case_truth: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    observation_truth: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    @cached_property
    def years(self) -> FaultYears:
        return FaultYears(self.settings)

    @property
    def address_day(self) -> date:
        """Day whose Gemeinden the address register is made for."""
        return date(max(self.years.last, 2021), 12, 31)

    @cached_property
    def addresses(self) -> AddressBook:
        return AddressBook.build(
            self.areas, self.areas.codes_at(self.address_day), self.rng("adressregister")
        )

    def path(self, source: str, name: str) -> Path:
        folder = self.inbox / source
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def filed(self, path: Path, delivered: date) -> None:
        """Registers a written file and gives it its date of delivery."""
        stamp = datetime(delivered.year, delivered.month, delivered.day, 12, tzinfo=UTC).timestamp()
        os.utime(path, (stamp, stamp))
        self.files.append(path)

    def fault(
        self,
        fault_id: str,
        kind: str,
        source: str,
        file: str,
        period: str,
        count: int,
        expected: str,
        note: str = "",
    ) -> None:
        self.faults.append(Fault(fault_id, kind, source, file, period, count, expected, note))

    def missing_block(self, source: str, file: str, period: str, count: int) -> None:
        fault_id = "F08" if source == "einwohnerregister" else "F09"
        self.fault(
            fault_id, "missing_block", source, file, period, count, "counted as räumlich nicht zuordenbar"
        )

    def remember_cases(self, source: str, frame: pd.DataFrame) -> None:
        self.case_truth.setdefault(source, []).append(
            frame.drop(columns=["block", "ses", "birth"], errors="ignore")
        )

    def remember_observations(self, source: str, rows: Iterable[dict[str, Any]] | pd.DataFrame) -> None:
        self.observation_truth.setdefault(source, []).append(pd.DataFrame(rows))

    def rng(self, *parts: object) -> np.random.Generator:
        """Random numbers of one source and period, independent of all others."""
        return np.random.default_rng([self.settings.seed, salt(*parts)])

    def fault_rows(self) -> list[dict[str, Any]]:
        return [asdict(item) for item in sorted(self.faults, key=lambda f: (f.fault_id, f.source_id, f.file))]


def write_csv(
    path: Path, header: Sequence[str], columns: Sequence[Any], *, delimiter: str = ";", encoding: str = "utf-8",
    preface: Sequence[str] = (), quoted: bool = False,
) -> None:  # fmt: skip
    """Small delimited files; values are written as text, quoted only on request."""
    frame = [np.asarray(column).astype(str) for column in columns]
    mark = '"' if quoted else ""
    joint = f"{mark}{delimiter}{mark}"
    lines = [*preface, mark + joint.join(header) + mark]
    lines += [mark + joint.join(row) + mark for row in zip(*frame, strict=True)]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))


def german_date(day: date) -> str:
    return day.strftime("%d.%m.%Y")


def comma(values: Array) -> list[str]:
    """Two decimals with decimal comma."""
    return [f"{value:.2f}".replace(".", ",") for value in values]


def point(values: Array) -> list[str]:
    """Two decimals with decimal point."""
    return [f"{value:.2f}" for value in values]


def german_number(values: Iterable[float]) -> list[str]:
    """Two decimals, decimal comma, thousands separated by points."""
    return [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in values]


def german_sex(values: Array) -> Array:
    return np.where(values == "f", "w", values)


def german_nationality(values: Array) -> Array:
    return np.where(values == "de", "deutsch", "nichtdeutsch")


def german_yes(values: Array) -> Array:
    return np.where(values == "yes", "ja", "nein")
