"""Lands and anonymises a register extract of five million persons through the normal way and says what it took.

Target (issue 3): under 60 s and 2 GiB of memory. The file is generated from a seed into `LAGEBILD_VAR`; nothing is
simulated but the layout: person numbers, birth dates, addresses in a tenth of other spellings, 1 % of them unknown.

    LAGEBILD_VAR=/tmp/bench/var .venv/bin/python benchmarks/landing/register_5m.py [rows]
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from lagebild.instance import Instance, SourceConfig
from lagebild.paths import var_dir

SEED: Final = 20260101
BLOCKS: Final = 6_000
PIECE: Final = 500_000
HEADER: Final = (
    "Stichtag;Personennummer;Haushaltsnummer;AGS;Strasse;Hausnummer;Geschlecht;Geburtsdatum;"
    "Staatsangehoerigkeit"
)
COMMON: Final[dict[str, Any]] = {
    "supplier": "Meldebehörde",
    "contact": "amt@beispiel.example",
    "legal_basis": "§ 34 BMG",
    "format": "delimited",
    "cycle": "half_yearly",
    "reference_day": "30.06.",
}
ADDRESSES: Final = {
    "id": "adressen",
    "label": "Adressregister",
    "files": "${INBOX}/adressen/*.csv",
    "tables": ("address",),
    "options": {
        "parts": [
            {
                "table": "address",
                "columns": {
                    "gemeinde_code": {"header": "AGS"},
                    "street": {"header": "Strasse"},
                    "house_number": {"header": "Hausnummer"},
                    "block_code": {"header": "Block"},
                },
            }
        ]
    },
}
REGISTER: Final = {
    "id": "register",
    "label": "Register",
    "files": "${INBOX}/register/*.csv",
    "tables": ("person",),
    "personal": True,
    "protection": {
        "originals": "encrypt",
        "pseudonymise": ["person_key", "household_key"],
        "address": {"max_unmatched_share": 0.03},
    },
    "options": {
        "file_pattern": r"register_(?P<date>\d{4}-\d{2}-\d{2})\.csv",
        "period": {"type": "stichtag", "header": "Stichtag"},
        "parts": [
            {
                "table": "person",
                "columns": {
                    "reference_date": {"header": "Stichtag", "kind": "date"},
                    "person_key": {"header": "Personennummer"},
                    "household_key": {"header": "Haushaltsnummer"},
                    "gemeinde_code": {"header": "AGS"},
                    "street": {"header": "Strasse"},
                    "house_number": {"header": "Hausnummer"},
                    "sex": {"header": "Geschlecht", "map": {"m": "m", "w": "f", "d": "d"}},
                    "age": {"header": "Geburtsdatum", "kind": "age_from_birth_date"},
                    "nationality": {
                        "header": "Staatsangehoerigkeit",
                        "map": {"deutsch": "de", "nichtdeutsch": "foreign"},
                    },
                },
            }
        ],
    },
}


def write_files(instance: Instance, rows: int) -> None:
    """Address register (150,000 addresses) and register extract."""
    rng = np.random.default_rng(SEED)
    folder = instance.paths.inbox / "adressen"
    folder.mkdir(parents=True)
    lines = ["AGS;Strasse;Hausnummer;Block"]
    streets = [
        f"{head}{tail}"
        for head in ("Linden", "Mühlen", "Garten", "Wald", "Ufer")
        for tail in ("straße", "weg")
    ]
    for block in range(BLOCKS):
        ags = f"{1001000 + block // 40:08d}"
        lines += [
            f"{ags};{streets[block % 10]} {block % 40 // 10};{number + 1};{ags}B{block % 40:04d}"
            for number in range(25)
        ]
    (folder / "adressen.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    folder = instance.paths.inbox / "register"
    folder.mkdir(parents=True)
    ags_words = [f"{1001000 + number:08d}" for number in range(BLOCKS // 40)]
    street_words = [f"{name} {number}" for number in range(4) for name in streets]
    spelt = [word.replace("straße ", "str. ").replace("weg ", "-Weg ") for word in street_words]
    unknown = [f"Neubauring {number}" for number in range(len(street_words))]
    days = np.arange(np.datetime64("1930-01-01"), np.datetime64("2024-06-01"))
    births = [f"{day.day:02d}.{day.month:02d}.{day.year}" for day in days.tolist()]
    with (folder / "register_2024-06-30.csv").open("wb") as sink:
        sink.write((HEADER + "\n").encode())
        for start in range(0, rows, PIECE):
            count = min(PIECE, rows - start)
            block = rng.integers(0, BLOCKS, count)
            form = rng.choice([0, 1, 2], count, p=[0.89, 0.10, 0.01])
            street = form * len(street_words) + block % 40 // 10 * 10 + block % 10
            number = np.arange(start, start + count)
            table = pa.table(
                [
                    _words(["30.06.2024"], np.zeros(count)),
                    pa.array(number * 7 + 100_000_000),
                    pa.array(number // 2 + 500_000_000),
                    _words(ags_words, block // 40),
                    _words([*street_words, *spelt, *unknown], street),
                    pa.array(rng.integers(1, 26, count)),
                    _words(["m", "w", "d"], rng.choice(3, count, p=[0.495, 0.5, 0.005])),
                    _words(births, rng.integers(0, len(births), count)),
                    _words(["deutsch", "nichtdeutsch"], rng.random(count) < 0.13),
                ],
                names=HEADER.split(";"),
            )
            options = pacsv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
            pacsv.write_csv(table, sink, options)


def _words(words: list[str], index: np.ndarray[Any, Any]) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(index.astype(np.int32)))


def configure(folder: Path) -> Instance:
    """An instance folder with the two sources."""
    import yaml

    (folder / "sources").mkdir(parents=True, exist_ok=True)
    for source in (ADDRESSES, REGISTER):
        valid = SourceConfig.model_validate({**COMMON, **source})
        text = yaml.safe_dump(valid.model_dump(mode="json", exclude_defaults=True), allow_unicode=True)
        (folder / "sources" / f"{valid.id}.yml").write_text(text, encoding="utf-8")
    return Instance("benchmark_register", folder)


def main() -> None:
    if sys.argv[1:2] == ["land"]:
        _land(configure(var_dir() / "benchmark_instance"))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    instance = configure(var_dir() / "benchmark_instance")
    shutil.rmtree(instance.paths.root, ignore_errors=True)
    write_files(instance, rows)
    size = (instance.paths.inbox / "register" / "register_2024-06-30.csv").stat().st_size
    print(f"{rows} rows, {size / 2**20:.0f} MiB")
    # A process of its own: its memory is that of landing, not of generating.
    subprocess.run([sys.executable, __file__, "land"], check=True)


def _land(instance: Instance) -> None:
    from ingestion.landing.land import land_source
    from ingestion.landing.manifest import read_manifests

    land_source(instance, instance.sources["adressen"])
    begin = time.monotonic()
    report = land_source(instance, instance.sources["register"])
    seconds = time.monotonic() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    (manifest,) = read_manifests(instance, "register")
    print(f"{manifest.status}: {manifest.rows} {manifest.addresses} {[i.rule for i in manifest.issues]}")
    print(f"{seconds:.1f} s, peak {peak:.2f} GiB")
    if report.landed != 1 or seconds > 60 or peak > 2:
        raise SystemExit("target missed: 60 s, 2 GiB, landed")


if __name__ == "__main__":
    main()
