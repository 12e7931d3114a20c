"""Reminders: one German letter per supplier about what is overdue, due soon or refused.

Belongs here: who is reminded of what, and the words. Does not belong here: sending and remembering
(`ingestion.landing.mail`), what is late (`ingestion.landing.calendar`). A letter leaves the house unencrypted: it holds
names of sources, periods and rules, never a value or, for personal sources, a file name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from textwrap import wrap
from typing import Final, Literal

from ingestion.landing.calendar import CalendarRow
from ingestion.landing.deliveries import arrived_on
from ingestion.landing.manifest import Manifest
from lagebild.instance import SourceConfig

Kind = Literal["overdue", "refused", "soon"]

_HEADINGS: Final[Mapping[Kind, str]] = {
    "overdue": "Überfällig",
    "refused": "Zurückgewiesen – bitte berichtigt neu liefern",
    "soon": "Demnächst fällig",
}
_GENERAL_WAY: Final = "Bitte liefern Sie auf dem vereinbarten Weg und unter dem vereinbarten Dateinamen."


@dataclass(frozen=True)
class Item:
    """One thing a supplier is reminded of."""

    kind: Kind
    source: SourceConfig
    row: CalendarRow
    refusals: tuple[Manifest, ...] = ()

    @property
    def key(self) -> str:
        """What makes two reminders the same: a refusal of another file or a new deadline is another one."""
        period = self.row.period
        ids = ",".join(sorted(item.delivery_id for item in self.refusals))
        end = period.end.isoformat() if period else ""
        return "|".join((self.kind, self.source.id, self.row.kommune_code or "", end, ids))


@dataclass(frozen=True)
class Reminder:
    """A letter to one address. `attachments` are ids of refused deliveries whose Prüfbericht goes with it."""

    email: str
    names: tuple[str, ...]
    subject: str
    body: str
    keys: tuple[str, ...]
    attachments: tuple[str, ...] = ()


def open_items(
    sources: Mapping[str, SourceConfig], rows: Sequence[CalendarRow], manifests: Iterable[Manifest], day: date
) -> list[Item]:
    """Everything outstanding on a day, whoever has to deliver it, in the order of the calendar."""
    quarantined: dict[str, list[Manifest]] = defaultdict(list)
    landed: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        (landed if manifest.status == "landed" else quarantined)[manifest.source_id].append(manifest)
    items = []
    for row in rows:
        source = sources[row.source_id]
        refusals = tuple(item for item in quarantined[source.id] if _belongs(item, row))
        if row.status == "refused":
            items.append(Item("refused", source, row, refusals))
        elif row.status == "overdue":
            items.append(Item("overdue", source, row))
        elif row.status == "expected" and row.due_on is not None and _soon(row.due_on, source, day):
            items.append(Item("soon", source, row))
    for source in sources.values():
        items += _without_period(source, quarantined[source.id], landed[source.id])
    return items


def write_reminders(
    title: str, contact: str, items: Iterable[Item], day: date
) -> tuple[list[Reminder], list[Item]]:
    """One letter per e-mail address, and the items whose supplier has none. `contact` answers questions."""
    by_address: dict[str, list[Item]] = defaultdict(list)
    unreachable = []
    for item in items:
        email = item.source.supplier_of(item.row.kommune_code).email
        if email:
            by_address[email].append(item)
        else:
            unreachable.append(item)
    letters = [_letter(title, contact, email, found, day) for email, found in sorted(by_address.items())]
    return letters, unreachable


def _soon(due_on: date, source: SourceConfig, day: date) -> bool:
    return (due_on - day).days <= source.supply.remind_days_before


def _belongs(manifest: Manifest, row: CalendarRow) -> bool:
    same_kommune = row.kommune_code is None or manifest.kommune_code == row.kommune_code
    if row.period is not None and row.period.period_type == "stand":
        return same_kommune and manifest.period_end is None
    return same_kommune and row.period is not None and manifest.period_end == row.period.end


def _without_period(
    source: SourceConfig, refused: Sequence[Manifest], landed: Sequence[Manifest]
) -> Iterator[Item]:
    """Refused files that do not even tell their period: outstanding until their sender delivers something good."""
    expected = source.supply.expected
    if expected is not None and expected.period == "stand":
        return
    for manifest in refused:
        if manifest.period_end is not None:
            continue
        code = manifest.kommune_code
        mended = any(
            arrived_on(item) >= arrived_on(manifest) and code in (None, item.kommune_code) for item in landed
        )
        if not mended:
            supplier = source.supplier_label(code)
            row = CalendarRow(source.id, code, supplier, None, "refused", delivery_id=manifest.delivery_id)
            yield Item("refused", source, row, (manifest,))


def _letter(title: str, contact: str, email: str, items: Sequence[Item], day: date) -> Reminder:
    names = tuple(dict.fromkeys(item.source.supplier_of(item.row.kommune_code).name for item in items))
    counts = Counter(item.kind for item in items)
    sections: list[str] = []
    for kind, heading in _HEADINGS.items():
        if counts[kind]:
            told = [_told(group, day) for group in _grouped(item for item in items if item.kind == kind)]
            sections.append("\n".join([heading, "-" * len(heading), *told]))
    outstanding = "eine Datenlieferung" if len(items) == 1 else f"{len(items)} Datenlieferungen"
    ways = dict.fromkeys(item.source.supply.how.strip() or _GENERAL_WAY for item in items)
    attached = tuple(
        refusal.delivery_id for item in items for refusal in item.refusals if not item.source.personal
    )
    paragraphs = [
        "Guten Tag,",
        f"für „{title}“ fehlt uns am {day:%d.%m.%Y} noch {outstanding} von: {'; '.join(names)}."
        if len(items) == 1
        else f"für „{title}“ fehlen uns am {day:%d.%m.%Y} noch {outstanding} von: {'; '.join(names)}.",
        *sections,
        "So liefern Sie\n--------------\n" + "\n".join(ways),
        *(["Die Prüfberichte liegen bei: Sie nennen jede Stelle und was zu tun ist."] if attached else []),
        "Sind die Daten schon unterwegs, betrachten Sie diese Nachricht bitte als erledigt. Können Sie die Frist nicht "
        f"halten, geben Sie uns bitte Bescheid: {contact}.",
        "Diese Nachricht wurde automatisch erstellt. Bitte senden Sie keine Daten als Antwort auf diese E-Mail.",
    ]
    return Reminder(
        email=email,
        names=names,
        subject=f"{title}: {outstanding} {'ausstehend' if counts['overdue'] or counts['refused'] else 'bald fällig'}",
        body="\n\n".join(_wrapped(paragraph) for paragraph in paragraphs) + "\n",
        keys=tuple(item.key for item in items),
        attachments=attached,
    )


def _grouped(items: Iterable[Item]) -> Iterable[list[Item]]:
    """Items that differ by the Kommune alone are told in one breath."""
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[(item.source.id, item.row.period_label)].append(item)
    return groups.values()


def _told(items: Sequence[Item], day: date) -> str:
    """One entry of a letter: what, when, on which ground, and what was wrong. Items share source and period."""
    row, source = items[0].row, items[0].source
    lines = [f"• {source.label}, {row.period_label}"]
    shared = [
        item.row.kommune_code
        for item in items
        if item.row.kommune_code and item.row.kommune_code not in source.supply.suppliers
    ]
    if shared:
        lines.append(f"  {'Kommune' if len(shared) == 1 else 'Kommunen'}: {', '.join(shared)}")
    if row.due_on is not None:
        late = (day - row.due_on).days
        if late > 0:
            lines.append(f"  fällig war der {row.due_on:%d.%m.%Y} (vor {_days(late)})")
        else:
            lines.append(f"  fällig am {row.due_on:%d.%m.%Y} ({source.expected_by})")
    if row.missing_parts and row.deliveries:
        lines.append(f"  noch nicht da: {', '.join(row.missing_parts)}")
    lines.append(f"  Grundlage: {_basis(source)}")
    for refusal in (refusal for item in items for refusal in item.refusals):
        name = "" if source.personal else f" ({refusal.file_name})"
        rules = Counter(issue.rule for issue in refusal.issues if issue.severity == "refusal")
        told = "; ".join(f"{rule}{f' ({count}-mal)' if count > 1 else ''}" for rule, count in rules.items())
        lines.append(f"  Lieferung vom {arrived_on(refusal):%d.%m.%Y}{name} beanstandet: {told}")
    return "\n".join(lines)


def _wrapped(paragraph: str) -> str:
    """Lines no longer than mail programs show in one piece, indented like the line they belong to."""
    lines = []
    for line in paragraph.split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" •")))
        lines += wrap(line, 76, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def _basis(source: SourceConfig) -> str:
    agreement = source.supply.agreement
    return f"{source.legal_basis}; {agreement.title}" if agreement else source.legal_basis


def _days(count: int) -> str:
    return "einem Tag" if count == 1 else f"{count} Tagen"
