"""Every value ever released is kept once, and nothing of it gets lost unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from lagebild.instance import PUBLIC
from orchestration import publication_ledger as ledger
from orchestration.publication_ledger import LedgerBroken, ReleasedTable
from orchestration.publish import ReleaseRejected, publish, read_ledger
from semantic_layer.query.release import read_ledger as read_releases
from tests.orchestration.release_fixture import change, write_warehouse

FIRST, SECOND, THIRD = "20260101T020000Z", "20260102T020000Z", "20260103T020000Z"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return write_warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published"


def _figures(warehouse: Path, release_id: str, values: dict[str, float | None], meaning: str = "d") -> None:
    """One measure with a figure per area."""
    rows = ", ".join(
        f"('m', '{area}', 'p', 'total', {'null' if value is None else value}, '{'C' if value is None else 'F'}')"
        for area, value in values.items()
    )
    change(
        warehouse,
        f"update published.dim_release set release_id = '{release_id}'",
        f"update published.dim_measure set measure_id = 'm', definition = '{meaning}'",
        "delete from published.fct_measure",
        "insert into published.fct_measure (measure_id, area_key, period_key, group_key, value, conf_status) "
        f"values {rows}",
    )


def _release(warehouse: Path, published: Path, release_id: str, **values: float | None) -> None:
    _figures(warehouse, release_id, values)
    publish(warehouse, published, release_id)


def _kept(published: Path) -> list[tuple[str, str, float]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select release_id, area_key, value from read_parquet('{published}/ledger/*.parquet') order by all"
        ).fetchall()


def test_a_release_adds_only_what_it_shows_for_the_first_time(warehouse: Path, published: Path) -> None:
    _release(warehouse, published, FIRST, a=5, b=7, c=None)
    _release(warehouse, published, SECOND, a=5, b=8, c=4)
    _release(warehouse, published, THIRD, a=5, b=7, c=None)
    assert _kept(published) == [
        (FIRST, "a", 5),
        (FIRST, "b", 7),
        (SECOND, "b", 8),
        (SECOND, "c", 4),
        # Back to the old value is a revision too; a figure withheld later stays in the ledger.
        (THIRD, "b", 7),
    ]
    assert [entry.rows for entry in ledger.cells_entries(published)] == [2, 2, 1]
    assert ledger.damages(published) == []


def test_the_last_digit_of_a_sum_is_no_revision_and_other_words_are_another_definition(
    warehouse: Path, published: Path
) -> None:
    _figures(warehouse, FIRST, {"a": 1234.56})
    publish(warehouse, published, FIRST)
    _figures(warehouse, SECOND, {"a": 1234.56 + 2e-12})
    publish(warehouse, published, SECOND)
    assert ledger.cells_entries(published)[1].rows == 0
    _figures(warehouse, THIRD, {"a": 1234.56}, meaning="other")
    publish(warehouse, published, THIRD)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select release_id, count(distinct definition) over () from read_parquet('{published}/ledger/*.parquet')"
        ).fetchall()
    assert sorted(rows) == [(FIRST, 2), (THIRD, 2)]


def test_the_register_is_a_chain_that_other_readers_understand(warehouse: Path, published: Path) -> None:
    _release(warehouse, published, FIRST, a=5)
    _release(warehouse, published, SECOND, a=6)
    rows = ledger.read_register(published)
    assert [row.get("kind") for row in rows] == [None, "cells", None, "cells"]
    assert rows[0]["previous"] == ""
    assert [row.release_id for row in read_ledger(published)] == [FIRST, SECOND]
    assert [row.release_id for row in read_releases(published)] == [FIRST, SECOND]
    assert "5.0" not in json.dumps(rows)


def _rewrite(published: Path, number: int, **values: object) -> None:
    path = published / "ledger.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[number] = json.dumps(json.loads(lines[number]) | values, sort_keys=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _drop_line(published: Path, number: int) -> None:
    path = published / "ledger.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:number] + lines[number + 1 :]) + "\n", encoding="utf-8")


def _replace_values(published: Path) -> None:
    target = published / "ledger" / f"release-{FIRST}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create table kept as select * replace (value + 1 as value) from '{target}'")
        connection.execute(f"copy kept to '{target}' (format parquet)")


TAMPERING = {
    "file lost": (lambda p: (p / "ledger" / f"release-{FIRST}.parquet").unlink(), "fehlt"),
    "value changed": (_replace_values, "wurde verändert"),
    "line changed": (lambda p: _rewrite(p, 0, sha256="0" * 64), "schließt nicht an"),
    "count changed": (lambda p: _rewrite(p, 1, rows=99), "schließt nicht an"),
    "line lost": (lambda p: _drop_line(p, 1), "schließt nicht an"),
    "link lost": (lambda p: _rewrite(p, 2, previous=None), "schließt nicht an"),
    "line unreadable": (lambda p: (p / "ledger.jsonl").write_text("{\n"), "unlesbar"),
    "file from elsewhere": (
        lambda p: (p / "ledger" / "release-x.parquet").write_bytes(b"PAR1"),
        "nicht verzeichnet",
    ),
}


@pytest.mark.parametrize(("damage", "words"), TAMPERING.values(), ids=TAMPERING.keys())
def test_what_is_lost_or_changed_is_noticed_and_stops_the_next_release(
    warehouse: Path, published: Path, damage: object, words: str
) -> None:
    _release(warehouse, published, FIRST, a=5)
    _release(warehouse, published, SECOND, a=6)
    assert callable(damage)
    damage(published)
    found = ledger.damages(published)
    assert any(words in problem for problem in found)
    _figures(warehouse, THIRD, {"a": 7})
    with pytest.raises((ReleaseRejected, LedgerBroken)):
        publish(warehouse, published, THIRD)
    assert not (published / f"release-{THIRD}.duckdb").exists()


def test_an_installation_from_before_reads_its_release_files_once(warehouse: Path, published: Path) -> None:
    _release(warehouse, published, FIRST, a=5, b=7)
    _release(warehouse, published, SECOND, a=6, b=7)
    _forget_ledger(published, read_ledger(published))
    assert ledger.damages(published) == []
    ledger.settle(published)
    assert _kept(published) == [(FIRST, "a", 5), (FIRST, "b", 7), (SECOND, "a", 6)]
    before = (published / "ledger.jsonl").read_bytes()
    ledger.settle(published)
    assert (published / "ledger.jsonl").read_bytes() == before
    assert ledger.damages(published) == []
    assert len(read_ledger(published)) == 2


def _forget_ledger(published: Path, releases: Iterable[object]) -> None:
    """As the session before wrote it: lines without chain, no values."""
    for path in (published / "ledger").iterdir():
        path.unlink()
    (published / "ledger").rmdir()
    lines = [json.dumps(vars(release), sort_keys=True) for release in releases]
    (published / "ledger.jsonl").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("moment", ["before the line", "before the rename"])
def test_an_interrupted_run_is_finished_by_the_next(
    warehouse: Path, published: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release is live, its values are not registered yet, and the machine stops."""
    _release(warehouse, published, FIRST, a=5)
    _figures(warehouse, SECOND, {"a": 6})
    name = "append" if moment == "before the line" else "os.replace"
    real = ledger.append

    def stop(*arguments: object) -> None:
        row = arguments[1] if len(arguments) > 1 else None
        if name == "append" and isinstance(row, dict) and "kind" not in row:
            real(*arguments)  # type: ignore[arg-type]
            return
        raise KeyboardInterrupt

    monkeypatch.setattr(f"orchestration.publication_ledger.{name}", stop)
    with pytest.raises(KeyboardInterrupt):
        if name == "append":
            publish(warehouse, published, SECOND)
        else:
            ledger.record(
                published, "20260101T030000Z", [ReleasedTable(PUBLIC, (published / "current.duckdb",))]
            )
    monkeypatch.undo()
    ledger.settle(published)
    assert ledger.damages(published) == []
    assert _kept(published)[0] == (FIRST, "a", 5)
    assert ((SECOND, "a", 6) in _kept(published)) == (name == "append")


def test_without_releases_dbt_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lagebild.instance import Instance

    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    assert ledger.ledger_vars(Instance("musterkreis")) == {"ledger_dir": "", "internal_ledger_dir": ""}
