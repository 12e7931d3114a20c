"""Series of released figures become forecasts with a record, or a German reason why there is none."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.forecast import NAIVE
from analysis.frames import indicator_forecast
from analysis.frames.indicator_forecast import forecasts

YEARS = range(2012, 2026)
DRIFT = "mittlere Veränderung fortgeschrieben"
INDICATORS = pd.DataFrame({"indicator_id": ["q", "n"], "kind": ["share", "rate"], "factor": [100.0, 1000.0]})


def points(
    values: dict[str, list[float]], indicator: str = "q", breaks: dict[str, int] | None = None
) -> pd.DataFrame:
    rows = [
        {
            "indicator_id": indicator,
            "area_key": area,
            "period_end": date(year, 12, 31),
            "start_day": float((date(year, 12, 31) - date(1970, 1, 1)).days),
            "end_day": float((date(year, 12, 31) - date(1970, 1, 1)).days),
            "value": value,
            "is_break": (breaks or {}).get(area) == year,
        }
        for area, series in values.items()
        for year, value in zip(list(YEARS)[-len(series) :], series, strict=True)
    ]
    return pd.DataFrame(rows)


def areas(*keys: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area_key": keys,
            "area_system": "s",
            "area_level": "gemeinde",
            "is_current": [key != "old" for key in keys],
            "is_unassigned": [key == "nowhere" for key in keys],
        }
    )


def wanted(indicator: str = "q") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "indicator_id": indicator,
                "area_system": "s",
                "area_level": "gemeinde",
                "horizon": 5,
                "position": 0,
            }
        ]
    )


def growing(seed: int, base: float = 20.0, slope: float = 1.0) -> list[float]:
    noise = np.random.default_rng(seed).normal(0, 0.1, len(YEARS))
    return [float(base + slope * step + value) for step, value in enumerate(noise)]


def test_a_panel_is_forecast_with_the_naive_rival_beside_it() -> None:
    keys = [f"a{index}" for index in range(6)]
    rows = points({key: growing(index) for index, key in enumerate(keys)})
    table = forecasts(wanted(), rows, areas(*keys, "old", "nowhere"), INDICATORS)
    assert table.groupby("area_key").horizon.apply(list).tolist() == [[0, 1, 2, 3, 4, 5]] * 6
    record, ahead = table[table.horizon == 0], table[table.horizon > 0]
    assert set(record.method) == {DRIFT} and record.is_forecast.all()
    assert (record.mase < 0.5 * record.mase_naive).all()
    assert record.points.tolist() == [14] * 6 and record.origins.tolist() == [9] * 6
    assert ahead.target_year.tolist() == list(range(2026, 2031)) * 6
    assert [f"{end:%d.%m.%Y}" for end in ahead.period_end[:2]] == ["31.12.2026", "31.12.2027"]
    assert (ahead.value_low < ahead.value).all() and (ahead.value < ahead.value_high).all()
    last = rows[rows.period_end == date(2025, 12, 31)].set_index("area_key").value
    assert ahead.naive_value.to_numpy() == pytest.approx(last.reindex(ahead.area_key).to_numpy())
    assert ahead.value.to_numpy() == pytest.approx(
        last.reindex(ahead.area_key).to_numpy() + ahead.horizon.to_numpy(), rel=0.02
    )


def test_a_reason_stands_where_there_is_no_forecast() -> None:
    full = growing(1)
    series = {
        "late": [*full[:-1], float("nan")],
        "gap": [*full[:7], float("nan"), *full[8:]],
        "young": full[-6:],
        "broken": full,
        "fine": full,
    }
    rows = points(series, breaks={"broken": 2020})
    table = forecasts(wanted(), rows, areas(*series, "empty"), INDICATORS)
    record = table[table.horizon == 0].set_index("area_key")
    assert record.reason["late"] == "der jüngste Wert fehlt"
    assert record.reason["empty"] == "der jüngste Wert fehlt"
    assert record.reason["gap"] == "zu wenige Zeitpunkte seit der letzten Lücke (6 von 8)"
    assert record.reason["young"] == "zu wenige Zeitpunkte (6 von 8)"
    assert record.reason["broken"] == "zu wenige Zeitpunkte seit dem letzten Bruch der Reihe (6 von 8)"
    assert record.is_forecast.to_dict() == {key: key == "fine" for key in record.index}
    assert set(table[table.horizon > 0].area_key) == {"fine"}
    assert record.loc["late", ["method", "mase", "coverage"]].isna().all()


def test_shares_and_counts_stay_in_their_bounds() -> None:
    rows = pd.concat(
        [
            points({"high": growing(1, 86.5), "low": growing(2, 13.5, -1.0), "other": growing(3, 50)}),
            points({"high": growing(1, 986.5), "low": growing(2, 13.5, -1.0), "other": growing(3, 50)}, "n"),
            points({"high": growing(1, -6.0), "low": growing(2, 8.0, -1.0), "other": growing(3, 0)}, "m"),
        ]
    )
    about = pd.concat(
        [INDICATORS, pd.DataFrame({"indicator_id": ["m"], "kind": ["rate"], "factor": [1000.0]})]
    )
    series = pd.concat([wanted("q"), wanted("n"), wanted("m")])
    table = forecasts(series, rows, areas("high", "low", "other"), about)
    last = table[table.horizon == 5].set_index(["indicator_id", "area_key"])
    assert last.value["q", "high"] == 100 and last.value_high["q", "high"] == 100
    assert last.value["q", "low"] == 0 and last.value_low["q", "low"] == 0
    assert last.value["n", "high"] > 1000
    assert last.value["m", "low"] < -5


def test_fitted_methods_are_tried_where_there_are_few_series() -> None:
    single = points({"K": growing(4)})
    one = forecasts(wanted(), single, areas("K"), INDICATORS)
    assert one.is_forecast.all() and one.method.iloc[0] != NAIVE
    tried = set(indicator_forecast.FEW)
    assert tried > set(indicator_forecast.SIMPLE) and set(one.method) <= tried


def test_nothing_wanted_or_nothing_released_is_an_empty_table_with_types() -> None:
    nothing = points({"K": [float("nan")] * 9})
    for series, rows in ((wanted().iloc[:0], points({"K": growing(1)})), (wanted(), nothing)):
        table = forecasts(series, rows, areas("K"), INDICATORS)
        assert table.empty
        assert {name: str(kind) for name, kind in table.dtypes.items()} == indicator_forecast.TYPES
