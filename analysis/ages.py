"""Age: bands and single years, and the way from one to the other.

Belongs here: sums of single years into bands, the spread of released bands over single years, shares of children and
of 60+. Not here: how a population moves through the ages (`cohort`, `hamilton_perry`).

Single years run from 0 to `top`, the last one open. All arrays have age in their last axis.
Sources: Smith, Tayman & Swanson (2013), A Practitioner's Guide to State and Local Population Projections, ch. 10;
Fritsch & Carlson (1980), Monotone Piecewise Cubic Interpolation (no negative ages from rising cumulated counts).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Bands:
    """Age bands without gaps by their first ages: `(0, 6, 15, 18)` are 0-5, 6-14, 15-17 and 18 … `top`."""

    lower: tuple[int, ...]
    top: int = 100
    """First age of the open last single year."""

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.lower, self.lower[1:], strict=False))
        if not self.lower or self.lower[0] != 0 or not rising or self.lower[-1] > self.top:
            raise ValueError("bands start at 0, rise, and end at the top age or before")

    @property
    def ages(self) -> int:
        return self.top + 1

    @cached_property
    def of_age(self) -> NDArray[np.int64]:
        """Index of the band of every single year."""
        return np.searchsorted(np.asarray(self.lower), np.arange(self.ages), side="right") - 1

    def sum(self, single: Values) -> Values:
        """… x ages → … x bands."""
        return np.asarray(np.add.reduceat(single, np.asarray(self.lower), axis=-1))

    def spread(self, banded: Values) -> Values:
        """A figure per band repeated for each of its ages: … x bands → … x ages."""
        return np.asarray(banded[..., self.of_age])


def smooth(counts: Values, bands: Bands, survivors: Values) -> Values:
    """Single years from bands alone, where nothing finer is known. The sums of the bands are kept.

    Monotone interpolation of the cumulated counts; the open last band falls like the `survivors` (persons alive at
    each age, one value per single year) of a stationary population. `counts`: … x bands, no NaN.
    """
    edges = np.append(bands.lower, bands.ages).astype(np.float64)
    cumulated = np.concatenate([np.zeros((*counts.shape[:-1], 1)), np.cumsum(counts, axis=-1)], axis=-1)
    if edges.size == 2:
        single = np.zeros((*counts.shape[:-1], bands.ages))
    else:
        curve = PchipInterpolator(edges, cumulated, axis=-1)(np.arange(bands.ages + 1))
        single = np.maximum(np.diff(curve, axis=-1), 0.0)
    last = bands.lower[-1]
    single[..., last:] = survivors[last:]
    return _scaled(single, counts, bands)


def disaggregate(
    counts: Values, structure: Values, bands: Bands, totals: Values | None = None
) -> tuple[Values, Flags]:
    """Released bands of areas as single years, with the age structure of the Kreis inside each band.

    `counts`: areas x bands, NaN where a figure is withheld; `structure`: single years of the Kreis; `totals`: released
    totals of the areas. Withheld bands of an area share what its total leaves beside the known ones – without a total,
    what the Kreis' structure expects beside them – in the proportions of the Kreis. Nothing but released figures
    enters, so that anybody could compute the same.

    Returns areas x ages and, areas x bands, which bands are such estimates. An area without any known figure: NaN.
    """
    hidden = np.isnan(counts)
    kreis = bands.sum(structure)
    known = np.where(hidden, 0.0, counts).sum(axis=-1)
    expected = np.where(hidden, kreis, 0.0)
    beside = np.where(hidden, 0.0, kreis).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(beside > 0, known * expected.sum(axis=-1) / beside, np.nan)
    if totals is not None:
        rest = np.where(np.isnan(totals), rest, np.maximum(totals - known, 0.0))
    share = expected / np.maximum(expected.sum(axis=-1, keepdims=True), 1e-300)
    filled = np.where(hidden, share * rest[..., None], counts)
    return _scaled(np.broadcast_to(structure, (*counts.shape[:-1], bands.ages)), filled, bands), hidden


def _scaled(single: Values, counts: Values, bands: Bands) -> Values:
    """Single years scaled so that each band has its count; an empty band is spread evenly."""
    width = np.diff(np.append(bands.lower, bands.ages))
    sums = bands.sum(single)
    even = np.broadcast_to(bands.spread(counts / width), single.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = bands.spread(counts / sums)
        return np.where(bands.spread(sums) > 0, single * factor, even)


@dataclass(frozen=True)
class Structure:
    """What planners ask first of a population. NaN shares where nobody lives."""

    total: Values
    children: Values
    """Share below 18."""
    seniors: Values
    """Share of 60 and over."""


def structure(single: Values) -> Structure:
    """Total, share of children and share of 60+ of … x ages (both sexes added up beforehand)."""
    total = single.sum(axis=-1)
    base = np.where(total > 0, total, np.nan)
    return Structure(total, single[..., :18].sum(axis=-1) / base, single[..., 60:].sum(axis=-1) / base)
