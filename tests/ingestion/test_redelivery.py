"""A, then B, then A again: the delivery brought last is in force, and an inbox that does not change costs nothing."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion.landing.deliveries import succession
from ingestion.landing.known import KnownDeliveries
from ingestion.landing.land import land_source
from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance
from tests.ingestion.agreements import delivery, noon
from tests.ingestion.test_landing import (  # noqa: F401 - pytest finds fixtures by import
    HEADER,
    ROWS,
    Deliver,
    deliver,
    instance,
    only,
    register,
)

CONTENTS: Final = {"A": ROWS, "B": ROWS[:2], "C": ROWS[:1]}


def in_force(instance: Instance, as_of: datetime | None = None) -> list[Manifest]:  # noqa: F811
    manifests = read_manifests(instance)
    states = succession(manifests, as_of=as_of)
    return [item for item in manifests if states.get(item.delivery_id, ("", None))[0] == "current"]


def content_of(instance: Instance, manifest: Manifest) -> int:  # noqa: F811
    """The contents differ in their number of rows."""
    folder = instance.paths.landing / manifest.source_id / manifest.delivery_id
    return int(pq.read_table(folder / "person.parquet").num_rows)


def test_a_correction_that_is_taken_back(instance: Instance, deliver: Deliver) -> None:  # noqa: F811
    deliver(rows=CONTENTS["A"], day=1)
    land_source(instance, register())
    first = only(instance)
    deliver(rows=CONTENTS["B"], day=2)
    land_source(instance, register())
    between = datetime.now(UTC)
    (correction,) = in_force(instance)
    deliver(rows=CONTENTS["A"], day=3)
    report = land_source(instance, register())

    (back,) = in_force(instance)
    assert (report.landed, report.duplicate) == (1, 0)
    assert back.delivery_id == f"{first.delivery_id}-2"
    assert (back.sha256, back.supersedes) == (first.sha256, correction.delivery_id)
    assert back.received_at > between > correction.received_at > first.received_at
    assert in_force(instance, between) == [correction]
    rows = pq.read_table(instance.paths.landing / "register" / back.delivery_id / "person.parquet")
    assert set(rows.column("delivery_id").to_pylist()) == {back.delivery_id}


def test_an_unchanged_inbox_with_both_is_left_alone(instance: Instance, deliver: Deliver) -> None:  # noqa: F811
    deliver(name="register_2024-06-30.csv", rows=CONTENTS["A"], day=1)
    deliver(name="register_2024-06-30_neu.csv", rows=CONTENTS["B"], day=2)
    land_source(instance, register())
    before = read_manifests(instance)
    for _ in range(2):
        report = land_source(instance, register())
        assert (report.landed, report.duplicate, report.delivery_ids) == (0, 2, ())
    assert read_manifests(instance) == before


def test_read_again_it_keeps_its_place_whichever_copy_is_read(
    instance: Instance,  # noqa: F811
    deliver: Deliver,  # noqa: F811
) -> None:
    for day, content in enumerate("ABA", start=1):
        deliver(name=f"register_2024-06-30_{day}.csv", rows=CONTENTS[content], day=day)
    assert land_source(instance, register()).landed == 3
    (before,) = in_force(instance)
    changed = register(checks={"allow_negative": True})
    land_source(instance, changed)
    (after,) = in_force(instance)
    assert (after.delivery_id, after.file_modified_at) == (before.delivery_id, before.file_modified_at)
    assert after.config_fingerprint != before.config_fingerprint
    assert land_source(instance, changed).delivery_ids == ()


def test_encrypted_originals_of_a_supplier_who_takes_back(instance: Instance, deliver: Deliver) -> None:  # noqa: F811
    source = register(protection={"originals": "encrypt"})
    for day, content in enumerate("ABAA", start=1):
        deliver(rows=CONTENTS[content], day=day)
        land_source(instance, source)
        assert list(instance.paths.inbox.rglob("*.csv")) == []
    (manifest,) = in_force(instance)
    assert content_of(instance, manifest) == len(CONTENTS["A"])
    assert len(read_manifests(instance)) == 3
    assert land_source(instance, source).delivery_ids == ()


def test_what_was_refused_takes_nothing_back() -> None:
    good = delivery("x-b", noon_of(2), sha256="b")
    refused = delivery("x-a", noon_of(1), sha256="a", status="quarantined")
    known = KnownDeliveries("hze", [good, refused])
    assert not known.came_again(refused, noon(noon_of(3)))
    assert known.new_id("c" * 64) == "hze-cccccccccccc"


def noon_of(day: int) -> date:
    return date(2024, 5, day)


Step = tuple[str, bool, bool]
"""Content, whether it replaces the file before, whether a night passes after it."""


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from("AABC"), st.booleans(), st.booleans()), min_size=1, max_size=5),
)
@example([("A", False, True), ("B", False, True), ("A", False, True), ("B", True, True), ("A", True, True)])
@example([("A", True, True), ("B", True, False), ("A", True, True)])
def test_in_force_is_what_was_brought_last(steps: list[Step]) -> None:
    source = register()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAGEBILD_VAR", folder)
        probe = Instance("probe", Path(folder) / "instance")
        inbox = probe.paths.inbox / "register"
        inbox.mkdir(parents=True)
        nights: list[tuple[datetime, int]] = []
        for number, (content, replaces, night) in enumerate(steps, start=1):
            path = inbox / ("register_2024-06-30.csv" if replaces else f"register_2024-06-30_{number}.csv")
            path.write_text("\n".join([HEADER, *CONTENTS[content]]) + "\n", encoding="utf-8")
            moment = datetime(2024, 7, number, tzinfo=UTC).timestamp()
            os.utime(path, (moment, moment))
            if not night and number < len(steps):
                continue
            land_source(probe, source)
            (current,) = in_force(probe)
            assert content_of(probe, current) == len(CONTENTS[content])
            nights.append((datetime.now(UTC), len(CONTENTS[content])))
        before = read_manifests(probe)
        assert land_source(probe, source).delivery_ids == ()
        assert read_manifests(probe) == before
        for moment_of, expected in nights:
            (then,) = in_force(probe, moment_of)
            assert content_of(probe, then) == expected
