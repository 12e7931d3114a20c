"""Choropleths from released outlines: classes by colour, areas without value in grey with their reason."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from lagebild.map_classes import MapClass
from reports.charts import style
from reports.document import Chart, Column, Table
from reports.facts import Indicator
from reports.wording import grammar


@dataclass(frozen=True)
class Patch:
    """One area of a map: its outline, the class it falls into, and what the table says."""

    name: str
    rings: Sequence[str]
    category: str
    value_label: str


@dataclass(frozen=True)
class Category:
    """One entry of the legend."""

    label: str
    colour: str


def class_of(value: float | None, reason: str, classes: Sequence[MapClass], indicator: Indicator) -> str:
    """The legend entry a value belongs to."""
    if value is None:
        return "gesperrt" if reason == "gesperrt" else "keine Angabe"
    for item in classes:
        if value < item.high:
            return class_label(item, classes, indicator)
    return class_label(classes[-1], classes, indicator)


def class_label(item: MapClass, classes: Sequence[MapClass], indicator: Indicator) -> str:
    """`4,1 bis unter 6,0`; the last class includes its upper end."""
    low, high = (grammar.plain(value, indicator.decimals) for value in (item.low, item.high))
    if item.low == item.high:
        return low
    return f"{low} bis {high}" if item is classes[-1] else f"{low} bis unter {high}"


def categories(classes: Sequence[MapClass], indicator: Indicator) -> list[Category]:
    """Legend entries of an indicator's classes with the two greys."""
    entries = [Category(class_label(item, classes, indicator), item.colour) for item in classes]
    return [*entries, Category("gesperrt", style.HIDDEN), Category("keine Angabe", style.UNKNOWN)]


def choropleth(
    patches: Sequence[Patch],
    legend: Sequence[Category],
    title: str,
    caption: str,
    *,
    width: int = style.FULL,
    height: int = 300,
) -> Chart | None:
    """A map. Legend entries no area falls into are left out except value classes, which keep maps comparable."""
    drawn = [patch for patch in patches if patch.rings]
    if not drawn:
        return None
    used = {patch.category for patch in drawn}
    shown = [
        item for item in legend if item.label in used or item.colour not in {style.HIDDEN, style.UNKNOWN}
    ]
    wide = width > style.HALF * 1.5
    features, (box_width, box_height) = _features(
        drawn, width - 120 if wide and len(shown) > 1 else width, height
    )
    counts = {item.label: sum(patch.category == item.label for patch in drawn) for item in shown}
    base = alt.Chart(style.named()).mark_geoshape(stroke="white", strokeWidth=0.6)
    colour = alt.Color(
        "properties.category:N",
        scale=alt.Scale(domain=[item.label for item in shown], range=[item.colour for item in shown]),
        legend=alt.Legend(
            title=title or None,
            symbolType="square",
            orient="right" if wide else "bottom",
            columns=1 if wide else 2,
        )
        if len(shown) > 1
        else None,
    )
    chart = (
        base.encode(color=colour)
        .project(type="identity", reflectY=True)
        .properties(width=box_width, height=box_height)
    )
    table = Table(
        f"Daten: {caption}",
        (Column("Gebiet"), Column("Wert", numeric=True), Column("Klasse")),
        tuple((patch.name, patch.value_label, patch.category) for patch in patches),
    )
    said = "; ".join(
        f"{label}: {grammar.number_of(count, 'Gebiet', 'Gebiete')}"
        for label, count in counts.items()
        if count
    )
    return Chart(style.draw(chart, data=features), caption, f"Karte {caption}. {said}.", table)


def locator(
    patches: Sequence[Patch], chosen: str, caption: str, name: str, *, width: int, height: int
) -> Chart | None:
    """Where one area lies among its neighbours. `name` of a patch is its key here."""
    features, (box_width, box_height) = _features([patch for patch in patches if patch.rings], width, height)
    fill = alt.Color(
        "properties.category:N",
        scale=alt.Scale(domain=["hier", "andere"], range=[style.OTHER, "#d5dde2"]),
        legend=None,
    )
    chart = (
        alt.Chart(style.named())
        .mark_geoshape(stroke="white", strokeWidth=0.5)
        .encode(color=fill)
        .project(type="identity", reflectY=True)
        .properties(width=box_width, height=box_height)
    )
    table = Table(
        f"Daten: {caption}", (Column("Gebiet"), Column("Darstellung")), ((name, "farbig hervorgehoben"),)
    )
    return Chart(style.draw(chart, data=features), caption, f"Karte: {name} ist farbig hervorgehoben.", table)


def _features(
    patches: Sequence[Patch], width: float, height: float
) -> tuple[list[dict[str, Any]], tuple[float, float]]:
    """GeoJSON in points of the drawing, and the box of the map's proportions inside width and height.

    A degree east is as long as it is on the ground; a tenth of a point is finer than print shows.
    """
    parsed = {patch.name: [_polygon(json.loads(ring)) for ring in patch.rings] for patch in patches}
    points = [point for polygons in parsed.values() for polygon in polygons for point in polygon[0]]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    shrink = math.cos(math.radians((south + north) / 2))
    spans = (max((east - west) * shrink, 1e-6), max(north - south, 1e-6))
    factor = min(width / spans[0], height / spans[1])

    def corner(point: list[float]) -> tuple[float, float]:
        return round((point[0] - west) * shrink * factor, 1), round((point[1] - south) * factor, 1)

    features = [
        {
            "type": "Feature",
            "properties": {"name": patch.name, "category": patch.category},
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [
                    [[corner(point) for point in ring] for ring in polygon] for polygon in parsed[patch.name]
                ],
            },
        }
        for patch in patches
    ]
    return features, (round(spans[0] * factor, 1), round(spans[1] * factor, 1))


def _polygon(ring: list[Any]) -> list[list[list[float]]]:
    """A released ring as a polygon: itself, or an outer ring followed by its holes."""
    return ring if ring and isinstance(ring[0][0], list) else [ring]


__all__ = ["Category", "Patch", "categories", "choropleth", "class_label", "class_of", "locator"]
