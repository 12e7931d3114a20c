"""What an instance is: pydantic models of `instances/<name>/*.yml`.

One instance is one folder; a Kreis is configured, not coded. Files of the folder:

| file | model |
|---|---|
| `instance.yml` | `InstanceConfig` |
| `sources/<id>.yml` | `SourceConfig`, one per source |
| `measures.yml` | list of `InstanceMeasure` |
| `rules.yml` | list of `DisclosureRule` |
| `targets.yml` (optional) | list of `Target` |
| `haushalt.yml` (optional) | list of `BudgetLink` |
| `prognosen.yml` (optional) | `ForecastSettings` |
| `bedarfe.yml` (optional) | list of `Need` |
| `szenarien/<id>.yml` (optional) | `PlannerScenario`, one per file |
| `indices/<id>.yml` (optional) | `IndexRecipe`, one per index |
| `aufmerksamkeit.yml` (optional) | `AttentionRule` |
| `geheimhaltung_entscheidungen.yml` (optional) | list of `ReleaseDecision` |
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lagebild.attention import FILE_NAME as ATTENTION_FILE
from lagebild.attention import AttentionRule
from lagebild.budget_link import FILE_NAME as BUDGET_FILE
from lagebild.budget_link import BudgetLink
from lagebild.cell_key import CellKeySettings
from lagebild.checks import Checks
from lagebild.connector import Connector, FolderConnector, ManualConnector
from lagebild.disclosure_rules import DisclosureRule, read_rules
from lagebild.embedding import EmbeddingSettings
from lagebild.forecasting import (
    ForecastSettings,
    Need,
    PlannerScenario,
    read_forecasts,
    read_needs,
    read_scenarios,
)
from lagebild.index_recipe import IndexRecipe, read_recipes
from lagebild.paths import INSTANCES_DIR, InstancePaths
from lagebild.protection import Protection
from lagebild.release_decision import FILE_NAME as DECISIONS_FILE
from lagebild.release_decision import ReleaseDecision
from lagebild.supply import EVERYWHERE, Cycle, Supplier, Supply
from lagebild.target import PeerSettings, Target

PUBLIC = "public"
"""Audience of everybody, and the tier of what everybody may see."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AreaLevel(_Strict):
    """One level of an area system; order in the list is the hierarchy, coarsest first (rank 0)."""

    code: str
    label: str
    plural: str


class AreaSystem(_Strict):
    code: str
    label: str
    levels: tuple[AreaLevel, ...]

    def rank(self, level: str) -> int:
        return [item.code for item in self.levels].index(level)


class Audience(_Strict):
    """Readers who get more than the public: figures of the internal tier, in files of their own.

    The order in `instance.yml` is the order of knowledge: whoever stands later also sees what all before him see.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    area_system: str = ""
    level: str = ""
    """Set: one file per area of this level with the figures inside it (each Kommune its own). Empty: all figures."""

    @model_validator(mode="after")
    def _area_is_whole(self) -> Audience:
        if bool(self.area_system) != bool(self.level):
            raise ValueError(f"{self.id}: 'area_system' and 'level' belong together")
        if self.id == PUBLIC:
            raise ValueError("the public is not listed: everybody belongs to it")
        return self


class SyntheticSettings(_Strict):
    """Settings of the seeded generator; only for instances whose sources are simulated."""

    seed: int
    inhabitants: int
    first_year: int
    years: int


class DashboardSettings(_Strict):
    """What the dashboards show where they do not show everything; the rest is generated."""

    headline_indicators: tuple[str, ...] = Field(min_length=4, max_length=8)
    map_indicator: str
    map_level: str
    series_indicators: tuple[str, ...]
    ranking_indicator: str
    ranking_level: str
    theme_indicators: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Per Handlungsfeld the indicators its page puts on maps and opens with; where none is named, those released for
    most areas."""
    profile_indicators: tuple[str, ...] = Field(default=(), max_length=8)
    """Radar and trend lines of the Sozialraumprofil; empty: the headline and series indicators."""
    profile_area: str = ""
    """Code of the area the Sozialraumprofil opens with; empty: the one with most released figures on `map_level`."""
    comparison_indicators: tuple[str, ...] = Field(default=(), max_length=2)
    """The pair the page Vergleich opens with; empty: the ranking indicator and the next one of the profile."""


