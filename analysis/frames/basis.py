"""Which indicators rest on counted persons or cases, and what statistic that allows.

From the definitions that travel with a release (dim_indicator, dim_indicator_part, dim_measure) and nothing else.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from analysis.frames import wording

COUNTED_UNITS: Final = frozenset(
    [
        "Bedarfsgemeinschaften",
        "Fortzüge",
        "Fälle",
        "Geborene",
        "Gestorbene",
        "Haushalte",
        "Kinder",
        "Personen",
        "Umzüge",
        "Zuzüge",
    ]
)
"""Units of measures that are persons, households or cases: each of them might as well not have occurred. Dwellings,
facilities, places, money, areas and years are not."""

_METHOD: Final = {
    "share": "wilson",
    "rate": "byar",
    "ratio": "byar",
    "quotient": "wilson_quotient",
    "count": "byar",
}


def basis(indicators: pd.DataFrame, parts: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """One row per active indicator: `method` of its interval, or the reason in German why there is none.

    `indicators`: indicator_key, kind; `parts`: indicator_key, part (numerator | denominator), measure_id, group_key,
    sign; `measures`: measure_id, unit, value_kind. Returns indicator_key, kind, method (None: no interval),
    note, and note_otherwise for a single value that cannot have the interval its indicator has.
    """
    known = parts.merge(measures, on="measure_id", how="left")
    known["counted"] = (known["value_kind"] == "count") & known["unit"].isin(COUNTED_UNITS)
    known = known.merge(indicators[["indicator_key", "kind"]], on="indicator_key")
    numerator, denominator = (known[known["part"] == side] for side in ("numerator", "denominator"))
    # A stock that others are measured by (population, households) is complete, not a number of cases.
    bases = set(denominator.loc[denominator["kind"].isin(["rate", "ratio", "quotient"]), "measure_id"])
    of = pd.DataFrame(index=pd.Index(indicators["indicator_key"], name="indicator_key"))
    of["kind"] = indicators["kind"].to_numpy()
    of["parts"] = known.groupby("indicator_key").size()
    of["counted"] = known.groupby("indicator_key")["counted"].all()
    of["falls"] = (numerator["sign"] < 0).groupby(numerator["indicator_key"]).any()
    of["base"] = numerator["measure_id"].isin(bases).groupby(numerator["indicator_key"]).any()
    of["with_denominator"] = denominator.groupby("indicator_key").size()
    lacks = of["with_denominator"].isna() & of["kind"].isin(["share", "rate", "ratio", "quotient"])
    flag = {name: of[name].eq(True).to_numpy() for name in ("counted", "falls", "base")}
    code = np.select(
        [
            (of["kind"] == "index").to_numpy(),
            (of["kind"] == "money").to_numpy(),
            (of["parts"].isna() | lacks).to_numpy(),
            (of["kind"] == "mean").to_numpy(),
            ~flag["counted"],
            # A share of what remains (all minus those with) is a count as well; any other difference is a balance.
            flag["falls"] & (of["kind"] != "share").to_numpy(),
            flag["base"] & (of["kind"] == "count").to_numpy(),
        ],
        ["index", "money", "delivered", "mean", "not_persons", "balance", "base"],
        default="",
    )
    of["method"] = of["kind"].map(_METHOD).where(code == "", None)
    of["note"] = [wording.no_interval(item) if item else None for item in code]
    of["note_otherwise"] = wording.no_interval("estimated")
    found = of.reset_index()[["indicator_key", "kind", "method", "note", "note_otherwise"]]
    return found.astype(dict.fromkeys(found.columns, "string"))
