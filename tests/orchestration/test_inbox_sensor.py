"""The sensor of the watched folders: asks once for what is new and at rest, and for nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dagster import DefaultSensorStatus, SensorDefinition, SensorResult, SkipReason, build_sensor_context

from lagebild.instance import Instance
from lagebild.paths import INSTANCES_DIR
from orchestration import inbox_sensor as module
from orchestration.inbox_sensor import inbox_sensor


@pytest.fixture
def instance(var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    folder = tmp_path / "instances" / "probe"
    shutil.copytree(INSTANCES_DIR / "musterkreis", folder)
    found = Instance("probe", folder)
    monkeypatch.setattr(module, "Instance", lambda _: found)
    # A file's time of arrival (ctime) cannot be set back: the clock is moved on instead.
    monkeypatch.setattr(module.time, "time", lambda: _now() + 3600)
    return found


def _now() -> float:
    import datetime as dt

    return dt.datetime.now(dt.UTC).timestamp()


def drop(instance: Instance, name: str, text: str = "x") -> Path:
    path = instance.paths.inbox / "wahlen" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tick(sensor: SensorDefinition, cursor: str | None) -> tuple[int, str | None]:
    """Requested runs and the cursor after one look."""
    result = sensor(build_sensor_context(cursor=cursor))
    if isinstance(result, SkipReason):
        return 0, cursor
    assert isinstance(result, SensorResult)
    return len(result.run_requests or []), result.cursor


def test_new_and_changed_files_are_asked_for_once(instance: Instance) -> None:
    sensor = inbox_sensor("probe", "refresh_probe")
    assert sensor.default_status == DefaultSensorStatus.STOPPED
    runs, cursor = tick(sensor, None)
    assert runs == 0

    path = drop(instance, "Wahl_europa_2024-06-09.csv")
    drop(instance, "unbekannt.txt")
    runs, cursor = tick(sensor, cursor)
    assert runs == 1 and "Wahl" not in (cursor or "")
    runs, cursor = tick(sensor, cursor)
    assert runs == 0

    path.write_text("berichtigt")
    runs, cursor = tick(sensor, cursor)
    assert runs == 1

    # A refresh takes the files of protected sources out of the inbox: that is nothing new.
    path.unlink()
    runs, cursor = tick(sensor, cursor)
    assert runs == 0
    drop(instance, path.name, "berichtigt")
    runs, cursor = tick(sensor, cursor)
    assert runs == 1


def test_a_file_still_being_written_is_waited_for(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.time, "time", _now)
    drop(instance, "Wahl_europa_2024-06-09.csv")
    assert tick(inbox_sensor("probe", "refresh_probe"), None) == (0, None)
