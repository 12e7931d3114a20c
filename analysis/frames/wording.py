"""The German words for what the statistics say; the only place that builds them (marts, reports, passport).

Pure functions of codes and numbers. A wording names a movement and whether it is welcome, never a cause.
Does not belong here: how a number is found (trend.py, statistic.py …), how a page is laid out (reports, dashboards).
"""

from __future__ import annotations

from typing import Final, Literal

Direction = Literal["rising", "falling", "none", "unknown"]
Polarity = Literal["higher_better", "lower_better", "neutral"]
Assessment = Literal["favourable", "unfavourable", "neutral"]
Comparison = Literal["above", "below", "none"]

DIRECTION: Final[dict[str, str]] = {
    "rising": "steigend",
    "falling": "fallend",
    "none": "ohne erkennbare Richtung",
    "unknown": "nicht prüfbar",
}
ASSESSMENT: Final[dict[str, str]] = {
    "favourable": "günstig",
    "unfavourable": "ungünstig",
    "neutral": "ohne Bewertung",
}
INTERVAL_METHOD: Final[dict[str, str]] = {
    "wilson": "Wilson (Anteil gezählter Personen oder Fälle)",
    "byar": "Byar (Rate oder Zahl von Fällen)",
    "wilson_quotient": "Wilson (Verhältnis zweier gezählter Gruppen)",
}
WARNING_KIND: Final[dict[str, str]] = {"trend": "Anhaltende Entwicklung", "jump": "Sprung"}
RELIABILITY: Final[dict[bool, str]] = {True: "belastbar", False: "eingeschränkt belastbar"}

_NO_INTERVAL: Final[dict[str, str]] = {
    "delivered": "Kein Vertrauensbereich: Der Wert wurde fertig geliefert, ohne die gezählten Personen oder Fälle.",
    "money": "Kein Vertrauensbereich: Geldbeträge sind keine gezählten Personen oder Fälle.",
    "not_persons": "Kein Vertrauensbereich: Zähler oder Nenner sind keine gezählten Personen oder Fälle.",
    "mean": "Kein Vertrauensbereich: Für Mittelwerte fehlt die Streuung der einzelnen Werte.",
    "balance": "Kein Vertrauensbereich: Der Wert ist ein Saldo aus Zu- und Abgängen.",
    "base": "Kein Vertrauensbereich: Der Bestand ist vollständig gezählt und selbst Bezugsgröße anderer Kennzahlen.",
    "index": "Kein Vertrauensbereich: Der Wert ist ein Punktwert oder eine Klasse.",
    "estimated": "Kein Vertrauensbereich: Zähler oder Nenner sind geschätzt oder keine ganzen Zahlen.",
}
_BENCHMARK: Final[dict[str, str]] = {
    "kreis": "Kreiswert",
    "stadt": "Wert der Stadt",
    "land": "Landeswert",
    "bund": "Bundeswert",
}
_STRENGTH: Final = ((0.7, "stark"), (0.4, "mittel"), (0.0, "schwach"))


def assess(direction: str, polarity: str | None) -> Assessment:
    """Whether a movement is welcome: its direction against what is better. Neutral where nothing moves or is judged."""
    if direction not in ("rising", "falling") or polarity not in ("higher_better", "lower_better"):
        return "neutral"
    return "favourable" if (direction == "rising") == (polarity == "higher_better") else "unfavourable"


def trend_wording(direction: str, polarity: str | None, reason: str = "") -> str:
    """`steigend und ungünstig`, `fallend`, `ohne erkennbare Richtung`; the reason where nothing was tested."""
    if direction == "unknown":
        return reason or DIRECTION["unknown"]
    assessment = assess(direction, polarity)
    suffix = "" if assessment == "neutral" else f" und {ASSESSMENT[assessment]}"
    return DIRECTION[direction] + suffix


def too_few_points(points: int, needed: int, *, after_break: bool = False) -> str:
    """`zu wenige Zeitpunkte (4 von 5)`, with the break that made them few."""
    since = " seit dem letzten Bruch der Reihe" if after_break else ""
    return f"zu wenige Zeitpunkte{since} ({points} von {needed})"


PERIODS_OVERLAP: Final = "die Zeiträume überschneiden sich"
GAPS: Final = "zu große Lücken zwischen den Zeitpunkten"


