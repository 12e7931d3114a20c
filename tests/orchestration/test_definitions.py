"""The asset graph, the jobs and the schedules, as Dagster sees them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import yaml
from dagster import AssetKey, DefaultScheduleStatus, Definitions, build_schedule_context
from dagster._core.instance.config import dagster_instance_config
from dagster._utils.schedules import schedule_execution_time_iterator
from syrupy.assertion import SnapshotAssertion

from lagebild.instance import list_instances
from lagebild.paths import PROJECT_ROOT
from orchestration.assets import step_count
from orchestration.definitions import build_definitions, job_name
from orchestration.refresh import dagster_home
from orchestration.release_contract import RELEASE_TABLES
from orchestration.warehouse import prepared_manifest


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return build_definitions()


def _graph(definitions: Definitions, instance: str, layers: tuple[str, ...]) -> list[str]:
    """The wiring, without the models between staging and release: those have tests of their own."""
    graph = definitions.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys()):
        if key.path[0] == instance and (len(key.path) == 2 or key.path[1] in layers):
            parents = sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
            lines.append(f"{key.to_user_string()} <- {', '.join(parents) or '–'}")
    return lines


@pytest.mark.parametrize("instance", list_instances())
def test_asset_graph(definitions: Definitions, instance: str, snapshot: SnapshotAssertion) -> None:
    assert _graph(definitions, instance, ("landing", "staging")) == snapshot


@pytest.mark.parametrize("instance", list_instances())
def test_the_release_waits_for_every_published_table(definitions: Definitions, instance: str) -> None:
    parents = definitions.resolve_asset_graph().get(AssetKey([instance, "release"])).parent_keys
    assert {key.path[-1] for key in parents} == set(RELEASE_TABLES)


@pytest.mark.parametrize("instance", list_instances())
def test_every_landing_has_its_intake_check_and_the_models_their_tests(
    definitions: Definitions, instance: str
) -> None:
    checks = definitions.resolve_asset_graph().asset_check_keys
    landing = [key for key in checks if key.asset_key.path[:2] == [instance, "landing"]]
    assert {key.name for key in landing} == {"eingangspruefung"}
    published = [key for key in checks if key.asset_key.path[:2] == [instance, "published"]]
    assert {key.asset_key.path[-1] for key in published} == set(RELEASE_TABLES)


@pytest.mark.parametrize("instance", list_instances())
def test_the_job_is_the_whole_way_in_one_process(definitions: Definitions, instance: str) -> None:
    job = definitions.resolve_job_def(job_name(instance))
    assert job.executor_def.name == "in_process"
    keys = {key.path[0] for key in job.asset_layer.executable_asset_keys}
    assert keys == {instance}
    assert len(job.nodes) == step_count(instance)


@pytest.mark.parametrize("instance", list_instances())
def test_every_night_at_two_by_the_clock_on_the_wall(definitions: Definitions, instance: str) -> None:
    schedule = definitions.resolve_schedule_def(f"nightly_{instance}")
    expected = DefaultScheduleStatus.RUNNING if instance == "musterkreis" else DefaultScheduleStatus.STOPPED
    assert schedule.default_status == expected
    assert schedule.execution_timezone == "Europe/Berlin"
    # The night of the change to winter time: two o'clock comes twice, the run once.
    start = datetime(2026, 10, 24, 12, tzinfo=UTC).timestamp()
    iterator = schedule_execution_time_iterator(start, schedule.cron_schedule, schedule.execution_timezone)
    nights = [next(iterator).astimezone(ZoneInfo("Europe/Berlin")) for _ in range(3)]
    assert [(night.day, night.hour) for night in nights] == [(25, 2), (26, 2), (27, 2)]
    context = build_schedule_context(scheduled_execution_time=nights[0])
    assert len(schedule.evaluate_tick(context).run_requests or []) == 1


def test_the_protection_stands_between_the_halves_and_no_model_is_left_out(definitions: Definitions) -> None:
    manifest = json.loads(prepared_manifest().read_text(encoding="utf-8"))
    models = {node["alias"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    graph = definitions.resolve_asset_graph()
    built = {key for key in graph.get_all_asset_keys() if key.path[0] == "musterkreis" and len(key.path) == 3}
    assert {key.path[-1] for key in built if key.path[1] != "landing"} == models
    protection = graph.get(AssetKey(["musterkreis", "protection"]))
    assert {key.path[1] for key in protection.parent_keys} == {"disclosure"}
    proof = [key for key in built if key.path[-1].startswith("stg_proof__")]
    assert len(proof) == 4
    assert all(protection.key in graph.get(key).parent_keys for key in proof)
    attack = [key for key in graph.asset_check_keys if key.asset_key == protection.key]
    assert [key.name for key in attack] == ["angriffspruefung"]


def test_release_contract_and_dbt_contract_agree() -> None:
    manifest = json.loads(prepared_manifest().read_text(encoding="utf-8"))
    models = {
        node["alias"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "published"
    }
    assert {name: sorted(node["columns"]) for name, node in models.items()} == {
        name: sorted(table.columns) for name, table in RELEASE_TABLES.items()
    }
    assert all(node["config"]["contract"]["enforced"] for node in models.values())


def test_dagster_home_holds_the_configuration_of_the_repository(
    var: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")  # restored after the test: dagster_home() sets it
    home = dagster_home()
    assert os.environ["DAGSTER_HOME"] == str(home)
    assert (home / "dagster.yaml").read_bytes() == (PROJECT_ROOT / "dagster.yaml").read_bytes()
    configuration, _ = dagster_instance_config(str(home))
    assert configuration["telemetry"] == {"enabled": False}
    assert (
        yaml.safe_load((home / "dagster.yaml").read_text())["concurrency"]["runs"]["max_concurrent_runs"] == 1
    )
