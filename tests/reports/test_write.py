"""Files on disk through the command line: names, replacement, the release a run keeps to, German refusals."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration.cli import app
from reports.reader import Reader
from reports.release import NothingReleased
from reports.write import Order, find_areas, pinned, slug, write_profiles


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: Path) -> Path:
    """The small release as that of the Musterkreis, whose areas and headlines it shares."""
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    folder = tmp_path / "musterkreis" / "published"
    folder.mkdir(parents=True)
    (folder / "current.duckdb").hardlink_to(released)
    return folder


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bericht", *arguments])


def test_one_profile_and_a_newsletter(published: Path) -> None:
    done = call("profil", "musterkreis", "--gebiet", "Altensiel Nord", "--ausgabe", "html")
    assert done.exit_code == 0, done.output
    written = published / "berichte" / "profile" / "99901001S01-altensiel-nord.html"
    assert "Altensiel Nord" in written.read_text(encoding="utf-8")
    assert call("newsletter", "musterkreis").exit_code == 0
    assert {path.suffix for path in (published / "berichte").glob("newsletter-*")} == {".md", ".txt", ".html"}
    assert not list(published.rglob(".*")), "no drafts are left"


def test_slides(published: Path) -> None:
    assert call("folien", "musterkreis", "--thema", "lage").exit_code == 0
    assert (published / "berichte" / "folien-lage.pptx").read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("profil", "musterkreis"), "--gebiet"),
        (("profil", "musterkreis", "--gebiet", "Nirgendwo"), "Ein Gebiet »Nirgendwo« gibt es"),
        (("dossier", "musterkreis", "--jahr", "1999"), "Für 1999 und früher ist nichts veröffentlicht."),
        (("folien", "musterkreis", "--thema", "x"), "Vorhanden: lage"),
        (("dossier", "flensburg"), "Es gibt noch keine Veröffentlichung."),
        (("dossier", "atlantis"), "Unbekannte Instanz"),
    ],
)
def test_refusals_are_german(published: Path, arguments: tuple[str, ...], refusal: str) -> None:
    done = call(*arguments)
    assert done.exit_code == 1
    assert refusal in done.output


def test_profiles_side_by_side_are_those_made_alone(published: Path) -> None:
    order = Order("musterkreis", date(2025, 3, 14), forms=("html",))
    alone = {path.name: path.read_bytes() for path in write_profiles(order, level="gemeinde", workers=1)}
    steps: list[tuple[int, int]] = []
    together = write_profiles(
        order, level="gemeinde", workers=2, tick=lambda done, of: steps.append((done, of))
    )
    assert {path.name: path.read_bytes() for path in together} == alone
    assert steps == [(number, 4) for number in range(1, 5)]


def test_a_run_keeps_to_its_release(published: Path, released: Path) -> None:
    assert pinned(published / "current.duckdb") == published / "current.duckdb"
    (published / "release-r1.duckdb").hardlink_to(released)
    assert pinned(published / "current.duckdb") == published / "release-r1.duckdb"


def test_areas_are_found_by_code_name_or_level(reader: Reader) -> None:
    assert find_areas(reader, "99901001S01")[0].name == "Altensiel Nord"
    assert find_areas(reader, "altensiel nord")[0].code == "99901001S01"
    assert {area.level for area in find_areas(reader)} == {"sozialraum"}
    with pytest.raises(NothingReleased, match="Unbekannte Ebene"):
        find_areas(reader, level="block")


def test_file_names_are_plain() -> None:
    assert slug("Ülzsiel, Straße (Süd)") == "uelzsiel-strasse-sued"
