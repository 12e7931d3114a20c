"""Primary rules of disclosure control: what `rules.yml` may say, and which threshold holds where.

Belongs here: the models of a rule and the resolution of its overrides (pure). Does not belong here: which measure obeys
which rule (`measures.yml`), checks against the instance (`semantic_layer.catalogue.rules`), the rules in SQL
(`dbt_project/macros/disclosure/primary_rules.sql`).

Rules and their names: Hundepool et al., Statistical Disclosure Control (2012), ch. 4; every threshold is a decision of
somebody, so that each place that sets one may name its source (`basis`) and who decided when (`decision`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Contributor = Literal["person", "household", "provider"]
Tier = Literal["public", "internal"]

PUBLIC = "public"
"""The audience everybody belongs to; others are named in `instance.yml` (`audiences`)."""
TIERS: tuple[Tier, ...] = ("public", "internal")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Decision(_Strict):
    """Who decided on a threshold and when; what the data-protection officer asks first."""

    by: str = Field(min_length=2)
    """Office or body, e.g. `Dezernat Soziales, Statistikstelle`."""
    decided_on: date
    note: str = ""
    """File number, reason, what was weighed."""

    @property
    def german(self) -> str:
        """`Statistikstelle, 12.03.2024: Vermerk …`."""
        return f"{self.by}, {self.decided_on:%d.%m.%Y}" + (f": {self.note}" if self.note else "")


class Thresholds(_Strict):
    """The thresholds of a rule. 0 (or false) switches a rule off."""

    min_count: int = Field(default=0, ge=0)
    """T: counts 0 < a < T are hidden."""
    protect_zero: bool = False
    """Zeros are hidden as well. Needs `min_count`."""
    min_contributors: int = Field(default=0, ge=0)
    """Fewest persons or households (see `contributor`) behind a figure other than zero."""
    min_providers: int = Field(default=0, ge=0)
    """Fewest providers (Pflegedienste, Träger) behind a figure, beside the persons."""
    dominance_n: int = Field(default=0, ge=0, le=2)
    """(n,k): the n largest contributions together; deliveries carry the two largest."""
    dominance_k_pct: float = Field(default=0.0, ge=0, le=100)
    p_percent: float = Field(default=0.0, ge=0)
    min_denominator: int = Field(default=0, ge=0)
    """Cells of areas whose `population` is below this are hidden."""
    group_disclosure: bool = False
    """Hide a breakdown in which everybody is in one category; its zeros are primary, too."""
    group_disclosure_slack: int = Field(default=0, ge=0)
    """s: everybody but s in one category counts as everybody."""
    protect_unassigned: bool = False
    """Apply the rules to "räumlich nicht zuordenbar" as well. Off by default: the member says how complete an
    assignment is, its persons have neither address nor area in common (see docs/disclosure.md)."""


THRESHOLD_FIELDS: tuple[str, ...] = tuple(Thresholds.model_fields)


class Override(_Strict):
    """Other thresholds for a part of the figures. A field that is not set keeps the value it overrides."""

    basis: str = ""
    decision: Decision | None = None
    min_count: int | None = Field(default=None, ge=0)
    protect_zero: bool | None = None
    min_contributors: int | None = Field(default=None, ge=0)
    min_providers: int | None = Field(default=None, ge=0)
    dominance_n: int | None = Field(default=None, ge=0, le=2)
    dominance_k_pct: float | None = Field(default=None, ge=0, le=100)
    p_percent: float | None = Field(default=None, ge=0)
    min_denominator: int | None = Field(default=None, ge=0)
    group_disclosure: bool | None = None
    group_disclosure_slack: int | None = Field(default=None, ge=0)
    protect_unassigned: bool | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """The thresholds this override sets."""
        return {name: value for name in THRESHOLD_FIELDS if (value := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _changes_something(self) -> Override:
        if not self.changes and not getattr(self, "levels", None):
            raise ValueError("Die Ausnahme ändert keine Schwelle.")
        return self


class LevelledOverride(Override):
    """An override that may say more per area level."""

    levels: dict[str, Override] = Field(default_factory=dict)


class Combination(_Strict):
    """Attributes that are never published together below a named level (Schwerbehinderung × Merkzeichen)."""

    of: tuple[str, ...] = Field(min_length=1)
    """Dimensions or members that a group has to contain all of: `[merkzeichen, sex]`, `[merkzeichen=TBl]`."""
    not_below: str
    """Finest area level on which such a group may stand."""
    basis: str = ""
    decision: Decision | None = None

    @field_validator("of")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        dimensions = [item.split("=", maxsplit=1)[0] for item in value]
        if len(set(dimensions)) < len(dimensions):
            raise ValueError("Eine Gliederung ist zweimal genannt.")
        return value

    def covers(self, group_id: str) -> bool:
        """True when the group contains every named dimension or member."""
        pairs = group_id.split(";")
        named = {pair.split("=", maxsplit=1)[0] for pair in pairs}
        return all(item in pairs if "=" in item else item in named for item in self.of)


class DisclosureRule(Thresholds):
    """Primary rules of one kind of measure, each threshold with its source (see disclosure-control).

    What holds for a figure is found in the order rule, `levels`, `tiers`, their `levels`, `audiences`, their `levels`:
    what is said later and more precisely wins.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    basis: str
    """Law, contract or local decision the thresholds come from."""
    decision: Decision | None = None
    policy: Literal["evaluate", "source_released", "withhold"] = "evaluate"
    """`source_released`: the supplier has published these figures already; `withhold`: never released."""
    contributor: Contributor = "person"
    """Whom `min_contributors` counts."""
    levels: dict[str, Override] = Field(default_factory=dict)
    """Per area level, e.g. `sozialraum: {min_count: 5}`."""
    tiers: dict[Tier, LevelledOverride] = Field(default_factory=dict)
    """Per tier of the figure: `internal` figures are never shown to the public."""
    audiences: dict[str, LevelledOverride] = Field(default_factory=dict)
    """Per audience of `instance.yml`, e.g. `kommune` (a Kommune looking at its own figures)."""
    combinations: tuple[Combination, ...] = ()

    @field_validator("audiences")
    @classmethod
    def _public_is_the_rule_itself(cls, value: dict[str, LevelledOverride]) -> dict[str, LevelledOverride]:
        if PUBLIC in value:
            raise ValueError("Was für die Öffentlichkeit gilt, steht in der Regel selbst.")
        return value

    @property
    def decision_text(self) -> str:
        return self.decision.german if self.decision else ""


