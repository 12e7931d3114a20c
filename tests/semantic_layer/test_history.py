"""A definition never changes unnoticed: the change log asks for a version and a reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from semantic_layer.catalogue.history import (
    Change,
    advance,
    history_findings,
    load_changes,
    save_changes,
)
from semantic_layer.catalogue.loader import load_catalogue
from tests.semantic_layer.build import catalogue, indicator

FIRST, LATER = date(2026, 1, 5), date(2026, 7, 1)


def _log(*entries: dict[str, Any], before: list[Change] | None = None, today: date = FIRST) -> list[Change]:
    return advance(catalogue(*entries), before or [], today)


def _rules(changes: list[Change], **edit: Any) -> list[str]:
    return [finding.rule for finding in history_findings(catalogue(indicator(**edit)), changes)]


def test_first_version_is_logged_once() -> None:
    log = _log(indicator())
    assert [(c.indicator, c.version, c.kind, c.date) for c in log] == [("share_old", 1, "neu", FIRST)]
    assert _log(indicator(), before=log, today=LATER) == log
    assert _rules(log) == []
    assert _rules([]) == ["Änderung nicht verzeichnet"]


@pytest.mark.parametrize(
    "edit",
    [
        {"factor": 1000, "unit": "je 1.000", "kind": "rate"},
        {"min_denominator": 50},
        {"numerator": [{"measure": "population", "group": {"age": [60, None]}}]},
    ],
)
def test_changed_definition_needs_a_version_and_a_reason(edit: dict[str, Any]) -> None:
    log = _log(indicator())
    assert _rules(log, **edit) == ["Definition ohne neue Fassung geändert"]
    with pytest.raises(ValueError, match="version"):
        _log(indicator(**edit), before=log, today=LATER)
    assert _rules(log, **edit, version=2) == ["Begründung fehlt"]
    changed = _log(indicator(**edit, version=2, change_note="Neue Abgrenzung"), before=log, today=LATER)
    assert [(c.version, c.kind, c.note, c.date) for c in changed[1:]] == [
        (2, "geändert", "Neue Abgrenzung", LATER)
    ]
    assert _rules(changed, **edit, version=2) == []
    assert _rules(changed) == [], "the old version is still the one that was logged"


def test_wording_may_change_without_a_version() -> None:
    log = _log(indicator())
    assert _rules(log, definition="Anders gesagt.", label="Alte Menschen", owner="Fachdienst Soziales") == []


def test_version_does_not_go_back() -> None:
    log = _log(indicator(version=3))
    assert _rules(log, version=2, change_note="zurück") == ["Fassung zurückgesetzt"]


def test_retirement_is_logged_with_its_successor() -> None:
    log = _log(indicator())
    retired = indicator(status="retired", successor="share_new")
    later = _log(retired, indicator(id="share_new", label="Neu", short_label="Neu"), before=log, today=LATER)
    assert [(c.indicator, c.kind, c.note) for c in later[1:]] == [
        ("share_new", "neu", "Erstfassung"),
        ("share_old", "abgelöst", "abgelöst durch share_new"),
    ]


def test_log_survives_its_file(tmp_path: Path) -> None:
    log = _log(indicator(change_note="mit „Anführung“: und Doppelpunkt"))
    save_changes(log, tmp_path / "log.yml")
    assert load_changes(tmp_path / "log.yml") == log
    assert load_changes(tmp_path / "fehlt.yml") == []


def test_the_log_of_the_real_catalogue_is_complete() -> None:
    assert [str(finding) for finding in history_findings(load_catalogue(), load_changes())] == []
