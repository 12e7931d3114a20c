"""A small Musterkreis, generated and landed for real: what lands equals what the source systems simulated.

The truth files are written by the generator beside the deliveries and never pass through a format, so every layout,
notation and fault of the deliveries is checked against something that has none of them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.anonymise.inbox import taken_files
from ingestion.anonymise.originals import open_original
from ingestion.landing.contracts import TABLES
from ingestion.landing.deliveries import registry_path
from ingestion.landing.land import LandingReport, land_instance
from ingestion.landing.manifest import Manifest, read_manifests
from ingestion.synthetic.generate import generate
from lagebild.instance import Instance, SyntheticSettings

pytestmark = pytest.mark.slow

SETTINGS = SyntheticSettings(seed=7, inhabitants=9000, first_year=2016, years=3)


@dataclass(frozen=True)
class Landed:
    """The landed instance."""

    instance: Instance
    reports: dict[str, LandingReport]
    manifests: list[Manifest]
    current: set[str]
    """Ids of the current deliveries."""
    delivered: dict[str, str]
    """File name → hash, before landing emptied the inbox of the personal sources."""

    def rows(self, source_id: str, table: str) -> list[dict[str, Any]]:
        """Rows of the current deliveries of a source."""
        found: list[dict[str, Any]] = []
        for delivery in sorted(self.current):
            path = self.instance.paths.landing / source_id / delivery / f"{table}.parquet"
            if path.exists():
                found.extend(pq.read_table(path).to_pylist())
        return found

    def truth(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.instance.paths.truth / f"{name}.parquet").to_pylist()
        return rows


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAGEBILD_VAR", str(tmp_path_factory.mktemp("var")))
        instance = Instance("musterkreis")
        generate(SETTINGS, instance.paths.inbox, instance.paths.truth, lambda _: None)
        delivered = hashes(instance.paths.inbox)
        reports = land_instance(instance)
        rows = pq.read_table(registry_path(instance)).to_pylist()
        current = {row["delivery_id"] for row in rows if row["status"] == "current"}
        yield Landed(instance, reports, read_manifests(instance), current, delivered)


def without_amounts(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def counted(rows: list[dict[str, Any]], columns: list[str]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(without_amounts(row[column]) for column in columns) for row in rows)


def test_only_the_truncated_register_is_refused(landed: Landed) -> None:
    refused = [item for item in landed.manifests if item.status == "quarantined"]
    faults = json.loads((landed.instance.paths.truth / "faults.json").read_text())
    assert {item.file_name for item in refused} == {
        fault["file"] for fault in faults if fault["fault_id"] == "F10"
    }
    assert [issue.rule for item in refused for issue in item.issues] == ["Zeile unvollständig"]
    assert {item.source_id for item in landed.manifests} == set(landed.instance.sources)


def test_faults_are_noticed_as_agreed(landed: Landed) -> None:
    by_file = {item.file_name: item for item in landed.manifests}
    faults = json.loads((landed.instance.paths.truth / "faults.json").read_text())
    rules = {"changed_header": "Spaltenname geändert", "decimal_point": "Dezimalzeichen geändert"}
    seen = set()
    for fault in faults:
        if fault["kind"] in rules and fault["count"]:
            found = {issue.rule for issue in by_file[fault["file"]].issues}
            assert found == {rules[fault["kind"]]}, fault
            assert by_file[fault["file"]].status == "landed"
            seen.add(fault["fault_id"])
    assert seen >= {"F02", "F03", "F06"}
    assert landed.reports["hze"].duplicate == 1  # F04: the same file under another name
    noisy = {item.file_name for item in landed.manifests if item.issues}
    assert noisy == {
        fault["file"] for fault in faults if fault["kind"] in rules or fault["fault_id"] == "F10"
    }


def test_correction_of_a_jugendamt_supersedes(landed: Landed) -> None:
    year = SETTINGS.first_year + SETTINGS.years - 2
    files = {item.file_name: item for item in landed.manifests if item.kommune_code == "99901005"}
    first = files[f"HzE_99901005_{year}.xlsx"]
    correction = files[f"HzE_99901005_{year}_Korrektur.xlsx"]
    assert correction.supersedes == first.delivery_id
    assert correction.delivery_id in landed.current and first.delivery_id not in landed.current


def test_every_parquet_has_the_contract_schema(landed: Landed) -> None:
    files = list(landed.instance.paths.landing.glob("*/*/*.parquet"))
    assert len(files) > 60
    for path in files:
        assert pq.read_schema(path).equals(TABLES[path.stem]), path


def test_originals_are_byte_identical(landed: Landed, tmp_path: Path) -> None:
    for manifest in landed.manifests:
        paths = landed.instance.paths
        zone = paths.landing if manifest.status == "landed" else paths.quarantine
        (kept,) = (zone / manifest.source_id / manifest.delivery_id / "original").iterdir()
        personal = landed.instance.sources[manifest.source_id].personal
        assert kept.name == manifest.file_name + (".age" if personal else "")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LAGEBILD_VAR", str(paths.root.parent))
            opened = open_original(landed.instance, manifest.delivery_id, tmp_path / manifest.delivery_id)
        assert hashlib.sha256(opened.read_bytes()).hexdigest() == landed.delivered[manifest.file_name]


def test_the_inbox_keeps_nothing_personal(landed: Landed) -> None:
    sources = landed.instance.sources
    left = {path.name for path in landed.instance.paths.inbox.rglob("*") if path.is_file()}
    copies = {"HzE_99901001_2016_Kopie.csv"}  # F04
    assert (
        set(landed.delivered) - left
        == {item.file_name for item in landed.manifests if sources[item.source_id].personal} | copies
    )


def test_persons(landed: Landed) -> None:
    columns = ["reference_date", "person_key", "household_key", "gemeinde_code", "block_code", "sex", "age"]
    columns += ["nationality", "nationality_region", "migration", "household_type", "household_size"]
    expected: list[dict[str, Any]] = []
    key = bytes.fromhex((landed.instance.paths.protected / "keys" / "pseudonym_key").read_text())
    for path in sorted(landed.instance.paths.truth.glob("persons_*.parquet")):
        table = pq.read_table(path)
        day = path.stem.removeprefix("persons_")
        for row in table.to_pylist():
            block = row["block_code"] if row["block_delivered"] else None
            keys = {
                f"{kind}_key": hmac.new(
                    hmac.digest(
                        key, f"lagebild pseudonym v1\x1fmelderegister\x1f{kind}_key".encode(), "sha256"
                    ),
                    str(row[number]).encode(),
                    "sha256",
                ).hexdigest()[:24]
                for kind, number in (("person", "pid"), ("household", "hid"))
            }
            expected.append(row | keys | {"reference_date": day, "block_code": block})
    found = [
        row | {"reference_date": str(row["reference_date"])}
        for row in landed.rows("einwohnerregister", "person")
    ]
    assert len(found) > 40_000
    assert counted(found, columns) == counted(expected, columns)


CASES: dict[str, tuple[list[str], list[str]]] = {
    "bewegungen": (["sex", "age", "nationality", "migration", "category"], ["from_gemeinde", "from_block"]),
    "eingliederungshilfe": (["sex", "age", "nationality", "category", "amount_eur", "provider_key"], []),
    "hze": (["sex", "age", "nationality", "category", "amount_eur", "provider_key"], []),
    "pflege": (["sex", "age", "category", "provider_key"], ["pflegegrad"]),
    "schwerbehinderung": (["sex", "age", "nationality", "category"], ["gdb", "merkzeichen"]),
    "seu": (
        ["sex", "age", "nationality", "migration"],
        ["uebergewicht", "motorik", "sprache", "rueckstellung", "u_vollstaendig"],
    ),
    "sgb12": (["sex", "age", "nationality", "category", "amount_eur", "household_key"], []),
    "wohngeld": (["category", "amount_eur", "quantity", "household_key"], []),
}
"""Source → columns and attributes compared beside case type, period end and place."""


@pytest.mark.parametrize("source_id", CASES)
def test_cases(landed: Landed, source_id: str) -> None:
    columns, attributes = CASES[source_id]
    columns = ["case_type", "period_end", "gemeinde_code", "block_code", *columns, *attributes]
    expected = []
    for row in landed.truth(f"cases_{source_id}"):
        if row.get("delivered", True):
            named = {name: None if row[name] in (None, "") else str(row[name]) for name in attributes}
            block = row["block_code"] if row["block_delivered"] else None
            blank = {name: row[name] or None for name in ("category", "provider_key") if name in row}
            # Umzüge lose the block of departure together with the block of arrival.
            if "from_block" in named and block is None:
                named["from_block"] = None
            expected.append(row | named | blank | {"block_code": block})
    found = []
    for row in landed.rows(source_id, "case"):
        given = dict(row["attributes"] or ())
        found.append(row | {name: given.get(name) for name in attributes})
    assert found
    assert counted(found, columns) == counted(expected, columns)


@pytest.mark.parametrize(
    "source_id", ["ba_akg", "jugendarbeit", "kita", "pflege", "schule", "wahlen", "wohnen"]
)
def test_observations(landed: Landed, source_id: str) -> None:
    key = ["period_type", "period_end", "area_system", "area_level", "area_code", "measure_id", "group_id"]
    delivered = landed.rows("pflege_plaetze" if source_id == "pflege" else source_id, "observation")
    found = {tuple(row[name] for name in key): row for row in delivered}
    assert len(found) == len(delivered)
    truth = landed.truth(f"observations_{source_id}")
    counts = {tuple(row[name] for name in key): row["value"] for row in truth}
    hidden = 0
    for row in truth:
        place = tuple(row[name] for name in key)
        got = found.pop(place)
        few_rents = False
        if row["measure_id"] in ("rent_count", "rent_sum_eur") and row["area_level"] == "sozialraum":
            few_rents = 0 < counts[(*place[:5], "rent_count", "total")] < 3
        if row.get("starred") or few_rents:
            hidden += 1
            assert (got["value"], got["conf_status"]) == (None, "C"), place
        else:
            assert got["value"] == pytest.approx(row["value"], abs=0.01), place
            assert got["conf_status"] == "F"
        if source_id == "pflege":
            for name in ("contributors", "largest", "second_largest"):
                assert got[name] == row[name], (place, name)
    assert hidden > 0 or source_id not in ("ba_akg", "wohnen")
    # What the truth does not list: Gemeinden without a home (a true zero), and what is computed from delivered columns.
    for place, row in found.items():
        if source_id == "pflege":
            assert (row["value"], row["contributors"]) == (0, 0)
        elif source_id == "schule":
            assert place[5:] == ("pupils", "nationality=de")
            foreign = counts[(*place[:6], "nationality=foreign")]
            assert row["value"] == counts[(*place[:6], "total")] - foreign
        else:
            assert source_id == "kita" and row["group_id"] == "total"
            parts = [counts[(*place[:6], group)] for group in ("age=0-2", "age=3-5")]
            assert row["value"] == sum(parts)


def test_groups_of_a_delivered_breakdown_add_up_to_the_total(landed: Landed) -> None:
    """Otherwise a rest that nobody protects could be computed from the total."""
    checked: Counter[tuple[str, str]] = Counter()
    for measure in landed.instance.measures:
        if measure.input != "observation" or not measure.breakdowns:
            continue
        totals: dict[tuple[Any, ...], float | None] = {}
        parts: dict[tuple[Any, ...], list[float | None]] = {}
        for row in landed.rows(measure.source, "observation"):
            if row["measure_id"] == measure.measure:
                place = (row["period_end"], row["area_system"], row["area_level"], row["area_code"])
                if row["group_id"] == "total":
                    totals[place] = row["value"]
                else:
                    dimension = row["group_id"].split("=")[0]
                    parts.setdefault((*place, dimension), []).append(row["value"])
        for (*found, dimension), values in parts.items():
            total = totals[tuple(found)]
            if total is not None and None not in values:
                assert sum(value or 0 for value in values) == total, (measure.measure, dimension, found)
                checked[measure.measure, dimension] += 1
    assert set(checked) >= {
        ("unemployed", "rechtskreis"),
        ("sgb2_persons", "leistungsberechtigung"),
        ("school_leavers", "abschluss"),
        ("pupils", "nationality"),
    }


def test_areas_and_crosswalk(landed: Landed) -> None:
    for table, name in (("area", "areas"), ("area_crosswalk", "crosswalk")):
        truth = landed.truth(name)
        columns = list(truth[0])
        assert counted(landed.rows("geobasis", table), columns) == counted(truth, columns)
    assert all(row["geometry"] for row in landed.rows("geobasis", "area"))


def test_budget_addresses_and_recommendations(landed: Landed) -> None:
    budget = landed.rows("haushalt", "budget")
    last = SETTINGS.first_year + SETTINGS.years - 1
    assert {row["year"] for row in budget} == set(range(SETTINGS.first_year, last + 1))
    assert all((row["actual_eur"] is None) == (row["year"] == last) for row in budget)
    assert all(row["plan_eur"] > 1000 for row in budget)
    blocks = {row["area_code"] for row in landed.truth("areas") if row["area_level"] == "block"}
    addresses = landed.rows("adressregister", "address")
    assert {row["block_code"] for row in addresses} <= blocks
    assert any("ß" in row["street"] or "ü" in row["street"] for row in addresses)  # cp1252 was read as such
    recommendations = landed.rows("handlungsempfehlungen", "recommendation")
    assert {row["status"] for row in recommendations} <= {
        "geplant",
        "in Umsetzung",
        "umgesetzt",
        "zurückgestellt",
    }
    assert all(row["decided_on"] and row["cost_plan_eur"] is not None for row in recommendations)


def test_second_run_changes_nothing(landed: Landed) -> None:
    def state(folder: Path) -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAGEBILD_VAR", str(landed.instance.paths.root.parent))
        before = state(landed.instance.paths.protected)
        again = land_instance(landed.instance)
        assert state(landed.instance.paths.protected) == before
    assert sum(report.landed + report.quarantined for report in again.values()) == 0
    # The second copy of a personal delivery (F04) has left the inbox and is no file of its own any more.
    copies = landed.reports["hze"].duplicate
    assert sum(report.duplicate for report in again.values()) == (
        sum(report.files for report in landed.reports.values()) - copies
    )


def test_configured_tables_are_the_landed_ones(landed: Landed) -> None:
    for source in landed.instance.sources.values():
        for manifest in landed.manifests:
            if manifest.source_id == source.id and manifest.status == "landed":
                assert set(manifest.rows) == set(source.tables)
    assert isinstance(pa.schema(TABLES["person"]), pa.Schema)


def test_simulated_sources_do_not_deliver_again_what_was_taken(landed: Landed) -> None:
    """The inbox of the personal sources is empty now; that must not look like a delivery that never was."""
    paths = landed.instance.paths
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAGEBILD_VAR", str(paths.root.parent))
        taken = taken_files(landed.instance)
    assert generate(SETTINGS, paths.inbox, paths.truth, lambda _: None, taken).skipped
    (register,) = [name for name in taken if name.endswith("EWR_Bestand_2016-06-30.csv")]
    assert not (paths.inbox / register).exists()
