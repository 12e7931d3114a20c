"""The certificate end to end: dbt builds the linked tables, the solver decides them, dbt checks the proof by sums.

One small Kreis with a measure, its breakdowns with a cross table, and a part of it. Then the proof is falsified in one
place after the other: every falsification has to fail a test by its name.
"""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lagebild.instance import DisclosureSettings
from orchestration.protection.decide import protect_warehouse
from orchestration.protection.store import SCHEMAS, write_empty
from tests.dbt_project.mini import Mini

pytestmark = pytest.mark.slow

AGES = ("age=0-17", "age=18-64", "age=65+")
SEXES = ("sex=f", "sex=m")
TREE = {"G1": ("S1", "S2", "S3", "S4"), "G2": ("S5", "S6", "S7"), "G3": ("S8",)}
AREAS = [area for leaves in TREE.values() for area in leaves]
PHASE_1 = (
    *("build", "--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"),
    *("--select", "+path:models/disclosure"),
)
PHASE_2 = (
    *("build", "--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"),
    *("--select", "path:models/proof", "published_fct_measure"),
    *("certificate_*", "base_world_agrees", "released_cell_was_decided"),
)
PHASE_2_MODELS = {
    "disclosure.int_disclosure__decision": "models/proof/int_disclosure__decision.sql",
    "disclosure.int_disclosure__shift": "models/proof/int_disclosure__shift.sql",
    "disclosure.int_disclosure__base_cell": "models/proof/int_disclosure__base_cell.sql",
    "disclosure.int_disclosure__attacker_knowledge": "models/proof/int_disclosure__attacker_knowledge.sql",
    "published.fct_measure": "models/published/published_fct_measure.sql",
}


def _fill(mini: Mini) -> None:
    mini.area("kreis", "K", None)
    for gemeinde, leaves in TREE.items():
        mini.area("gemeinde", gemeinde, "K")
        for leaf in leaves:
            mini.area("sozialraum", leaf, gemeinde)
    mini.rule("count_3", min_count=3)
    for breakdown, members in (
        ("age", AGES),
        ("sex", SEXES),
        ("age;sex", [f"{age};{sex}" for age, sex in itertools.product(AGES, SEXES)]),
    ):
        mini.groups += [
            {"group_id": item, "breakdown": breakdown, "group_label": item, "sort_key": 1} for item in members
        ]
    mini.measure("cases", "count_3", ("age", "sex", "age;sex"))
    mini.measure("long", "count_3", ("sex",))
    mini.part_of = {"long": ("cases",)}
    generator = np.random.default_rng(5)
    counts = generator.poisson(generator.choice([1.0, 6.0, 20.0], size=(len(AREAS), 3, 2)))
    long = generator.binomial(counts.sum(axis=1), 0.3)
    for place, area in enumerate(AREAS):
        mini.observation("cases", "sozialraum", area, float(counts[place].sum()))
        mini.observation("long", "sozialraum", area, float(long[place].sum()))
        for (a, age), (s, sex) in itertools.product(enumerate(AGES), enumerate(SEXES)):
            mini.observation("cases", "sozialraum", area, float(counts[place, a, s]), f"{age};{sex}")
        for a, age in enumerate(AGES):
            mini.observation("cases", "sozialraum", area, float(counts[place, a].sum()), age)
        for s, sex in enumerate(SEXES):
            mini.observation("cases", "sozialraum", area, float(counts[place, :, s].sum()), sex)
            mini.observation("long", "sozialraum", area, float(long[place, s]), sex)


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    """A warehouse after both phases, with a genuine proof; dbt has checked it."""
    mini = Mini(Path(tmp_path_factory.mktemp("certificate")))
    _fill(mini)
    mini.require_certificate = True
    mini.proof_dir = str(mini.root / "proof")
    write_empty(Path(mini.proof_dir))
    mini.build(*PHASE_1)
    protect_warehouse(mini.warehouse, Path(mini.proof_dir), DisclosureSettings(workers=1))
    mini.build(*PHASE_2)
    return mini


