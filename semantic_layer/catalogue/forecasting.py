"""What contradicts itself in what an instance wants to forecast (`lagebild.forecasting`). Settings in, findings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lagebild.forecasting import ForecastSettings, Need, PlannerScenario
from lagebild.instance import Instance
from semantic_layer.catalogue.resolve import Supply
from semantic_layer.catalogue.validate import Finding


def forecast_findings(instance: Instance, supply: Supply) -> list[Finding]:
    """All contradictions; empty without the files. Raises what reading them raises (ValidationError, ValueError)."""
    settings = instance.forecasts
    if settings is None:
        unused = [
            *("bedarfe.yml" for _ in instance.needs[:1]),
            *("szenarien/" for _ in instance.scenarios[:1]),
        ]
        return [
            Finding(
                name, "Prognosen fehlen", "Ohne „prognosen.yml“ wird nichts vorausberechnet; bitte anlegen."
            )
            for name in unused
        ]
    return [
        *_settings(settings, supply),
        *(finding for item in instance.needs for finding in _need(item, supply)),
        *_twice([item.id for item in instance.needs]),
        *(finding for item in instance.scenarios for finding in _scenario(item, settings, supply)),
    ]


def _settings(settings: ForecastSettings, supply: Supply) -> Iterator[Finding]:
    known = {item.id for item in supply.catalogue.indicators}
    for name in settings.indicators:
        if name not in known:
            yield Finding(
                "prognosen.yml", "Kennzahl unbekannt", f"Die Kennzahl „{name}“ gibt es im Katalog nicht."
            )
    levels = {item.code for item in supply.config.area_system(supply.config.main_area_system).levels}
    population = settings.population.level if settings.population else ""
    for level in (*settings.levels, *([population] if population else [])):
        if level not in levels:
            yield Finding(
                "prognosen.yml", "Ebene unbekannt", f"Die Hauptgliederung hat keine Ebene „{level}“."
            )


def _need(need: Need, supply: Supply) -> Iterator[Finding]:
    if need.theme not in supply.catalogue.theme_by_id:
        yield Finding(need.id, "Handlungsfeld unbekannt", f"Das Handlungsfeld „{need.theme}“ gibt es nicht.")
    for part in need.parts:
        if part.measure and supply.measure(part.measure) is None:
            yield Finding(
                need.id,
                "Messgröße nicht geliefert",
                f"Die Messgröße „{part.measure}“ steht nicht in measures.yml; der Bedarf ließe sich nicht rechnen.",
            )


def _scenario(scenario: PlannerScenario, settings: ForecastSettings, supply: Supply) -> Iterator[Finding]:
    if settings.population is None:
        yield Finding(
            scenario.id, "Keine Bevölkerungsprognose", "In prognosen.yml ist „population“ abgeschaltet."
        )
        return
    level = settings.population.level or supply.config.dashboard.ranking_level
    for change in scenario.changes:
        if change.area_level != level:
            yield Finding(
                scenario.id,
                "Ebene nicht vorausberechnet",
                f"„{change.label}“ nennt die Ebene „{change.area_level}“; vorausberechnet wird „{level}“.",
            )
        if change.year > settings.population.until:
            yield Finding(
                scenario.id,
                "Jahr außerhalb",
                f"„{change.label}“ liegt nach dem letzten Jahr {settings.population.until}.",
            )


def _twice(identifiers: list[str]) -> Iterator[Finding]:
    for name, number in Counter(identifiers).items():
        if number > 1:
            yield Finding(name, "Kennung doppelt", "Der Bedarf steht zweimal in bedarfe.yml.")


__all__ = ["forecast_findings"]
