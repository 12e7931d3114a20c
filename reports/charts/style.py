"""Looks that all drawings share, and the one place where they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import vl_convert

OWN: Final = "#0b4f6c"
"""The area a report is about."""
OTHER: Final = "#b4590f"
"""What it is compared with: dark orange, apart from blue for every kind of colour vision."""
QUIET: Final = "#4b5560"
GRID: Final = "#d9dee3"
HIDDEN: Final = "#9aa1a8"
UNKNOWN: Final = "#e4e6e9"
SERIES: Final = ("#0b4f6c", "#b4590f", "#5b8c5a", "#7a5195")
FONT: Final = "Libertinus Serif, Georgia, serif"

FULL: Final = 470
HALF: Final = 225
"""Widths of the drawing area in points: the whole text block and half of it."""

_LOCALE: Final[dict[str, Any]] = {
    "decimal": ",",
    "thousands": ".",
    "grouping": [3],
    "currency": ["", "\u00a0€"],
    "minus": "\u2212",
}
_CONFIG: Final[dict[str, Any]] = {
    "font": FONT,
    "background": "white",
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 8.5,
        "titleFontSize": 8.5,
        "labelColor": "#1b1f24",
        "titleColor": QUIET,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "gridWidth": 0.5,
        "domainColor": QUIET,
        "tickColor": GRID,
        "labelLimit": 200,
    },
    "legend": {"labelFontSize": 8.5, "titleFontSize": 8.5, "labelLimit": 260, "titleFontWeight": "normal"},
    "header": {"labelFontSize": 9, "titleFontSize": 9, "labelFontWeight": "bold", "labelColor": "#1b1f24"},
    "line": {"strokeWidth": 1.8},
    "text": {"fontSize": 8.5, "color": "#1b1f24"},
}


def number_format(decimals: int) -> str:
    """d3 format for axes and labels; the locale supplies comma and point."""
    return f",.{decimals}f"


def named(name: str = "data") -> alt.NamedData:
    """A data set given to `draw`: altair copies and checks what it is given itself, row by row."""
    return alt.NamedData(name=name)


def side_by_side(charts: Sequence[alt.TopLevelMixin], columns: int) -> dict[str, Any]:
    """A specification of charts in rows that share their colours.

    Put together from the parts' specifications: altair's own concat copies all parts several times.
    """
    parts = [chart.to_dict(validate=False) for chart in charts]
    own = {"$schema", "config", "datasets"}
    return {
        "$schema": parts[0]["$schema"],
        "concat": [{key: value for key, value in part.items() if key not in own} for part in parts],
        "columns": columns,
        "spacing": {"row": 14, "column": 12},
        "resolve": {"scale": {"color": "shared"}},
    }


def draw(chart: alt.TopLevelMixin | dict[str, Any], **datasets: Sequence[Mapping[str, Any]]) -> str:
    """The SVG of a chart whose data sets are `named`."""
    # Validating a specification takes longer than drawing it; the tests draw each kind with validation.
    specification = dict(chart) if isinstance(chart, dict) else chart.to_dict(validate=False)
    specification["config"] = _CONFIG
    specification["datasets"] = {name: list(rows) for name, rows in datasets.items()}
    svg: str = vl_convert.vegalite_to_svg(specification, format_locale=_LOCALE)
    return svg


__all__ = [
    "FULL",
    "GRID",
    "HALF",
    "HIDDEN",
    "OTHER",
    "OWN",
    "QUIET",
    "SERIES",
    "UNKNOWN",
    "draw",
    "named",
    "number_format",
    "side_by_side",
]
