"""Which indicators may be compared: pairs whose relation is not a matter of their definitions.

Decided by the definitions that travel with a release, never by the result. Source: Pearson (1897) on spurious
correlation of ratios with common terms. Does not belong here: the correlation itself (correlation.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import pandas as pd

_KINDS: Final = frozenset({"share", "rate", "ratio", "quotient", "mean", "index", "money"})

Dimensions = frozenset[str]
"""What a group is broken down by; empty for the total."""


@dataclass(frozen=True)
class _Definition:
    theme: str
    top: dict[str, set[Dimensions]] = field(default_factory=lambda: defaultdict(set))
    """Measures of the numerator with the dimensions of their groups; empty for a delivered value."""
    below: set[tuple[str, str]] = field(default_factory=set)
    """Measures and groups of the denominator."""


def comparable_pairs(indicators: pd.DataFrame, parts: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """Pairs of active indicators, x before y in the alphabet.

    Left out: counts and sums without a base (the size of the area decides); pairs of one theme (they often measure the
    same thing twice); pairs that share a numerator (the same measure, broken down by a common dimension, or whole in
    one of them); pairs where a numerator is part of the other's (`part_of`) or is the other's denominator.

    `indicators`: indicator_key, indicator_id, kind, theme_id; `parts`: indicator_key, part, measure_id, group_key;
    `measures`: measure_id, part_of. Returns indicator_key_x, indicator_key_y, shares_denominator.
    """
    ordered = indicators[indicators["kind"].isin(_KINDS)].sort_values("indicator_id")
    kinds = dict(zip(ordered["indicator_key"], ordered["kind"], strict=True))
    known = {
        str(key): _Definition(str(theme))
        for key, theme in zip(ordered["indicator_key"], ordered["theme_id"], strict=True)
    }
    columns = ("indicator_key", "part", "measure_id", "group_key")
    for key, part, measure, group in zip(*(parts[name].astype(str) for name in columns), strict=True):
        if key not in known:
            continue
        if part == "numerator":
            known[key].top[measure].add(_dimensions(group))
        else:
            known[key].below.add((measure, group))
    contained = measures.dropna(subset="part_of")
    above = {str(part): str(of) for part, of in contained[["measure_id", "part_of"]].itertuples(index=False)}
    eligible = [key for key, of in known.items() if of.below or kinds[key] == "index"]
    found = [
        (x, y, bool(known[x].below) and known[x].below == known[y].below)
        for x, y in combinations(eligible, 2)
        if not _coupled(known[x], known[y], above)
    ]
    return pd.DataFrame(found, columns=["indicator_key_x", "indicator_key_y", "shares_denominator"]).astype(
        {"indicator_key_x": "string", "indicator_key_y": "string", "shares_denominator": "bool"}
    )


def _dimensions(group_key: str) -> Dimensions:
    """`age=15-17;sex=f` -> {age, sex}; `total` -> nothing."""
    return frozenset(item.partition("=")[0] for item in group_key.split(";") if "=" in item)


def _coupled(x: _Definition, y: _Definition, above: dict[str, str]) -> bool:
    return (
        x.theme == y.theme
        or _share_numerator(x, y)
        or _is_part(x, y, above)
        or _is_part(y, x, above)
        or _is_base(x, y)
        or _is_base(y, x)
    )


def _share_numerator(x: _Definition, y: _Definition) -> bool:
    for measure in x.top.keys() & y.top.keys():
        of_x, of_y = frozenset().union(*x.top[measure]), frozenset().union(*y.top[measure])
        if not of_x or not of_y or of_x & of_y:
            return True
    return False


def _is_part(x: _Definition, y: _Definition, above: dict[str, str]) -> bool:
    """A numerator of x is contained in a whole (not broken down) numerator of y."""
    wholes = {measure for measure, groups in y.top.items() if frozenset() in groups}
    for measure in x.top:
        step = above.get(measure)
        while step:
            if step in wholes:
                return True
            step = above.get(step)
    return False


def _is_base(x: _Definition, y: _Definition) -> bool:
    """A numerator of x is the denominator of y and not its own."""
    own, other = {measure for measure, _ in x.below}, {measure for measure, _ in y.below}
    return bool(x.top.keys() & other - own)
