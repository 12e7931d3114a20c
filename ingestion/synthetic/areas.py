"""The areas of the Musterkreis: codes, names, hierarchy, validity, reforms, social profile of the blocks.

Grain of `Areas.blocks`: one block (physical; its code changes with the merger of Gemeinden, its geometry never does).
Does not belong here: persons, file formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ingestion.synthetic import geometry, names

KREIS_CODE: Final = "99901"
KREIS_NAME: Final = "Musterkreis"
MERGER: Final = date(2018, 1, 1)
SPLIT: Final = date(2021, 1, 1)
START: Final = date(2010, 1, 1)
TOWN_QUARTERS: Final = (12, 9, 8, 7, 5, 4, 4, 3)  # Sozialräume per town after the split: 52
TOWN_SHARES: Final = (0.165, 0.125, 0.105, 0.095, 0.065, 0.05, 0.045, 0.04)  # of all inhabitants
VILLAGES_BEFORE: Final = 42
AMT_COUNT: Final = 10
JUGENDAMT_TOWNS: Final = 5  # towns with a Jugendamt of their own; the Kreis is the sixth
SCHOOL_DISTRICTS, KITA_DISTRICTS = 40, 30

Strings = NDArray[np.object_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class BlockCodes:
    """Codes of every block in one validity; arrays parallel to `Areas.blocks`."""

    block: Strings
    sozialraum: Strings
    gemeinde: Strings
    amt: Strings


@dataclass(frozen=True)
class Areas:
    """All areas.

    `blocks` columns: x_km, y_km, town (bool), weight (share of inhabitants), deprivation (z), old (z), dense (bool).
    """

    blocks: pd.DataFrame
    area_rows: pd.DataFrame
    """Columns as in the delivery: area_system, area_level, area_code, area_name, parent_code, valid_from, valid_to."""
    crosswalk: pd.DataFrame
    geometries: dict[tuple[str, str], BaseGeometry]
    """(level, code) to geometry; a code has one geometry."""
    school: Strings
    kita: Strings
    _codes: tuple[tuple[date, BlockCodes], ...]

    def codes_at(self, day: date) -> BlockCodes:
        """Codes valid on a day."""
        return [codes for start, codes in self._codes if start <= max(day, START)][-1]

    @cached_property
    def names(self) -> dict[str, str]:
        """Area code to name (all levels and validities)."""
        return dict(zip(self.area_rows["area_code"], self.area_rows["area_name"], strict=True))

    def valid_codes(self, system: str, level: str, day: date) -> list[str]:
        """Codes of a level valid on a day, sorted."""
        rows = self.area_rows
        valid = (
            (rows["area_system"] == system)
            & (rows["area_level"] == level)
            & (rows["valid_from"] <= day)
            & (rows["valid_to"].isna() | (rows["valid_to"] >= day))
        )
        return sorted(set(rows.loc[valid, "area_code"]))

    def jugendamt(self, day: date) -> Strings:
        """Code of the Jugendamt of each block: the own one of the five largest towns, else the Kreis."""
        towns = {f"{KREIS_CODE}{number:03d}" for number in range(1, JUGENDAMT_TOWNS + 1)}
        gemeinde = self.codes_at(day).gemeinde
        return np.array([code if code in towns else KREIS_CODE for code in gemeinde], dtype=object)


@lru_cache(maxsize=2)
def build_areas(seed: int) -> Areas:
    """Builds the Kreis from a seed alone: the same for every number of inhabitants."""
    rng = np.random.default_rng([seed, 1])
    border = geometry.outline(rng)
    town_count = len(TOWN_QUARTERS)
    centres = geometry.spaced_points(rng, border, town_count + VILLAGES_BEFORE, margin=0.7)
    centres = _towns_first(rng, centres, town_count)
    amt_of_village = _group_villages(rng, centres[town_count:])
    centres, amt_of_village = _number_villages(centres, amt_of_village, town_count)

    frames: list[pd.DataFrame] = []
    for index in range(len(centres)):
        town = index < town_count
        count = TOWN_QUARTERS[index] * 11 if town else int(rng.integers(6, 11))
        spread, spacing = ((0.55 + 0.06 * TOWN_QUARTERS[index]), 0.12) if town else (0.75, 0.35)
        points = geometry.points_around(rng, centres, index, border, count, spread, spacing)
        frames.append(
            pd.DataFrame({"x_km": points[:, 0], "y_km": points[:, 1], "gemeinde": index, "town": town})
        )
    blocks = pd.concat(frames, ignore_index=True)
    points_all = blocks[["x_km", "y_km"]].to_numpy()
    blocks["quarter"] = _quarters(rng, blocks, points_all, town_count)
    _add_profile(rng, blocks, centres, town_count)

    cells = geometry.voronoi_cells(points_all, border)
    school = geometry.clusters(rng, points_all * [1.0, 1.05], SCHOOL_DISTRICTS)
    kita = geometry.clusters(rng, points_all * [1.05, 1.0], KITA_DISTRICTS)
    return _name_and_union(rng, blocks, cells, amt_of_village, school, kita)


def _towns_first(
    rng: np.random.Generator, centres: NDArray[np.float64], town_count: int
) -> NDArray[np.float64]:
    """Towns are far from each other; the largest lies in the south-east, towards the (fictional) metropolis."""
    chosen = [int(np.argmax(centres[:, 0] - centres[:, 1] * 0.8))]
    while len(chosen) < town_count:
        distance = np.min(np.linalg.norm(centres[:, None] - centres[chosen][None], axis=2), axis=1)
        chosen.append(
            int(np.argmax(np.where(distance > 0, np.minimum(distance, 6.5) + rng.random(len(centres)), 0)))
        )
    rest = [index for index in range(len(centres)) if index not in chosen]
    return centres[chosen + rest]


def _group_villages(rng: np.random.Generator, centres: NDArray[np.float64]) -> Ints:
    for _ in range(200):
        labels = geometry.clusters(rng, centres, AMT_COUNT)
        if np.bincount(labels).min() >= 2:
            return labels
    raise RuntimeError("no ten Ämter of at least two villages")


def _number_villages(
    centres: NDArray[np.float64], amt: Ints, town_count: int
) -> tuple[NDArray[np.float64], Ints]:
    """Orders villages by Amt; the two closest of an Amt with at least four villages come last (they merge)."""
    villages = centres[town_count:]
    distance = np.linalg.norm(villages[:, None] - villages[None], axis=2)
    large = np.bincount(amt)[amt] >= 4
    allowed = (amt[:, None] == amt[None]) & large[:, None] & ~np.eye(len(villages), dtype=bool)
    first, second = np.unravel_index(np.argmin(np.where(allowed, distance, np.inf)), distance.shape)
    pair = [int(first), int(second)]
    west_to_east = np.argsort([villages[amt == number, 0].mean() for number in range(AMT_COUNT)])
    rank = np.empty(AMT_COUNT, dtype=np.int64)
    rank[west_to_east] = np.arange(AMT_COUNT)
    amt = rank[amt]
    order = [i for i in np.lexsort((villages[:, 1], amt)) if i not in pair] + pair
    return np.vstack([centres[:town_count], villages[order]]), amt[order]


def _quarters(
    rng: np.random.Generator, blocks: pd.DataFrame, points: NDArray[np.float64], town_count: int
) -> Ints:
    """Number (0-based) of the Sozialraum within the Gemeinde after the split; quarter 0 of a town is its centre."""
    quarter = np.zeros(len(blocks), dtype=np.int64)
    for town in range(town_count):
        mine = np.flatnonzero(blocks["gemeinde"] == town)
        labels = geometry.clusters(rng, points[mine], TOWN_QUARTERS[town])
        middle = points[mine[0]]
        means = np.array([points[mine][labels == label].mean(axis=0) for label in range(TOWN_QUARTERS[town])])
        distance = np.linalg.norm(means - middle, axis=1)
        order = np.argsort(distance)
        if town == 0:
            order = _split_pair_last(means, order)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        quarter[mine] = rank[labels]
    return quarter


def _split_pair_last(means: NDArray[np.float64], order: Ints) -> Ints:
    """The two neighbouring quarters that were one Sozialraum before 2021 get the last two numbers."""
    outer = order[len(order) // 2 :]
    distance = np.linalg.norm(means[outer][:, None] - means[outer][None], axis=2)
    np.fill_diagonal(distance, np.inf)
    first, second = np.unravel_index(np.argmin(distance), distance.shape)
    pair = [int(outer[first]), int(outer[second])]
    return np.array([i for i in order if i not in pair] + pair)


def _add_profile(
    rng: np.random.Generator, blocks: pd.DataFrame, centres: NDArray[np.float64], town_count: int
) -> None:
    """Inhabitants' share and social profile: deprived town quarters, rich villages near the metropolis, old coast."""
    areas = blocks.groupby(["gemeinde", "quarter"], sort=True).ngroup().to_numpy()
    town = blocks["town"].to_numpy()
    by_area = pd.DataFrame({"town": town, "gemeinde": blocks["gemeinde"]}).groupby(areas).first()
    count = len(by_area)
    deprivation = np.where(by_area["town"], rng.normal(0.35, 0.75, count), rng.normal(-0.55, 0.35, count))
    hot = rng.permutation(np.flatnonzero(by_area["town"]))[:7]
    deprivation[hot] = rng.uniform(1.7, 2.5, len(hot))
    east = (centres[by_area["gemeinde"], 0] - 15) / 8
    deprivation = np.where(by_area["town"], deprivation, deprivation - 0.3 * np.clip(east, 0, 1.5))
    blocks["deprivation"] = deprivation[areas] + rng.normal(0, 0.35, len(blocks))
    river = (blocks["x_km"] * 0.72 + blocks["y_km"]).to_numpy()
    blocks["coast"] = river < np.quantile(river, 0.12)
    old = (
        rng.normal(0, 0.5, count)[areas]
        + np.where(blocks["coast"] & ~town, 1.1, 0)
        + np.where(town, -0.2, 0.1)
    )
    blocks["old"] = old + rng.normal(0, 0.2, len(blocks))
    blocks["dense"] = town & (blocks["quarter"].to_numpy() <= 3)

    raw = np.clip(rng.lognormal(0, 0.7, len(blocks)), 0.05, 3.2) * np.where(
        rng.random(len(blocks)) < 0.035, 0.01, 1.0
    )
    raw *= np.where(np.isin(areas, hot), 1.7, 1.0) * np.where(blocks["dense"], 1.25, 1.0)
    shares = np.array([*TOWN_SHARES, *_village_shares(rng, VILLAGES_BEFORE, 1 - sum(TOWN_SHARES))])
    gemeinde = blocks["gemeinde"].to_numpy()
    blocks["weight"] = raw / np.bincount(gemeinde, weights=raw)[gemeinde] * shares[gemeinde]
    blocks["area"] = areas


