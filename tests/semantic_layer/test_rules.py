"""Rules as configuration: overrides are resolved as the German page says, mistakes are named with file and field."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lagebild.disclosure_rules import (
    THRESHOLD_FIELDS,
    TIERS,
    DisclosureRule,
    RulesError,
    read_rules,
    resolve_rule,
)
from lagebild.instance import Instance, list_instances
from lagebild.paths import INSTANCES_DIR, PROJECT_ROOT
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.check import findings_of
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.export.dbt import catalogue_tables, supply_of
from semantic_layer.export.rules import labels_of, rule_text

DECISION = {"by": "Statistikstelle", "decided_on": date(2025, 3, 11), "note": "Vermerk 12"}
RULE: dict[str, Any] = {
    "id": "cases",
    "basis": "Dienstanweisung",
    "decision": DECISION,
    "min_count": 3,
    "min_contributors": 3,
    "levels": {"sozialraum": {"min_count": 5, "basis": "Kleinräumig ab 5"}},
    "tiers": {"internal": {"protect_zero": True, "levels": {"sozialraum": {"min_count": 4}}}},
    "audiences": {"kommune": {"min_count": 2, "levels": {"sozialraum": {"min_contributors": 0}}}},
}


def _resolved(level: str, tier: str, audience: str) -> dict[str, Any]:
    rule = DisclosureRule.model_validate(RULE)
    rows = [row for row in resolve_rule(rule, ("kreis", "sozialraum")) if row.audience == audience]
    found = [row for row in rows if (row.area_level, row.tier) == (level, tier)]
    assert len(found) == 1
    return {**found[0].thresholds, "basis": found[0].basis, "decision": found[0].decision}


@pytest.mark.parametrize(
    ("level", "tier", "audience", "expected"),
    [
        ("kreis", "public", "public", {"min_count": 3, "min_contributors": 3, "protect_zero": False}),
        ("sozialraum", "public", "public", {"min_count": 5, "basis": "Kleinräumig ab 5"}),
        ("kreis", "internal", "public", {"min_count": 3, "protect_zero": True}),
        ("sozialraum", "internal", "public", {"min_count": 4, "protect_zero": True}),
        # What an audience is allowed beats the level; its own level beats that.
        ("kreis", "public", "kommune", {"min_count": 2, "min_contributors": 3}),
        ("sozialraum", "public", "kommune", {"min_count": 2, "min_contributors": 0}),
        ("sozialraum", "internal", "kommune", {"min_count": 2, "min_contributors": 0, "protect_zero": True}),
    ],
)
def test_the_more_precise_statement_wins(
    level: str, tier: str, audience: str, expected: dict[str, Any]
) -> None:
    found = _resolved(level, tier, audience)
    assert {name: found[name] for name in expected} == expected
    assert found["decision"] == "Statistikstelle, 11.03.2025: Vermerk 12"


@given(
    st.dictionaries(st.sampled_from(["min_count", "min_contributors", "min_denominator"]), st.integers(0, 20))
)
def test_a_rule_without_overrides_is_the_same_everywhere(fields: dict[str, int]) -> None:
    rule = DisclosureRule.model_validate({"id": "r", "basis": "x", **fields})
    rows = list(resolve_rule(rule, ("a", "b", "c")))
    assert len(rows) == 3 * len(TIERS)
    for row in rows:
        assert dict(row.thresholds) == {name: getattr(rule, name) for name in THRESHOLD_FIELDS}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"min_cout": 3}, "Feld „min_cout“: Diese Angabe gibt es nicht"),
        (
            {"levels": {"sozialraum": {"min_cout": 3}}},
            "Feld „levels.sozialraum.min_cout“: Diese Angabe gibt es",
        ),
        ({"audiences": {"kommune": {"contributor": "person"}}}, "Feld „audiences.kommune.contributor“"),
        (
            {"tiers": {"geheim": {"min_count": 3}}},
            "Feld „tiers.geheim“: Diesen Wert kennt das Verfahren nicht.",
        ),
        ({"min_count": -1}, "Feld „min_count“: Der Wert darf nicht negativ sein."),
        ({"min_count": "drei"}, "Feld „min_count“: „drei“ passt hier nicht; erwartet wird eine ganze Zahl."),
        ({"dominance_n": 3}, "Feld „dominance_n“: Der Wert ist zu groß."),
        ({"levels": {"sozialraum": {}}}, "Feld „levels.sozialraum“: Die Ausnahme ändert keine Schwelle."),
        (
            {"audiences": {"public": {"min_count": 1}}},
            "Was für die Öffentlichkeit gilt, steht in der Regel selbst.",
        ),
        ({"combinations": [{"of": ["sex", "sex=f"], "not_below": "kreis"}]}, "zweimal genannt"),
        ({"decision": {"by": "Statistikstelle"}}, "Feld „decision.decided_on“: Diese Angabe fehlt."),
        ({"policy": "free"}, "Feld „policy“: Diesen Wert kennt das Verfahren nicht. Möglich: 'evaluate', "),
    ],
)
def test_a_mistake_is_named_with_file_rule_and_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RulesError) as raised:
        read_rules([RULE | change], "kreis/rules.yml")
    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith("kreis/rules.yml, Regel „cases“, Feld „")
    assert said in raised.value.problems[0]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(RulesError) as raised:
        read_rules([RULE | {"x": 1}, {"basis": "ohne Kennung"}, RULE, RULE])
    assert [problem.split(":")[0] for problem in raised.value.problems] == [
        "rules.yml, Regel „cases“, Feld „x“",
        "rules.yml, 2. Eintrag, Feld „id“",
        "rules.yml, Regel „cases“",
    ]


@pytest.fixture
def musterkreis(tmp_path: Path) -> Path:
    """A copy of the instance folder whose files a test may spoil."""
    return Path(shutil.copytree(INSTANCES_DIR / "musterkreis", tmp_path / "musterkreis"))


def _spoil(folder: Path, rule_id: str, change: dict[str, Any]) -> list[str]:
    path = folder / "rules.yml"
    rules = yaml.safe_load(path.read_text("utf-8"))
    next(rule for rule in rules if rule["id"] == rule_id).update(change)
    path.write_text(yaml.safe_dump(rules, allow_unicode=True), "utf-8")
    return [str(finding) for finding in findings_of(Instance("musterkreis", folder), load_catalogue())]


@pytest.mark.parametrize(
    ("rule_id", "change", "said"),
    [
        (
            "count_3",
            {"levels": {"dorf": {"min_count": 5}}},
            "count_3.levels.dorf: Ebene unbekannt – Die Ebene „dorf“",
        ),
        (
            "count_3",
            {"tiers": {"internal": {"levels": {"dorf": {"min_count": 5}}}}},
            "count_3.tiers.internal.levels.dorf: Ebene unbekannt",
        ),
        (
            "count_3",
            {"audiences": {"presse": {"min_count": 5}}},
            "count_3.audiences.presse: Empfängerkreis unbekannt – Den Empfängerkreis „presse“ nennt instance.yml nicht",
        ),
        ("count_3", {"decision": None}, "count_3: Entscheidung fehlt"),
        (
            "money",
            {"dominance_k_pct": 0},
            "money: Schwelle ohne Wirkung – Die Dominanzregel braucht beide Angaben",
        ),
        (
            "amount_3",
            {"protect_zero": True},
            "Nullen werden nur zusammen mit einer Mindestfallzahl geschützt",
        ),
        (
            "count_3",
            {"group_disclosure_slack": 1},
            "group_disclosure_slack gilt nur zusammen mit group_disclosure",
        ),
        ("count_3", {"min_providers": 2}, "Anbieter unbekannt"),
        ("count_3", {"min_contributors": 2, "contributor": "household"}, "Beitragende unbekannt"),
        (
            "disability_combination",
            {"combinations": [{"of": ["merkzeichen=XY"], "not_below": "kreis"}]},
            "Ausprägung unbekannt – „merkzeichen“ kennt die Ausprägung „XY“ nicht.",
        ),
        (
            "disability_combination",
            {"combinations": [{"of": ["farbe"], "not_below": "kreis"}]},
            "Gliederung unbekannt – Die Gliederung „farbe“ gibt es nicht.",
        ),
        (
            "disability_combination",
            {"combinations": [{"of": ["merkzeichen", "sex"], "not_below": "kreis"}]},
            "Kombination ohne Wirkung",
        ),
        (
            "disability_combination",
            {"combinations": [{"of": ["merkzeichen"], "not_below": "schulbezirk"}]},
            "Ebene passt nicht",
        ),
        (
            "count_3",
            {"min_cout": 3},
            "Regel ungültig – musterkreis/rules.yml, Regel „count_3“, Feld „min_cout“",
        ),
    ],
)
def test_the_catalogue_check_finds_contradictions(
    musterkreis: Path, rule_id: str, change: dict[str, Any], said: str
) -> None:
    assert any(said in finding for finding in _spoil(musterkreis, rule_id, change))


@pytest.mark.parametrize(
    ("scale", "breakdowns", "said"),
    [
        (
            {"of": "age_hze", "label": "x", "members": {"a": ["0-5"], "b": ["6-13"]}},
            None,
            "es fehlen: 14-17, 18+",
        ),
        ({"of": "age_hze", "label": "x", "members": {"a": ["0-5"], "b": ["99"]}}, None, "„99“ nicht"),
        (
            {"of": "unbekannt", "label": "x", "members": {"a": ["0-5"], "b": ["99"]}},
            None,
            "„unbekannt“ gibt es nicht",
        ),
        (None, [["altersgruppe_hze"]], "Feine Gliederung fehlt"),
        (None, [["age_hze"], ["altersgruppe_hze", "sex"]], "Grobe Gliederung in Kreuztabelle"),
    ],
)
def test_the_catalogue_check_finds_wrong_coarser_scales(
    musterkreis: Path, scale: dict[str, Any] | None, breakdowns: list[list[str]] | None, said: str
) -> None:
    config = yaml.safe_load((musterkreis / "instance.yml").read_text("utf-8"))
    measures = yaml.safe_load((musterkreis / "measures.yml").read_text("utf-8"))
    if scale:
        config["coarser"]["altersgruppe_hze"] = scale
    if breakdowns:
        next(item for item in measures if item["measure"] == "hze_cases")["breakdowns"] = breakdowns
    (musterkreis / "instance.yml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    (musterkreis / "measures.yml").write_text(yaml.safe_dump(measures, allow_unicode=True), "utf-8")
    findings = [str(item) for item in findings_of(Instance("musterkreis", musterkreis), load_catalogue())]
    assert any(said in finding for finding in findings), findings


@pytest.mark.parametrize("name", list_instances())
def test_there_is_one_row_of_thresholds_per_rule_level_and_tier(name: str) -> None:
    instance = Instance(name)
    rows = catalogue_tables(instance)["rule_threshold"].to_pylist()
    keys = [(row["rule_id"], row["area_level"], row["tier"], row["audience"]) for row in rows]
    assert len(keys) == len(set(keys))
    levels = {level.code for system in instance.config.area_systems for level in system.levels}
    wanted = {(rule, level, tier, "public") for rule in instance.rules for level in levels for tier in TIERS}
    assert wanted <= set(keys)


def test_the_musterkreis_says_its_rules_in_german() -> None:
    instance = Instance("musterkreis")
    texts = {row["rule_id"]: row for row in catalogue_tables(instance)["rule"].to_pylist()}
    assert texts["money"]["thresholds_text"] == (
        "mindestens 3 Personen, Dominanz (2, 85 %), p-%-Regel mit 10 %"
    )
    assert texts["disability_combination"]["thresholds_text"] == (
        "Mindestfallzahl 5, nicht alle in einer Ausprägung; Merkzeichen taubblind (TBl) nicht unterhalb der Ebene Kreis"
    )
    assert all(row["decision"] and row["basis"] for row in texts.values())
    labels = {"sozialraum": "Sozialraum", "kommune": "Für die Kommune"}
    assert rule_text(DisclosureRule.model_validate(RULE), labels) == (
        "Mindestfallzahl 3, mindestens 3 Personen; Sozialraum: Mindestfallzahl 5; interne Werte: auch Nullen; "
        "interne Werte, Sozialraum: Mindestfallzahl 4; Für die Kommune: Mindestfallzahl 2; "
        "Für die Kommune, Sozialraum: beliebig wenige Personen"
    )
    assert labels_of(supply_of(instance))["sex=f"] == "Geschlecht weiblich"


def test_coarse_groups_of_the_musterkreis_add_up_all_fine_ones() -> None:
    instance = Instance("musterkreis")
    supply = supply_of(instance)
    measure = next(item for item in instance.measures if item.measure == "hze_cases")
    merged = groups.finer_groups(("altersgruppe_hze",), measure, supply.catalogue, instance.config)
    assert [(group.group_id, group.label, [fine.group_id for fine in parts]) for group, parts in merged] == [
        ("altersgruppe_hze=0-13", "unter 14 Jahre", ["age_hze=0-5", "age_hze=6-13"]),
        ("altersgruppe_hze=14+", "14 Jahre und älter", ["age_hze=14-17", "age_hze=18+"]),
        (
            "altersgruppe_hze=unknown",
            "Altersgruppe (zusammengefasst) ohne Angabe",
            ["age_hze=unknown"],
        ),
    ]
    assert groups.finer_groups(("age_hze",), measure, supply.catalogue, instance.config) == ()


def test_the_example_of_the_german_page_is_a_rule() -> None:
    """What Datenschutz and Sozialplanung copy from the page has to work, and names every field there is."""
    page = (PROJECT_ROOT / "docs" / "geheimhaltung-regeln.md").read_text("utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, flags=re.S)
    rules = read_rules([rule for text in examples for rule in yaml.safe_load(text) if isinstance(rule, dict)])
    assert len(rules) >= 2
    for field in THRESHOLD_FIELDS:
        assert f"`{field}`" in page, field