def change_label(value: float, decimals: int, unit: str) -> str:
    """`+0,4 Prozentpunkte`, `−12 Personen`: a difference with sign and unit; percentages differ by points."""
    text = f"{abs(value):,.{decimals}f}".translate(str.maketrans(",.", ".,"))
    sign = "±" if not text.strip("0,") else "+" if value > 0 else "−"
    return f"{sign}{text} {'Prozentpunkte' if unit == '%' else unit}".strip()


def slope_label(value: float, decimals: int, unit: str) -> str:
    """`+0,4 Prozentpunkte je Jahr`; one digit more than the value has, because a year moves little."""
    return f"{change_label(value, decimals + 1, unit)} pro Jahr"


def warning_text(kind: str, direction: str, first_period: str, last_period: str, change: str) -> str:
    """The early warning in one sentence. `change`: the difference with sign and unit, in German notation.

    Raises KeyError for an unknown kind.
    """
    moved = {"rising": "gestiegen", "falling": "gefallen"}[direction]
    if kind == "trend":
        return (
            f"Seit {first_period} anhaltend {moved} und ungünstig ({change} bis {last_period}); "
            "die Veränderung geht über zufällige Schwankungen hinaus."
        )
    return (
        f"Von {first_period} auf {last_period} deutlich {moved} und ungünstig ({change}); "
        "die Veränderung geht über zufällige Schwankungen hinaus."
    )


def no_interval(code: str) -> str:
    """Why a value has no interval. Raises KeyError for an unknown code."""
    return _NO_INTERVAL[code]


def benchmark_label(root_level: str) -> str:
    """What an area is compared with, by the code of the root level of its system."""
    return _BENCHMARK.get(root_level, "Gesamtwert")


def comparison_label(comparison: str, benchmark: str) -> str:
    """`über dem Kreiswert (statistisch gesichert)`. `benchmark` as of `benchmark_label`."""
    if comparison == "none":
        return f"kein gesicherter Unterschied zum {benchmark}"
    return f"{'über' if comparison == 'above' else 'unter'} dem {benchmark} (statistisch gesichert)"


def comparison_assessment(comparison: str, polarity: str | None) -> str:
    """`günstig`, `ungünstig`, `ohne Bewertung`; empty where the area does not differ."""
    if comparison not in ("above", "below"):
        return ""
    return ASSESSMENT[assess("rising" if comparison == "above" else "falling", polarity)]


def unreliable() -> str:
    """Beside a value whose interval is wide."""
    return "Kleine Zahlen: Der Wert schwankt zufällig stark und sollte nicht ohne Vertrauensbereich genannt werden."


def ranking_reason(code: str, areas: int, distinguishable: float | None = None) -> str:
    """Why no order of the areas is shown: `noise`, `few` or `untestable`. Raises KeyError for another code."""
    if code == "noise":
        assert distinguishable is not None
        return (
            f"Nur {round(100 * distinguishable)} % der Gebietspaare unterscheiden sich stärker, als der Zufall "
            "erklärt; eine Rangfolge wäre nicht haltbar."
        )
    return {
        "few": f"Nur {areas} Gebiete mit Wert; eine Rangfolge sagt nichts.",
        "untestable": "Nicht prüfbar: Der Wert beruht nicht auf gezählten Personen oder Fällen.",
    }[code]


CAUTION: Final[dict[str, str]] = {
    "areas": (
        "Ein Zusammenhang über Gebiete belegt keine Ursache und gilt nicht für einzelne Menschen; "
        "die Gebiete sind verschieden groß und Nachbarn oft ähnlich."
    ),
    "time": (
        "Verglichen werden die Veränderungen von Jahr zu Jahr. Ein Gleichlauf belegt keine Ursache; "
        "bei so wenigen Jahren entscheidet oft ein einzelnes."
    ),
}
SHARED_DENOMINATOR: Final = (
    "Beide Kennzahlen haben dieselbe Bezugsgröße; das allein kann einen Zusammenhang erzeugen."
)


def relation(r: float, *, significant: bool) -> str:
    """`stark, gleichgerichtet`; `nicht gesichert` where chance explains it."""
    if not significant:
        return "nicht gesichert"
    strength = next(word for limit, word in _STRENGTH if abs(r) >= limit)
    return f"{strength}, {'gleichgerichtet' if r > 0 else 'gegenläufig'}"
