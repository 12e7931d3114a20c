"""The sections of the report, each from the facts. Pure; the order is that of `content`."""

from __future__ import annotations

from lagebild import german
from lagebild.instance import PUBLIC
from orchestration.disclosure_report import texts
from orchestration.disclosure_report.facts import Counted, Facts, Gap
from orchestration.disclosure_report.masking import few, share, split, totals
from orchestration.disclosure_report.tables import NONE, Content, counted, number, section, table


def rules(facts: Facts) -> Content:
    rows = [
        [
            rule.rule_id,
            rule.thresholds or texts.POLICIES.get(rule.policy, ""),
            rule.basis,
            rule.decision or "nicht vermerkt",
            str(len(rule.measures)),
        ]
        for rule in facts.rules
    ]
    listing = table(
        "Regeln und ihre Grundlage",
        ["Regel", "Schwellen", "Grundlage", "Entscheidung", "Messgrößen"],
        rows,
        numeric=(4,),
    )
    undecided = sum(not rule.decision for rule in facts.rules)
    notes = (
        [
            f"Bei {counted(undecided, 'Regel ist', 'Regeln sind')} nicht vermerkt, wer sie wann beschlossen hat."
        ]
        if undecided
        else []
    )
    return section("regeln", "Geltende Regeln", texts.sentence("rules_intro"), [listing], notes)


def counts(facts: Facts) -> Content:
    rows = [_count_row(item) for item in facts.counted]
    sums = totals(facts.counted)
    star = " *" if sums.unsplit else ""
    columns = [
        "Messgröße",
        "Ebene",
        "Zahlen",
        "veröffentlicht",
        "gesperrt",
        "wegen sich selbst",
        "zum Schutz anderer",
    ]
    last = [
        "Alle",
        "",
        number(sums.cells),
        number(sums.cells - sums.hidden),
        number(sums.hidden),
        number(sums.primary) + star,
        number(sums.secondary) + star,
    ]
    reasons = table(
        f"Wegen sich selbst gesperrt, nach dem Grund{star}",
        ["Grund", "Zahlen"],
        [[texts.PRIMARY_RULES.get(name, name), few(cells)] for name, cells in _reasons(facts).items()],
        numeric=(1,),
    )
    tables = [
        table(
            "Zahlen je Messgröße und Ebene, alle Zeiträume und Gliederungen zusammen",
            columns,
            [*rows, last] if rows else [],
            numeric=(2, 3, 4, 5, 6),
            merged=True,
            has_total=bool(rows),
        ),
        reasons,
    ]
    notes = (
        []
        if not sums.unsplit
        else [
            f"* ohne die {number(sums.unsplit)} gesperrten Zahlen der Zeilen, in denen die Aufteilung verriete, "
            "welche klein sind."
        ]
    )
    return section(
        "zahlen", "Veröffentlichte und gesperrte Zahlen", texts.sentence("counts_intro"), tables, notes
    )


def _reasons(facts: Facts) -> dict[str, int]:
    """Over the rows that are told apart only: minus these, the sum over all would tell the others apart."""
    found: dict[str, int] = {}
    for item in facts.counted:
        if split(item.hidden, item.primary).primary is not None:
            for name, cells in item.reasons.items():
                found[name] = found.get(name, 0) + cells
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def _count_row(item: Counted) -> list[str]:
    parts = split(item.hidden, item.primary)
    return [
        item.measure,
        item.level,
        number(item.cells),
        number(item.published),
        number(item.hidden),
        NONE if parts.primary is None else number(parts.primary),
        NONE if parts.secondary is None else number(parts.secondary),
    ]


def loss(facts: Facts) -> Content:
    rows = [
        [item.measure, item.level, share(item.hidden / item.cells), share(item.hidden_share)]
        for item in facts.counted
        if item.hidden
    ]
    listing = table(
        "Informationsverlust je Messgröße und Ebene, soweit etwas gesperrt ist",
        ["Messgröße", "Ebene", "Anteil gesperrter Zahlen", "Anteil an der Summe der Werte"],
        rows,
        numeric=(2, 3),
        merged=True,
    )
    return section(
        "verlust", "Informationsverlust", texts.sentence("loss_intro"), [listing], [_gap(facts.gap)]
    )


def _gap(gap: Gap | None) -> str:
    if gap is None:
        return "Abstand zum Optimum: für diese Veröffentlichung nicht berechnet."
    named = counted(gap.tables, "kleinen Tabelle, in der", "kleinen Tabellen, in denen")
    where = f"In {named} es sich berechnen lässt,"
    if gap.optimum == 0:
        extra = "wäre nichts zusätzlich zu sperren" + (", gesperrt ist aber etwas" if gap.cost else "")
        return f"Abstand zum Optimum: {where} {extra}."
    ratio = german.number(round(gap.cost / gap.optimum, 2))
    return (
        f"Abstand zum Optimum: {where} kosten die Sperrungen zum Schutz anderer Zahlen das {ratio}-fache der "
        "nachweislich besten Lösung (gewichtet nach Ebene und Größe der Zahlen)."
    )


