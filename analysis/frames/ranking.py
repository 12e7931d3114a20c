"""May the areas be put in order? Not where noise alone could turn it.

Does not belong here: the order itself (a query), what is shown instead (dashboards, reports).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from analysis.frames import groupwise, wording
from analysis.frames.counts import Counts
from analysis.frames.labels import texts

PAIR_CONFIDENCE: Final = 0.834
"""Intervals of this confidence do not overlap where two values differ at the 5 % level (Goldstein & Healy 1995)."""
DISTINGUISHABLE: Final = 2 / 3
"""An order is shown where at least this share of the pairs of areas differs by more than chance. Equivalent to rank
ranges (Klein, Wright & Wieczorek 2020) that leave on average at most a third of the places open."""
MINIMUM_AREAS: Final = 3


def rankings(groups: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """Whether each group of areas (indicator × period × level) may be ranked.

    `groups`: rank_id, group_id (missing: values are not counted), areas; `counted`: group_id, method, numerator,
    denominator, factor. Returns rank_id, is_rankable (missing: cannot be tested), reason, pairs_distinguishable.
    """
    counts = Counts.of(counted)
    interval = counts.interval(PAIR_CONFIDENCE)
    pairs = groupwise.distinguishable_pairs(
        interval.lower, interval.upper, counted["group_id"].to_numpy(dtype=np.int64)
    )
    found = groups.merge(
        pairs.rename(columns={"group": "group_id", "areas": "tested"}), on="group_id", how="left"
    )
    # A few values that cannot be tested beside many that can leave the order untested as a whole.
    tested = (found["tested"] == found["areas"]) & found["pairs_distinguishable"].notna()
    share = found["pairs_distinguishable"].where(tested)
    few = found["areas"] < MINIMUM_AREAS
    rankable = (share >= DISTINGUISHABLE).astype("boolean").where(tested)
    reasons = [
        wording.ranking_reason("few", areas)
        if is_few
        else wording.ranking_reason("untestable", areas)
        if part != part
        else wording.ranking_reason("noise", areas, part)
        if part < DISTINGUISHABLE
        else ""
        for is_few, areas, part in zip(few, found["areas"], share, strict=True)
    ]
    result = pd.DataFrame(
        {
            "rank_id": found["rank_id"],
            "is_rankable": rankable.where(~few, False),
            "reason": texts(reasons),
            "pairs_distinguishable": share,
        }
    )
    return result
