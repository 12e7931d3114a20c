"""The Geheimhaltungsbericht: what it says, what it never says, how it is set."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure.disproof import Chain, Disproof, Term
from orchestration.disclosure_report.changes import changed_rules
from orchestration.disclosure_report.content import BLOCKED, OPEN, RELEASED, annex, content, status, summary
from orchestration.disclosure_report.facts import (
    Attack,
    Change,
    Check,
    Counted,
    Facts,
    Finding,
    Gap,
    Rule,
    TableGroup,
)
from orchestration.disclosure_report.findings import chain_in_words
from orchestration.disclosure_report.masking import ENOUGH, few, share, split, totals
from orchestration.disclosure_report.read_proof import certificate_checks
from orchestration.disclosure_report.render import render_html, render_pdf
from orchestration.disclosure_report.texts import CHECKS

CERTIFICATE_CHECKS = tuple(CHECKS)


def _counted(measure: str, level: str, hidden: int, primary: int, cells: int = 5000) -> Counted:
    return Counted(measure, measure, "count_3", level, 1, cells, hidden, primary, {"count": primary}, 0.034)


GREEN = Facts(
    instance="musterkreis",
    title="Musterkreis (synthetisch)",
    attribution="Musterkreis, synthetische Daten",
    is_synthetic=True,
    release_id="20260101T020000Z",
    released_on=date(2026, 1, 1),
    made_at=datetime(2026, 1, 1, 3, tzinfo=UTC),
    rules=(
        Rule(
            "count_3",
            "Dienstanweisung",
            "Statistikstelle, 01.02.2025",
            "evaluate",
            "Mindestfallzahl 3",
            ("Geburten",),
        ),
        Rule("open", "Ohne Personenbezug", "", "evaluate", "ohne Schwellen", ("Wohnungen",)),
    ),
    counted=(
        _counted("Arbeitslose", "Gemeinde", 640, 219),
        _counted("Arbeitslose", "Sozialraum", 0, 0),
        _counted("Geburten", "Gemeinde", 1713, 3),
    ),
    groups=(TableGroup("Arbeitslose", "public", 24, {"solver": 23, "fallback": 1}, 9000, 1164, 20, 12.34),),
    checks=tuple(Check(name, "passed") for name in CERTIFICATE_CHECKS),
    attack=Attack(40, 800, (), 2),
    changes=(Change("Arbeitslose", 4, 2, 7, 100, 0),),
    changed_rules=("Neu: »open«",),
    previous_release="20251201T020000Z",
    audiences={"Öffentlichkeit": (9000, 0), "Kommunen": (9500, 500)},
    gap=Gap(6, 10.825, 10.0),
    cross_tables=3,
    without_counterpart={"Geburten": 12},
)
FINDING = Finding(
    "Geburten",
    "2024",
    "Beispielort (99901001)",
    "insgesamt",
    "Ergibt sich als: »A« − »B«.",
    "Gesperrt lassen.",
)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- traffic light


def test_released_when_everything_is_proved() -> None:
    assert status(GREEN) == status(replace(GREEN, changes=()))
    assert status(GREEN).code == RELEASED
    assert status(GREEN).reasons == ()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"findings": (FINDING,)}, "nicht mehr zu schützen"),
        ({"uncertified_tables": 2}, "2 Tabellen mit gesperrten Zahlen liegt kein Nachweis"),
        ({"attack": None}, "nicht durchgeführt"),
        ({"checks": (Check(CERTIFICATE_CHECKS[0], "missing"),)}, "Nicht alle Prüfungen"),
    ],
)
def test_open_points_are_named(changed: dict[str, Any], word: str) -> None:
    verdict = status(replace(GREEN, **changed))
    assert verdict.code == OPEN
    assert word in " ".join(verdict.reasons)


@pytest.mark.parametrize(
    "changed",
    [
        {"checks": (Check(CERTIFICATE_CHECKS[0], "failed"),)},
        {"attack": Attack(40, 800, ("births|J2024",), 0)},
        {"released_on": None},
    ],
)
def test_blocked_outweighs_open(changed: dict[str, Any]) -> None:
    assert status(replace(GREEN, **changed, findings=(FINDING,))).code == BLOCKED


def test_a_decided_finding_is_not_open() -> None:
    decided = replace(FINDING, decision="Statistikstelle, 02.01.2026: weiter gesperrt")
    assert status(replace(GREEN, findings=(decided,))).code == RELEASED


# --- what may be told apart


@given(st.integers(0, 500), st.integers(0, 500))
def test_split_only_where_both_parts_are_numerous(primary: int, secondary: int) -> None:
    found = split(primary + secondary, primary)
    assert found.hidden == primary + secondary
    if found.primary is None:
        assert found.hidden > 0
        assert min(primary, secondary) < ENOUGH
    else:
        assert (found.primary, found.secondary) == (primary, secondary)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12))
def test_totals_do_not_split_what_the_rows_do_not(parts: list[tuple[int, int]]) -> None:
    """What is printed stays the same whatever the split of a masked row: nothing can be computed back."""
    rows = [_counted("m", str(number), p + s, p) for number, (p, s) in enumerate(parts)]
    found = totals(rows)
    assert found.primary + found.secondary + found.unsplit == found.hidden
    masked = [split(row.hidden, row.primary).primary is None for row in rows]
    other = [
        replace(row, primary=min(row.hidden, 1)) if is_masked else row
        for row, is_masked in zip(rows, masked, strict=True)
    ]
    assert totals(other) == found


def test_no_split_of_a_masked_row_changes_a_word() -> None:
    """The whole report is the same whether 1 or 4 of the hidden figures are small."""
    few_small = replace(GREEN, counted=(*GREEN.counted[:2], _counted("Geburten", "Gemeinde", 1713, 1)))
    assert _text(content(few_small)) == _text(content(GREEN))


@pytest.mark.parametrize(
    ("part", "shown"),
    [(None, "–"), (0.0, "0 %"), (0.001, "unter 1 %"), (0.034, "3 %"), (0.999, "über 99 %"), (1.0, "100 %")],
)
def test_shares_are_coarse(part: float | None, shown: str) -> None:
    assert share(part) == shown


def test_small_counts_of_a_reason_are_not_told() -> None:
    assert [few(number) for number in (0, 1, 4, 5, 1234)] == ["0", "unter 5", "unter 5", "5", "1.234"]


# --- content


def test_report_says_everything_in_order() -> None:
    report = content(GREEN)
    assert [section["id"] for section in report["sections"]] == [
        "regeln",
        "zahlen",
        "verlust",
        "verfahren",
        "nachweis",
        "entscheidungen",
        "leser",
        "aenderungen",
        "grenzen",
        "glossar",
    ]
    text = _text(report)
    for word in (
        "Mindestfallzahl 3",
        "Statistikstelle, 01.02.2025",
        "1.164",
        "Zusammenfassung von Nachbargebieten: 1",
        "800 Zahlen",
        "1,08-fache",
        "3 freie Kreuztabellen",
        "Geburten 12",
        "Neu: »open«",
        "9.500",
        "Bei 1 Regel ist nicht vermerkt",
    ):
        assert word in text, word
    assert all(CHECKS[name] in text for name in CERTIFICATE_CHECKS)


def test_summary_is_one_paragraph() -> None:
    assert summary(GREEN) == (
        "Die Berechnung 20260101T020000Z umfasst 15.000 Zahlen aus 2 Messgrößen; 2.353 davon (16 %) sind gesperrt. "
        "24 Tabellen wurden mit einem Nachweis entschieden: 1.164 Gegenbeispiele zeigen, dass jede gesperrte "
        "Zahl aus Sicht der Leser weit genug offen bleibt. Ein Angriff mit unabhängigem "
        "Rechenweg auf 800 Zahlen blieb ohne Erfolg. "
        "Es ist nichts zu entscheiden."
    )


def test_findings_are_counted_in_the_report_and_named_in_the_annex_only() -> None:
    facts = replace(GREEN, findings=(FINDING,))
    report, named = _text(content(facts)), _text(annex(facts))
    assert "Beispielort" not in report
    assert "»A« − »B«" not in report
    assert "1 Zahl wartet auf eine Entscheidung" in report
    assert "Beispielort" in named
    assert "»A« − »B«" in named
    assert "Nicht weitergeben" in named
    assert "Gesperrt lassen." in named


def test_instance_without_tables_of_its_own() -> None:
    plain = replace(
        GREEN,
        groups=(),
        checks=(),
        attack=None,
        changes=(),
        previous_release="",
        gap=None,
        audiences={},
        counted=(),
    )
    report = content(plain)
    assert status(plain).code == RELEASED
    assert "Dies ist die erste Veröffentlichung." in _text(report)
    render_html(report)
    render_pdf(report)


def test_rule_changes_in_sentences() -> None:
    assert changed_rules(None, {"a": "A"}) == ()
    assert changed_rules({"a": "A", "b": "B"}, {"a": "A2", "c": "C"}) == (
        "Neu: C",
        "Entfallen: B",
        "Geändert: bisher A; jetzt A2",
    )


def test_chain_names_sums_and_no_number() -> None:
    terms = (Term("cell", 0, Fraction(1), 7771), Term("cell", 1, Fraction(-1), 7770))
    names = ["Kreis", "Gemeinde A", "Gemeinde B"]
    line = chain_in_words(Disproof(2, True, 1, Chain(terms, has_surplus=False, is_equation=True)), names)
    assert line == "Ergibt sich als: »Kreis« − »Gemeinde A«."
    lower = chain_in_words(
        Disproof(2, False, 1, Chain((Term("cell", 0, Fraction(-1, 2), 9),), True, True)), names
    )
    assert "1/2 · »Kreis«" in lower
    assert "gerundet" in lower


def test_results_of_dbt_are_read(tmp_path: Path) -> None:
    results = [
        {"unique_id": "test.lagebild.certificate_is_complete", "status": "pass"},
        {"unique_id": "test.lagebild.certificate_is_feasible", "status": "fail"},
        {"unique_id": "model.lagebild.dim_area", "status": "success"},
    ]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}), encoding="utf-8")
    states = {check.name: check.state for check in certificate_checks(tmp_path)}
    assert states["certificate_is_complete"] == "passed"
    assert states["certificate_is_feasible"] == "failed"
    assert states["certificate_keeps_links"] == "missing"


# --- setting


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if tag == "a":
            self.targets.append(str(named.get("href")))


def test_page_is_accessible_and_self_contained() -> None:
    page = _Page()
    page.feed(render_html(content(replace(GREEN, findings=(FINDING,)))))
    assert ("html", {"lang": "de"}) in page.tags
    assert page.headings[0] == 1
    assert set(page.headings[1:]) == {2}
    assert all(target.startswith("#") and target[1:] in page.ids for target in page.targets)
    assert not [tag for tag, _ in page.tags if tag in ("script", "img", "link", "iframe")]
    heads = [named for tag, named in page.tags if tag == "th"]
    assert heads
    assert all(named.get("scope") in ("col", "row", "rowgroup") for named in heads)
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert sum(tag == "caption" for tag, _ in page.tags) == tables > 5


def test_text_is_escaped() -> None:
    facts = replace(GREEN, title="<script>alert(1)</script>")
    assert "<script>" not in render_html(content(facts))


def test_pdf_is_tagged_and_repeatable(tmp_path: Path) -> None:
    pdf = render_pdf(content(GREEN))
    assert pdf.startswith(b"%PDF")
    assert b"/StructTreeRoot" in pdf
    assert b"/Lang" in pdf
    assert pdf == render_pdf(content(GREEN))
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext (poppler-utils)")
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    text = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
    ).stdout
    for section in content(GREEN)["sections"]:
        assert section["title"].split()[0] in text