class RulesError(ValueError):
    """`rules.yml` says something that is not a rule; `problems` are German sentences with file, rule and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def read_rules(entries: Any, file: str = "rules.yml") -> dict[str, DisclosureRule]:
    """The rules of an instance by id. Raises `RulesError` naming everything that is wrong at once."""
    if not isinstance(entries, list):
        raise RulesError([f"{file}: Erwartet wird eine Liste von Regeln."])
    rules: dict[str, DisclosureRule] = {}
    problems: list[str] = []
    for number, entry in enumerate(entries, start=1):
        name = entry.get("id") if isinstance(entry, dict) else None
        where = f"{file}, Regel „{name}“" if name else f"{file}, {number}. Eintrag"
        try:
            rule = DisclosureRule.model_validate(entry)
        except ValidationError as error:
            problems += [_german(where, detail) for detail in error.errors()]
            continue
        if rule.id in rules:
            problems.append(f"{where}: Die Kennung gibt es zweimal; bitte eine ändern.")
        rules[rule.id] = rule
    if problems:
        raise RulesError(problems)
    return rules


_TOLD: Final[Mapping[str, str]] = {
    "extra_forbidden": "Diese Angabe gibt es nicht; bitte die Schreibweise prüfen (docs/geheimhaltung-regeln.md).",
    "missing": "Diese Angabe fehlt.",
    "greater_than_equal": "Der Wert darf nicht negativ sein.",
    "less_than_equal": "Der Wert ist zu groß.",
    "literal_error": "Diesen Wert kennt das Verfahren nicht.",
    "string_pattern_mismatch": "Kennungen bestehen aus Kleinbuchstaben, Ziffern und Unterstrich.",
}


def _german(where: str, detail: Any) -> str:
    """One finding of pydantic as a German sentence: file, rule, field, what is wrong."""
    field = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    kind = str(detail["type"])
    if kind == "value_error":
        told = str(detail["ctx"]["error"])
    elif kind == "literal_error":
        told = f"{_TOLD[kind]} Möglich: {detail['ctx']['expected'].replace(' or ', ' oder ')}."
    else:
        told = _TOLD.get(kind) or f"„{detail['input']}“ passt hier nicht; erwartet wird {_expected(kind)}."
    return f"{where}, Feld „{field}“: {told}" if field else f"{where}: {told}"


def _expected(kind: str) -> str:
    words = {"int": "eine ganze Zahl", "float": "eine Zahl", "bool": "true oder false", "date": "ein Datum"}
    words |= {"string": "ein Text", "dict": "eine Liste von Angaben", "tuple": "eine Aufzählung"}
    words |= {"model": "eine Liste von Angaben"}
    return next((word for start, word in words.items() if kind.startswith(start)), "etwas anderes")


@dataclass(frozen=True)
class Resolved:
    """The thresholds of one rule for one area level, tier and kind of audience, and where the last one comes from."""

    rule_id: str
    area_level: str
    tier: Tier
    audience: str
    basis: str
    decision: str
    thresholds: Mapping[str, Any]


def resolve_rule(rule: DisclosureRule, levels: tuple[str, ...]) -> Iterator[Resolved]:
    """One row per area level, tier and audience: all tiers for the public, and the audiences the rule names.

    An audience the rule does not name sees what the public thresholds allow: there is no row for it.
    """
    audiences = (PUBLIC, *rule.audiences)
    for audience in audiences:
        for tier in TIERS:
            for level in levels:
                yield _resolved(rule, level, tier, audience)


def _resolved(rule: DisclosureRule, level: str, tier: Tier, audience: str) -> Resolved:
    chain: list[Override | None] = [rule.levels.get(level)]
    for named in (rule.tiers.get(tier), rule.audiences.get(audience)):
        if named is not None:
            chain += [named, named.levels.get(level)]
    thresholds = {name: getattr(rule, name) for name in THRESHOLD_FIELDS}
    basis, decision = rule.basis, rule.decision
    for item in chain:
        if item is not None:
            thresholds |= item.changes
            basis, decision = item.basis or basis, item.decision or decision
    return Resolved(rule.id, level, tier, audience, basis, decision.german if decision else "", thresholds)


__all__ = [
    "PUBLIC",
    "THRESHOLD_FIELDS",
    "TIERS",
    "Combination",
    "Contributor",
    "Decision",
    "DisclosureRule",
    "LevelledOverride",
    "Override",
    "Resolved",
    "RulesError",
    "Thresholds",
    "Tier",
    "read_rules",
    "resolve_rule",
]
