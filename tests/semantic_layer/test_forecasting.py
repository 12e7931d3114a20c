"""Forecast settings of an instance: what is refused, what contradicts itself, which rows dbt gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from lagebild.forecasting import ForecastSettings, NeedPart, PlannerScenario, read_scenarios
from lagebild.instance import Instance
from lagebild.paths import INSTANCES_DIR
from semantic_layer.catalogue.forecasting import forecast_findings
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.resolve import Supply, resolve
from semantic_layer.export import forecasting

MUSTERKREIS = INSTANCES_DIR / "musterkreis"
CHANGE = {
    "kind": "schliessung",
    "label": "Heim",
    "area_level": "gemeinde",
    "area_code": "1",
    "year": 2030,
    "residents": 50,
}


def instance(folder: Path, **files: object) -> Instance:
    """A Musterkreis whose forecast files are the given ones; everything else is the real folder."""
    for path in MUSTERKREIS.glob("*.yml"):
        if path.name not in ("prognosen.yml", "bedarfe.yml"):
            (folder / path.name).symlink_to(path)
    for name, content in files.items():
        target = folder / f"{name.replace('__', '/')}.yml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(yaml.safe_dump(content), encoding="utf-8")
    return Instance("musterkreis", folder)


def rows(chosen: Instance) -> dict[str, list[dict[str, object]]]:
    return forecasting.rows(chosen, resolve(Supply(load_catalogue(), chosen.config, chosen.measures)))


def messages(chosen: Instance) -> list[str]:
    supply = Supply(load_catalogue(), chosen.config, chosen.measures)
    return [str(item) for item in forecast_findings(chosen, supply)]


def test_without_files_all_tables_are_empty(tmp_path: Path) -> None:
    chosen = instance(tmp_path)
    assert messages(chosen) == []
    found = rows(chosen)
    assert set(found) == set(forecasting.SCHEMAS) and not any(found.values())


def test_an_empty_file_means_the_defaults_of_the_house(tmp_path: Path) -> None:
    chosen = instance(tmp_path, prognosen=None)
    found = rows(chosen)
    shown = {*chosen.config.dashboard.headline_indicators, *chosen.config.dashboard.series_indicators}
    assert {(row["indicator_id"], row["area_level"]) for row in found["forecast_series"]} == {
        (name, level) for name in shown for level in ("kreis", "gemeinde")
    }
    assert found["forecast_population"] == [
        {"area_system": "sozialraum", "area_level": "gemeinde", "until_year": 2040, "base_years": 5}
    ]
    assert [row["scenario"] for row in found["scenario"]] == ["niedrig", "mittel", "hoch"]


def test_the_musterkreis_is_in_order_and_its_scenario_arrives() -> None:
    chosen = Instance("musterkreis")
    assert messages(chosen) == []
    found = rows(chosen)
    assert [row["is_planner"] for row in found["scenario"]] == [False, False, False, True]
    built, closed = found["scenario_change"]
    assert built["persons"] == pytest.approx(900 * 2.4) and closed["persons"] == -180
    assert sum(share for _, _, share in json.loads(str(built["profile_json"]))) == pytest.approx(100)
    assert {row["need_id"] for row in found["need_part"]} == {"kita_u3", "kita_u3_target", "kita_3_5", "care"}
    for name, content in found.items():
        assert forecasting.table(name, content).num_rows == len(content)


def test_contradictions_are_named(tmp_path: Path) -> None:
    need = {
        "id": "kita",
        "label": "K",
        "definition": "D",
        "unit": "P",
        "population_label": "L",
        "theme": "nirgends",
    }
    twice = [{**need, "parts": [{"age_from": 0, "measure": "unknown"}]}] * 2
    scenario = {
        "id": "heim",
        "label": "Heim zu",
        "changes": [CHANGE | {"area_level": "sozialraum"}, CHANGE | {"year": 2055}],
    }
    chosen = instance(
        tmp_path,
        prognosen={"indicators": ["nope"], "levels": ["bezirk"]},
        bedarfe=twice,
        szenarien__heim=scenario,
    )
    found = "\n".join(messages(chosen))
    for words in (
        "Die Kennzahl „nope“ gibt es im Katalog nicht",
        "keine Ebene „bezirk“",
        "Das Handlungsfeld „nirgends“ gibt es nicht",
        "Die Messgröße „unknown“ steht nicht in measures.yml",
        "steht zweimal in bedarfe.yml",
        "nennt die Ebene „sozialraum“; vorausberechnet wird „gemeinde“",
        "liegt nach dem letzten Jahr 2040",
    ):
        assert words in found
    (tmp_path / "prognosen.yml").unlink()
    assert "Ohne „prognosen.yml“" in "\n".join(messages(Instance("musterkreis", tmp_path)))


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"age_from": 0}, "'measure' oder 'rate'"),
        ({"age_from": 0, "measure": "m", "rate": 40}, "gehört das Jahr 'reached'"),
        ({"age_from": 0, "rate": 40, "reached": 2030}, "gehört zu 'measure' und 'rate'"),
        ({"age_from": 9, "age_to": 3, "rate": 40}, "liegt unter"),
    ],
)
def test_a_need_without_a_rate_is_refused(part: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NeedPart.model_validate(part)


def test_scenarios_are_checked_when_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="ist vergeben"):
        PlannerScenario(id="mittel", label="Mittel")
    with pytest.raises(ValidationError, match="dwellings"):
        PlannerScenario.model_validate(
            {"id": "x", "label": "Neubau", "changes": [CHANGE | {"kind": "neubau"}]}
        )
    (tmp_path / "szenarien").mkdir()
    (tmp_path / "szenarien" / "other.yml").write_text("{id: x, label: Neubau}", encoding="utf-8")
    with pytest.raises(ValueError, match="must equal the file name"):
        read_scenarios(tmp_path)
    assert ForecastSettings().population is not None
