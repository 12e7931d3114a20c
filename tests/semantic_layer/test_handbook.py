"""The Datenkonzept says what the catalogue says, all of it, and nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lagebild import german
from lagebild.instance import Instance, list_instances
from orchestration.cli import app
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.export.dbt import catalogue_tables
from semantic_layer.export.handbook import Handbook, formula, handbook, render_html, render_pdf


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if tag == "a" and named.get("href"):
            self.links.append(str(named["href"]))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@pytest.fixture(scope="module")
def content() -> Handbook:
    return handbook(Instance("musterkreis"))


@pytest.mark.parametrize("name", list_instances())
def test_every_indicator_has_one_sheet(name: str) -> None:
    instance = Instance(name)
    sheets = [sheet for theme in handbook(instance)["themes"] for sheet in theme["sheets"]]
    expected = catalogue_tables(instance)["indicator"].column("indicator_id").to_pylist()
    assert sorted(sheet["id"] for sheet in sheets) == sorted(expected)
    for sheet in sheets:
        named = {line["name"] for line in (*sheet["lines"], *sheet["facts"])}
        assert {"Definition", "Einheit", "Quelle", "Verantwortlich"} <= named, sheet["id"]
        if not sheet["active"] and sheet["status"] != "in Vorbereitung":
            assert {"Grund", "Nachfolger"} & named, sheet["id"]


def test_formula_is_worded() -> None:
    catalogue = load_catalogue()
    by_id = {item.id: item for item in catalogue.indicators}
    assert formula(by_id["old_age_poverty"], catalogue) == {
        "numerator": "Grundsicherung im Alter und bei Erwerbsminderung (Grundsicherung im Alter)",
        "denominator": "Einwohnerinnen und Einwohner (65 Jahre und älter)",
        "factor": "100",
    }
    balance = formula(by_id["net_migration_rate"], catalogue)["numerator"]
    assert balance == "Zuzüge − Fortzüge"


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1"), (1000, "1.000"), (0.5, "0,5"), (1234.5, "1.234,5"), (100000, "100.000")]
)
def test_numbers_are_german(value: float, text: str) -> None:
    assert german.number(value) == text


def test_html_is_complete_and_self_contained(content: Handbook) -> None:
    page = render_html(content)
    found = _Text()
    found.feed(page)
    text = " ".join(found.parts)
    for theme in content["themes"]:
        for sheet in theme["sheets"]:
            assert f"kennzahl-{sheet['id']}" in found.ids
            assert sheet["label"] in text
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert not re.search(r'(src|href)="https?:', page)
    assert "synthetisch" in text
    assert not re.search(r"\bNone\b|\bnan\b|\{\{", text)


def test_a_label_cannot_inject_markup(content: Handbook) -> None:
    bad = '<script>alert("x")</script>'
    page = render_html({**content, "instance": bad})
    assert bad not in page
    assert "&lt;script&gt;" in page


def test_pdf_is_tagged_and_reproducible(content: Handbook) -> None:
    few = {**content, "themes": content["themes"][:1]}
    one = render_pdf(few)
    assert one.startswith(b"%PDF-")
    assert b"/MarkInfo" in one or b"/StructTreeRoot" in one
    assert one == render_pdf(few)


def test_command_writes_by_ending(tmp_path: Path) -> None:
    runner = CliRunner()
    page = tmp_path / "datenkonzept.html"
    assert runner.invoke(app, ["katalog", "handbuch", "flensburg", str(page)]).exit_code == 0
    assert "Flensburg" in page.read_text(encoding="utf-8")
    refused = runner.invoke(app, ["katalog", "handbuch", "flensburg", str(tmp_path / "x.docx")])
    assert refused.exit_code == 1
    assert ".pdf oder .html" in refused.output
    unknown = runner.invoke(app, ["katalog", "handbuch", "atlantis", str(page)])
    assert unknown.exit_code == 1
    assert "Vorhanden:" in unknown.output


def test_indices_stand_with_method_parts_and_source() -> None:
    berlin = handbook(Instance("berlin"))
    (sheet,) = berlin["indices"]
    told = {line["name"]: line["text"] for line in sheet["lines"]}
    assert sheet["version"].startswith("Fassung 1 vom ")
    assert "S4 Kinderarmut" in told["Kennzahlen"] and "standardisiert" in told["Verfahren"]
    assert told["Ebene"] == "Planungsraum" and "Monitoring Soziale Stadtentwicklung" in told["Methode nach"]
    kreis = handbook(Instance("musterkreis"))
    assert [item["label"] for item in kreis["indices"]][-1] == "Aufmerksamkeitsbedarf"
    text = _Text()
    text.feed(render_html(kreis))
    assert {"indizes", "index-sozialformel", "index-aufmerksamkeit"} <= set(text.ids)
    # An instance without recipes has no empty chapter.
    assert handbook(Instance("flensburg"))["indices"] == []
    plain = _Text()
    plain.feed(render_html(handbook(Instance("flensburg"))))
    assert "indizes" not in plain.ids
