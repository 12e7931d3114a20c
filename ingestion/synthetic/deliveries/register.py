"""Einwohnerregister (one row per person and half-year) and Bewegungen (births, deaths, moves per year)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from ingestion.synthetic.areas import Areas
from ingestion.synthetic.chance import uniform
from ingestion.synthetic.context import CASE_LOSS, Desk, Snapshot, german_date
from ingestion.synthetic.people import GERMAN, REGIONS, SEX

HOUSEHOLD_WORDS = ("Einpersonenhaushalt", "Paar ohne Kind", "Paar mit Kind", "Alleinerziehend", "Sonstige")
_KINDS = {
    "birth": "Geburt",
    "death": "Sterbefall",
    "move_in": "Zuzug",
    "move_out": "Fortzug",
    "move_within": "Umzug",
}
_HEADER = (
    "Stichtag", "Personennummer", "Haushaltsnummer", "AGS", "Strasse", "Hausnummer", "Geschlecht", "Geburtsdatum",
    "Staatsangehoerigkeit", "Herkunftsregion", "Migrationshintergrund", "Haushaltstyp", "Haushaltsgroesse",
)  # fmt: skip


def _words(words: Any, index: NDArray[Any]) -> pa.Array:
    return pa.array(list(words), pa.string()).take(pa.array(index.astype(np.int32)))


def write_register(snapshot: Snapshot, desk: Desk) -> None:
    """One extract as the office has it, with numbers, birth dates and addresses; in the fault year a truncated one
    first and the complete one nine days later."""
    people, state, codes = snapshot.half.people, snapshot.state, snapshot.codes
    has_block = snapshot.register_has_block
    street, house = desk.addresses.written(people.hid, people.block, has_block, snapshot.seed)
    births, birth = np.unique(people.birth, return_inverse=True)
    table = pa.table(
        [
            _words([german_date(snapshot.day)], np.zeros(len(people), dtype=np.int32)),
            pa.array(people.pid),
            pa.array(people.hid),
            _words(codes.gemeinde, people.block),
            street,
            house,
            _words(("m", "w", "d"), people.sex),
            _words([f"{day % 100:02d}.{day // 100 % 100:02d}.{day // 10000:04d}" for day in births], birth),
            _words(("deutsch", "nichtdeutsch"), people.nat != GERMAN),
            _words(REGIONS, people.nat),
            _words(("nein", "ja"), people.mig),
            _words(HOUSEHOLD_WORDS, state.household_type),
            pa.array(state.household_size.astype(np.int16)),
        ],
        names=list(_HEADER),
    )
    stamp = snapshot.day.isoformat()
    delivered = snapshot.day + timedelta(days=15)
    path = desk.path("einwohnerregister", f"EWR_Bestand_{stamp}.csv")
    corrupt = snapshot.day == date(desk.years.previous, 12, 31)
    complete = desk.path("einwohnerregister", f"EWR_Bestand_{stamp}_Korrektur.csv") if corrupt else path
    with complete.open("wb") as sink:
        sink.write((";".join(_HEADER) + "\n").encode())
        options = pacsv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
        pacsv.write_csv(table, sink, options)
    if corrupt:
        _truncate(complete, path)
        desk.filed(path, delivered)
        desk.filed(complete, delivered + timedelta(days=9))
        desk.fault(
            "F10", "corrupt_delivery", "einwohnerregister", path.name, stamp, 1, "quarantined", complete.name
        )
    else:
        desk.filed(complete, delivered)
    desk.missing_block("einwohnerregister", complete.name, stamp, int((~has_block).sum()))


def _truncate(complete: Path, target: Path) -> None:
    """Keeps about 60 % of a file and cuts the last row after its fourth delimiter."""
    content = complete.read_bytes()
    start = content.rindex(b"\n", 0, int(len(content) * 0.6)) + 1
    end = start
    for _ in range(4):
        end = content.index(b";", end) + 1
    target.write_bytes(content[: end + 6])


def write_movements(year: int, events: pd.DataFrame, areas: Areas, desk: Desk) -> None:
    """All events of a year; codes valid in that year (reforms happen on 1 January)."""
    codes = areas.codes_at(date(year, 12, 31))
    events = events.sort_values(["date", "kind", "pid"], kind="stable", ignore_index=True)
    has = uniform(events["pid"].to_numpy(), desk.settings.seed, "bewegungen", year) >= CASE_LOSS["bewegungen"]
    block = codes.block[events["block"]]
    within = (events["block_before"] >= 0).to_numpy()
    before = np.where(within, events["block_before"], 0)
    frame = pd.DataFrame(
        {
            "Ereignis": events["kind"].map(_KINDS),
            "Datum": events["date"].dt.strftime("%d.%m.%Y"),
            "AGS": codes.gemeinde[events["block"]],
            "Block": np.where(has, block, ""),
            "Geschlecht": np.array(("m", "w", "d"))[events["sex"]],
            "Alter": events["age"].astype(np.int16),
            "Staatsangehoerigkeit": np.where(events["nat"] == GERMAN, "deutsch", "nichtdeutsch"),
            "Migrationshintergrund": np.where(events["mig"], "ja", "nein"),
            "HerkunftZiel": events["direction"],
            "AGS_vorher": np.where(within, codes.gemeinde[before], ""),
            "Block_vorher": np.where(within & has, codes.block[before], ""),
        }
    )
    path = desk.path("bewegungen", f"Bewegungen_{year}.csv")
    with path.open("wb") as sink:
        sink.write((";".join(frame.columns) + "\n").encode())
        options = pacsv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
        pacsv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), sink, options)
    desk.filed(path, date(year + 1, 2, 20))
    desk.missing_block("bewegungen", path.name, str(year), int((~has).sum()))
    truth = pd.DataFrame(
        {
            "case_type": events["kind"],
            "pid": events["pid"],
            "period_end": date(year, 12, 31),
            "event_date": events["date"].dt.date,
            "gemeinde_code": codes.gemeinde[events["block"]],
            "block_code": block,
            "sozialraum_code": codes.sozialraum[events["block"]],
            "amt_code": codes.amt[events["block"]],
            "schulbezirk_code": areas.school[events["block"]],
            "kitabezirk_code": areas.kita[events["block"]],
            "block_delivered": has,
            "age": events["age"],
            "sex": np.array(SEX)[events["sex"]],
            "nationality": np.where(events["nat"] == GERMAN, "de", "foreign"),
            "migration": np.where(events["mig"], "yes", "no"),
            "category": events["direction"].str.lower(),
            "from_gemeinde": np.where(within, codes.gemeinde[before], ""),
            "from_block": np.where(within, codes.block[before], ""),
        }
    )
    desk.remember_cases("bewegungen", truth)
