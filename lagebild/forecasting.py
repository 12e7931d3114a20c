"""What an instance forecasts: `prognosen.yml`, `bedarfe.yml` and the planners' `szenarien/*.yml`.

Belongs here: the shape of these settings. Does not belong here: arithmetic (`analysis`), tables
(`semantic_layer.export`).
An instance without these files has no forecasts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FORECASTS_FILE = "prognosen.yml"
NEEDS_FILE = "bedarfe.yml"
SCENARIOS_FOLDER = "szenarien"
OWN_SCENARIOS = ("niedrig", "mittel", "hoch")
"""Scenarios of the house (`analysis.vital.SCENARIOS`); planners name theirs otherwise."""
OBSERVED = "beobachtet"
"""Word under which observed years stand beside the scenarios."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PopulationSettings(_Strict):
    """Population forecast of an area system. Levels above the projected one are its sums."""

    level: str = ""
    """Finest level that is projected; empty: the ranking level of the dashboard."""
    until: int = Field(default=2040, ge=2025, le=2070)
    base_years: int = Field(default=5, ge=2, le=10)
    """Observed years whose births, deaths and moves make today's rates."""


class ForecastSettings(_Strict):
    """`prognosen.yml`. An empty file means: the defaults of the house."""

    indicators: tuple[str, ...] = ()
    """Empty: headline and series indicators of the dashboard."""
    levels: tuple[str, ...] = ()
    """Levels of the main area system; empty: the coarsest and the ranking level of the dashboard."""
    horizon: int = Field(default=5, ge=1, le=5)
    """Steps ahead at most; an area gets as many as its history could test."""
    population: PopulationSettings | None = PopulationSettings()
    """`population: null`: no population forecast."""


class Profile(_Strict):
    """Ages of the persons who come or go, as shares of age ranges; any scale."""

    age_from: int = Field(ge=0, le=100)
    age_to: int | None = Field(default=None, ge=0, le=100)
    share: float = Field(gt=0)


PROFILES: dict[str, tuple[Profile, ...]] = {
    # Own assumptions, to be replaced by what the municipality knows of its last housing areas.
    "familien": (
        Profile(age_from=0, age_to=5, share=16),
        Profile(age_from=6, age_to=17, share=20),
        Profile(age_from=18, age_to=29, share=10),
        Profile(age_from=30, age_to=44, share=38),
        Profile(age_from=45, age_to=64, share=13),
        Profile(age_from=65, age_to=None, share=3),
    ),
    "gemischt": (
        Profile(age_from=0, age_to=5, share=9),
        Profile(age_from=6, age_to=17, share=13),
        Profile(age_from=18, age_to=29, share=18),
        Profile(age_from=30, age_to=44, share=25),
        Profile(age_from=45, age_to=64, share=23),
        Profile(age_from=65, age_to=None, share=12),
    ),
    "aeltere": (
        Profile(age_from=55, age_to=64, share=15),
        Profile(age_from=65, age_to=79, share=50),
        Profile(age_from=80, age_to=None, share=35),
    ),
    "junge": (
        Profile(age_from=18, age_to=24, share=60),
        Profile(age_from=25, age_to=29, share=30),
        Profile(age_from=30, age_to=44, share=10),
    ),
}
"""Named age profiles of planners' changes."""


class _Change(_Strict):
    area_level: str
    area_code: str
    label: str
    """What happens, in German, e.g. "Wohngebiet Am Anger"."""
    year: int = Field(ge=2000, le=2100)
    """First year at whose end the persons have come or gone."""
    years: int = Field(default=1, ge=1, le=30)
    """Spread evenly over so many years."""
    age_profile: Literal["familien", "gemischt", "aeltere", "junge"] | tuple[Profile, ...] = "gemischt"
    within_kreis: float = Field(default=0.0, ge=0, le=1)
    """Share that moves within the Kreis."""

    @property
    def profile(self) -> tuple[Profile, ...]:
        """The age profile as shares of age ranges."""
        return PROFILES[self.age_profile] if isinstance(self.age_profile, str) else self.age_profile


class NewHousing(_Change):
    """A housing area that fills."""

    kind: Literal["neubau"]
    dwellings: float = Field(gt=0)
    persons_per_dwelling: float = Field(gt=0, le=10)

    @property
    def persons(self) -> float:
        return self.dwellings * self.persons_per_dwelling


