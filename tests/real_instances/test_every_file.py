"""Every file of real data comes in through a registered source, or stands here with the reason why it does not."""

from __future__ import annotations

import csv
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import pytest

from ingestion.connectors.folder import source_files
from lagebild.instance import Instance, list_instances
from lagebild.paths import data_dir

NOT_DATA: Final = {
    "README.md": "says what the folders hold",
    "*/SOURCE.txt": "origin, licence and traps of a folder",
    "*/README.md": "description by the publisher",
    "*/Readme.md": "description by the publisher",
    "*/LICENSE*": "licence text",
    "*/*-LICENSE": "licence text",
    "*/citation.cff": "how to cite",
    "berlin-lor-population/data-product-canvas.md": "description by the publisher",
    "derived-geojson/quellenvermerk_datenlizenz_deutschland.txt": "licence text",
    "gisd-rki/inkar/Quelle_Arbeitslose_pre2012.txt": "where a figure of INKAR comes from",
    "genesis-ffcsv/catalogue/*.csv": "catalogue of a service: which tables and statistics there are, no figure of any",
    "flensburg-sozialatlas/flensburg_sozialatlas_meta.sql": "labels of tables and columns of the dump, no figure",
    "flensburg-sozialatlas/history-csv/tab_uebersicht.csv": "titles and notes of the tables, no figure",
    "berlin-lor-geo/berlin-lor-matches.json": (
        "pairs of LOR keys old → new without shares; lor_crosswalk holds them with shares, see the test below"
    ),
}
"""Pattern of the path below `LAGEBILD_DATA` → why no source reads it."""


@pytest.fixture(scope="module")
def files() -> list[str]:
    if not data_dir().is_dir():
        pytest.skip(f"real data absent: {data_dir()} (set LAGEBILD_DATA)")
    return sorted(path.relative_to(data_dir()).as_posix() for path in data_dir().rglob("*") if path.is_file())


def _readers() -> dict[str, set[str]]:
    """Path → sources that read it: by their `files`, or beside their own file by name."""
    found: dict[str, set[str]] = {}
    for instance in (Instance(name) for name in list_instances()):
        for source in instance.sources.values():
            named = list(_companions(source.options))
            for path in [*source_files(instance, source), *named]:
                if path.is_relative_to(data_dir()):
                    key = path.relative_to(data_dir()).as_posix()
                    found.setdefault(key, set()).add(f"{instance.name}/{source.id}")
    return found


def _companions(options: dict[str, Any]) -> list[Path]:
    """Files of the folder `companions` that the options name."""
    if "companions" not in options:
        return []
    folder = Path(str(options["companions"]).replace("${LAGEBILD_DATA}", str(data_dir())))
    names = [
        str(item) for value in options.values() for item in (value if isinstance(value, dict) else [value])
    ]
    return [folder / name for name in names if (folder / name).is_file()]


def _reason(path: str) -> str | None:
    return next((why for pattern, why in NOT_DATA.items() if fnmatchcase(path, pattern)), None)


@pytest.mark.real
def test_every_file_has_a_source_or_a_reason(files: list[str]) -> None:
    readers = _readers()
    left = [path for path in files if path not in readers and _reason(path) is None]
    assert not left, f"no source of any instance reads: {', '.join(left)}"
    assert len(readers.keys() & set(files)) > 290


@pytest.mark.real
def test_no_reason_is_stale_and_none_hides_a_source(files: list[str]) -> None:
    readers = _readers()
    for pattern in NOT_DATA:
        matched = [path for path in files if fnmatchcase(path, pattern)]
        assert matched, f"{pattern} names nothing any more"
        assert not [path for path in matched if path in readers], f"{pattern} is read by a source"


@pytest.mark.real
def test_pairs_without_shares_are_those_of_the_crosswalk(files: list[str]) -> None:
    """`berlin-lor-matches.json` says nothing that the crosswalk does not say with shares."""
    folder = data_dir() / "berlin-lor-geo"
    with (folder / "seed_lor_crosswalk_2006_to_2021.csv").open(encoding="utf-8") as stream:
        crosswalk = {(row["plr_id_pre2021"], row["plr_id_2021"]) for row in csv.DictReader(stream)}
    old = {before for before, _ in crosswalk}
    matches = json.loads((folder / "berlin-lor-matches.json").read_text(encoding="utf-8"))
    pairs = {
        (key, other) if key in old else (other, key)
        for key, others in matches.items()
        for other in others
        if len(key) == 8
    }
    assert len(pairs) == 532
    # The one that is missing is the Planungsraum that carries the key of its namesake (`wrong_keys` of lor_crosswalk).
    assert pairs - crosswalk == {("06010102", "04300414")}
