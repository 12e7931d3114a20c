"""A delivery refused for an area key is judged again when the area register has changed, and only then."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.landing.land import LandingReport, land_source
from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance
from lagebild.paths import INSTANCES_DIR

COMMON: dict[str, Any] = {
    "supplier": "Amt",
    "contact": "amt@beispiel.example",
    "legal_basis": "Beschluss",
    "format": "delimited",
    "cycle": "yearly",
    "reference_day": "31.12.",
}
AREAS: dict[str, Any] = COMMON | {
    "id": "gebiete",
    "label": "Gebiete",
    "files": "${INBOX}/gebiete/*.csv",
    "tables": ["area"],
    "options": {
        "parts": [
            {
                "table": "area",
                "constants": {"area_system": "sozialraum"},
                "columns": {
                    "area_level": {"header": "Ebene"},
                    "area_code": {"header": "Schluessel"},
                    "area_name": {"header": "Name"},
                    "parent_code": {"header": "In"},
                    "valid_from": {"header": "Ab", "kind": "date"},
                },
            }
        ]
    },
}
FIGURES: dict[str, Any] = COMMON | {
    "id": "zahlen",
    "label": "Zahlen",
    "files": "${INBOX}/zahlen/*.csv",
    "tables": ["observation"],
    "options": {
        "file_pattern": r"zahlen_(?P<year>\d{4})\.csv",
        "period": {"type": "stichtag", "day": "12-31"},
        "parts": [
            {
                "table": "observation",
                "area": {
                    "header": "Gebiet",
                    "system": "sozialraum",
                    "rules": [{"match": r"\d+", "level": "gemeinde"}],
                },
                "figures": [{"measure": "dwellings", "header": "Wohnungen"}],
            }
        ],
    },
}


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    folder = tmp_path / "probe"
    (folder / "sources").mkdir(parents=True)
    shutil.copyfile(INSTANCES_DIR / "musterkreis" / "instance.yml", folder / "instance.yml")
    for source in (AREAS, FIGURES):
        (folder / "sources" / f"{source['id']}.yml").write_text(yaml.safe_dump(source), encoding="utf-8")
    return Instance("probe", folder)


def drop(instance: Instance, name: str, lines: list[str], day: int) -> None:
    path = instance.paths.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    moment = datetime(2025, 3, day, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def land(instance: Instance) -> LandingReport:
    land_source(instance, instance.sources["gebiete"])
    return land_source(instance, instance.sources["zahlen"])


def figures(instance: Instance) -> Manifest:
    (manifest,) = read_manifests(instance, "zahlen")
    return manifest


HEAD = "Ebene;Schluessel;Name;In;Ab"
KREIS = "kreis;9;Kreis;;01.01.2010"
FIRST = "gemeinde;91;Ort;9;01.01.2010"
SECOND = "gemeinde;92;Neuort;9;01.01.2010"


def test_a_new_register_lets_the_refused_delivery_in(instance: Instance) -> None:
    drop(instance, "gebiete/gebiete.csv", [HEAD, KREIS, FIRST], 1)
    drop(instance, "zahlen/zahlen_2024.csv", ["Gebiet;Wohnungen", "91;5", "92;7"], 2)
    assert land(instance).quarantined == 1
    refused = figures(instance)
    assert [(issue.rule, issue.value) for issue in refused.issues if issue.severity == "refusal"] == [
        ("Unbekannter Gebietsschlüssel", "92")
    ]
    assert refused.areas_fingerprint is not None
    assert land(instance).delivery_ids == ()  # nothing changed: nothing is read

    drop(instance, "gebiete/gebiete.csv", [HEAD, KREIS, FIRST, SECOND], 3)
    assert land(instance).landed == 1
    accepted = figures(instance)
    assert (accepted.status, accepted.delivery_id) == ("landed", refused.delivery_id)
    assert accepted.received_at == refused.received_at
    assert accepted.landed_at is not None and accepted.landed_at > refused.received_at
    assert accepted.areas_fingerprint is None
    assert land(instance).delivery_ids == ()


def test_a_register_without_the_key_refuses_again_and_once(instance: Instance) -> None:
    drop(instance, "gebiete/gebiete.csv", [HEAD, KREIS, FIRST], 1)
    drop(instance, "zahlen/zahlen_2024.csv", ["Gebiet;Wohnungen", "91;5", "99;7"], 2)
    land(instance)
    before = figures(instance).areas_fingerprint
    drop(instance, "gebiete/gebiete.csv", [HEAD, KREIS, FIRST, SECOND], 3)
    assert land(instance).quarantined == 1
    assert figures(instance).areas_fingerprint != before
    assert land(instance).delivery_ids == ()


def test_another_fault_does_not_hang_on_the_register(instance: Instance) -> None:
    drop(instance, "gebiete/gebiete.csv", [HEAD, KREIS, FIRST], 1)
    drop(instance, "zahlen/zahlen_2024.csv", ["Gebiet;Wohnungen", "91;viele"], 2)
    assert land(instance).quarantined == 1
    assert figures(instance).areas_fingerprint is None
    drop(instance, "gebiete/gebiete.csv", [HEAD, KREIS, FIRST, SECOND], 3)
    assert land(instance).delivery_ids == ()
