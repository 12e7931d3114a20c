"""Wohngeld and SGB XII/AsylbLG: yearly snapshots of the Fachverfahren as SQLite files."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import numpy as np

from ingestion.synthetic.benefits import SGB12_TYPES
from ingestion.synthetic.chance import uniform
from ingestion.synthetic.context import NOTE, Desk, Snapshot
from ingestion.synthetic.deliveries.register import HOUSEHOLD_WORDS

_CASE_TYPES = {"GSI-ALTER": "sgb12_grusi", "GSI-EM": "sgb12_grusi", "HLU": "sgb12_hlu", "ASYLBLG": "asylblg"}
_CATEGORIES = {"GSI-ALTER": "alter", "GSI-EM": "erwerbsminderung", "HLU": "", "ASYLBLG": ""}
_YEARLY_EUR = {"GSI-ALTER": 6400.0, "GSI-EM": 9200.0, "HLU": 7100.0, "ASYLBLG": 10800.0}


def _database(path: Path, snapshot: Snapshot) -> sqlite3.Connection:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("create table t_info (schluessel text, wert text)")
    info = [("stichtag", snapshot.day.isoformat()), ("hinweis", NOTE), ("mandant", "Musterkreis")]
    connection.executemany("insert into t_info values (?, ?)", info)
    return connection


def write_wohngeld(snapshot: Snapshot, desk: Desk) -> None:
    """One Bescheid per household; payments of the year in cents, in one or two parts."""
    year, state, rng = snapshot.year, snapshot.state, desk.rng("wohngeld", snapshot.year)
    heads = np.sort(state.home.head[state.wohngeld[state.home.head]])
    frame = snapshot.cases("wohngeld", heads)
    owner = uniform(snapshot.half.people.hid[heads], "owner") < np.where(state.age[heads] >= 60, 0.2, 0.09)
    size = state.household_size[heads].astype(int)
    level = 1550 if year < 2016 else 1800 if year < 2020 else 2100 if year < 2023 else 3350
    cents = np.round(level * (0.75 + 0.22 * size) * rng.lognormal(-0.08, 0.4, len(heads)) * 100).astype(
        np.int64
    )
    split = rng.random(len(heads)) < 0.3
    first = np.where(split, cents * 5 // 12, cents)
    frame["case_type"] = "wohngeld"
    frame["category"] = np.where(owner, "lastenzuschuss", "mietzuschuss")
    frame["quantity"] = size
    frame["amount_eur"] = cents / 100
    path = desk.path("wohngeld", f"wohngeld_{year}.sqlite")
    connection = _database(path, snapshot)
    connection.execute(
        "create table t_bescheid (bescheid_id integer primary key, haushalt_id text, ags text, block text,"
        " personen integer, wohngeldart text, haushaltstyp text)"
    )
    connection.execute("create table t_zahlung (bescheid_id integer, jahr integer, betrag_cent integer)")
    words = np.array(HOUSEHOLD_WORDS, dtype=object)[state.household_type[heads]]
    ids = year * 100_000 + np.arange(1, len(heads) + 1)
    connection.executemany(
        "insert into t_bescheid values (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                int(number),
                house,
                ags,
                block or None,
                int(persons),
                "Lastenzuschuss" if own else "Mietzuschuss",
                word,
            )
            for number, house, ags, block, persons, own, word in zip(
                ids,
                frame["household_key"],
                frame["gemeinde_code"],
                frame["block"],
                size,
                owner,
                words,
                strict=True,
            )
        ],
    )
    payments = [(int(n), year, int(part)) for n, part in zip(ids, first, strict=True)]
    payments += [
        (int(n), year, int(rest)) for n, rest in zip(ids[split], (cents - first)[split], strict=True)
    ]
    connection.executemany("insert into t_zahlung values (?, ?, ?)", payments)
    connection.commit()
    connection.close()
    desk.filed(path, date(year + 1, 2, 3))
    desk.missing_block("wohngeld", path.name, str(year), int((~frame["block_delivered"]).sum()))
    desk.remember_cases("wohngeld", frame)


def write_sgb12(snapshot: Snapshot, desk: Desk) -> None:
    """One row per person with Grundsicherung, HLU or AsylbLG on 31.12."""
    year, state, rng = snapshot.year, snapshot.state, desk.rng("sgb12", snapshot.year)
    rows = np.flatnonzero((state.sgb12 > 0) | state.asylblg)
    kinds = np.where(state.asylblg[rows], "ASYLBLG", np.array(SGB12_TYPES, dtype=object)[state.sgb12[rows]])
    frame = snapshot.cases("sgb12", rows)
    base = np.array([_YEARLY_EUR[kind] for kind in kinds]) * (1 + 0.025 * (year - 2014))
    cents = np.round(base * rng.lognormal(-0.06, 0.35, len(rows)) * 100).astype(np.int64)
    frame["case_type"] = [_CASE_TYPES[kind] for kind in kinds]
    frame["category"] = [_CATEGORIES[kind] for kind in kinds]
    frame["amount_eur"] = cents / 100
    path = desk.path("sgb12", f"sgb12_{year}.sqlite")
    connection = _database(path, snapshot)
    connection.execute(
        "create table t_leistungsfall (fall_id integer primary key, leistungsart text, haushalt_id text, ags text,"
        " block text, geschlecht text, lebensalter integer, staatsangehoerigkeit text, betrag_cent integer)"
    )
    sex = frame["sex"].map({"m": "M", "f": "W", "d": "D"})
    nation = np.where(frame["nationality"] == "de", "D", "A")
    connection.executemany(
        "insert into t_leistungsfall values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (year * 100_000 + number, kind, house, ags, block or None, gender, int(age), nat, int(amount))
            for number, (kind, house, ags, block, gender, age, nat, amount) in enumerate(
                zip(
                    kinds, frame["household_key"], frame["gemeinde_code"], frame["block"], sex, frame["age"],
                    nation, cents,
                    strict=True,
                ),
                start=1,
            )
        ],
    )  # fmt: skip
    connection.commit()
    connection.close()
    desk.filed(path, date(year + 1, 2, 17))
    desk.missing_block("sgb12", path.name, str(year), int((~frame["block_delivered"]).sum()))
    desk.remember_cases("sgb12", frame)
