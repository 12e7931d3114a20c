"""Recipes of indices: what contradicts itself or the instance is refused, what changes figures needs a version."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from lagebild.attention import AttentionRule
from lagebild.index_recipe import IndexClasses, IndexRecipe, read_recipes
from lagebild.instance import Instance, list_instances
from orchestration.cli import app
from semantic_layer.catalogue.history import Change, load_changes
from semantic_layer.catalogue.index_check import index_findings
from semantic_layer.catalogue.index_history import (
    advance_indices,
    changes_file,
    definitions_of,
    index_history_findings,
)
from semantic_layer.export import indices
from semantic_layer.export.dbt import catalogue_tables
from tests.semantic_layer.build import catalogue, indicator, supply

FIRST, LATER = date(2026, 1, 5), date(2026, 7, 1)
CUT = {"method": "bounds", "bounds": [-1, 1], "labels": ["niedrig", "mittel", "hoch"]}


def recipe(**changes: Any) -> dict[str, Any]:
    """A recipe without contradiction."""
    return {
        "id": "probe",
        "version": 1,
        "label": "Probeindex",
        "short_label": "Probe",
        "definition": "Ein Index für die Probe.",
        "source_label": "Handbuch",
        "decision": "Arbeitsgruppe, 01.01.2026",
        "polarity": "neutral",
        "area_system": "raum",
        "area_level": "gemeinde",
        "periods": {"type": "stichtag"},
        "indicators": [{"indicator": "share_old"}, {"indicator": "poor"}],
        "classes": CUT,
        **changes,
    }


def rule(**changes: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "definition": "Wo mehreres zusammenkommt.",
        "decision": "Arbeitsgruppe, 01.01.2026",
        "area_system": "raum",
        "area_level": "gemeinde",
        "threshold": {"burden": 1, "strong": 2},
        "minimum_judged": 1,
        "degrees": [{"degree": 1, "label": "erhöht", "burdens": 2}],
        "indicators": [{"indicator": "share_old", "unfavourable": "high"}, {"indicator": "poor"}],
        **changes,
    }


def _supply(**poor: Any) -> Any:
    other = indicator(
        id="poor", label="Arm", short_label="Arm", **{"polarity": "lower_better", "unit": "%", **poor}
    )
    return supply(catalogue(indicator(), other))


def _rules(
    changed: dict[str, Any] | None = None, attention: dict[str, Any] | None = None, **poor: Any
) -> set[str]:
    recipes = [] if changed is None else [IndexRecipe.model_validate(recipe(**changed))]
    given = None if attention is None else AttentionRule.model_validate(rule(**attention))
    return {finding.rule for finding in index_findings(_supply(**poor), recipes, given)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"indicators": [{"indicator": "a"}, {"indicator": "a"}]}, "zweimal"),
        ({"weighting": "given"}, "braucht jede Kennzahl ein Gewicht"),
        ({"indicators": [{"indicator": "a", "weight": 2}]}, "gelten nur bei"),
        ({"indicators": [{"indicator": "a", "weight": 0}], "weighting": "given"}, "greater than 0"),
        ({"weighting": "factor"}, "mindestens drei"),
        ({"aggregation": "geometric_mean"}, "Werte über null"),
        ({"standardisation": "none"}, "nur eine einzelne Kennzahl"),
        ({"classes": {**CUT, "labels": ["a", "b"]}}, "eine Klasse mehr"),
        ({"classes": {**CUT, "bounds": [1, -1]}}, "aufsteigen"),
        ({"classes": {**CUT, "method": "quantiles"}}, "gehören zu"),
        ({"classes": {**CUT, "published": {"indicator": "a", "codes": [1]}}}, "je Klasse eine Zahl"),
        ({"dynamics": {"classes": CUT}}, "die ihrer Veränderung"),
        ({"indicators": [{"indicator": "a", "change": "b"}]}, "gehören zu einer Dynamik"),
        (
            {"dynamics": {"years": 2, "classes": CUT}, "indicators": [{"indicator": "a", "change": "b"}]},
            "entweder berechnet",
        ),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    IndexRecipe.model_validate(recipe())
    with pytest.raises(ValidationError, match=words):
        IndexRecipe.model_validate(recipe(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threshold": {"burden": 2, "strong": 1}}, "über der Schwelle"),
        ({"indicators": [{"indicator": "a"}, {"indicator": "a"}]}, "zweimal"),
        ({"minimum_judged": 3}, "mehr beurteilte"),
        ({"degrees": [{"degree": 2, "label": "x", "burdens": 1}]}, "lückenlos"),
        ({"degrees": [{"degree": 1, "label": "x", "burdens": 3}]}, "nicht erreichbar"),
        (
            {"degrees": [{"degree": n, "label": "x", "burdens": 2} for n in (1, 2)]},
            "mehr Belastungen als die vorige",
        ),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    AttentionRule.model_validate(rule())
    with pytest.raises(ValidationError, match=words):
        AttentionRule.model_validate(rule(**changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"area_system": "schule"}, {"Gebietsgliederung unbekannt"}),
        ({"area_level": "block"}, {"Ebene unbekannt"}),
        ({"indicators": [{"indicator": "fehlt"}, {"indicator": "poor"}]}, {"Kennzahl unbekannt"}),
        ({"id": "poor"}, {"Kennung doppelt"}),
        ({"polarity": "higher_better"}, {"Richtung widerspricht der Polarität"}),
        ({"population": {"minimum": 300}}, {"Kennzahl unbekannt"}),
        ({"classes": {**CUT, "published": {"indicator": "fehlt"}}}, {"Kennzahl unbekannt"}),
    ],
)
def test_a_recipe_that_contradicts_the_instance_is_found(changes: dict[str, Any], expected: set[str]) -> None:
    assert _rules(changes) == expected


def test_figures_that_are_not_there_are_found() -> None:
    assert _rules({}, status="not_available", unavailable_reason="fehlt") == {"Kennzahl nicht verfügbar"}
    assert _rules({}, tier="internal") == {"Kennzahl nicht öffentlich"}
    assert _rules({"area_level": "sozialraum"}, lowest_level="gemeinde") == {"Ebene zu fein"}


def test_the_rule_needs_a_side_exactly_where_the_catalogue_has_none() -> None:
    assert _rules(attention={}) == set()
    neutral = {"indicators": [{"indicator": "share_old"}, {"indicator": "poor"}]}
    assert _rules(attention=neutral) == {"Richtung fehlt"}
    rated = {
        "indicators": [
            {"indicator": "share_old", "unfavourable": "high"},
            {"indicator": "poor", "unfavourable": "low"},
        ]
    }
    assert _rules(attention=rated) == {"Richtung doppelt"}
    assert _rules(attention={"area_level": "block"}) == {"Ebene unbekannt"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "indices").mkdir()
    return tmp_path


def _write(folder: Path, content: dict[str, Any], name: str = "") -> None:
    path = folder / "indices" / f"{name or content['id']}.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_recipes_are_read_by_file(folder: Path) -> None:
    assert read_recipes(folder) == ()
    _write(folder, recipe())
    _write(folder, recipe(id="andere", label="Anderer Index"))
    assert [item.id for item in read_recipes(folder)] == ["andere", "probe"]
    _write(folder, recipe(id="andere"))
    with pytest.raises(ValueError, match="Zwei Indizes heißen „Probeindex“"):
        read_recipes(folder)
    _write(folder, recipe(id="anders", label="Noch einer"), name="andere")
    with pytest.raises(ValueError, match="muss der Dateiname sein"):
        read_recipes(folder)


@pytest.mark.parametrize(
    "edit",
    [
        {"standardisation": "rank"},
        {"classes": {**CUT, "bounds": [-1, 2]}},
        {"indicators": [{"indicator": "share_old"}]},
        {"population": {"minimum": 100}},
    ],
)
def test_changed_figures_need_a_version_and_a_reason(folder: Path, edit: dict[str, Any]) -> None:
    def definitions(**changes: Any) -> list[Any]:
        _write(folder, recipe(**changes))
        return definitions_of(Instance("probe", folder))

    log = advance_indices(definitions(), [], FIRST)
    assert [(item.indicator, item.version, item.kind) for item in log] == [("probe", 1, "neu")]
    assert advance_indices(definitions(), log, LATER) == log

    def broken(**changes: Any) -> list[str]:
        return [finding.rule for finding in index_history_findings(definitions(**changes), log)]

    # Words may change, figures may not.
    assert broken(label="Anders benannt", definition="Anders beschrieben", decimals=1) == []
    assert broken(**edit) == ["Definition ohne neue Fassung geändert"]
    with pytest.raises(
        ValueError, match="Kennzahlen, Verfahren, Klassen oder Bedingungen weichen von Fassung 1"
    ):
        advance_indices(definitions(**edit), log, LATER)
    assert broken(**edit, version=2) == ["Begründung fehlt"]
    later = advance_indices(definitions(**edit, version=2, change_note="Neuer Beschluss"), log, LATER)
    assert [(item.version, item.kind, item.note) for item in later[1:]] == [
        (2, "geändert", "Neuer Beschluss")
    ]
    assert index_history_findings(definitions(**edit, version=2), later) == []


def test_defaults_of_the_model_are_no_change(folder: Path) -> None:
    _write(folder, recipe())
    plain = definitions_of(Instance("probe", folder))
    _write(folder, recipe(aggregation="sum", minimum_areas=8))
    assert definitions_of(Instance("probe", folder)) == plain


def test_recipes_in_use_are_in_order() -> None:
    """Every instance of the repository: no finding, and the log knows every recipe."""
    formed = set()
    for name in list_instances():
        instance = Instance(name)
        formed |= {item.id for item in instance.indices}
        assert index_history_findings(definitions_of(instance), load_changes(changes_file(instance))) == [], (
            name
        )
    assert {"mss_status", "gisd_fuenftel", "sozialformel", "armutsindex_siegen", "teilhabeindex"} <= formed


def test_catalogue_tables_carry_the_recipe() -> None:
    tables = {name: table.to_pylist() for name, table in catalogue_tables(Instance("berlin")).items()}
    (index,) = tables["index"]
    assert (index["index_id"], index["version"], index["version_note"]) == ("mss_status", 1, "Erstfassung")
    assert index["method_label"] == (
        "Jede Kennzahl wird standardisiert (Abweichung vom Mittel der Gebiete in Standardabweichungen); Summe mit "
        "gleichen Gewichten; das Ergebnis wird noch einmal standardisiert (0 ist das Mittel der Gebiete)."
    )
    assert "S2 Langzeitarbeitslosigkeit (bis 31.12.2017)" in index["parts_label"]
    cuts = [row for row in tables["index_class"] if row["kind"] == "change"]
    assert [(row["label"], row["upper_bound"], row["published_code"]) for row in cuts] == [
        ("positiv", -1, 1),
        ("stabil", 1, 0),
        ("negativ", None, -1),
    ]
    assert [row["change_indicator_id"] for row in tables["index_part"]] == [
        "mss_d1",
        "mss_d2",
        "mss_d3",
        "mss_d4",
    ]
    assert tables["attention"] == []
    # An instance without recipes keeps the tables.
    empty = catalogue_tables(Instance("flensburg"))
    assert {empty[name].num_rows for name in indices.SCHEMAS} == {0}


def test_classes_are_told_with_their_limits() -> None:
    def told(**changes: Any) -> str | None:
        return indices.classes_label(IndexClasses.model_validate({**CUT, **changes}))

    assert told() == (
        "1 niedrig (bis einschließlich −1), 2 mittel (über −1 bis einschließlich 1), 3 hoch (über 1)"
    )
    assert told(upper_inclusive=False) == "1 niedrig (unter −1), 2 mittel (ab −1 unter 1), 3 hoch (ab 1)"
    assert (
        told(method="quantiles", bounds=[])
        == "3 gleich große Klassen nach dem Wert: 1 niedrig, 2 mittel, 3 hoch"
    )


def test_the_rule_is_told_so_that_a_reader_can_count_again() -> None:
    relative = rule(
        deviation="relative",
        threshold={"burden": 0.25, "strong": 0.5},
        degrees=[{"degree": 1, "label": "erhöht", "burdens": 2, "strong": 1}],
    )
    assert indices.rule_label(AttentionRule.model_validate(relative), "Kreis") == (
        "Eine Kennzahl gilt als Belastung, wenn sie um mindestens 25 % ungünstiger ist als der Wert für das ganze "
        "Gebiet (Kreis), und als starke Belastung ab 50 %. Abweichungen, die bei der Größe des Gebiets Zufall sein "
        "können (95-%-Intervall), zählen nicht. Stufen: „erhöht“ ab 2 Belastungen oder 1 starken. Gebiete mit "
        "weniger als 1 "
        "beurteilbaren von 2 Kennzahlen "
        "werden nicht beurteilt."
    )
    change = [Change(indicator="x", version=1, date=FIRST, kind="neu", note="n", fingerprint="f")]
    tables = indices.rows(
        [], AttentionRule.model_validate(rule()), change, _supply().catalogue, _supply().config
    )
    assert [
        (row["indicator_id"], row["unfavourable"], row["burden"]) for row in tables["attention_indicator"]
    ] == [
        ("share_old", "high", 1.0),
        ("poor", "high", 1.0),
    ]


def test_the_command_carries_the_log_of_every_instance(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = folder / "instances" / "probe"
    (instance / "indices").mkdir(parents=True)
    (instance / "instance.yml").write_text("{}", encoding="utf-8")
    _write(instance, recipe())
    monkeypatch.setattr("lagebild.instance.INSTANCES_DIR", folder / "instances")
    # The log of the catalogue is that of the repository; this test is about the other ones.
    monkeypatch.setattr("semantic_layer.catalogue.history.advance", lambda catalogue, changes, today: changes)
    command = ["katalog", "fortschreiben"]
    assert "probe, Fassung 1: neu – Erstfassung" in CliRunner().invoke(app, command).output
    assert "nichts Neues" in CliRunner().invoke(app, command).output
    _write(instance, recipe(standardisation="rank"))
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1 and "Definition ohne neue Fassung geändert" in refused.output
    assert len(load_changes(instance / "history" / "indices.yml")) == 1