def _village_shares(rng: np.random.Generator, count: int, total: float) -> NDArray[np.float64]:
    raw = rng.lognormal(0, 0.8, count)
    raw = np.clip(raw, 0.12, None)
    return np.asarray(raw / raw.sum() * total, dtype=np.float64)


def _name_and_union(
    rng: np.random.Generator,
    blocks: pd.DataFrame,
    cells: list[BaseGeometry],
    amt_of_village: Ints,
    school: Ints,
    kita: Ints,
) -> Areas:
    town_count = len(TOWN_QUARTERS)
    gemeinde_names = [*names.town_names(), *names.village_names(rng, VILLAGES_BEFORE + 1)]
    merged_name = gemeinde_names.pop()
    last = (
        town_count + VILLAGES_BEFORE
    )  # number of the last Gemeinde before the merger; the merged one is last + 1
    gemeinde = blocks["gemeinde"].to_numpy() + 1
    amt_number = np.concatenate([np.arange(1, town_count + 1), amt_of_village + town_count + 1])
    amt = np.array([f"{KREIS_CODE}A{amt_number[number - 1]:02d}" for number in gemeinde], dtype=object)
    merges = gemeinde >= last - 1
    new_gemeinde = np.where(merges, last + 1, gemeinde)
    quarter = blocks["quarter"].to_numpy()
    splits = (gemeinde == 1) & (quarter >= TOWN_QUARTERS[0] - 2)
    old_quarter = np.where(splits, TOWN_QUARTERS[0] - 1, quarter + 1)
    new_quarter = np.where(splits, quarter + 2, quarter + 1)  # the retired number is not used again

    def codes(numbers: Ints, quarters: Ints) -> BlockCodes:
        running = pd.Series(numbers).groupby(numbers).cumcount().to_numpy() + 1
        ags = np.array([f"{KREIS_CODE}{number:03d}" for number in numbers], dtype=object)
        return BlockCodes(
            block=np.array([f"{a}B{n:04d}" for a, n in zip(ags, running, strict=True)], dtype=object),
            sozialraum=np.array([f"{a}S{n:02d}" for a, n in zip(ags, quarters, strict=True)], dtype=object),
            gemeinde=ags,
            amt=amt,
        )

    timeline = (
        (START, codes(gemeinde, old_quarter)),
        (MERGER, codes(new_gemeinde, old_quarter)),
        (SPLIT, codes(new_gemeinde, new_quarter)),
    )
    label = {f"{KREIS_CODE}{number + 1:03d}": name for number, name in enumerate(gemeinde_names)}
    label[f"{KREIS_CODE}{last + 1:03d}"] = merged_name
    for number, name in enumerate([*names.town_names(), *names.amt_names()]):
        label[f"{KREIS_CODE}A{number + 1:02d}"] = name
    for town in range(town_count):
        ags = f"{KREIS_CODE}{town + 1:03d}"
        extra = 1 if town == 0 else 0
        for number, name in enumerate(
            names.quarter_names(rng, gemeinde_names[town], TOWN_QUARTERS[town] + extra)
        ):
            label[f"{ags}S{number + 1:02d}"] = name
    for number in range(town_count + 1, last + 2):
        label[f"{KREIS_CODE}{number:03d}S01"] = label[f"{KREIS_CODE}{number:03d}"]

    school_codes = np.array([f"{KREIS_CODE}SB{number + 1:02d}" for number in school], dtype=object)
    kita_codes = np.array([f"{KREIS_CODE}KB{number + 1:02d}" for number in kita], dtype=object)
    for prefix, numbers in (("SB", school), ("KB", kita)):
        _label_districts(label, prefix, numbers, blocks, gemeinde_names)

    rows = _area_rows(timeline, label, school_codes, kita_codes)
    geometries = _geometries(timeline, cells, school_codes, kita_codes)
    return Areas(
        blocks=blocks,
        area_rows=rows,
        crosswalk=_crosswalk(timeline, blocks["weight"].to_numpy()),
        geometries=geometries,
        school=school_codes,
        kita=kita_codes,
        _codes=timeline,
    )


