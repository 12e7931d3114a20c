"""Checks of the catalogue and of what an instance makes of it. Pure: entries in, findings out.

Messages are German and say what to do; the reader is the officer who keeps the catalogue, not a developer.
Single fields are checked by the models; here belongs everything that needs more than one entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from lagebild.instance import AreaSystem, DisclosureRule, InstanceConfig, InstanceMeasure, SourceConfig
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.linked import linked_findings
from semantic_layer.catalogue.model import AGE, AgeRange, Catalogue, Indicator, Measure, Part
from semantic_layer.catalogue.resolve import ResolvedIndicator, Supply, resolve, within

_NEEDS_DENOMINATOR = {"share", "rate", "ratio", "mean", "quotient"}
_SHORT_LABEL_LENGTH = 36
_SAME_NAME = "Leserinnen und Leser können die Einträge nicht unterscheiden; bitte eine Bezeichnung ändern."
_INPUTS = {
    "person": "Personen",
    "case": "Einzelfälle",
    "observation": "zusammengefassten Werte",
    "area": "Gebiete",
    "budget": "Haushaltsprodukte",
}
_ALL_AGES: AgeRange = (0, None)


@dataclass(frozen=True)
class Finding:
    """One contradiction: where it stands, which rule it breaks, what to do."""

    subject: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.rule} – {self.message}"


def catalogue_findings(catalogue: Catalogue) -> list[Finding]:
    """All contradictions within the catalogue itself; empty when it is in order."""
    return [
        *_duplicates(catalogue),
        *(finding for item in catalogue.measures for finding in _measure(item, catalogue)),
        *(finding for item in catalogue.indicators for finding in _indicator(item, catalogue)),
    ]


def instance_findings(
    supply: Supply, sources: Iterable[SourceConfig], rules: Iterable[DisclosureRule]
) -> list[Finding]:
    """All contradictions between an instance and the catalogue; empty when it is in order."""
    source_by_id = {item.id: item for item in sources}
    rule_by_id = {item.id: item for item in rules}
    rule_ids = set(rule_by_id)
    counted = Counter(item.measure for item in supply.measures)
    found = [
        Finding(
            measure,
            "Messgröße doppelt",
            "Die Messgröße steht zweimal in measures.yml; bitte einen Eintrag streichen.",
        )
        for measure, number in counted.items()
        if number > 1
    ]
    for name, bounds in supply.config.dimensions.items():
        if list(bounds) != sorted(set(bounds)):
            found.append(
                Finding(
                    name, "Altersgruppen ungeordnet", "Die Untergrenzen der Altersgruppen müssen aufsteigen."
                )
            )
    for item in supply.measures:
        found += _supplied_measure(item, supply, source_by_id, rule_ids)
    if not found:
        # Resolving needs a sound instance; its findings would only repeat the ones above.
        found += [Finding(*finding) for finding in linked_findings(supply, rule_by_id)]
        resolved = resolve(supply)
        shown = [item.indicator for item in resolved if item.status == "active"]
        found += [
            Finding(label, "Kurzbezeichnung doppelt", f"Kennzahl: {_SAME_NAME}")
            for label in _repeated(item.short_label for item in shown)
        ]
        found += _dashboard(supply.config, {item.indicator.id: item for item in resolved})
    return found


def _duplicates(catalogue: Catalogue) -> Iterator[Finding]:
    active = [item for item in catalogue.indicators if item.status != "retired"]
    kinds: list[tuple[str, list[str]]] = [
        ("Handlungsfeld", [item.id for item in catalogue.themes]),
        ("Gliederung", [item.id for item in catalogue.dimensions]),
        ("Messgröße", [item.id for item in catalogue.measures]),
        ("Kennzahl in derselben Fassung", [item.key for item in catalogue.indicators]),
        ("Kennzahl, die nicht abgelöst ist,", [item.id for item in active]),
    ]
    for kind, identifiers in kinds:
        for identifier in _repeated(identifiers):
            yield Finding(
                identifier, "Kennung doppelt", f"{kind} gibt es mehr als einmal; bitte eine Kennung ändern."
            )
    for name in _repeated(item.label for item in catalogue.measures):
        yield Finding(name, "Bezeichnung doppelt", f"Messgröße: {_SAME_NAME}")
    for label in _repeated(item.label for item in active):
        namesakes = [item for item in active if item.label == label]
        if any(_meet(one, other) for one, other in combinations(namesakes, 2)):
            yield Finding(label, "Bezeichnung doppelt", f"Kennzahl: {_SAME_NAME}")


def _meet(one: Indicator, other: Indicator) -> bool:
    """True when a reader of some instance sees both entries."""
    return not one.instances or not other.instances or bool({*one.instances} & {*other.instances})


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, number in Counter(values).items() if number > 1]


def _measure(item: Measure, catalogue: Catalogue) -> Iterator[Finding]:
    for other in (*item.part_of, *([item.restricts] if item.restricts else [])):
        if other not in catalogue.measure_by_id:
            yield Finding(
                item.id, "Messgröße unbekannt", f"Die übergeordnete Messgröße „{other}“ gibt es nicht."
            )
    if item.id in _ancestors(item.id, catalogue):
        yield Finding(
            item.id,
            "Kreis in der Zugehörigkeit",
            "Die Messgröße ist ein Teil ihrer selbst; bitte „part_of“ prüfen.",
        )
    if item.restricts and item.covers is None:
        yield Finding(
            item.id, "Alter nicht abgegrenzt", "Zu „restricts“ fehlt die Altersabgrenzung „covers“."
        )


def _ancestors(measure_id: str, catalogue: Catalogue) -> set[str]:
    """All measures that contain every unit of this one, directly or through others."""
    found: set[str] = set()
    open_ids = [measure_id]
    while open_ids:
        item = catalogue.measure_by_id.get(open_ids.pop())
        if item is None:
            continue
        parents = {*item.part_of, item.restricts} - {""} - found
        found |= parents
        open_ids += parents
    return found


def _indicator(item: Indicator, catalogue: Catalogue) -> Iterator[Finding]:
    if item.theme not in catalogue.theme_by_id:
        yield Finding(item.id, "Handlungsfeld unbekannt", f"Das Handlungsfeld „{item.theme}“ gibt es nicht.")
    if len(item.short_label) > _SHORT_LABEL_LENGTH:
        yield Finding(item.id, "Kurzbezeichnung zu lang", f"Bitte höchstens {_SHORT_LABEL_LENGTH} Zeichen.")
    if not item.owner.strip():
        yield Finding(
            item.id, "Verantwortlicher fehlt", "Bitte den zuständigen Fachdienst als „owner“ eintragen."
        )
    if item.polarity is None:
        yield Finding(
            item.id,
            "Polarität fehlt",
            "Bitte angeben, ob höhere oder niedrigere Werte günstig sind (higher_better, lower_better, neutral).",
        )
    for part in item.parts:
        yield from _part(item, part, catalogue)
    yield from _status(item, catalogue)
    if item.status == "active" and all(part.measure in catalogue.measure_by_id for part in item.parts):
        yield from _formula(item, catalogue)


def _part(item: Indicator, part: Part, catalogue: Catalogue) -> Iterator[Finding]:
    if part.measure not in catalogue.measure_by_id:
        yield Finding(
            item.id,
            "Messgröße unbekannt",
            f"Die Messgröße „{part.measure}“ gibt es nicht; bitte Schreibweise prüfen.",
        )
    if part.age is not None and part.age[1] is not None and part.age[1] < part.age[0]:
        yield Finding(item.id, "Altersgruppe leer", "Die obere Altersgrenze liegt unter der unteren.")
    for name, codes in part.group.items():
        if name == AGE:
            continue
        dimension = catalogue.dimension_by_id.get(name)
        if dimension is None:
            yield Finding(item.id, "Gliederung unbekannt", f"Die Gliederung „{name}“ gibt es nicht.")
            continue
        for code in codes:
            if code not in dimension.members:
                yield Finding(
                    item.id,
                    "Ausprägung unbekannt",
                    f"„{dimension.label}“ kennt die Ausprägung „{code}“ nicht.",
                )


def _status(item: Indicator, catalogue: Catalogue) -> Iterator[Finding]:
    if item.status in ("in_preparation", "not_available") and not item.unavailable_reason.strip():
        yield Finding(item.id, "Begründung fehlt", "Bitte sagen, warum die Kennzahl nicht verfügbar ist.")
    if item.status == "retired" and item.successor not in {other.id for other in catalogue.indicators}:
        yield Finding(
            item.id, "Nachfolger unbekannt", "Eine abgelöste Kennzahl braucht eine Nachfolgerin, die es gibt."
        )


def _formula(item: Indicator, catalogue: Catalogue) -> Iterator[Finding]:
    if not item.numerator:
        yield Finding(
            item.id, "Zähler fehlt", "Eine aktive Kennzahl braucht mindestens eine Messgröße im Zähler."
        )
    if item.kind in _NEEDS_DENOMINATOR and not item.denominator:
        yield Finding(item.id, "Nenner fehlt", "Anteile, Quoten und Mittelwerte brauchen einen Nenner.")
    if item.factor == 0:
        yield Finding(item.id, "Faktor null", "Mit dem Faktor 0 wäre jeder Wert null.")
    if item.kind == "share":
        if (item.unit, item.factor) != ("%", 100):
            yield Finding(
                item.id, "Einheit passt nicht", "Ein Anteil hat die Einheit „%“ und den Faktor 100."
            )
        if item.denominator:
            yield from _outside_denominator(item, catalogue)
    money = any(catalogue.measure_by_id[part.measure].value_kind == "money" for part in item.numerator)
    if item.numerator and (item.kind == "money") != money:
        yield Finding(
            item.id,
            "Art passt nicht",
            "Geldbeträge (money) und nur sie brauchen eine Messgröße in Euro im Zähler.",
        )


def _outside_denominator(item: Indicator, catalogue: Catalogue) -> Iterator[Finding]:
    for part in item.numerator:
        if part.sign < 0:
            yield Finding(item.id, "Zähler nicht im Nenner", "Ein Anteil darf im Zähler nichts abziehen.")
        elif not any(_contained(part, other, catalogue) for other in item.denominator if other.sign > 0):
            label = catalogue.measure_by_id[part.measure].label
            yield Finding(
                item.id,
                "Zähler nicht im Nenner",
                f"„{label}“ ist nicht vollständig im Nenner enthalten; bitte Messgröße und Abgrenzung angleichen "
                "oder die Kennzahl als Quote (rate) führen.",
            )


def _contained(part: Part, whole: Part, catalogue: Catalogue) -> bool:
    """True when every unit of `part` is counted in `whole` by definition of both."""
    whole_measure = catalogue.measure_by_id[whole.measure]
    # A measure that repeats another one for some ages stands for that one, limited to these ages.
    bases = {whole.measure, whole_measure.restricts} - {""}
    if part.measure not in bases and not bases & _ancestors(part.measure, catalogue):
        return False
    for dimension, codes in whole.group.items():
        if dimension != AGE and not (dimension in part.group and set(part.group[dimension]) <= set(codes)):
            return False
    restricted = whole_measure.covers if whole_measure.restricts and part.measure != whole.measure else None
    allowed = [ages for ages in (whole.age, restricted) if ages is not None]
    own = _ages(part, catalogue.measure_by_id[part.measure])
    return all(within(own, ages) for ages in allowed)


def _ages(part: Part, measure: Measure) -> AgeRange:
    """The ages that can occur in a part: its filter, its measure's definition and that of its category combined."""
    limits = [part.age, measure.covers]
    for dimension, codes in part.group.items():
        if dimension != AGE and len(codes) == 1:
            limits.append(measure.covers_by_category.get(str(codes[0])))
    lower, upper = _ALL_AGES
    for limit in limits:
        if limit is not None:
            lower = max(lower, limit[0])
            upper = limit[1] if upper is None else upper if limit[1] is None else min(upper, limit[1])
    return lower, upper