class OpenDataSettings(_Strict):
    """Who publishes the open data package, in the words of DCAT-AP.de."""

    publisher: str
    contact: str
    """E-mail address for questions about the data."""
    base_uri: str
    """Address below which the package is offered; ends with a slash."""
    licence: str
    """URI of the licence, e.g. of the list http://dcat-ap.de/def/licenses/."""
    regional_key: str = ""
    """Amtlicher Regionalschlüssel of the territory; empty for a fictional one."""
    contributor_id: str = ""
    """URI of the publishing body in http://dcat-ap.de/def/contributors/; empty before GovData assigned one."""


class DisclosureSettings(_Strict):
    """How long the nightly search for a pattern may take; what is not done by then is decided by layer A."""

    time_limit_s: float = Field(default=900.0, gt=0)
    """All tables of a night together."""
    table_limit_s: float = Field(default=120.0, gt=0)
    attack_s: float = Field(default=20.0, ge=0)
    """For the attack on a sample of what was decided."""
    workers: int = Field(default=2, ge=0)
    """Processes that solve side by side; 0: one table after the other, in the process of the refresh."""


class Coarsening(_Strict):
    """A coarser scale of a dimension: where the fine groups are withheld, the merged ones may stand.

    Its figures are the sums of the fine ones, so every measure broken down by it is broken down by `of` as well.
    """

    of: str
    """The fine dimension."""
    label: str
    """Name of the coarse dimension for readers."""
    members: dict[str, tuple[str, ...]] = Field(min_length=2)
    """Coarse member -> the fine members it merges; together all of them, each once."""
    labels: dict[str, str] = Field(default_factory=dict)
    """German names of coarse members; without one the names of the fine members are joined."""

    @model_validator(mode="after")
    def _each_member_once(self) -> Coarsening:
        merged = [code for codes in self.members.values() for code in codes]
        if len(set(merged)) < len(merged):
            raise ValueError("a fine member is merged twice")
        if set(self.labels) - set(self.members):
            raise ValueError("labels of members that do not exist")
        return self


