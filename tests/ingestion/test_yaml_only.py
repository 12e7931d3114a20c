"""A source of a known format is YAML only: text in an instance's folder, no code, and its files land."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.landing.land import land_instance
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance
from tests.ingestion.test_fault_matrix import territory

SPIELPLAETZE = r"""
id: spielplaetze
label: Spielplätze je Gemeinde
supplier: Grünflächenamt
contact: gruen@beispiel.example
legal_basis: Ratsbeschluss vom 01.02.2024
format: delimited
files: ${INBOX}/spielplaetze/Spielplaetze_*.csv
tables: [observation]
cycle: yearly
reference_day: 31.12.
options:
  file_pattern: Spielplaetze_(?P<year>\d{4})\.csv
  period: {type: stichtag}
  encoding: cp1252
  delimiter: ","
  decimal: "."
  parts:
    - table: observation
      ignored: [Gemeinde]
      area:
        header: AGS
        system: raum
        rules: [{match: '91\d{3}', level: gemeinde}]
      figures:
        - {measure: playgrounds, header: Plätze}
        - {measure: playground_m2, header: Fläche}
"""


def test_a_new_source_is_a_yaml_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    folder = territory(tmp_path).folder
    (folder / "sources" / "spielplaetze.yml").write_text(SPIELPLAETZE, encoding="utf-8")
    instance = Instance("stadt", folder)
    inbox = instance.paths.inbox / "spielplaetze"
    inbox.mkdir(parents=True)
    text = "AGS,Gemeinde,Plätze,Fläche\n91001,Aue,3,1250.5\n91002,Bruch,-,0\n91003,Chör,12,\n"
    (inbox / "Spielplaetze_2024.csv").write_bytes(text.replace(",-,", ",1,").encode("cp1252"))

    reports = land_instance(instance)

    assert (reports["spielplaetze"].landed, reports["spielplaetze"].quarantined) == (1, 0)
    (manifest,) = read_manifests(instance, "spielplaetze")
    table = pq.read_table(
        instance.paths.landing / "spielplaetze" / manifest.delivery_id / "observation.parquet"
    )
    found = {(row["area_code"], row["measure_id"]): row["value"] for row in table.to_pylist()}
    assert found["91001", "playground_m2"] == 1250.5 and found["91003", "playgrounds"] == 12
    assert found["91003", "playground_m2"] is None  # not delivered, not zero
    assert str(manifest.period_end) == "2024-12-31"
