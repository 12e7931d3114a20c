"""`lagebild annehmen`: the right place, the gate at once, and words about what became of the file."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from ingestion.connectors.failure import ConnectorFailure
from ingestion.connectors.manual import in_words, inbox_place
from lagebild import instance as kernel
from lagebild.instance import Instance, SourceConfig
from lagebild.paths import INSTANCES_DIR
from orchestration.cli import app
from orchestration.commands import common
from tests.ingestion.connected import content, manifests, registry, source, values

NAME = "Spielplaetze_2024.csv"


@pytest.fixture
def instance(var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    folder = tmp_path / "instances" / "probe"
    shutil.copytree(INSTANCES_DIR / "musterkreis", folder)
    config = source({"type": "manual"}, files="${INBOX}/spielplaetze/Spielplaetze_*.csv")
    said = config.model_dump(mode="json", exclude_defaults=True)
    (folder / "sources" / "spielplaetze.yml").write_text(yaml.safe_dump(said, allow_unicode=True))
    monkeypatch.setattr(kernel, "INSTANCES_DIR", folder.parent)
    monkeypatch.setattr(common, "list_instances", lambda: ["probe"])
    return Instance("probe", folder)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    folder = tmp_path / "Schreibtisch"
    folder.mkdir()
    return folder


def accept(*files: Path, source_id: str = "spielplaetze") -> Result:
    return CliRunner().invoke(app, ["annehmen", "probe", source_id, *map(str, files)])


def write(desk: Path, data: bytes, name: str = NAME) -> Path:
    path = desk / name
    path.write_bytes(data)
    return path


def test_accepted_known_corrected(instance: Instance, desk: Path) -> None:
    first = accept(write(desk, content(4, 2)))
    assert first.exit_code == 0, first.output
    assert f"{NAME}: übernommen, 2 Zeilen" in first.output
    assert "lagebild refresh probe" in first.output

    again = accept(write(desk, content(4, 2)))
    assert again.exit_code == 0 and f"{NAME}: bereits bekannt" in again.output

    corrected = accept(write(desk, content(5, 2)))
    assert "übernommen" in corrected.output
    old, new = manifests(instance)
    assert values(instance, new) == [5.0, 2.0]
    assert registry(instance) == {old.sha256[:12]: "superseded", new.sha256[:12]: "current"}


def test_refused_file_names_its_report(instance: Instance, desk: Path) -> None:
    result = accept(write(desk, b"Sozialraum;Zahl\n99901001S01;4\n"))
    assert result.exit_code == 1
    assert f"{NAME}: zurückgewiesen" in result.output
    found = re.search(r"Prüfbericht: (.+\.html)", result.output)
    assert found is not None and "Spalte" in Path(found[1]).read_text(encoding="utf-8")


def test_wrong_name_says_what_is_expected_and_nothing_is_taken(instance: Instance, desk: Path) -> None:
    result = accept(write(desk, content(4)), write(desk, content(4), "Liste neu.csv"))
    assert result.exit_code == 1
    assert "passt nicht zu »Spielplätze«. Erwartet wird: Spielplaetze_JJJJ….csv" in result.output
    assert "Es wurde nichts angenommen." in result.output
    assert not manifests(instance)


def test_waiting_file_of_the_same_name_is_landed_before_it_is_replaced(
    instance: Instance, desk: Path
) -> None:
    place = instance.paths.inbox / "spielplaetze"
    place.mkdir(parents=True)
    write(place, content(1))
    assert accept(write(desk, content(2))).exit_code == 0
    assert [values(instance, item) for item in manifests(instance)] == [[1.0], [2.0]]


def test_unknown_names_are_said(instance: Instance, desk: Path) -> None:
    assert "Unbekannte Quelle »x«" in accept(desk / "a.csv", source_id="x").output
    assert "gibt es nicht" in accept(desk / NAME).output
    result = CliRunner().invoke(app, ["annehmen", "nirgends", "x", "y"])
    assert result.exit_code == 1 and "Unbekannte Instanz »nirgends«" in result.output


def test_sources_read_in_place_take_nothing_by_hand(instance: Instance) -> None:
    config: SourceConfig = source({"type": "folder"}, files="${LAGEBILD_DATA}/x/*.csv")
    with pytest.raises(ConnectorFailure, match="liest nicht aus dem Posteingang"):
        inbox_place(instance, config, NAME)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"EWR_Bestand_(?P<date>\d{4}-\d{2}-\d{2})(_.+)?\.csv", "EWR_Bestand_JJJJ-MM-TT.csv"),
        (r"HzE_(?P<kommune>\d+)_(?P<year>\d{4})(_.+)?\.(csv|xlsx)", "HzE_Kommune_JJJJ.csv/xlsx"),
        (
            r"Wahl_(?P<art>bundestag|europa)_(?P<date>\d{4}-\d{2}-\d{2})\.csv",
            "Wahl_bundestag/europa_JJJJ-MM-TT.csv",
        ),
        (r"SEU_(?P<year>\d{4})-\d{2}(_.+)?\.xlsx", "SEU_JJJJ-JJ.xlsx"),
    ],
)
def test_patterns_in_words(pattern: str, words: str) -> None:
    assert in_words(pattern) == words
