"""What an instance is: pydantic models of `instances/<name>/*.yml`.

One instance is one folder; a Kreis is configured, not coded. Files of the folder:

| file | model |
|---|---|
| `instance.yml` | `InstanceConfig` |
| `sources/<id>.yml` | `SourceConfig`, one per source |
| `measures.yml` | list of `InstanceMeasure` |
| `rules.yml` | list of `DisclosureRule` |
| `targets.yml` (optional) | list of `Target` |
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lagebild.checks import Checks
from lagebild.connector import Connector, FolderConnector, ManualConnector
from lagebild.paths import INSTANCES_DIR, InstancePaths
from lagebild.protection import Protection
from lagebild.supply import EVERYWHERE, Cycle, Supplier, Supply
from lagebild.target import PeerSettings, Target


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


class SyntheticSettings(_Strict):
    """Settings of the seeded generator; only for instances whose sources are simulated."""

    seed: int
    inhabitants: int
    first_year: int
    years: int


class DashboardSettings(_Strict):
    """What the executive dashboard shows; everything else is generated."""

    headline_indicators: tuple[str, ...] = Field(min_length=4, max_length=8)
    map_indicator: str
    map_level: str
    series_indicators: tuple[str, ...]
    ranking_indicator: str
    ranking_level: str


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
    dashboard: DashboardSettings
    open_data: OpenDataSettings | None = None
    """None: the figures are not published as open data."""
    peers: PeerSettings = PeerSettings()

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


class DisclosureRule(_Strict):
    """Primary rules of one kind of measure, each threshold with its source (see disclosure-control)."""

    id: str
    basis: str
    """Law, contract or local decision the thresholds come from."""
    policy: Literal["evaluate", "source_released", "withhold"] = "evaluate"
    """`source_released`: the supplier has published these figures already; `withhold`: never released."""
    min_count: int = 0
    """T: counts 0 < a < T are hidden."""
    protect_zero: bool = False
    min_contributors: int = 0
    contributor: Literal["person", "household", "provider"] = "person"
    """Whom `min_contributors` counts."""
    dominance_n: int = 0
    dominance_k_pct: float = 0.0
    p_percent: float = 0.0
    min_denominator: int = 0
    """Cells of areas whose `population` is below this are hidden."""
    group_disclosure: bool = False
    """Hide a breakdown in which everybody is in one category."""
    protect_unassigned: bool = False
    """Apply `min_count` to "räumlich nicht zuordenbar" as well. Off by default: the member says how complete an
    assignment is, its persons have neither address nor area in common (see docs/disclosure.md)."""


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
        rules = [DisclosureRule.model_validate(item) for item in self._yaml("rules.yml")]
        return {rule.id: rule for rule in rules}

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Agreed target values; none without a `targets.yml`."""
        if not (self.folder / "targets.yml").exists():
            return ()
        return tuple(Target.model_validate(item) for item in self._yaml("targets.yml"))


def list_instances() -> list[str]:
    """Names of all instance folders that hold an `instance.yml`."""
    return sorted(path.parent.name for path in INSTANCES_DIR.glob("*/instance.yml"))


__all__ = [
    "AreaLevel",
    "AreaSystem",
    "DisclosureRule",
    "Instance",
    "InstanceConfig",
    "InstanceMeasure",
    "OpenDataSettings",
    "SourceConfig",
    "SyntheticSettings",
    "list_instances",
]
