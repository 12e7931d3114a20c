"""Whole reports on a small release: their figures are those of the release, their pages are accessible."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reports.document import Document, Text
from reports.dossier import dossier
from reports.impulse import impulse, indicator_of_month
from reports.newsletter import newsletter
from reports.profile import profile
from reports.reader import Reader
from reports.release import NothingReleased, Release
from reports.render import render_html, render_pdf
from tests.reports import probe
from tests.superset.mock_release import CONFIG, HIDDEN

DAY = date(2025, 3, 14)


@pytest.fixture(scope="module")
def whole(reader: Reader) -> Document:
    return dossier(reader, DAY)


@pytest.fixture(scope="module")
def one_area(reader: Reader) -> Document:
    return profile(reader, reader.area_by_key[probe.FIRST], DAY)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, released: Path) -> Iterator[Reader]:
    """The same release without any of the optional tables."""
    path = tmp_path_factory.mktemp("bare") / "release.duckdb"
    path.write_bytes(released.read_bytes())
    with duckdb.connect(str(path)) as db:
        for number, table in enumerate(probe.OPTIONAL):
            db.execute(f"drop table {table}" if number % 2 else f"delete from {table}")
    with Release(path) as release:
        yield Reader(release, CONFIG)


def texts(value: Any) -> Iterator[str]:
    """Every string of a document's plain values except drawings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "svg":
                yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def said(document: Document) -> str:
    return "\n".join(texts(document.plain())).replace("\u00a0", " ")


def titles(document: Document) -> list[str]:
    return [item.title for item in document.sections]


def released_label(reader: Reader, indicator_id: str, area_key: str) -> str:
    rows = reader.release.rows(
        "select value_label from mart_indicator where indicator_id = ? and area_key = ? and is_latest",
        [indicator_id, area_key],
    )
    return str(rows[0]["value_label"])


def test_the_figures_of_the_dossier_are_those_of_the_release(reader: Reader, whole: Document) -> None:
    text = said(whole)
    for indicator_id in ("population_total", "sgb2_rate", "child_poverty"):
        assert released_label(reader, indicator_id, probe.ROOT).removesuffix(" Personen") in text
    assert f"bei {released_label(reader, 'sgb2_rate', probe.ROOT)}." in text


def test_the_figures_of_a_profile_are_those_of_the_release(reader: Reader, one_area: Document) -> None:
    text = said(one_area)
    for indicator_id in ("population_total", "sgb2_rate", "child_poverty"):
        assert released_label(reader, indicator_id, probe.FIRST).removesuffix(" Personen") in text
    assert "im Sozialraum Altensiel Nord" in text


@pytest.mark.parametrize("name", ["whole", "one_area"])
def test_text_is_clean(name: str, request: pytest.FixtureRequest) -> None:
    text = said(request.getfixturevalue(name))
    assert not re.search(r"\bnan\b|\bNone\b|  |\{|\}|\bEUR\b", text), re.search(
        r".{20}(nan|None|  ).{20}", text
    )
    assert not re.search(r"\b(the|and|of|value)\b", text, re.I)


def test_withheld_values_are_named_and_never_shown(reader: Reader) -> None:
    area = reader.area_by_key[f"sozialraum:{HIDDEN[0]}"]
    text = said(profile(reader, area, DAY))
    assert "Aus Gründen der Geheimhaltung gesperrt ist: SGB-II-Quote." in text
    assert "gesperrt" in text


def test_every_topic_has_its_section(whole: Document, one_area: Document) -> None:
    assert titles(whole) == [
        "Auf einen Blick",
        "Aufmerksamkeitsbedarf",
        "Soziale Indizes",
        "Soziale Lage",
        "Ausblick",
        "Ziele und Maßnahmen",
        "Methodische Hinweise",
        "Geheimhaltung",
        "Quellen",
        "Begriffe und Definitionen",
    ]
    assert {"Soziale Lage", "Handlungsempfehlungen"} <= set(titles(one_area))
    text = said(whole)
    assert "steigend und ungünstig" in text
    assert "Familienzentrum aufbauen (HE-001)" in text
    assert "hinter Plan" in text
    assert "Plätze in Kitas" in text
    assert "(4,0 bis 6,9 %)" in said(one_area), "a wide interval stands beside its value"


def test_a_topic_without_rows_leaves_no_trace(bare: Reader) -> None:
    whole, one_area = dossier(bare, DAY), profile(bare, bare.area_by_key[probe.FIRST], DAY)
    assert titles(whole) == [
        "Auf einen Blick",
        "Soziale Lage",
        "Methodische Hinweise",
        "Geheimhaltung",
        "Quellen",
        "Begriffe und Definitionen",
    ]
    assert "Soziale Lage" not in titles(one_area)
    assert not re.search(r"Prognose|Szenario|Handlungsempfehlung|Mann-Kendall|Index\b", said(whole))


