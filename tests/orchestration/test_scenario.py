"""`lagebild szenario rechnen` on a small release: what a planner reads and gets, and what is refused in German."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml
from openpyxl import load_workbook
from typer.testing import CliRunner

from lagebild.paths import InstancePaths
from orchestration.cli import app
from tests.analysis.test_frames_population import AREAS, LAST, release, world

SCENARIO = {
    "id": "anger",
    "label": "Wohngebiet Am Anger",
    "fertility": 1.05,
    "changes": [
        {
            "kind": "neubau",
            "label": "Am Anger",
            "area_level": "gemeinde",
            "area_code": "B",
            "year": LAST + 2,
            "dwellings": 250,
            "persons_per_dwelling": 2.4,
            "age_profile": "familien",
        }
    ],
}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current release of the Musterkreis with three Gemeinden, below an own LAGEBILD_VAR."""
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    folder = InstancePaths("musterkreis").published
    folder.mkdir(parents=True)
    figures, groups = world()
    children = [
        {"measure_id": "kita_children", "area_key": "K", "group_key": "age=0-2", "value": 300.0 + year}
        | {"period_key": f"S{year}"}
        for year in range(LAST - 5, LAST + 1)
    ]
    figures = pd.concat([figures, pd.DataFrame(children)])
    figures = figures.assign(conf_status="F", obs_status="A")
    periods = pd.DataFrame({"period_key": figures.period_key.unique()})
    periods["period_end"] = pd.to_datetime(periods.period_key.str[1:] + "-12-31")
    areas = release().areas.assign(area_system="sozialraum", is_unassigned=False)
    bridge = pd.DataFrame({"ancestor_area_key": "K", "descendant_area_key": AREAS, "depth": 1})
    with duckdb.connect(str(folder / "current.duckdb")) as connection:
        for name, table in {
            "fct_measure": figures,
            "fct_measure_as_is": figures.iloc[:0],
            "dim_group": groups,
            "dim_period": periods,
            "dim_area": areas,
            "bridge_area": bridge,
        }.items():
            connection.register("given", table)
            extra = ", cast(null as date) as valid_to" if name == "bridge_area" else ""
            connection.execute(f'create table "{name}" as select *{extra} from given')
            connection.unregister("given")
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["szenario", "rechnen", *(str(item) for item in arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def scenario_file(folder: Path, **other: object) -> Path:
    path = folder / "anger.yml"
    path.write_text(yaml.safe_dump(SCENARIO | other, allow_unicode=True), encoding="utf-8")
    return path


def test_a_planner_gets_text_table_and_workbook(published: Path) -> None:
    file = scenario_file(published)
    code, words = run("musterkreis", "--datei", file, "--ausgabe", published / "anger.xlsx")
    assert code == 0
    assert "Szenario „Wohngebiet Am Anger“ im Vergleich zum Szenario „mittel“." in words
    assert "Bdorf: Ende 2040 rechnerisch" in words and "mehr als ohne diese Annahmen" in words
    assert "Betreuung von Kindern unter 3 Jahren, Kreis 2040:" in words
    book = load_workbook(BytesIO((published / "anger.xlsx").read_bytes()))
    assert book.sheetnames == ["Ergebnis", "Bevölkerung", "Bedarf", "Annahmen"]
    assumed = {row[0].value: row[1].value for row in book["Annahmen"].iter_rows()}
    assert assumed["Geburtenrate, Faktor"] == "1,05"
    assert assumed["Am Anger"] == f"600 Personen ziehen ein, {LAST + 2}, davon 0 % innerhalb des Kreises"

    assert run("musterkreis", "--datei", file, "--ausgabe", published / "anger.csv")[0] == 0
    table = pd.read_csv(published / "anger.csv", sep=";", decimal=",")
    bdorf = table[table.Gebiet == "Bdorf"].set_index(["Szenario", "Jahr"])
    assert bdorf.loc[("Wohngebiet Am Anger", LAST + 2), "davon Planung"] == pytest.approx(600, abs=0.01)
    gained = bdorf.Einwohner.unstack("Szenario")[LAST + 2 :].eval("`Wohngebiet Am Anger` - mittel")
    assert (gained > 550).all()
    # Nothing of it is a release: the planner's file is all that was written.
    assert [path.name for path in InstancePaths("musterkreis").published.iterdir()] == ["current.duckdb"]


def test_what_cannot_be_computed_is_said(published: Path) -> None:
    elsewhere = [{**SCENARIO["changes"][0], "area_code": "X"}]
    for other, words in (
        ({"changes": elsewhere}, "Das Gebiet X der Ebene „gemeinde“ wird nicht"),
        ({"fertility": -1}, "anger.yml ist nicht vollständig oder nicht stimmig: fertility"),
        ({"id": "hoch"}, "ist vergeben"),
    ):
        code, output = run("musterkreis", "--datei", scenario_file(published, **other))
        assert code == 1 and words in output
    assert "gibt es nicht" in run("musterkreis", "--datei", published / "nirgends.yml")[1]
    file = scenario_file(published)
    assert "keine Veröffentlichung" in run("berlin", "--datei", file)[1]
    assert (
        "wird nicht überschrieben" in run("musterkreis", "--datei", file, "--ausgabe", _taken(published))[1]
    )
    assert "Endung" in run("musterkreis", "--datei", file, "--ausgabe", published / "x.pdf")[1]


def _taken(folder: Path) -> Path:
    path = folder / "da.csv"
    path.write_text("da", encoding="utf-8")
    return path