class Closure(_Change):
    """A facility or housing that closes; its residents leave."""

    kind: Literal["schliessung"]
    residents: float = Field(gt=0)

    @property
    def persons(self) -> float:
        return -self.residents


Change = Annotated[NewHousing | Closure, Field(discriminator="kind")]


class PlannerScenario(_Strict):
    """One file of `szenarien/`: what a planner assumes instead of the middle scenario."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = Field(min_length=3)
    description: str = ""
    fertility: float = Field(default=1.0, gt=0, le=3)
    """Factor on today's fertility."""
    expectancy_gain: float = Field(default=0.08, ge=-1, le=1)
    """Years of life expectancy per calendar year."""
    in_migration: float = Field(default=1.0, ge=0, le=3)
    """Factor on today's in-migration."""
    years_until: int = Field(default=10, ge=1, le=50)
    changes: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _is_not_one_of_the_house(self) -> PlannerScenario:
        if self.id in (*OWN_SCENARIOS, OBSERVED):
            raise ValueError(f"die Kennung '{self.id}' ist vergeben; bitte eine eigene wählen")
        return self


class NeedPart(_Strict):
    """Persons of an age range and their rate: that of a released measure, or one that was decided."""

    age_from: int = Field(ge=0, le=100)
    age_to: int | None = Field(default=None, ge=0, le=100)
    """None: and over."""
    measure: str = ""
    """Measure of the catalogue whose latest figure of the whole Kreis, divided by its persons, is the rate."""
    group: str = "total"
    """Group of the measure, e.g. `age_care=80+`."""
    rate: float | None = Field(default=None, ge=0)
    """Per 100 persons; instead of a measure."""
    reached: int | None = None
    """Year in which `rate` is reached from the rate of the measure, in equal steps; needs both."""

    @model_validator(mode="after")
    def _has_a_rate(self) -> NeedPart:
        if not self.measure and self.rate is None:
            raise ValueError("ein Bedarf braucht 'measure' oder 'rate'")
        if self.measure and self.rate is not None and self.reached is None:
            raise ValueError(
                "zu 'measure' und 'rate' gehört das Jahr 'reached', in dem die Quote erreicht wird"
            )
        if self.reached is not None and (not self.measure or self.rate is None):
            raise ValueError("'reached' gehört zu 'measure' und 'rate'")
        if self.age_to is not None and self.age_to < self.age_from:
            raise ValueError("'age_to' liegt unter 'age_from'")
        return self


class Need(_Strict):
    """One entry of `bedarfe.yml`: rate x population, summed over its parts."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    definition: str
    """What is counted and where the rate comes from, in German."""
    unit: str
    """E.g. `Plätze`, `Personen`."""
    population_label: str
    """Persons the rates refer to, e.g. `Kinder unter 3 Jahren`."""
    theme: str
    decimals: int = Field(default=0, ge=0, le=3)
    parts: tuple[NeedPart, ...] = Field(min_length=1)


def read_forecasts(folder: Path) -> ForecastSettings | None:
    """Settings of an instance folder; None without `prognosen.yml`."""
    path = folder / FORECASTS_FILE
    return ForecastSettings.model_validate(_yaml(path) or {}) if path.exists() else None


def read_needs(folder: Path) -> tuple[Need, ...]:
    """Needs of an instance folder; none without `bedarfe.yml`."""
    path = folder / NEEDS_FILE
    return tuple(Need.model_validate(item) for item in _yaml(path) or []) if path.exists() else ()


def read_scenario(path: Path) -> PlannerScenario:
    """One scenario file. Raises ValidationError where it says something impossible, yaml.YAMLError where it is none."""
    return PlannerScenario.model_validate(_yaml(path))


def read_scenarios(folder: Path) -> tuple[PlannerScenario, ...]:
    """Scenarios of an instance folder by file name. Raises ValueError where file name and id differ."""
    found = []
    for path in sorted((folder / SCENARIOS_FOLDER).glob("*.yml")):
        scenario = read_scenario(path)
        if scenario.id != path.stem:
            raise ValueError(f"{path.name}: id '{scenario.id}' must equal the file name")
        found.append(scenario)
    return tuple(found)


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


__all__ = [
    "OBSERVED",
    "OWN_SCENARIOS",
    "PROFILES",
    "Closure",
    "ForecastSettings",
    "Need",
    "NeedPart",
    "NewHousing",
    "PlannerScenario",
    "PopulationSettings",
    "Profile",
    "read_forecasts",
    "read_needs",
    "read_scenario",
    "read_scenarios",
]