def _label_districts(
    label: dict[str, str], prefix: str, numbers: Ints, blocks: pd.DataFrame, gemeinde_names: list[str]
) -> None:
    """A district is named after the Gemeinde in which most of its people live, with a running number where needed."""
    word = {"SB": "Schulbezirk", "KB": "Kita-Bezirk"}[prefix]
    weight = blocks.groupby([numbers, "gemeinde"])["weight"].sum()
    main = [int(np.asarray(weight.loc[number].idxmax())) for number in range(int(numbers.max()) + 1)]
    used: dict[int, int] = {}
    for number, gemeinde in enumerate(main):
        used[gemeinde] = used.get(gemeinde, 0) + 1
        running = f" {used[gemeinde]}" if main.count(gemeinde) > 1 else ""
        label[f"{KREIS_CODE}{prefix}{number + 1:02d}"] = (
            f"{word} {gemeinde_names[gemeinde].split(' ')[0]}{running}"
        )


def _area_rows(
    timeline: tuple[tuple[date, BlockCodes], ...], label: dict[str, str], school: Strings, kita: Strings
) -> pd.DataFrame:
    """Rows of every state, then equal neighbours in time folded into one validity."""
    states: list[pd.DataFrame] = []
    for index, (start, codes) in enumerate(timeline):
        end = timeline[index + 1][0] - timedelta(days=1) if index + 1 < len(timeline) else None
        kreis = np.full(len(codes.block), KREIS_CODE, dtype=object)
        chains = {
            "sozialraum": (
                ("kreis", kreis), ("amt", codes.amt), ("gemeinde", codes.gemeinde),
                ("sozialraum", codes.sozialraum), ("block", codes.block),
            ),
            "schulbezirk": (("kreis", kreis), ("schulbezirk", school), ("block", codes.block)),
            "kitabezirk": (("kreis", kreis), ("kitabezirk", kita), ("block", codes.block)),
        }  # fmt: skip
        for system, chain in chains.items():
            parent: Strings | None = None
            for rank, (level, level_codes) in enumerate(chain):
                frame = pd.DataFrame({"area_code": level_codes})
                frame["parent_code"] = parent if parent is not None else None
                frame = frame.drop_duplicates().assign(
                    area_system=system, area_level=level, rank=rank, valid_from=start, valid_to=end
                )
                states.append(frame)
                parent = level_codes
    rows = pd.concat(states, ignore_index=True)
    key = ["area_system", "rank", "area_level", "area_code", "parent_code"]
    open_end = date.max
    rows["valid_to"] = [open_end if end is None or pd.isna(end) else end for end in rows["valid_to"]]
    folded = (
        rows.groupby(key, dropna=False, sort=False).agg(
            valid_from=("valid_from", "min"), valid_to=("valid_to", "max")
        )
    ).reset_index()
    folded["valid_to"] = folded["valid_to"].astype(object).where(folded["valid_to"] != open_end, None)
    folded["area_name"] = [
        (KREIS_NAME if code == KREIS_CODE else label.get(code) or f"Block {code[5:8]}-{code[-4:]}")
        for code in folded["area_code"]
    ]
    folded["parent_code"] = folded["parent_code"].astype(object).where(folded["parent_code"].notna(), None)
    order = ["area_system", "rank", "area_code", "valid_from"]
    columns = ["area_system", "area_level", "area_code", "area_name", "parent_code", "valid_from", "valid_to"]
    return folded.sort_values(order, ignore_index=True)[columns]


