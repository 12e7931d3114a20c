"""A refresh with nothing new ends before the warehouse; a failed one leaves the live release alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    Failure,
    Output,
    define_asset_job,
    in_process_executor,
    multi_asset,
)

from lagebild.instance import Instance
from lagebild.paths import INSTANCES_DIR
from orchestration import assets, fingerprint
from orchestration.exclusive import exclusive_resource, resource_key
from orchestration.fingerprint import changed_parts, input_fingerprint, is_current, mark_synced
from orchestration.publish import current_release, publish
from tests.orchestration.release_fixture import RELEASE_ID, write_warehouse

SECOND = "20260102T020000Z"


@pytest.fixture
def instance(var: Path, tmp_path: Path) -> Instance:
    folder = tmp_path / "instances" / "probe"
    shutil.copytree(INSTANCES_DIR / "musterkreis", folder)
    return Instance("probe", folder)


def _build(instance: Instance, release_id: str) -> None:
    """What dbt leaves behind: a warehouse for the present inputs."""
    instance.paths.protected.mkdir(parents=True, exist_ok=True)
    instance.paths.warehouse.unlink(missing_ok=True)
    write_warehouse(instance.paths.warehouse, release_id, input_fingerprint(instance))


def _release(instance: Instance, release_id: str = RELEASE_ID) -> None:
    _build(instance, release_id)
    publish(instance.paths.warehouse, instance.paths.published, release_id)
    mark_synced(instance.paths, release_id)


def test_the_live_release_is_current_until_an_input_changes(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "chart.yaml").write_text("a: 1")
    monkeypatch.setattr(fingerprint, "_CODE_FOLDERS", (code,))
    monkeypatch.setattr(fingerprint, "_DASHBOARD_FOLDERS", ())
    monkeypatch.setattr(fingerprint, "DBT_PROJECT_DIR", tmp_path / "dbt")
    monkeypatch.setattr(fingerprint, "PROJECT_ROOT", tmp_path)
    instance.paths.catalogue.mkdir(parents=True)
    (instance.paths.catalogue / "theme.parquet").write_bytes(b"1")
    monkeypatch.setattr(fingerprint, "current_deliveries", lambda _: ["a-1"])
    assert not is_current(instance, input_fingerprint(instance))
    _release(instance)
    assert is_current(instance, input_fingerprint(instance))

    def changed() -> bool:
        return not is_current(instance, input_fingerprint(instance))

    (code / "chart.yaml").write_text("a: 2")
    assert changed()
    (code / "chart.yaml").write_text("a: 1")
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "x.pyc").write_bytes(b"generated")
    assert not changed()
    (instance.paths.catalogue / "theme.parquet").write_bytes(b"2")
    assert changed()
    (instance.paths.catalogue / "theme.parquet").write_bytes(b"1")
    assert not changed()
    with (instance.folder / "instance.yml").open("a") as file:
        file.write("# a word\n")
    assert changed()
    shutil.copyfile(INSTANCES_DIR / "musterkreis" / "instance.yml", instance.folder / "instance.yml")
    assert not changed()
    changed_parts(instance)
    monkeypatch.setattr(fingerprint, "current_deliveries", lambda _: ["a-1", "a-2"])
    assert changed()
    assert changed_parts(instance) == ["Lieferungen"]
    assert changed_parts(instance) == []


def test_an_absent_release_file_or_stale_dashboards_are_never_current(instance: Instance) -> None:
    _release(instance)
    current = input_fingerprint(instance)
    assert is_current(instance, current)
    mark_synced(instance.paths, "20250101T000000Z")
    assert not is_current(instance, current)
    mark_synced(instance.paths, RELEASE_ID)
    instance.paths.current_release.unlink()
    assert not is_current(instance, current)


def _stand_in_for_dbt(instance: Instance, built: list[str], failing: bool) -> AssetsDefinition:
    key = AssetKey([instance.name, "published", "mart_indicator"])

    @multi_asset(
        specs=[AssetSpec(key, deps=[AssetKey([instance.name, "change"])], skippable=True)],
        name="warehouse",
        can_subset=True,
    )
    def warehouse() -> Iterator[Any]:
        if failing:
            raise Failure(description="dbt: some_test")
        _build(instance, SECOND)
        built.append(SECOND)
        yield Output(None, output_name=key.to_python_identifier())

    return warehouse


def _run(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, *, failing: bool = False
) -> tuple[ExecuteInProcessResult, list[str], list[str]]:
    built: list[str] = []
    synced: list[str] = []

    def sync(names: Sequence[str], _: object) -> Sequence[str]:
        live = current_release(instance.paths.published)
        assert live is not None
        synced.append(live["release_id"])
        return names

    monkeypatch.setattr(assets, "sync_dashboards", sync)
    warehouse = _stand_in_for_dbt(instance, built, failing)
    definitions = Definitions(
        assets=[
            assets._change(instance),
            warehouse,
            assets._release(instance, list(warehouse.keys)),
            assets._dashboards(instance),
        ],
        jobs=[define_asset_job("refresh", executor_def=in_process_executor)],
        resources={resource_key(instance.name): exclusive_resource(instance.name)},
    )
    with DagsterInstance.ephemeral() as dagster:
        job = definitions.resolve_job_def("refresh")
        result = job.execute_in_process(instance=dagster, raise_on_error=False)
    return result, built, synced


def _skipped(result: ExecuteInProcessResult) -> set[str | None]:
    return {event.step_key for event in result.all_events if event.event_type_value == "STEP_SKIPPED"}


def test_something_new_goes_the_whole_way(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    result, built, synced = _run(instance, monkeypatch)
    assert result.success
    assert (built, synced, _skipped(result)) == ([SECOND], [SECOND], set())
    live = current_release(instance.paths.published)
    assert live is not None
    assert live["input_fingerprint"] == input_fingerprint(instance)


def test_nothing_new_skips_warehouse_release_and_dashboards(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _release(instance)
    result, built, synced = _run(instance, monkeypatch)
    assert result.success
    assert (built, synced) == ([], [])
    assert _skipped(result) == {"warehouse", "probe__release", "probe__dashboards"}


def test_a_failed_build_is_a_failed_run_and_the_release_stays(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _release(instance)
    (instance.folder / "note.yml").write_text("new: true")
    before = instance.paths.current_release.read_bytes()
    result, _, synced = _run(instance, monkeypatch, failing=True)
    assert not result.success
    assert [event.step_key for event in result.get_step_failure_events()] == ["warehouse"]
    assert synced == []
    assert instance.paths.current_release.read_bytes() == before


def test_smaller_musterkreis_keeps_the_latest_years(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = assets.synthetic_settings(instance)
    monkeypatch.setenv("LAGEBILD_SYNTHETIC_INHABITANTS", "12000")
    monkeypatch.setenv("LAGEBILD_SYNTHETIC_YEARS", "3")
    small = assets.synthetic_settings(instance)
    assert (small.inhabitants, small.years) == (12000, 3)
    assert small.first_year + small.years == full.first_year + full.years
    assert small.seed == full.seed
