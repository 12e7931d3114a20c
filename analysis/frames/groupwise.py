"""What is computed within groups of rows (an indicator at one period and level), without a loop over the groups.

Arrays in, arrays out; `group` is an integer per row. Does not belong here: what a group means.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


def adjusted_p(p_values: Values, group: Groups) -> Values:
    """Benjamini-Hochberg adjusted p-values within each group; NaN stays NaN and does not count as a test.

    An area stands out at the false discovery rate q where its adjusted p is at most q (Benjamini & Hochberg 1995).
    """
    frame = pd.DataFrame({"group": group, "p": p_values})
    known = frame[frame["p"].notna()].sort_values(["group", "p"], kind="stable")
    by_group = known.groupby("group", sort=False)["p"]
    rank = by_group.cumcount() + 1
    raised = known["p"] * by_group.transform("size") / rank
    # The adjusted p never falls as p rises: running minimum from the largest p downwards.
    lowered = raised[::-1].groupby(known["group"][::-1], sort=False).cummin()
    return np.minimum(lowered.reindex(frame.index).to_numpy(dtype=np.float64), 1.0)


def shrink(events: Values, base: Values, is_share: NDArray[np.bool_], group: Groups) -> Values:
    """Empirical-Bayes estimate of events / base within each group (Marshall 1991): `small_area.shrink` at once."""
    frame = pd.DataFrame({"group": group, "events": events, "base": base})
    groups = frame.groupby("group", sort=False)
    total, overall_base = groups["events"].transform("sum"), groups["base"].transform("sum")
    overall = total / overall_base
    rate = frame["events"] / frame["base"]
    # Variance of one person or case: Poisson for rates, binomial for shares.
    unit = overall.where(~pd.Series(is_share), overall * (1 - overall))
    weighted = frame["base"] * (rate - overall) ** 2
    spread = weighted.groupby(frame["group"], sort=False).transform("sum") / overall_base
    between = (spread - unit / groups["base"].transform("mean")).clip(lower=0)
    within = unit / frame["base"]
    trust = (between / (between + within)).where(between > 0, 0.0)
    return (overall + trust * (rate - overall)).to_numpy(dtype=np.float64)


def distinguishable_pairs(low: Values, high: Values, group: Groups) -> pd.DataFrame:
    """Per group: number of rows and the share of their pairs whose intervals do not overlap.

    O(n log n) per group: the rows whose interval lies wholly above another one's are counted by sorting.
    Columns: group, areas, pairs_distinguishable (NaN for fewer than two rows).
    """
    order = np.argsort(group, kind="stable")
    names, sizes = np.unique(group, return_counts=True)
    rows = []
    for name, end, size in zip(names, sizes.cumsum(), sizes, strict=True):
        part = order[end - size : end]
        n = part.size
        above = n - np.searchsorted(np.sort(low[part]), high[part], side="right")
        rows.append((int(name), n, above.sum() / (n * (n - 1) / 2) if n > 1 else np.nan))
    found = pd.DataFrame(rows, columns=["group", "areas", "pairs_distinguishable"])
    return found.astype({"group": "int64", "areas": "int64", "pairs_distinguishable": "float64"})
