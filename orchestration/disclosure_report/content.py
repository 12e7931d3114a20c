"""From facts to the report: German sentences and tables, plain JSON values in reading order. Pure.

Belongs here: what is said and in which order. Does not belong here: what is true (`read`), how it looks (`render`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lagebild import german
from lagebild.instance import PUBLIC
from orchestration.disclosure_report import sections, texts
from orchestration.disclosure_report.facts import Facts
from orchestration.disclosure_report.masking import share, totals
from orchestration.disclosure_report.tables import Content, counted, number, section, table

RELEASED, OPEN, BLOCKED = "released", "open", "blocked"
_LABELS: Final = {RELEASED: "freigegeben", OPEN: "freigegeben mit offenen Punkten", BLOCKED: "blockiert"}


@dataclass(frozen=True)
class Status:
    """The traffic light. `reasons` are German sentences; none for green."""

    code: str
    reasons: tuple[str, ...]

    @property
    def label(self) -> str:
        return _LABELS[self.code]


def status(facts: Facts) -> Status:
    """Blocked while something is disproved, fails or is not released; open while a human has something to decide."""
    blocked = [
        f"Die Prüfung »{texts.CHECKS[check.name]}« ist gescheitert."
        for check in facts.checks
        if check.state == "failed"
    ]
    if facts.attack and facts.attack.disproved:
        blocked.append(
            "Ein Angriff mit unabhängigem Rechenweg hat trotz Nachweis eine gesperrte Zahl eingegrenzt."
        )
    if facts.released_on is None:
        blocked.append("Diese Berechnung ist nicht veröffentlicht.")
    if blocked:
        return Status(BLOCKED, tuple(blocked))
    pending = [item for item in facts.findings if not item.decision]
    reasons = []
    if pending:
        reasons.append(
            f"{counted(len(pending), 'Zahl ist', 'Zahlen sind')} durch früher Veröffentlichtes "
            "nicht mehr zu schützen; die Entscheidung steht aus."
        )
    if facts.uncertified_tables:
        reasons.append(
            f"Für {counted(facts.uncertified_tables, 'Tabelle', 'Tabellen')} mit gesperrten Zahlen "
            "liegt kein Nachweis vor; dort gilt die Zusammenfassung von Nachbargebieten."
        )
    if facts.groups and any(check.state == "missing" for check in facts.checks):
        reasons.append("Nicht alle Prüfungen des Nachweises sind gelaufen.")
    if facts.groups and facts.attack is None:
        reasons.append("Der Angriff mit unabhängigem Rechenweg wurde nicht durchgeführt.")
    return Status(OPEN if reasons else RELEASED, tuple(reasons))


def content(facts: Facts) -> Content:
    """The report; the same facts give the same text."""
    verdict = status(facts)
    day = german.day(facts.released_on) if facts.released_on else "nicht veröffentlicht"
    parts = [
        sections.rules(facts),
        sections.counts(facts),
        sections.loss(facts),
        sections.methods(facts),
        sections.proof(facts),
        sections.decisions(facts),
        sections.audiences(facts),
        sections.changes(facts),
        section(
            "grenzen", "Was das Verfahren nicht abdeckt", texts.sentence("limits_intro"), points=texts.LIMITS
        ),
        section("glossar", "Begriffe", "", terms=texts.GLOSSARY),
    ]
    return {
        "title": "Geheimhaltungsbericht",
        "short_title": "Geheimhaltungsbericht",
        "instance": facts.title,
        "release": facts.release_id,
        "day": day,
        "made": german.day(facts.made_at),
        "synthetic": facts.is_synthetic,
        "attribution": facts.attribution,
        "confidential": "",
        "status": {"code": verdict.code, "label": verdict.label, "reasons": list(verdict.reasons)},
        "summary": summary(facts),
        "facts": _key_figures(facts, day),
        "sections": parts,
    }


def annex(facts: Facts) -> Content:
    """The open decisions one by one, with areas named: for those who decide, not to be handed on."""
    rows = [
        [
            f"{item.measure}, {item.group}",
            f"{item.area}, {item.period}" + (f"; für {item.audience}" if item.audience else ""),
            item.chain,
            item.proposal,
            item.decision or "offen",
        ]
        for item in facts.findings
    ]
    columns = ["Zahl", "Gebiet und Zeitraum", "Woraus sie folgt", "Vorschlag", "Entscheidung"]
    whole = content(facts)
    named = section(
        "zahlen", "Nicht mehr zu schützende Zahlen", texts.sentence("annex_intro"), [table("", columns, rows)]
    )
    return {
        **whole,
        "title": "Anlage zum Geheimhaltungsbericht: offene Entscheidungen",
        "short_title": "Anlage",
        "confidential": texts.sentence("confidential"),
        "summary": texts.sentence("annex_summary"),
        "facts": whole["facts"][:3],
        "sections": [named],
    }


def summary(facts: Facts) -> str:
    """The report in one paragraph."""
    sums = totals(facts.counted)
    measures = len({item.measure_id for item in facts.counted})
    sentences = [
        f"Die Berechnung {facts.release_id} umfasst {number(sums.cells)} Zahlen aus "
        f"{counted(measures, 'Messgröße', 'Messgrößen')}; {number(sums.hidden)} davon "
        f"({share(sums.hidden / sums.cells if sums.cells else 0.0)}) sind gesperrt."
    ]
    public = [item for item in facts.groups if item.audience == PUBLIC]
    if public:
        tables, worlds = sum(item.tables for item in public), sum(item.worlds for item in public)
        sentences.append(
            f"{counted(tables, 'Tabelle wurde', 'Tabellen wurden')} mit einem Nachweis entschieden: {number(worlds)} "
            "Gegenbeispiele zeigen, dass jede gesperrte Zahl aus Sicht der Leser weit genug offen bleibt."
        )
    else:
        sentences.append("Ein Nachweis durch Gegenbeispiele liegt nicht vor.")
    if facts.attack and not facts.attack.disproved and facts.attack.primaries:
        sentences.append(
            f"Ein Angriff mit unabhängigem Rechenweg auf {counted(facts.attack.primaries, 'Zahl', 'Zahlen')} "
            "blieb ohne Erfolg."
        )
    pending = sum(not item.decision for item in facts.findings)
    sentences.append(
        f"{counted(pending, 'Zahl wartet', 'Zahlen warten')} auf eine Entscheidung."
        if pending
        else "Es ist nichts zu entscheiden."
    )
    return " ".join(sentences)


def _key_figures(facts: Facts, day: str) -> list[dict[str, str]]:
    sums = totals(facts.counted)
    named = {
        "Veröffentlichung": facts.release_id,
        "Tag der Veröffentlichung": day,
        "Bericht erstellt am": german.day(facts.made_at),
        "Zahlen insgesamt": number(sums.cells),
        "davon veröffentlicht": number(sums.cells - sums.hidden),
        "davon gesperrt": number(sums.hidden),
        "Regeln in Kraft": str(len(facts.rules)),
    }
    return [{"name": name, "text": text} for name, text in named.items()]


__all__ = [
    "BLOCKED",
    "OPEN",
    "RELEASED",
    "Content",
    "Status",
    "annex",
    "content",
    "status",
    "summary",
]