def _supplied_measure(
    item: InstanceMeasure, supply: Supply, source_by_id: dict[str, SourceConfig], rule_ids: set[str]
) -> Iterator[Finding]:
    config = supply.config
    if item.measure not in supply.catalogue.measure_by_id:
        yield Finding(item.measure, "Messgröße unbekannt", "Die Messgröße steht nicht im Katalog.")
    source = source_by_id.get(item.source)
    if source is None:
        yield Finding(item.measure, "Quelle unbekannt", f"Die Quelle „{item.source}“ ist nicht eingerichtet.")
    elif item.input not in source.tables:
        yield Finding(
            item.measure, "Quelle passt nicht", f"„{source.label}“ liefert keine {_INPUTS[item.input]}."
        )
    if item.rule not in rule_ids:
        yield Finding(
            item.measure, "Regel unbekannt", f"Die Geheimhaltungsregel „{item.rule}“ gibt es nicht."
        )
    system = next((other for other in config.area_systems if other.code == item.area_system), None)
    if system is None:
        yield Finding(
            item.measure,
            "Gebietsgliederung unbekannt",
            f"„{item.area_system}“ gibt es in dieser Instanz nicht.",
        )
    elif item.lowest_level not in [level.code for level in system.levels]:
        yield Finding(
            item.measure, "Ebene unbekannt", f"„{system.label}“ hat keine Ebene „{item.lowest_level}“."
        )
    elif item.public_level and item.public_level not in [level.code for level in system.levels]:
        yield Finding(
            item.measure, "Ebene unbekannt", f"„{system.label}“ hat keine Ebene „{item.public_level}“."
        )
    elif system.rank(item.released_level) > system.rank(item.lowest_level):
        yield Finding(
            item.measure,
            "Ebene zu fein",
            "Die öffentliche Ebene („public_level“) ist feiner als die feinste berechnete („lowest_level“).",
        )
    for dimension in sorted({name for breakdown in item.all_breakdowns for name in breakdown}):
        known = supply.catalogue.dimension_by_id.get(dimension)
        if groups.is_age_dimension(dimension, config) or dimension in config.coarser:
            continue
        if known is None:
            yield Finding(
                item.measure, "Gliederung unbekannt", f"Die Gliederung „{dimension}“ gibt es nicht."
            )
        elif known.column == "category" and item.input == "case" and item.category_dimension != dimension:
            yield Finding(
                item.measure,
                "Gliederung nicht belegt",
                f"„{known.label}“ muss als „category_dimension“ eingetragen sein.",
            )