def _table(mini: Mini, name: str) -> pd.DataFrame:
    return pq.read_table(Path(mini.proof_dir) / f"{name}.parquet").to_pandas()


def _failed(mini: Mini, name: str, changed: pd.DataFrame) -> set[str]:
    """Names of the tests that find something when one file of the proof is replaced; the proof is put back.

    What dbt has compiled is run again as it is, on a copy of the warehouse: a start of dbt per falsification would
    take minutes. That a finding stops the build is shown once, in `test_a_falsified_proof_stops_dbt`.
    """
    mini.stand()
    compiled = mini.root / "target" / "compiled" / "lagebild"
    with _replaced(mini, name, changed), tempfile.TemporaryDirectory() as folder:
        # The compiled SQL names the database by its file.
        copy = Path(folder) / mini.warehouse.name
        shutil.copy(mini.warehouse, copy)
        with duckdb.connect(str(copy)) as connection:
            for relation, path in PHASE_2_MODELS.items():
                connection.execute(
                    f"create or replace table {relation} as {(compiled / path).read_text('utf-8')}"
                )
            found = {
                path.stem: len(connection.execute(path.read_text("utf-8")).fetchall())
                for path in sorted((compiled / "tests").glob("*.sql"))
                if path.stem.startswith(("certificate_", "base_world_", "released_"))
            }
    assert len(found) == 7
    return {test for test, rows in found.items() if rows}


@contextmanager
def _replaced(mini: Mini, name: str, changed: pd.DataFrame) -> Iterator[None]:
    path = Path(mini.proof_dir) / f"{name}.parquet"
    kept = path.with_suffix(".kept")
    shutil.copy(path, kept)
    try:
        pq.write_table(pa.Table.from_pandas(changed, schema=SCHEMAS[name], preserve_index=False), path)
        yield
    finally:
        shutil.move(kept, path)


def test_the_proof_is_complete_and_decides_cell_by_cell(proven: Mini) -> None:
    cells = proven.query("select * from disclosure.int_disclosure__table_cell")
    pattern = _table(proven, "pattern")
    assert len(pattern) == len(cells)
    decision = proven.query(
        "select decided_by, count(*) as n from disclosure.int_disclosure__decision group by 1"
    )
    assert decision["decided_by"].tolist() == ["solver"]
    primaries = cells[cells["is_primary"]]
    assert len(primaries) > 10
    # The rest of the part is protected like the part.
    assert set(cells.loc[~cells["may_publish"], "measure_id"]) == {"long~rest"}
    assert primaries["measure_id"].eq("long~rest").any()
    facts = proven.query("select * from published.fct_measure")
    by_cell = facts.groupby(["measure_id", "area_key", facts["group_key"].str.contains(";")])["value"]
    # Layer A withholds a vector or nothing; now some vectors are shown in part.
    assert (by_cell.apply(lambda values: 0 < values.isna().sum() < len(values))).any()
    assert not set(facts["measure_id"]) & {"long~rest"}


def test_cells_are_the_sums_of_their_atoms(proven: Mini) -> None:
    """Counted here by names of areas and groups, not by the covers that the models use."""
    atoms = proven.query("select * from disclosure.int_disclosure__atom")
    cells = proven.query("select * from disclosure.int_disclosure__table_cell where may_publish")
    own = atoms[(atoms["atom_measure"] == "cases")]
    code_of = own["atom_area"].str.split("|").str[2]
    parents = {leaf: gemeinde for gemeinde, leaves in TREE.items() for leaf in leaves}
    assert set(own["clique"]) == {"age;sex"}
    for cell in cells[cells["measure_id"] == "cases"].itertuples():
        code = cell.area_key.split("|")[2]
        inside = (code_of == code) | (code_of.map(parents) == code) | (code == "K")
        wanted = set() if cell.group_key == "total" else set(cell.group_key.split(";"))
        fits = own["atom_group"].str.split(";").map(wanted.issubset)
        assert own.loc[inside & fits, "base"].sum() == cell.value_units, cell


