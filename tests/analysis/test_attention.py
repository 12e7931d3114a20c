"""Aufmerksamkeitsbedarf: what counts as a burden, what chance explains, what cannot be judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.frames.attention import ATTENTION_TYPES, attention_frame
from analysis.small_area import wilson


def rule(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "deviation": "standard_deviations",
                "confidence": np.nan,
                "minimum_areas": 3,
                "root_label": "Kreis",
                **changes,
            }
        ]
    )


def rows(values: list[float], **changes: Any) -> pd.DataFrame:
    """One indicator in one year, one row per area; delivered without counts unless they are given."""
    count = len(values)
    return pd.DataFrame(
        {
            "area_key": [f"A{number}" for number in range(count)],
            "year": 2025,
            "indicator_id": "poor",
            "indicator_label": "Armut",
            "unit": "%",
            "decimals": 1,
            "factor": 100.0,
            "method": None,
            "unfavourable": "high",
            "burden": 1.0,
            "strong": 2.0,
            "period_key": "S2025",
            "value": values,
            "kreis_value": 10.0,
            "numerator": np.nan,
            "denominator": np.nan,
            "empty_reason": [None if value == value else "gesperrt" for value in values],
        }
        | changes
    )


def test_deviation_is_counted_in_spreads_of_the_areas() -> None:
    values = [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 13.0, 24.0]
    found = attention_frame(rows(values), rule())
    assert found["deviation"].to_numpy() == pytest.approx((np.array(values) - 10) / np.std(values))
    assert found["severity"].tolist() == [0] * 8 + [2]
    assert found["is_burden"].tolist() == [False] * 8 + [True]
    assert found["text"].iloc[-1] == (
        "Armut: 24,0 %, Kreis 10,0 % (3,19 Standardabweichungen darüber) – starke Belastung"
    )
    assert found["burden_text"].iloc[-1] == "Armut 24,0 % (Kreis 10,0 %, stark)"
    assert found["burden_text"].isna().sum() == 8


def test_low_can_be_the_unfavourable_side() -> None:
    values = [10.0, 10.0, 10.0, 10.0, 13.0, 7.0]
    found = attention_frame(rows(values, unfavourable="low"), rule())
    assert found["is_burden"].tolist() == [False] * 5 + [True]
    assert found["text"].iloc[-1].endswith("Standardabweichungen darunter) – Belastung")
    assert "darüber) – unauffällig" in found["text"].iloc[-2]


def test_deviation_relative_to_the_kreis() -> None:
    found = attention_frame(
        rows([12.4, 12.5, 15.0, 5.0], burden=0.25, strong=0.5), rule(deviation="relative")
    )
    assert found["severity"].tolist() == [0, 1, 2, 0]
    assert found["text"].iloc[1] == "Armut: 12,5 %, Kreis 10,0 % (25 % darüber) – Belastung"
    # Nothing can be a share of nothing.
    nothing = attention_frame(rows([12.4], kreis_value=0.0), rule(deviation="relative"))
    assert nothing["is_judged"].tolist() == [False]


def test_what_is_missing_is_not_judged() -> None:
    found = attention_frame(rows([np.nan, 12.0, 10.0, 11.0]), rule())
    assert found["is_judged"].tolist() == [False, True, True, True]
    assert pd.isna(found["severity"].iloc[0]) and not found["is_burden"].iloc[0]
    assert found["text"].iloc[0] == "Armut: gesperrt"
    for unknown in (
        rows([12.0, 10.0, 11.0], kreis_value=np.nan),
        rows([10.0, 10.0, 10.0]),
        rows([10.0, 30.0]),
    ):
        judged = attention_frame(unknown, rule())
        assert not judged["is_judged"].any() and not judged["is_burden"].any()
        assert set(judged["text"].str.split(": ").str[1]) == {"ohne Vergleichswert"}


def test_chance_is_no_burden() -> None:
    """20 % of 10 persons says nothing against 10 %, 20 % of 1,000 does."""
    counts = {
        "method": "wilson",
        "numerator": [1.0, 100.0, 2.0, 200.0],
        "denominator": [10.0, 1000.0, 10.0, 1000.0],
    }
    counted = rows([10.0, 10.0, 20.0, 20.0], **counts)
    found = attention_frame(counted, rule(confidence=0.95))
    assert found["is_burden"].tolist() == [False, False, False, True]
    assert found["text"].iloc[2].endswith("– keine Belastung: kann bei der Größe des Gebiets Zufall sein")
    assert found["text"].iloc[0].endswith("– unauffällig")
    # Without the question, and without counts, both are.
    assert attention_frame(counted, rule())["is_burden"].tolist() == [False, False, True, True]
    delivered = rows([10.0, 10.0, 20.0, 20.0])
    assert attention_frame(delivered, rule(confidence=0.95))["is_burden"].tolist() == [
        False,
        False,
        True,
        True,
    ]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 500), st.integers(0, 500), st.floats(1, 60))
def test_a_burden_lies_outside_its_interval(persons: int, events: int, kreis: float) -> None:
    """Against Wilson's interval itself, for one area among others."""
    events = min(events, persons)
    value = 100 * events / persons
    counts = {"numerator": [events, 0.0, 5000.0], "denominator": [persons, 10000.0, 10000.0]}
    figures = rows([value, 0.0, 50.0], method="wilson", kreis_value=kreis, **counts)
    found = attention_frame(figures, rule(confidence=0.95)).iloc[0]
    ends = wilson(np.array([float(events)]), np.array([float(persons)]))
    far = (value - kreis) / np.std([value, 0.0, 50.0])
    assert found["is_burden"] == bool(far >= 1 and not (100 * ends.lower[0] <= kreis <= 100 * ends.upper[0]))


def test_no_rule_no_rows() -> None:
    for frame in (attention_frame(rows([1.0, 2.0, 3.0]), rule().iloc[:0]), attention_frame(rows([]), rule())):
        assert frame.empty
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == ATTENTION_TYPES
