"""The state of any earlier night: nothing from later is in it, nothing from then is lost, embargoes are of then."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.landing.deliveries import delivery_table, end_of_day, known_at, succession
from ingestion.landing.land import land_source
from ingestion.landing.manifest import Manifest, read_manifests
from ingestion.landing.registry import write_registry
from lagebild.instance import Instance, SourceConfig
from tests.ingestion.agreements import delivery, noon, source
from tests.ingestion.test_deliveries import manifests

EMBARGOED = {"hze": source(supply={"embargo": {"days": 90}}), "register": source("register", supply={})}
MOMENTS = st.integers(0, 500 * 24).map(
    lambda hours: datetime(2023, 12, 1, tzinfo=UTC) + timedelta(hours=hours)
)


@given(manifests(), MOMENTS, st.randoms(use_true_random=False))
def test_a_state_does_not_depend_on_order_nor_on_what_came_later(
    items: list[Manifest], moment: datetime, random: Any
) -> None:
    state = succession(items, EMBARGOED, moment)
    shuffled = list(items)
    random.shuffle(shuffled)
    assert succession(shuffled, EMBARGOED, moment) == state
    known = known_at(items, moment)
    assert set(state) == {item.delivery_id for item in items if item.received_at <= moment}
    assert known_at(known, moment) == known
    assert succession(known, EMBARGOED, moment) == state
    later = delivery("later", date(2099, 1, 1), received_at=moment + timedelta(microseconds=1))
    assert succession([*items, later], EMBARGOED, moment) == state


@given(manifests(), MOMENTS)
def test_at_most_one_delivery_is_in_use_and_none_under_embargo(
    items: list[Manifest], moment: datetime
) -> None:
    state = succession(items, EMBARGOED, moment)
    in_use: dict[object, str] = {}
    for item in items:
        if state.get(item.delivery_id, ("", None))[0] != "current":
            continue
        key = (item.source_id, item.period_end, item.kommune_code, item.period_end or item.file_name)
        assert key not in in_use
        in_use[key] = item.delivery_id
        if item.source_id == "hze" and item.period_end is not None:
            assert item.period_end + timedelta(days=90) <= moment.date() + timedelta(days=1)


@given(manifests())
def test_a_moment_after_everything_is_now(items: list[Manifest]) -> None:
    assert succession(items, as_of=datetime(2100, 1, 1, tzinfo=UTC)) == succession(items)


def test_a_corrected_delivery_replaces_the_first_from_its_night_on() -> None:
    first, second = delivery("first", date(2024, 3, 1)), delivery("second", date(2024, 4, 25))
    before = succession([first, second], as_of=end_of_day(date(2024, 4, 24)))
    after = succession([first, second], as_of=end_of_day(date(2024, 4, 25)))
    assert before == {"first": ("current", None)}
    assert after == {"first": ("superseded", None), "second": ("current", "first")}


def test_a_state_under_embargo_leaves_the_one_before_in_use() -> None:
    configured = {"hze": source(supply={"embargo": {"days": 30}})}
    old = delivery("old", date(2024, 1, 2), end=None, file_name="x.zip")
    new = delivery("new", date(2024, 3, 1), end=None, file_name="x.zip")
    during = succession([old, new], configured, end_of_day(date(2024, 3, 30)))
    assert during == {"old": ("current", None), "new": ("embargoed", "old")}
    free = succession([old, new], configured, end_of_day(date(2024, 3, 31)))
    assert free == {"old": ("superseded", None), "new": ("current", "old")}


def test_the_table_of_deliveries_tells_the_first_day_of_release() -> None:
    configured = {"hze": source(supply={"embargo": {"days": 90}})}
    manifest = delivery("a", date(2024, 3, 1), part="kreis")
    (row,) = delivery_table([manifest], configured, end_of_day(date(2024, 3, 29))).to_pylist()
    assert (row["status"], row["releasable_on"], row["part"]) == ("embargoed", date(2024, 3, 30), "kreis")
    (row,) = delivery_table([manifest], configured, end_of_day(date(2024, 3, 30))).to_pylist()
    assert row["status"] == "current"
    assert delivery_table([manifest], configured, end_of_day(date(2024, 2, 1))).num_rows == 0


# --- through landing: manifests on disk, files kept


Deliver = Callable[..., Path]


def figures(**changes: Any) -> SourceConfig:
    """A yearly table with one figure per Gemeinde."""
    options = {
        "file_pattern": r"zahlen_(?P<year>\d{4})(_.+)?\.csv",
        "period": {"type": "jahr"},
        "parts": [
            {
                "table": "observation",
                "area": {
                    "header": "AGS",
                    "system": "sozialraum",
                    "rules": [{"match": r"\d{8}", "level": "gemeinde"}],
                },
                "figures": [
                    {
                        "measure": changes.pop("measure", "dwellings"),
                        "header": changes.pop("header", "Anzahl"),
                    }
                ],
            }
        ],
    }
    fields = {"tables": ("observation",), "files": "${INBOX}/zahlen/*.csv", "options": options}
    return source("zahlen", **(fields | changes))


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    return Instance("probe", tmp_path / "instance")


@pytest.fixture
def deliver(instance: Instance) -> Deliver:
    def write(name: str, count: int, day: date, header: str = "Anzahl") -> Path:
        path = instance.paths.inbox / "zahlen" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"AGS;{header}\n99901001;{count}\n")
        moment = noon(day).timestamp()
        os.utime(path, (moment, moment))
        return path

    return write


def test_a_superseded_delivery_keeps_its_files_and_its_night(instance: Instance, deliver: Deliver) -> None:
    deliver("zahlen_2023.csv", 10, date(2024, 3, 1))
    land_source(instance, figures())
    (first,) = read_manifests(instance)
    between = datetime.now(UTC)
    deliver("zahlen_2023_Korrektur.csv", 12, date(2024, 4, 1))
    land_source(instance, figures())
    both = read_manifests(instance)
    second = next(item for item in both if item.delivery_id != first.delivery_id)
    assert second.supersedes == first.delivery_id
    assert succession(both)[first.delivery_id][0] == "superseded"
    assert succession(both, as_of=between) == {first.delivery_id: ("current", None)}
    folder = instance.paths.landing / "zahlen" / first.delivery_id
    assert pq.read_table(folder / "observation.parquet")["value"].to_pylist() == [10.0]
    assert (folder / "original" / "zahlen_2023.csv").exists()


def test_read_again_under_another_configuration_a_delivery_keeps_its_night(
    instance: Instance, deliver: Deliver
) -> None:
    deliver("zahlen_2023.csv", 10, date(2024, 3, 1))
    land_source(instance, figures())
    (before,) = read_manifests(instance)
    land_source(instance, figures(measure="dwellings_social"))
    (after,) = read_manifests(instance)
    assert after.config_fingerprint != before.config_fingerprint
    assert (after.received_at, after.landed_at) == (before.received_at, None)


def test_what_was_refused_then_is_refused_in_the_state_of_then(instance: Instance, deliver: Deliver) -> None:
    deliver("zahlen_2023.csv", 10, date(2024, 3, 1), header="Zahl")
    land_source(instance, figures())
    between = datetime.now(UTC)
    # The layout has changed for good: the planner changes the configuration, the file is read again.
    land_source(instance, figures(header="Zahl"))
    (manifest,) = read_manifests(instance)
    assert manifest.status == "landed"
    assert succession([manifest], as_of=between) == {manifest.delivery_id: ("quarantined", None)}
    assert succession([manifest]) == {manifest.delivery_id: ("current", None)}


def test_the_registry_of_an_earlier_night_stands_aside(
    instance: Instance, deliver: Deliver, tmp_path: Path
) -> None:
    deliver("zahlen_2023.csv", 10, date(2024, 3, 1))
    land_source(instance, figures())
    write_registry(instance)
    write_registry(instance, day=date(2020, 1, 1), folder=tmp_path / "then")
    assert pq.read_table(instance.paths.landing / "_registry" / "deliveries.parquet").num_rows == 1
    assert pq.read_table(tmp_path / "then" / "deliveries.parquet").num_rows == 0
    assert {path.name for path in (tmp_path / "then").iterdir()} == {"deliveries.parquet", "calendar.parquet"}