def test_a_genuine_proof_passes(proven: Mini) -> None:
    assert _failed(proven, "pattern", _table(proven, "pattern")) == set()


def test_a_falsified_proof_stops_dbt(proven: Mini, tmp_path: Path) -> None:
    shutil.copytree(proven.root, tmp_path / "copy")
    copy = replace(proven, root=tmp_path / "copy", proof_dir=str(tmp_path / "copy" / "proof"))
    with _replaced(copy, "witness", _table(copy, "witness").iloc[:0]), pytest.raises(AssertionError):
        copy.build(*PHASE_2)
    results = json.loads((copy.root / "target" / "run_results.json").read_text("utf-8"))["results"]
    failed = {item["unique_id"].split(".")[2] for item in results if item["status"] == "fail"}
    assert failed == {"certificate_covers_primaries"}


def test_publishing_a_secondary_that_a_witness_needs_fails(proven: Mini) -> None:
    pattern = _table(proven, "pattern")
    other = proven.query(
        "select * from disclosure.int_disclosure__table_cell where not is_primary and may_publish"
    )
    moved = proven.query(
        "select distinct table_id, measure_id, area_key, group_key from disclosure.int_disclosure__shift"
    )
    keys = ["table_id", "measure_id", "area_key", "group_key"]
    secondary = other.merge(moved, on=keys).merge(pattern[~pattern["is_published"]], on=keys).iloc[0]
    chosen = (pattern[keys] == secondary[keys].tolist()).all(axis=1)
    assert chosen.sum() == 1
    failed = _failed(proven, "pattern", pattern.assign(is_published=pattern["is_published"] | chosen))
    assert failed == {"certificate_keeps_published_cells"}


def test_publishing_a_primary_fails(proven: Mini) -> None:
    pattern = _table(proven, "pattern")
    cells = proven.query(
        "select * from disclosure.int_disclosure__table_cell where is_primary and may_publish"
    )
    keys = ["table_id", "measure_id", "area_key", "group_key"]
    chosen = (pattern[keys] == cells.iloc[0][keys].tolist()).all(axis=1)
    failed = _failed(proven, "pattern", pattern.assign(is_published=pattern["is_published"] | chosen))
    assert {"certificate_covers_primaries", "released_cell_was_decided"} <= failed


def test_a_changed_delta_fails(proven: Mini) -> None:
    witness = _table(proven, "witness")
    witness.loc[0, "delta"] += 1
    failed = _failed(proven, "witness", witness)
    assert failed & {"certificate_keeps_published_cells", "certificate_keeps_links"}


def test_a_world_below_zero_fails(proven: Mini) -> None:
    witness = _table(proven, "witness")
    first = witness[witness["witness_id"] == witness["witness_id"].iloc[0]].index
    witness.loc[first, "delta"] *= -1_000_000
    assert "certificate_is_feasible" in _failed(proven, "witness", witness)


def test_a_missing_witness_fails(proven: Mini) -> None:
    """Some witness is the only one for a primary cell: without any of them no cell would have its range."""
    witness = _table(proven, "witness")
    failed = _failed(proven, "witness", witness[witness["witness_id"] % 2 == 0])
    assert failed == {"certificate_covers_primaries"}


def test_a_table_without_verdict_fails(proven: Mini) -> None:
    assert _failed(proven, "verdict", _table(proven, "verdict").iloc[:0]) == {"certificate_is_complete"}


def test_a_base_world_that_is_not_the_released_one_fails(proven: Mini) -> None:
    base = _table(proven, "base")
    atoms = proven.query("select * from disclosure.int_disclosure__atom where atom_measure = 'cases'")
    chosen = (base[["table_id", "atom_id"]] == atoms.iloc[0][["table_id", "atom_id"]].tolist()).all(axis=1)
    assert chosen.sum() == 1
    base.loc[chosen, "base"] += 1
    failed = _failed(proven, "base", base)
    assert {"base_world_agrees", "certificate_is_feasible"} <= failed
