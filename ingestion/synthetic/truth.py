"""The truth for tests: all simulated persons, all cases, exact aggregates, areas, faults.

Read by tests only; nothing in the way of a number may open these files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingestion.synthetic.benefits import (
    CARE_TYPES,
    EGH_TYPES,
    EMPLOYMENT,
    HZE_TYPES,
    MARKS,
    SGB12_TYPES,
    TRACKS,
)
from ingestion.synthetic.context import Desk, Snapshot
from ingestion.synthetic.people import GERMAN, HOUSEHOLD_TYPES, REGIONS, SEX


def _coded(words: Any, index: NDArray[Any]) -> pa.Array:
    values, positions = np.unique(np.asarray(words, dtype=object).astype(str), return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        positions[index.astype(np.int64)].astype(np.int32), pa.array(values, pa.string())
    )


def write_persons(snapshot: Snapshot, folder: Path) -> None:
    """`persons_<date>.parquet`. Grain: one person of the register with all true attributes."""
    people, state, codes, areas = snapshot.half.people, snapshot.state, snapshot.codes, snapshot.areas
    block = people.block
    columns: dict[str, Any] = {
        "pid": people.pid,
        "hid": people.hid,
        "person_key": pa.array(snapshot.person_key),
        "household_key": pa.array(snapshot.household_key),
        "birth": people.birth,
        "age": state.age.astype(np.int16),
        "sex": _coded(SEX, people.sex),
        "nationality": _coded(("de", "foreign"), people.nat != GERMAN),
        "nationality_region": _coded(REGIONS, people.nat),
        "migration": _coded(("no", "yes"), people.mig),
        "refugee": people.refugee,
        "household_type": _coded(HOUSEHOLD_TYPES, state.household_type),
        "household_size": state.household_size.astype(np.int16),
        "block_code": _coded(codes.block, block),
        "sozialraum_code": _coded(codes.sozialraum, block),
        "gemeinde_code": _coded(codes.gemeinde, block),
        "amt_code": _coded(codes.amt, block),
        "schulbezirk_code": _coded(areas.school, block),
        "kitabezirk_code": _coded(areas.kita, block),
        "block_delivered": snapshot.register_has_block,
        "status": people.ses,
        "employment": _coded(EMPLOYMENT, state.employment),
        "unemployed_longterm": state.longterm,
        "sgb2": state.sgb2,
        "sgb2_elb": state.sgb2_elb,
        "asylblg": state.asylblg,
        "sgb12": _coded(SGB12_TYPES, state.sgb12),
        "wohngeld": state.wohngeld,
        "gdb": state.gdb,
        **{f"mark_{mark}": (state.marks >> bit & 1).astype(bool) for bit, mark in enumerate(MARKS)},
        "egh": _coded(EGH_TYPES, state.egh),
        "care_grade": state.care_grade,
        "care_type": _coded(CARE_TYPES, state.care_type),
        "school_track": _coded(TRACKS, state.track),
        "kita": state.kita,
        "hze": _coded(HZE_TYPES, state.hze),
    }
    path = folder / f"persons_{snapshot.day.isoformat()}.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd")


def write_ledgers(desk: Desk, folder: Path) -> None:
    """Cases, observations, areas and faults of all sources."""
    for source, frames in desk.case_truth.items():
        pd.concat(frames, ignore_index=True).to_parquet(folder / f"cases_{source}.parquet", index=False)
    for source, frames in desk.observation_truth.items():
        pd.concat(frames, ignore_index=True).to_parquet(
            folder / f"observations_{source}.parquet", index=False
        )
    desk.areas.area_rows.to_parquet(folder / "areas.parquet", index=False)
    desk.areas.crosswalk.to_parquet(folder / "crosswalk.parquet", index=False)
    text = json.dumps(desk.fault_rows(), ensure_ascii=False, indent=1)
    (folder / "faults.json").write_text(text + "\n", encoding="utf-8")
