"""What the report knows: counts, names, states of checks. No value of any figure, hidden or not.

Belongs here: data types. Does not belong here: reading, wording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

CheckState = Literal["passed", "failed", "missing"]


@dataclass(frozen=True)
class Rule:
    """One rule in force, as it stands in rules.yml."""

    rule_id: str
    basis: str
    decision: str
    policy: str
    thresholds: str
    """In German words with all exceptions, e.g. `Mindestfallzahl 3; Sozialraum: Mindestfallzahl 5`."""
    measures: tuple[str, ...] = ()
    """Labels of the measures under the rule."""


@dataclass(frozen=True)
class Counted:
    """Cells of one measure on one level, all periods and breakdowns together."""

    measure_id: str
    measure: str
    rule_id: str
    level: str
    level_rank: int
    cells: int
    """Figures there are: published or hidden, not those nobody has delivered."""
    hidden: int
    primary: int
    """Hidden because of themselves."""
    reasons: Mapping[str, int]
    """Primary rule -> hidden cells."""
    hidden_share: float | None
    """Part of the sum of all values that is hidden (0 to 1); None where a value is unknown to us as well."""

    @property
    def published(self) -> int:
        return self.cells - self.hidden

    @property
    def secondary(self) -> int:
        return self.hidden - self.primary


@dataclass(frozen=True)
class TableGroup:
    """How the tables of one group were decided for one audience, all periods together."""

    group: str
    """Label of its root measure."""
    audience: str
    """`public`, or the label of other readers."""
    tables: int
    methods: Mapping[str, int]
    """Tables per method: none, solver, fallback, withheld."""
    cells: int
    worlds: int
    reused: int
    seconds: float


@dataclass(frozen=True)
class Check:
    """One test of the certificate."""

    name: str
    state: CheckState


@dataclass(frozen=True)
class Attack:
    """The independent attack on a sample."""

    tables: int
    primaries: int
    disproved: tuple[str, ...]
    """Names of tables in which the attack got a hidden figure the proof calls protected."""
    overcautious: int


@dataclass(frozen=True)
class Finding:
    """A hidden figure that no choice can protect: a human decides. For the annex only."""

    measure: str
    period: str
    area: str
    group: str
    chain: str
    """Why, in German: names of the published figures that give it away, without any number."""
    proposal: str
    """What we would decide, in German."""
    decision: str = ""
    """What was decided, by whom and when; empty while it is open."""
    audience: str = ""
    """Readers who can work it out; empty: everybody."""


@dataclass(frozen=True)
class Change:
    """What is different from the release before, per measure."""

    measure: str
    newly_hidden: int = 0
    newly_published: int = 0
    revised: int = 0
    added: int = 0
    """Figures that were not there before (a new period, a new breakdown)."""
    removed: int = 0


@dataclass(frozen=True)
class Gap:
    """Cost of the pattern against the exact optimum, on tables small enough to prove it."""

    tables: int
    cost: float
    """Weights of what we hide to protect other figures, over these tables."""
    optimum: float
    """The same of the cheapest safe pattern."""


@dataclass(frozen=True)
class Facts:
    """Everything the report says, about one release of one instance."""

    instance: str
    title: str
    attribution: str
    is_synthetic: bool
    release_id: str
    released_on: date | None
    """None: computed, but not released."""
    made_at: datetime
    rules: tuple[Rule, ...]
    counted: tuple[Counted, ...]
    groups: tuple[TableGroup, ...] = ()
    uncertified_tables: int = 0
    """Tables with hidden figures that have no proof."""
    inconsistent_tables: int = 0
    """Tables whose delivered figures contradict each other."""
    checks: tuple[Check, ...] = ()
    attack: Attack | None = None
    findings: tuple[Finding, ...] = ()
    without_counterpart: Mapping[str, int] = field(default_factory=dict)
    """Measure -> figures released before that no figure of today corresponds to."""
    audiences: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Label of an audience -> (figures it sees, of these beyond the public)."""
    changes: tuple[Change, ...] = ()
    changed_rules: tuple[str, ...] = ()
    """German sentences."""
    previous_release: str = ""
    gap: Gap | None = None
    cross_tables: int = 0
    """Free cross tables handed out since the release before (Cell-Key-Methode)."""
    reported_rules: Mapping[str, str] = field(default_factory=dict)
    """Rule -> its thresholds and basis in one line: what the next report compares with."""


__all__ = [
    "Attack",
    "Change",
    "Check",
    "CheckState",
    "Counted",
    "Facts",
    "Finding",
    "Gap",
    "Rule",
    "TableGroup",
]
