"""One planner's scenario computed from the current release, without a new one: `lagebild szenario rechnen`.

Belongs here: reading the released file and writing the result. Does not belong here: the projection (`analysis`), the
settings (`lagebild.forecasting`), the command line. Reads the published zone and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import duckdb
import pandas as pd

from analysis.frames import need_forecast, population, scenario_report
from analysis.frames.released import Relation, released
from lagebild.forecasting import PlannerScenario
from lagebild.instance import Instance
from orchestration.publish import CURRENT_NAME
from semantic_layer.export import forecasting


class ScenarioRefused(Exception):
    """German reason why the scenario cannot be computed."""


@dataclass(frozen=True)
class ScenarioResult:
    """What a planner gets."""

    text: str
    population: pd.DataFrame
    """German columns; one row per area, scenario and year."""
    needs: pd.DataFrame
    assumptions: pd.DataFrame


def compute(instance: Instance, scenario: PlannerScenario) -> ScenarioResult:
    """The scenario beside the middle one. Raises ScenarioRefused where there is no release, no population forecast,
    or the
    scenario names an area that is not projected."""
    current = instance.paths.published / CURRENT_NAME
    if not current.exists():
        raise ScenarioRefused(f"Für {instance.config.title} gibt es noch keine Veröffentlichung.")
    if instance.forecasts is None or instance.forecasts.population is None:
        raise ScenarioRefused("Diese Instanz rechnet die Bevölkerung nicht voraus (prognosen.yml).")
    with duckdb.connect(str(current), read_only=True) as connection:
        return _compute(instance, scenario, connection)


def _compute(
    instance: Instance, scenario: PlannerScenario, connection: duckdb.DuckDBPyConnection
) -> ScenarioResult:
    settings = instance.forecasts
    assert settings is not None  # checked by `compute`
    names = ("fct_measure", "fct_measure_as_is", "dim_group", "dim_period", "dim_area", "bridge_area")
    relations: list[Relation] = [connection.table(name) for name in names]
    tables = released(*relations)
    rows = forecasting.scenario_rows((scenario,))
    rows["scenario"] = [
        item for item in rows["scenario"] if item["scenario"] in (population.MIDDLE, scenario.id)
    ]
    wanted = forecasting.table(
        "forecast_population", forecasting.population_rows(settings, instance.config)
    ).to_pandas()
    changes = forecasting.table("scenario_change", rows["scenario_change"]).to_pandas()
    parts = forecasting.table("need_part", forecasting.need_rows(instance.needs)["need_part"]).to_pandas()
    try:
        found = population.of_release(
            tables, wanted, forecasting.table("scenario", rows["scenario"]).to_pandas(), changes, parts
        )
    except ValueError as error:
        raise ScenarioRefused(str(error)) from error
    if scenario.id not in set(found["scenario"]):
        raise ScenarioRefused(
            "Ohne veröffentlichte Geburten und Sterbefälle lassen sich keine eigenen Annahmen rechnen."
        )
    key = ["area_key", "scenario", "year", "age_from"]
    summed = found.groupby(key)["population"].sum().reset_index()
    needs = need_forecast.of_release(tables, wanted, parts, summed, _counts(connection, parts))
    labels = {item.id: item for item in instance.needs}
    needs = needs.assign(
        need_label=needs["need_id"].map(lambda it: labels[it].label),
        unit=needs["need_id"].map(lambda it: labels[it].unit),
    )
    areas = connection.sql(
        "select area_key, area_level, area_level_label, level_rank, area_code, area_name from dim_area "
        "where is_current and not is_unassigned"
    ).df()
    balance = scenario_report.balance(found)
    words = {population.MIDDLE: population.MIDDLE, scenario.id: scenario.label}
    places = {(item.area_level, item.area_code) for item in scenario.changes}
    projected = areas[areas["area_key"].isin(balance["area_key"])]
    codes = zip(projected["area_level"], projected["area_code"], projected["area_key"], strict=True)
    changed = [str(key) for level, code, key in codes if (level, code) in places]
    return ScenarioResult(
        scenario_report.text(
            scenario.id,
            scenario.label,
            balance,
            needs,
            projected,
            changed,
        ),
        scenario_report.labelled(balance, projected, words, scenario_report.COLUMNS),
        scenario_report.labelled(needs, projected, words, scenario_report.NEED_COLUMNS),
        _assumptions(scenario, found),
    )


def _counts(connection: duckdb.DuckDBPyConnection, parts: pd.DataFrame) -> pd.DataFrame:
    connection.register("wanted_part", parts[["measure_id", "group_key"]])
    return connection.sql(
        "select measure_id, group_key, period_end, area_key, value from fct_measure "
        "semi join wanted_part using (measure_id, group_key) inner join dim_period using (period_key)"
    ).df()


def _assumptions(scenario: PlannerScenario, found: pd.DataFrame) -> pd.DataFrame:
    """What was assumed, for the reader of the file."""
    base = int(found["year"].min())
    lines = [
        ("Szenario", scenario.label),
        ("Beschreibung", scenario.description),
        ("Ausgangsbestand", f"31.12.{base}, veröffentlichte Zahlen"),
        ("Verfahren", str(found["method"].iloc[0])),
        ("Geburtenrate, Faktor", _german(scenario.fertility)),
        ("Zuzüge, Faktor", _german(scenario.in_migration)),
        ("Lebenserwartung, Gewinn je Jahr in Jahren", _german(scenario.expectancy_gain)),
        ("Faktoren erreicht nach Jahren", str(scenario.years_until)),
    ]
    for item in scenario.changes:
        words = f"{_german(abs(item.persons))} Personen {'ziehen ein' if item.persons > 0 else 'ziehen aus'}"
        within = f"davon {_german(100 * item.within_kreis)} % innerhalb des Kreises"
        spread = f"ab {item.year}, verteilt auf {item.years} Jahre" if item.years > 1 else f"{item.year}"
        lines.append((item.label, f"{words}, {spread}, {within}"))
    lines.append(("Gerechnet am", f"{datetime.now(UTC):%d.%m.%Y}"))
    return pd.DataFrame(lines, columns=["Angabe", "Wert"])


def _german(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def to_csv(result: ScenarioResult) -> bytes:
    """The population table as CSV a German spreadsheet opens: semicolons, decimal comma."""
    return result.population.round(2).to_csv(sep=";", decimal=",", index=False).encode("utf-8-sig")


def to_xlsx(result: ScenarioResult) -> bytes:
    """Workbook with the text, the population, the needs and the assumptions."""
    buffer = BytesIO()
    sheets = {
        "Ergebnis": pd.DataFrame({"Ergebnis": result.text.splitlines()}),
        "Bevölkerung": result.population.round(2),
        "Bedarf": result.needs.round(2),
        "Annahmen": result.assumptions,
    }
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        for name, table in sheets.items():
            table.to_excel(writer, sheet_name=name, index=False)
            sheet = writer.sheets[name]
            sheet.freeze_panes = "A2"
            for column, title in zip(sheet.columns, table.columns, strict=True):
                longest = max([len(str(title)), *(len(str(value)) for value in table[title].head(200))])
                sheet.column_dimensions[column[0].column_letter].width = min(longest + 2, 110)
    return buffer.getvalue()


def write(result: ScenarioResult, target: Path) -> None:
    """Writes the file its ending asks for (.csv or .xlsx)."""
    target.write_bytes(to_xlsx(result) if target.suffix == ".xlsx" else to_csv(result))


__all__ = ["ScenarioRefused", "ScenarioResult", "compute", "to_csv", "to_xlsx", "write"]