def _geometries(
    timeline: tuple[tuple[date, BlockCodes], ...], cells: list[BaseGeometry], school: Strings, kita: Strings
) -> dict[tuple[str, str], BaseGeometry]:
    """Unions of block cells per (level, code)."""
    members: dict[tuple[str, str], set[int]] = {}
    for _, codes in timeline:
        levels = {
            "block": codes.block,
            "sozialraum": codes.sozialraum,
            "gemeinde": codes.gemeinde,
            "amt": codes.amt,
            "schulbezirk": school,
            "kitabezirk": kita,
            "kreis": np.full(len(cells), KREIS_CODE, dtype=object),
        }
        for level, level_codes in levels.items():
            for index, code in enumerate(level_codes):
                members.setdefault((level, code), set()).add(index)
    cache: dict[frozenset[int], BaseGeometry] = {}
    result = {}
    for key, indexes in members.items():
        frozen = frozenset(indexes)
        if frozen not in cache:
            parts = [cells[i] for i in sorted(frozen)]
            cache[frozen] = shapely.normalize(geometry.union(parts))
        result[key] = cache[frozen]
    return result


def _crosswalk(timeline: tuple[tuple[date, BlockCodes], ...], weight: NDArray[np.float64]) -> pd.DataFrame:
    """Pairs of areas before and after each reform; weights by inhabitants of the area plan where an area is split."""
    frames: list[pd.DataFrame] = []
    for (_, before), (reform, after) in pairwise(timeline):
        for level in ("gemeinde", "sozialraum", "block"):
            pairs = pd.DataFrame(
                {"from_code": getattr(before, level), "to_code": getattr(after, level), "weight": weight}
            )
            pairs = pairs.groupby(["from_code", "to_code"])["weight"].sum().reset_index()
            pairs["weight"] /= pairs.groupby("from_code")["weight"].transform("sum")
            changed = pairs[pairs["from_code"] != pairs["to_code"]].copy()
            changed["method"] = np.where(changed["weight"] > 0.9999999, "exact", "population")
            changed["weight"] = changed["weight"].round(6)
            systems = ("sozialraum", "schulbezirk", "kitabezirk") if level == "block" else ("sozialraum",)
            for system in systems:
                frames.append(changed.assign(area_system=system, area_level=level, reform_date=reform))
    columns = ["area_system", "area_level", "from_code", "to_code", "reform_date", "weight", "method"]
    return pd.concat(frames, ignore_index=True)[columns]