class InstanceConfig(_Strict):
    name: str
    title: str
    subtitle: str = ""
    attribution: str
    synthetic: SyntheticSettings | None = None
    area_systems: tuple[AreaSystem, ...]
    main_area_system: str
    dimensions: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Lower bounds of the age bands per age dimension, e.g. `age: [0, 3, 6]` for 0-2, 3-5, 6+."""
    coarser: dict[str, Coarsening] = Field(default_factory=dict)
    """Coarser scales of dimensions by their name; released as breakdowns of their own."""
    dashboard: DashboardSettings
    open_data: OpenDataSettings | None = None
    """None: the figures are not published as open data."""
    embedding: EmbeddingSettings | None = None
    """None: no website shows dashboards of this instance."""
    weekly_mail: tuple[str, ...] = ()
    """Addresses that get the Kurzimpuls every Monday, where a mail server is configured."""
    peers: PeerSettings = PeerSettings()
    disclosure: DisclosureSettings = DisclosureSettings()
    cell_key: CellKeySettings | None = None
    """None: no free cross tables are handed out."""
    audiences: tuple[Audience, ...] = ()
    """Who gets the internal tier, from least to most knowledge; empty: nobody beyond the public."""
    revision_tolerance: int | None = Field(default=None, ge=0)
    """By how much a reader takes a revised figure to have changed at most, in the unit of the measure. None: the
    largest change among the figures of the same table and level (see docs/ledger.md)."""

    @model_validator(mode="after")
    def _audiences_exist(self) -> InstanceConfig:
        levels = {system.code: {level.code for level in system.levels} for system in self.area_systems}
        for item in self.audiences:
            if item.level and item.level not in levels.get(item.area_system, set()):
                raise ValueError(f"audience {item.id}: no level '{item.level}' in '{item.area_system}'")
        if len({item.id for item in self.audiences}) != len(self.audiences):
            raise ValueError("audiences: an id stands twice")
        return self

    def area_system(self, code: str) -> AreaSystem:
        return next(item for item in self.area_systems if item.code == code)


class SourceConfig(_Strict):
    """One source of an instance. `files` is a glob below `${INBOX}` or `${LAGEBILD_DATA}`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    supplier: str
    contact: str
    legal_basis: str
    licence: str = ""
    format: str
    """Name of the format adapter in `ingestion.formats`."""
    files: str
    tables: tuple[str, ...]
    """Landing tables (see `ingestion.landing.contracts`) the adapter fills."""
    optional_tables: tuple[str, ...] = ()
    """Those of `tables` a delivery may lack: their sheet was agreed later than the rest."""
    cycle: Cycle
    reference_day: str
    personal: bool = False
    """True for person- or case-level deliveries: originals stay in the protected zone, readable by the owner only."""
    tier: Literal["public", "internal"] = "public"
    coverage: tuple[str, ...] = ()
    """Codes of the Kommunen (or Jugendämter) that each deliver on their own; empty: one delivery covers all."""
    connector: Connector = FolderConnector()
    supply: Supply = Supply()
    protection: Protection = Protection()
    checks: Checks = Checks()
    options: dict[str, Any] = Field(default_factory=dict)
    """What only the format adapter knows."""

    @model_validator(mode="after")
    def _cycle_and_expectation_agree(self) -> SourceConfig:
        contradiction = self.supply.expected.fits(self.cycle) if self.supply.expected else ""
        unknown = set(self.supply.suppliers) - {EVERYWHERE, *self.coverage}
        if unknown:
            contradiction = f"suppliers of Kommunen that are not in 'coverage': {', '.join(sorted(unknown))}"
        if contradiction:
            raise ValueError(f"{self.id}: {contradiction}")
        return self

    @model_validator(mode="after")
    def _fetched_files_are_found_where_they_arrive(self) -> SourceConfig:
        if isinstance(self.connector, FolderConnector | ManualConnector):
            return self
        if not self.files.startswith(f"${{INBOX}}/{self.id}/"):
            raise ValueError(
                f"{self.id}: fetched files arrive in ${{INBOX}}/{self.id}/, 'files' must look there"
            )
        return self

    @property
    def expected_by(self) -> str:
        """The deadline in German words, e.g. `31.03. des Folgejahres`; empty where nothing is agreed."""
        expected = self.supply.expected
        if expected is None:
            return ""
        first = next(expected.periods(self.cycle))
        yearly = not expected.dates and expected.period != "monat" and len(expected.days) <= 1
        return expected.due.german(expected.period, first.end, yearly)

    def supplier_of(self, kommune: str | None) -> Supplier:
        """The office that delivers for a Kommune (None: for all), and its address where it has one."""
        named = self.supply.suppliers.get(kommune or EVERYWHERE) or self.supply.suppliers.get(EVERYWHERE)
        return named or Supplier(name=self.supplier, email=self.contact if "@" in self.contact else "")

    def supplier_label(self, kommune: str | None) -> str:
        """The office by name, with the Kommune's code where several Kommunen share one entry."""
        name = self.supplier_of(kommune).name
        return name if kommune is None or kommune in self.supply.suppliers else f"{name} ({kommune})"


class InstanceMeasure(_Strict):
    """How an instance obtains a measure of the catalogue and how far down it may be released."""

    measure: str
    source: str
    input: Literal["person", "case", "observation", "area", "budget"]
    """Landing table it is formed from. `area`: square kilometres of the geometry at the Stichtage of `population`;
    `budget`: amounts of the Haushalt, for the whole area only."""
    where: str = "true"
    """SQL condition on the staging columns of the input (microdata and budget)."""
    value: str = "count(*)"
    """SQL aggregate (microdata and budget); `sum(amount_eur)` for money."""
    breakdowns: tuple[tuple[str, ...], ...] = ()
    """Released cross tables beside the total, each a tuple of dimensions, e.g. `[age, sex]`."""
    category_dimension: str = ""
    """Name under which the microdata column `category` is broken down, e.g. `hilfeart`."""
    period_type: Literal["stichtag", "jahr", "schuljahr", "monat"]
    area_system: str
    lowest_level: str
    rule: str
    tier: Literal["public", "internal"] = "public"
    public_level: str = ""
    """Finest level for everybody, where `lowest_level` is finer: the levels below it are of the internal tier."""
    internal_breakdowns: tuple[tuple[str, ...], ...] = ()
    """Cross tables of the internal tier, on all levels, beside `breakdowns`."""

    @property
    def released_level(self) -> str:
        """Finest level the public sees."""
        return self.public_level or self.lowest_level

    @property
    def all_breakdowns(self) -> tuple[tuple[str, ...], ...]:
        """Breakdowns of both tiers: what has to be counted and protected."""
        return (*self.breakdowns, *self.internal_breakdowns)

    @model_validator(mode="after")
    def _tiers_do_not_overlap(self) -> InstanceMeasure:
        twice = {frozenset(item) for item in self.breakdowns} & {
            frozenset(item) for item in self.internal_breakdowns
        }
        if twice or () in self.internal_breakdowns:
            raise ValueError(f"{self.measure}: an internal breakdown is public already")
        return self

    @model_validator(mode="after")
    def _observation_has_no_sql(self) -> InstanceMeasure:
        if self.input in ("observation", "area") and (self.where != "true" or self.value != "count(*)"):
            raise ValueError(f"{self.measure}: 'where' and 'value' apply to microdata and budgets only")
        return self


