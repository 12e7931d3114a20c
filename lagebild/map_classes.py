"""Classes of a choropleth: five colours, breaks that stay comparable over time. Used by dashboards and reports.

Belongs here: numbers and colours. Does not belong here: where the values come from, how a map is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

CLASS_COLOURS: Final = ("#f0f3bd", "#a5d5b5", "#4fa9b5", "#2a6f9e", "#1f3a70")
"""Colour-blind safe from light to dark."""

QUANTILES: Final = tuple(step / len(CLASS_COLOURS) for step in range(len(CLASS_COLOURS) + 1))
"""What `map_classes` wants the quantiles of: over all released periods, so that maps of different years compare."""


@dataclass(frozen=True)
class MapClass:
    """Values from `low` to below `high`; the last class holds its upper end too."""

    low: float
    high: float
    colour: str


def map_classes(quantiles: Sequence[float], decimals: int) -> tuple[MapClass, ...]:
    """Classes between rounded quantiles; equal breaks are merged. Outer ends are rounded outwards."""
    if not quantiles:
        return ()
    scale = 10**decimals
    inner = [round(value, decimals) for value in quantiles[1:-1]]
    ends = (math.floor(quantiles[0] * scale) / scale, math.ceil(quantiles[-1] * scale) / scale)
    breaks = sorted({ends[0], *inner, ends[1]})
    if len(breaks) == 1:
        breaks = [breaks[0], breaks[0]]
    intervals = list(pairwise(breaks))
    # Fewer classes than colours: spread over the scale, so that light and dark stay apart.
    last = len(CLASS_COLOURS) - 1
    picked = [round(index * last / max(len(intervals) - 1, 1)) for index in range(len(intervals))]
    return tuple(
        MapClass(low, high, CLASS_COLOURS[colour])
        for (low, high), colour in zip(intervals, picked, strict=True)
    )


__all__ = ["CLASS_COLOURS", "QUANTILES", "MapClass", "map_classes"]