def methods(facts: Facts) -> Content:
    rows = [
        [
            item.group,
            "Öffentlichkeit" if item.audience == PUBLIC else item.audience,
            number(item.tables),
            ", ".join(f"{texts.METHODS.get(name, name)}: {count}" for name, count in item.methods.items()),
            number(item.worlds),
            number(item.reused),
            german.number(item.seconds, 1),
        ]
        for item in facts.groups
    ]
    listing = table(
        "Tabellen je Gruppe zusammenhängender Messgrößen",
        ["Gruppe", "Leser", "Tabellen", "Verfahren", "Gegenbeispiele", "übernommen", "Sekunden"],
        rows,
        numeric=(2, 4, 5, 6),
        merged=True,
    )
    notes = []
    if facts.inconsistent_tables:
        notes.append(
            f"{counted(facts.inconsistent_tables, 'Tabelle enthält', 'Tabellen enthalten')} gelieferte Zahlen, "
            "die einander widersprechen; für sie gibt es keinen Nachweis, "
            "und was nicht zueinander passt, wird nicht gezeigt."
        )
    if facts.cross_tables:
        made = counted(facts.cross_tables, "freie Kreuztabelle", "freie Kreuztabellen")
        since = "Seit der vorigen Veröffentlichung" if facts.previous_release else "Bisher"
        notes.append(f"{since} mit der Cell-Key-Methode überlagert herausgegeben: {made}.")
    return section("verfahren", "Verfahren", texts.sentence("methods_intro"), [listing], notes)


def proof(facts: Facts) -> Content:
    rows = [[texts.CHECKS[check.name], texts.STATES[check.state]] for check in facts.checks]
    listing = table(
        "Prüfungen des Nachweises, durch Summieren in der Datenbank", ["Prüfung", "Ergebnis"], rows
    )
    attack = facts.attack
    if attack is None:
        note = "Der Angriff mit unabhängigem Rechenweg wurde nicht durchgeführt."
    else:
        note = (
            f"Angriff mit unabhängigem Rechenweg: {counted(attack.primaries, 'Zahl', 'Zahlen')} in "
            f"{counted(attack.tables, 'Tabelle', 'Tabellen')} angegriffen. "
        )
        note += (
            f"In {counted(len(attack.disproved), 'Tabelle', 'Tabellen')} gelang er; "
            "die Veröffentlichung ist blockiert."
            if attack.disproved
            else "Keine ließ sich eingrenzen."
        )
        if attack.overcautious:
            note += (
                f" {counted(attack.overcautious, 'Zahl', 'Zahlen')} hätte das Verfahren schützen können "
                "und gab sie auf; das ist keine Gefahr, aber ein unnötiger Verlust."
            )
    return section("nachweis", "Nachweis", texts.sentence("proof_intro"), [listing], [note])


def decisions(facts: Facts) -> Content:
    gone = [
        "Früher veröffentlicht, ohne heutige Entsprechung (Gebiet oder Gruppe gibt es nicht mehr), daher nicht "
        "mitgeprüft: "
        f"{', '.join(f'{name} {number(figures)}' for name, figures in facts.without_counterpart.items())}."
    ] * bool(facts.without_counterpart)
    if not facts.findings:
        none = "Keine: Jede gesperrte Zahl ließ sich schützen."
        return section("entscheidungen", "Offene Entscheidungen", none, notes=gone)
    measures = list(dict.fromkeys(item.measure for item in facts.findings))
    rows = []
    for measure in measures:
        own = [item for item in facts.findings if item.measure == measure]
        proposals = " ".join(dict.fromkeys(item.proposal for item in own))
        rows.append([measure, str(len(own)), str(sum(not item.decision for item in own)), proposals])
    listing = table(
        "Nicht mehr zu schützende Zahlen",
        ["Messgröße", "Zahlen", "davon offen", "Vorschlag"],
        rows,
        numeric=(1, 2),
    )
    return section(
        "entscheidungen",
        "Offene Entscheidungen",
        texts.sentence("decisions_intro"),
        [listing],
        [texts.sentence("annex_note"), *gone],
    )


def audiences(facts: Facts) -> Content:
    if not facts.audiences:
        return section("leser", "Leserkreise", "Es gibt nur die Öffentlichkeit; niemand erhält mehr als sie.")
    rows = [
        [label, number(seen), number(more) if more else NONE]
        for label, (seen, more) in facts.audiences.items()
    ]
    listing = table(
        "Zahlen je Leserkreis",
        ["Leserkreis", "Zahlen", "über die Öffentlichkeit hinaus"],
        rows,
        numeric=(1, 2),
    )
    return section("leser", "Leserkreise", texts.sentence("audiences_intro"), [listing])


def changes(facts: Facts) -> Content:
    title = "Änderungen seit der vorigen Veröffentlichung"
    if not facts.previous_release:
        return section("aenderungen", title, "Dies ist die erste Veröffentlichung.")
    rows = [
        [
            item.measure,
            *(
                number(figures) if figures else NONE
                for figures in (
                    item.newly_hidden,
                    item.newly_published,
                    item.revised,
                    item.added,
                    item.removed,
                )
            ),
        ]
        for item in facts.changes
    ]
    listing = table(
        f"Verglichen mit {facts.previous_release}",
        ["Messgröße", "neu gesperrt", "neu gezeigt", "berichtigt", "hinzugekommen", "entfallen"],
        rows,
        numeric=(1, 2, 3, 4, 5),
    )
    rules = list(facts.changed_rules) or ["An den Regeln hat sich nichts geändert."]
    intro = texts.sentence("changes_intro") if rows else "Keine Zahl hat sich geändert."
    return section("aenderungen", title, intro, [listing], rules)