def _dashboard(config: InstanceConfig, resolved: dict[str, ResolvedIndicator]) -> Iterator[Finding]:
    board = config.dashboard
    system = config.area_system(config.main_area_system)
    for identifier in dict.fromkeys(
        (
            *board.headline_indicators,
            board.map_indicator,
            *board.series_indicators,
            board.ranking_indicator,
            *board.profile_indicators,
            *board.comparison_indicators,
            *(name for names in board.theme_indicators.values() for name in names),
        )
    ):
        shown = resolved.get(identifier)
        if shown is None or shown.status != "active":
            reason = "gibt es nicht" if shown is None else "ist hier nicht verfügbar"
            yield Finding(identifier, "Übersicht ohne Wert", f"Die Kennzahl auf der Übersicht {reason}.")
    for identifier, level in (
        (board.map_indicator, board.map_level),
        (board.ranking_indicator, board.ranking_level),
    ):
        shown = resolved.get(identifier)
        if level not in [item.code for item in system.levels]:
            yield Finding(identifier, "Ebene unbekannt", f"„{system.label}“ hat keine Ebene „{level}“.")
        elif shown is not None and shown.area_system == system.code and _finer(level, shown, system):
            yield Finding(
                identifier, "Ebene zu fein", f"Die Kennzahl liegt auf der Ebene „{level}“ nicht vor."
            )


def _finer(level: str, shown: ResolvedIndicator, system: AreaSystem) -> bool:
    return system.rank(level) > system.rank(shown.lowest_level)


__all__ = ["Finding", "catalogue_findings", "instance_findings"]
