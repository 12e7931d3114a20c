"""Every kind of bad input × the formats it can come in, through the real landing.

For each case: a clear refusal or a counted warning that names its place; the original is kept, nothing is half loaded,
the earlier good delivery stays current, and the supplier gets a Prüfbericht. docs/bad-input.md is checked against it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.landing.deliveries import succession
from ingestion.landing.land import land_source
from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance
from tests.ingestion import faults as f
from tests.ingestion.fault_cases import CASES, Case
from tests.ingestion.test_context import land

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "bad-input.md"
GENERIC: Final = "Datei konnte nicht gelesen werden"


FIRST: Final = {(case.fault, case.rule, case.severity): case for case in reversed(CASES)}
"""The case whose message the page quotes."""


def _documented() -> dict[tuple[str, str, str], str]:
    """Lines of the page's table by fault and rule."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else ():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 7 and cells[3] in ("zurückgewiesen", "Hinweis"):
            found[cells[1], cells[4], "warning" if cells[3] == "Hinweis" else "refusal"] = line
    return found


DOCUMENTED: Final = _documented()


def _line(case: Case, message: str) -> str:
    benches = ", ".join(
        item.bench
        for item in CASES
        if (item.fault, item.rule, item.severity) == (case.fault, case.rule, case.severity)
    )
    verdict = "zurückgewiesen" if case.severity == "refusal" else "Hinweis"
    return f"| {case.fault} | {benches} | {verdict} | {case.rule} | {message.replace('|', chr(92) + '|')} |"


def test_the_page_tells_every_fault() -> None:
    assert set(DOCUMENTED) == {key for key in FIRST if key[1]}


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The state of a territory whose sound deliveries have landed, per format; made once, copied per case."""
    made: dict[str, Path] = {}

    def state(bench: str) -> Path:
        if bench not in made:
            root = tmp_path_factory.mktemp(bench)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("LAGEBILD_VAR", str(root / "var"))
                instance = territory(root)
                for name, content in f.BENCHES[bench].sound.items():
                    write(instance, name, content)
                report = land_source(instance, f.BENCHES[bench].source)
                manifests = list(read_manifests(instance, "probe"))
                assert report.quarantined == 0, [item.issues for item in manifests]
                assert report.landed == len(f.BENCHES[bench].sound)
                assert [item.issues for item in manifests] == [()] * len(manifests)
            made[bench] = root
        return made[bench]

    return state


def territory(root: Path) -> Instance:
    folder = root / "stadt"
    (folder / "sources").mkdir(parents=True)
    (folder / "instance.yml").write_text(f.INSTANCE_YML, encoding="utf-8")
    for name in ("measures.yml", "rules.yml"):
        (folder / name).write_text("[]", encoding="utf-8")
    (folder / "sources" / "gebiete.yml").write_text(f.AREA_SOURCE_YML, encoding="utf-8")
    instance = Instance("stadt", folder)

    def area(
        system: str, level: str, code: str, parent: str | None, until: date | None = None
    ) -> dict[str, object]:
        return {
            "area_system": system,
            "area_level": level,
            "area_code": code,
            "area_name": f"Ort {code}",
            "parent_code": parent,
            "valid_from": date(2000, 1, 1),
            "valid_to": until,
        }

    rows = [
        area("raum", "kreis", "91", None),
        *(area("raum", "gemeinde", code, "91") for code in ("91001", "91002", "91003")),
        area("raum", "gemeinde", "91009", "91", date(2010, 12, 31)),
        *(area("amtlich", "kreis", code, None) for code in ("01001", "01002")),
    ]
    land(instance, "gebiete", "alle", {"area": rows}, None)
    # The exported catalogue says which measures add up and may therefore be compared with the delivery before.
    measure = dict.fromkeys(("where_sql", "value_sql", "part_of"), "") | {
        "measure_id": "cases",
        "label": "Fälle",
        "unit": "Fälle",
        "value_kind": "count",
        "additive_over_areas": True,
        "source_id": "probe",
        "input": "observation",
        "period_type": "stichtag",
        "area_system": "raum",
    }
    instance.paths.catalogue.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([measure]), instance.paths.catalogue / "measure.parquet")
    return instance


def write(instance: Instance, name: str, content: bytes) -> Path:
    path = instance.paths.inbox / "probe" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def current(instance: Instance) -> dict[str, Manifest]:
    manifests = {item.delivery_id: item for item in read_manifests(instance, "probe")}
    states = succession(list(manifests.values()))
    return {key: manifests[key] for key, state in states.items() if state[0] == "current"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_fault(
    case: Case, landed: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(landed(case.bench), tmp_path / "root")
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "root" / "var"))
    instance = Instance("stadt", tmp_path / "root" / "stadt")
    bench = f.BENCHES[case.bench]
    before = current(instance)
    content = case.content()
    write(instance, bench.name, content)

    report = land_source(instance, bench.source)

    refused = case.severity == "refusal"
    assert (report.landed, report.quarantined) == ((0, 1) if refused else (1, 0)), [
        item.issues for item in read_manifests(instance, "probe")
    ]
    (delivery_id,) = report.delivery_ids
    manifest = next(item for item in read_manifests(instance, "probe") if item.delivery_id == delivery_id)
    zone = instance.paths.quarantine if refused else instance.paths.landing
    folder = zone / "probe" / delivery_id
    assert (folder / "original" / bench.name).read_bytes() == content
    assert GENERIC not in {issue.rule for issue in manifest.issues}
    if refused:
        assert not list(folder.glob("*.parquet")) and not manifest.rows
        assert current(instance) == before
        for key in before:
            kept = instance.paths.landing / "probe" / key / "observation.parquet"
            assert pq.read_metadata(kept).num_rows == before[key].rows["observation"]
    else:
        assert delivery_id in current(instance)
        assert manifest.warnings == sum(issue.severity == "warning" for issue in manifest.issues)
    assert not list((instance.paths.protected / "landing_work").glob("*"))
    if not case.rule:
        assert manifest.issues == ()  # nothing to say: columns are found by their names
        return
    said = [item for item in manifest.issues if item.rule == case.rule]
    assert said and said[0].severity == case.severity, [item.model_dump() for item in manifest.issues]
    issue = said[0]
    for name in ("row", "column", "sheet", "value"):
        wanted = getattr(case, name)
        assert wanted is None or getattr(issue, name) == wanted, issue
    assert case.words in issue.message and re.search(r"[.?]$", issue.message), issue.message
    if case is FIRST[case.fault, case.rule, case.severity]:
        told = DOCUMENTED.get((case.fault, case.rule, case.severity))
        line = _line(case, issue.message)
        if os.environ.get("LAGEBILD_FAULT_TABLE"):  # for renewing the page: the lines as they are now
            with Path(os.environ["LAGEBILD_FAULT_TABLE"]).open("a", encoding="utf-8") as page:
                page.write(line + "\n")
        else:
            assert told == line, f"docs/bad-input.md should say: {line}"
    html = (folder / "pruefbericht.html").read_text(encoding="utf-8")
    assert issue.rule in html and bench.name in html
    book = openpyxl.load_workbook(folder / "pruefbericht.xlsx", read_only=True)
    cells = {cell for sheet in book for line in sheet.iter_rows(values_only=True) for cell in line}
    book.close()
    assert issue.rule in cells