def test_a_ranking_refused_by_the_release_names_no_gemeinde(reader: Reader, whole: Document) -> None:
    theme = next(item for item in whole.sections if item.title == "Soziale Lage")
    sentence = next(
        block.text for block in theme.blocks if isinstance(block, Text) and "SGB-II-Quote" in block.text
    )
    assert "Eine Reihenfolge wird daraus nicht abgeleitet: Eine Rangfolge wäre nicht haltbar." in sentence
    assert not any(area.name in sentence for area in reader.at_level("gemeinde"))


def test_an_earlier_year_reads_no_later_figure(released: Path) -> None:
    with Release(released) as release:
        reader = Reader(release, CONFIG, 2021)
        text = said(dossier(reader, DAY))
        assert "Fokus 2021" in text
        assert "31.12.2021" in text
        assert not re.search(r"31\.12\.202[234]", re.sub(r"Quellen und letzter.*", "", text, flags=re.S))
        assert "steigend" not in text, "the trend is of a later year"
        with pytest.raises(NothingReleased, match="Für 2001"):
            Reader(release, CONFIG, 2001)


class Page(HTMLParser):
    """What a screen reader would find."""

    def __init__(self) -> None:
        super().__init__()
        self.language: str | None = None
        self.headings: list[int] = []
        self.images: list[dict[str, str | None]] = []
        self.figures = self.figure_tables = self.heads_without_scope = self.tables = 0
        self._in_figure = False
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "html":
            self.language = found.get("lang")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(found)
        if tag == "figure":
            self.figures += 1
            self._in_figure = True
        if tag == "table":
            self.tables += 1
            self.figure_tables += self._in_figure
        if tag == "th" and "scope" not in found:
            self.heads_without_scope += 1
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a" and str(found.get("href")).startswith("#"):
            self.links.append(str(found["href"])[1:])

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure":
            self._in_figure = False


@pytest.mark.parametrize("name", ["whole", "one_area"])
def test_the_page_is_accessible(name: str, request: pytest.FixtureRequest) -> None:
    document: Document = request.getfixturevalue(name)
    html = render_html(document)
    page = Page()
    page.feed(html)
    assert page.language == "de"
    assert page.headings[0] == 1 and page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert page.figures >= 3
    assert page.figure_tables == page.figures, "every chart has its figures as a table"
    assert len(page.images) == page.figures
    assert all(len(str(image["alt"])) > 20 for image in page.images)
    assert page.heads_without_scope == 0
    assert set(page.links) <= set(page.ids) and len(set(page.ids)) == len(page.ids)
    assert not re.search(r"(src|href)=\"(?!data:|#)", html), "nothing is loaded from outside"
    assert "Synthetische Daten" in html and document.mark in html


@pytest.mark.parametrize("name", ["whole", "one_area"])
def test_the_pdf_is_tagged_and_says_on_every_page_what_it_is(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    document: Document = request.getfixturevalue(name)
    content = render_pdf(document)
    assert content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in content and b"/MarkInfo" in content and b"pdfuaid" in content
    assert b"/Lang" in content
    assert content == render_pdf(document), "the same content gives the same file"
    path = tmp_path / "bericht.pdf"
    path.write_bytes(content)
    pages = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
    ).stdout.split("\f")[:-1]
    for page in pages:
        assert "synthetische Daten" in page
        assert document.mark in page
        assert len(page.split()) > 15, "no page is empty"
    assert "SGB-II-Quote" in "".join(pages)


def test_a_kurzimpuls_is_one_page(reader: Reader, tmp_path: Path) -> None:
    for chosen in ("sgb2_rate", "child_poverty"):
        content = render_pdf(impulse(reader, DAY, chosen))
        assert re.search(rb"/Type\s*/Pages\s*/Count 1\b", content)
    with pytest.raises(NothingReleased, match="gibt_es_nicht"):
        impulse(reader, DAY, "gibt_es_nicht")


def test_the_indicator_of_the_month_takes_turns(reader: Reader) -> None:
    months = [indicator_of_month(reader, date(2025, month, 1)).id for month in range(1, 13)]
    assert set(months) == {"sgb2_rate", "child_poverty"}
    assert months == [indicator_of_month(reader, date(2025, month, 28)).id for month in range(1, 13)]


def test_the_newsletter_says_the_same_in_all_forms(reader: Reader) -> None:
    letter = newsletter(reader, DAY)
    label = released_label(reader, "sgb2_rate", probe.ROOT)
    for form in (letter.markdown, letter.text, letter.html):
        plain = form.replace("\u00a0", " ")
        assert f"bei {label}." in plain
        assert "Alle Daten sind synthetisch" in plain
        assert letter.subject.casefold() in plain.casefold()
        assert "Überfällig ist 1 Handlungsempfehlung." in plain
        assert not re.search(r"\bnan\b|\bNone\b", plain)
    assert letter.markdown.startswith("# ") and "<" not in letter.text
    page = Page()
    page.feed(letter.html)
    assert page.language == "de" and page.headings[0] == 1