class Instance:
    """A loaded instance folder."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.name = name
        self.folder = folder or INSTANCES_DIR / name
        self.paths = InstancePaths(name)

    def _yaml(self, relative: str) -> Any:
        return yaml.safe_load((self.folder / relative).read_text(encoding="utf-8"))

    @cached_property
    def config(self) -> InstanceConfig:
        return InstanceConfig.model_validate(self._yaml("instance.yml"))

    @cached_property
    def sources(self) -> dict[str, SourceConfig]:
        found = {}
        for path in sorted((self.folder / "sources").glob("*.yml")):
            source = SourceConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
            if source.id != path.stem:
                raise ValueError(f"{path.name}: id '{source.id}' must equal the file name")
            found[source.id] = source
        return found

    @cached_property
    def measures(self) -> tuple[InstanceMeasure, ...]:
        return tuple(InstanceMeasure.model_validate(item) for item in self._yaml("measures.yml"))

    @cached_property
    def rules(self) -> dict[str, DisclosureRule]:
        return read_rules(self._yaml("rules.yml"), f"{self.name}/rules.yml")

    @cached_property
    def decisions(self) -> tuple[ReleaseDecision, ...]:
        """Decisions on figures that can no longer be protected; none without a file."""
        if not (self.folder / DECISIONS_FILE).exists():
            return ()
        return tuple(ReleaseDecision.model_validate(item) for item in self._yaml(DECISIONS_FILE) or [])

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Agreed target values; none without a `targets.yml`."""
        if not (self.folder / "targets.yml").exists():
            return ()
        return tuple(Target.model_validate(item) for item in self._yaml("targets.yml"))

    @cached_property
    def budget_links(self) -> tuple[BudgetLink, ...]:
        """What products of the Haushalt pay for; none without a `haushalt.yml`."""
        if not (self.folder / BUDGET_FILE).exists():
            return ()
        return tuple(BudgetLink.model_validate(item) for item in self._yaml(BUDGET_FILE))

    @cached_property
    def forecasts(self) -> ForecastSettings | None:
        """What is forecast; None without a `prognosen.yml`."""
        return read_forecasts(self.folder)

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """Needs formed from the population forecast; none without a `bedarfe.yml`."""
        return read_needs(self.folder)

    @cached_property
    def scenarios(self) -> tuple[PlannerScenario, ...]:
        """Planners' scenarios beside the three of the house."""
        return read_scenarios(self.folder)

    @cached_property
    def indices(self) -> tuple[IndexRecipe, ...]:
        """Recipes of composite indices; none without a folder `indices/`."""
        return read_recipes(self.folder)

    @cached_property
    def attention(self) -> AttentionRule | None:
        """The rule of Aufmerksamkeitsbedarf; None without an `aufmerksamkeit.yml`."""
        if not (self.folder / ATTENTION_FILE).exists():
            return None
        return AttentionRule.model_validate(self._yaml(ATTENTION_FILE))


def list_instances() -> list[str]:
    """Names of all instance folders that hold an `instance.yml`."""
    return sorted(path.parent.name for path in INSTANCES_DIR.glob("*/instance.yml"))


__all__ = [
    "PUBLIC",
    "AreaLevel",
    "AreaSystem",
    "Audience",
    "Coarsening",
    "DisclosureRule",
    "DisclosureSettings",
    "Instance",
    "InstanceConfig",
    "InstanceMeasure",
    "OpenDataSettings",
    "SourceConfig",
    "SyntheticSettings",
    "list_instances",
]
