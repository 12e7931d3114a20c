"""The rule of current and superseded deliveries, against a plain restatement of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingestion.landing.deliveries import succession
from ingestion.landing.manifest import Manifest

START = datetime(2024, 1, 1, tzinfo=UTC)


@st.composite
def manifests(draw: st.DrawFn) -> list[Manifest]:
    """Few sources, periods and times, so that deliveries do compete and tie."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        end = draw(st.sampled_from([None, date(2023, 12, 31), date(2024, 12, 31)]))
        found.append(
            Manifest(
                delivery_id=f"d{number:02d}",
                source_id=draw(st.sampled_from(["hze", "register"])),
                instance="probe",
                status=draw(st.sampled_from(["landed", "landed", "quarantined"])),
                received_at=START + timedelta(hours=draw(st.integers(0, 2))),
                file_name=draw(st.sampled_from(["a.csv", "b.csv"])),
                file_modified_at=START + timedelta(days=draw(st.integers(0, 2))),
                sha256="0",
                size_bytes=1,
                period_type=None if end is None else "stichtag",
                period_start=end,
                period_end=end,
                kommune_code=draw(st.sampled_from([None, "99901001"])),
                adapter="delimited",
                config_fingerprint="",
            )
        )
    return found


def competes(left: Manifest, right: Manifest) -> bool:
    same = (left.source_id, left.period_start, left.period_end, left.kommune_code) == (
        right.source_id,
        right.period_start,
        right.period_end,
        right.kommune_code,
    )
    return same and (left.period_end is not None or left.file_name == right.file_name)


def rank(item: Manifest) -> tuple[datetime, datetime, str, str]:
    return (item.file_modified_at, item.received_at, item.file_name, item.delivery_id)


@given(manifests(), st.randoms(use_true_random=False))
def test_newest_of_each_competition_is_current(items: list[Manifest], random: object) -> None:
    result = succession(items)
    assert set(result) == {item.delivery_id for item in items}
    landed = [item for item in items if item.status == "landed"]
    for item in items:
        status, predecessor = result[item.delivery_id]
        if item.status == "quarantined":
            assert (status, predecessor) == ("quarantined", None)
            continue
        newer = [other for other in landed if competes(item, other) and rank(other) > rank(item)]
        older = [other for other in landed if competes(item, other) and rank(other) < rank(item)]
        assert status == ("superseded" if newer else "current")
        assert predecessor == (max(older, key=rank).delivery_id if older else None)
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert succession(shuffled) == result
