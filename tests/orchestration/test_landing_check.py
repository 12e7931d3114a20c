"""What Dagster shows when a supplier's server cannot be had: a warning that says so, and the other files go on."""

from __future__ import annotations

from pathlib import Path

from dagster import AssetCheckSeverity, materialize

from lagebild.instance import Instance
from orchestration.assets import _landing
from orchestration.exclusive import exclusive_resource, resource_key
from tests.ingestion.connected import content, source


def test_failed_fetch_is_a_warning_with_its_words(var: Path, tmp_path: Path) -> None:
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "instance.yml").write_text(
        "{name: probe, title: Probe, attribution: Probe, main_area_system: s, area_systems: [], dashboard: "
        "{headline_indicators: [a, b, c, d], map_indicator: a, map_level: s, series_indicators: [a], "
        "ranking_indicator: a, ranking_level: s}}"
    )
    instance = Instance("probe", folder)
    inbox = instance.paths.inbox / "spielplaetze"
    inbox.mkdir(parents=True)
    (inbox / "Spielplaetze_2023.csv").write_bytes(content(4))
    address = "https://127.0.0.1:1/Spielplaetze_2024.csv"
    retries = {"attempts": 1}
    config = source({"type": "http", "files": [{"url": address}], "retries": retries})
    result = materialize(
        [_landing(instance, config)], resources={resource_key("probe"): exclusive_resource("probe")}
    )
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.WARN)
    assert check.metadata["connector_failures"].value == "127.0.0.1 ist nicht erreichbar."
    (made,) = result.asset_materializations_for_node("probe__landing__spielplaetze")
    assert made.metadata["landed"].value == 1
