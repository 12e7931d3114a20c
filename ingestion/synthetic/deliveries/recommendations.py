"""The register of Handlungsempfehlungen with its history of status, as the Stabsstelle Sozialplanung would keep it.

All of it is invented. The target values lie around what the simulated indicators do over the years, so that some
recommendations of a Kreis are on course and others are not; the register knows nothing of the simulation itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from ingestion.synthetic.areas import KREIS_CODE, KREIS_NAME
from ingestion.synthetic.context import NOTE, Desk
from ingestion.synthetic.workbook import Row, write_workbook

HEADER: Final = (
    "Nr.", "Maßnahme", "Handlungsfeld", "Ziel", "Indikator", "AGS", "Beschluss am", "Umsetzung bis",
    "Kosten geplant", "Kosten tatsächlich", "Status", "Produkt", "Herkunft", "Operatives Ziel", "Gebietsebene",
    "Gebiet", "Zielwert", "Zieljahr", "Beschluss durch", "Zuständig",
)  # fmt: skip
HISTORY_HEADER: Final = ("Nr.", "Status", "Seit", "Bemerkung")


@dataclass(frozen=True)
class Course:
    """What an indicator does in the Kreis: about this much in 2018 and so much more every year."""

    indicator: str
    label: str
    unit: str
    in_2018: float
    per_year: float
    spread: float = 1.0
    """How much of the differences in poverty between the Gemeinden it shows."""

    def about(self, year: int, place: str) -> float:
        relative = 1 + self.spread * (_RELATIVE.get(place[:3], 1.0) - 1)
        return (self.in_2018 + self.per_year * (year - 2018)) * relative


@dataclass(frozen=True)
class Action:
    """A kind of recommendation. `places`: one recommendation each; `K` is the Kreis, else the end of an area's code."""

    title: str
    theme: str
    origin: str
    goal: str
    course: Course | None
    product: str
    body: str
    office: str
    places: tuple[str, str]


_POVERTY: Final = Course("child_poverty", "Kinderarmut", "%", 9.2, 0.45)
_LANGUAGE: Final = Course(
    "seu_language_share", "Anteil der Kinder mit Sprachförderbedarf", "%", 25.0, 1.4, 0.55
)
_MOTOR: Final = Course(
    "seu_motor_share", "Anteil der Kinder mit motorischen Auffälligkeiten", "%", 16.5, 0.7, 0.55
)
_WEIGHT: Final = Course("seu_overweight_share", "Anteil der Kinder mit Übergewicht", "%", 11.8, 0.45, 0.55)
_DAY_CARE: Final = Course("care_day_places_65plus", "Tagespflegeplätze je 1.000", "je 1.000", 3.5, 0.25, 0.0)
_LEAVERS: Final = Course("school_leavers_without_share", "Abgänge ohne Abschluss", "%", 8.3, 0.0)
_LONGTERM: Final = Course(
    "longterm_unemployed_share", "Anteil der Langzeitarbeitslosen", "%", 47.8, 0.65, 0.12
)
_JOBLESS: Final = Course("unemployment_relation", "Arbeitslosenrelation", "%", 4.1, 0.28, 0.95)
_YOUNG_JOBLESS: Final = Course("youth_unemployment_relation", "Jugendarbeitslosigkeit", "%", 2.2, 0.11)
_SOCIAL_HOUSING: Final = Course("social_housing_share", "Anteil gebundener Wohnungen", "%", 4.6, -0.13)
_SINGLE: Final = Course("single_parent_sgb2_rate", "SGB-II-Quote Alleinerziehender", "je 100", 19.5, 0.9)
_SGB2: Final = Course("sgb2_rate", "SGB-II-Quote", "%", 6.8, 0.27)

_RELATIVE: Final = {
    "001": 0.75, "002": 1.45, "003": 1.1, "004": 1.05, "005": 0.95, "006": 1.6, "007": 0.95, "008": 1.4,
}  # fmt: skip
"""About how many times the Kreis value the larger Gemeinden have."""

_FAMILY, _SCHOOL, _AGE = (
    "Fokusgruppe Kinder und Familie",
    "Fokusgruppe Bildung",
    "Fokusgruppe Pflege und Alter",
)
_WORK, _HOME, _TOGETHER = "Fokusgruppe Arbeit", "Fokusgruppe Wohnen", "Fokusgruppe Teilhabe"
_JUGENDAMT, _SOZIALAMT = "Fachdienst Jugend und Familie", "Fachdienst Soziales"
_JHA, _SOZIAL, _KREISTAG = "Jugendhilfeausschuss", "Sozialausschuss", "Kreistag"

ACTIONS: Final = (
    Action("Familienzentrum im Sozialraum aufbauen", "kinder_jugend", _FAMILY,
           "Anlaufstelle für Familien in zehn Minuten Entfernung", _POVERTY, "3.6.3.02", _KREISTAG,
           _JUGENDAMT, ("006", "002S07")),
    Action("Sprachbildung in Kitas ausweiten", "bildung", _SCHOOL,
           "Sprachförderbedarf bei der Einschulung senken", _LANGUAGE, "3.6.1.01", _JHA, _JUGENDAMT,
           ("002", "008")),
    Action("Tagespflegeplätze schaffen", "pflege", _AGE, "Pflegende Angehörige entlasten", _DAY_CARE,
           "3.1.1.03", "Pflegekonferenz", "Pflegestützpunkt", ("K", "K")),
    Action("Schulsozialarbeit an Gemeinschaftsschulen", "bildung", _SCHOOL,
           "Weniger Abgänge ohne Abschluss", _LEAVERS, "2.1.7.01", _KREISTAG, "Fachdienst Schule", ("K",
           "006")),
    Action("Quartiersmanagement einrichten", "teilhabe", _TOGETHER,
           "Nachbarschaft und Beteiligung stärken", None, "1.1.1.09", _SOZIAL,
           "Stabsstelle Sozialplanung", ("002S07", "006S01")),
    Action("Beratung für Langzeitarbeitslose vor Ort", "arbeit", _WORK,
           "Langzeitarbeitslosigkeit senken", _LONGTERM, "3.1.2.02", _SOZIAL, "Jobcenter", ("008",
           "K")),
    Action("Sozialen Wohnungsbau auf Kreisflächen fördern", "wohnen", _HOME,
           "Zahl der Bindungen halten", _SOCIAL_HOUSING, "5.2.2.01", _KREISTAG,
           "Fachdienst Bauen und Wohnen", ("003", "K")),
    Action("Bewegungsförderung in Kitas", "gesundheit", _FAMILY,
           "Motorische Auffälligkeiten verringern", _MOTOR, "4.1.4.01", "Gesundheitskonferenz",
           "Fachdienst Gesundheit", ("004", "005")),
    Action("Mobile Pflegeberatung in den Dörfern", "pflege", _AGE,
           "Beratung auch ohne Auto erreichbar machen", None, "3.1.5.01", "Pflegekonferenz",
           "Pflegestützpunkt", ("K", "013")),
    Action("Ankommenspatenschaften für Zugewanderte", "migration", _TOGETHER,
           "Begegnung und Orientierung im Alltag", None, "3.1.3.01", _SOZIAL, "Stabsstelle Integration",
           ("002", "001")),
    Action("Barrierefreie Haltestellen", "inklusion", "Beirat für Menschen mit Behinderung",
           "Alle Haltestellen der Städte ohne Stufen", None, "5.4.7.01", _KREISTAG,
           "Fachdienst Verkehr", ("001", "003")),
    Action("Anlaufstelle für Alleinerziehende", "existenzsicherung", _FAMILY,
           "Armut von Alleinerziehenden verringern", _SINGLE, "3.1.2.02", _SOZIAL, _SOZIALAMT, ("K",
           "004")),
    Action("Rufbus Geest und Marsch", "umwelt", "Bürgerwerkstatt Mobilität",
           "Jedes Dorf stündlich erreichbar", None, "5.4.7.01", _KREISTAG, "Fachdienst Verkehr", ("K",
           "K")),
    Action("Frühe Hilfen: Willkommensbesuche", "kinder_jugend", _FAMILY,
           "Jede Familie mit Neugeborenem erreichen", None, "3.6.3.02", _JHA, _JUGENDAMT, ("K", "006")),
    Action("Jugendberufsagentur mit Außenstellen", "arbeit", _WORK, "Kein Jugendlicher ohne Anschluss",
           _YOUNG_JOBLESS, "3.1.2.02", _KREISTAG, "Jobcenter", ("K", "002")),
    Action("Gesundes Frühstück in Kita und Schule", "gesundheit", _FAMILY,
           "Übergewicht bei der Einschulung verringern", _WEIGHT, "4.1.4.02", "Gesundheitskonferenz",
           "Fachdienst Gesundheit", ("002S07", "001")),
    Action("Stadtteilbüro mit Sozial- und Schuldenberatung", "existenzsicherung", _TOGETHER,
           "Hilfen kommen an", _SGB2, "3.1.2.01", _SOZIAL, _SOZIALAMT, ("006", "008")),
    Action("Qualifizierung im Quartier", "arbeit", _WORK,
           "Arbeitslosigkeit in den belasteten Städten senken", _JOBLESS, "3.1.2.02", _SOZIAL,
           "Jobcenter", ("002", "003")),
    Action("Offener Jugendtreff", "kinder_jugend", "Jugendforum", "Ein Ort für junge Menschen", None,
           "3.6.2.01", _JHA, _JUGENDAMT, ("004S01", "007")),
    Action("Sprachmittlung in Behörden und Praxen", "migration", _TOGETHER,
           "Niemand scheitert an der Sprache", None, "3.1.3.01", _KREISTAG, "Stabsstelle Integration",
           ("K", "K")),
    Action("Kinderarmut: Lotsen in Schule und Kita", "kinder_jugend", _FAMILY,
           "Leistungen für Bildung und Teilhabe erreichen Kinder", _POVERTY, "2.1.7.01", _KREISTAG,
           _JUGENDAMT, ("003", "001")),
)  # fmt: skip

_POSTPONED: Final = ("Fördermittel nicht bewilligt", "Stelle nicht besetzt", "Räume nicht verfügbar")
_LATER: Final = ("Ausschreibung ohne Ergebnis, Beginn verschoben", "Abstimmung mit der Gemeinde dauert an")


def write_recommendations(desk: Desk) -> None:
    """The register as of the year after the last one simulated: sheets `Register` and `Statusverlauf`."""
    rng, last = desk.rng("handlungsempfehlungen"), desk.years.last
    register: list[Row] = [(f"Register der Handlungsempfehlungen {KREIS_NAME}",), (NOTE,), HEADER]
    history: list[Row] = [(f"Verlauf der Umsetzung {KREIS_NAME}",), (NOTE,), HISTORY_HEADER]
    for number in range(2 * len(ACTIONS)):
        repeat, kind = divmod(number, len(ACTIONS))
        name = f"HE-{number + 1:03d}"
        row, steps = _recommendation(ACTIONS[kind], ACTIONS[kind].places[repeat], last, rng)
        register.append((name, *row))
        history += [(name, *step) for step in steps]
    path = desk.path("handlungsempfehlungen", "Massnahmenregister.xlsx")
    write_workbook(path, {"Register": register, "Statusverlauf": history})
    desk.filed(path, date(last + 1, 1, 20))


def _recommendation(action: Action, place: str, last: int, rng: np.random.Generator) -> tuple[Row, list[Row]]:
    """A row of the register without its number, and the steps of its history."""
    year = int(rng.integers(last - 8, last + 1))
    decided = date(year, int(rng.integers(1, 13)), int(rng.integers(1, 28)))
    due = year + int(rng.integers(2, 5))
    steps = _history(decided, due, date(last, 12, 31), rng)
    status = str(steps[-1][0])
    plan = int(rng.integers(8, 260)) * 1000
    spent = {"umgesetzt": 1.04, "in Umsetzung": float(rng.uniform(0.2, 1.1))}.get(status)
    actual = round(plan * spent * float(rng.normal(1, 0.12)), -2) if spent else None
    gemeinde = None if place == "K" else KREIS_CODE + place[:3]
    quarter = KREIS_CODE + place if len(place) > 3 else None
    target, target_year, words = _target(action.course, place, due, rng)
    course = action.course.indicator if action.course else None
    row = (
        action.title, action.theme, action.goal, course, gemeinde, decided, due, plan, actual, status,
        action.product, action.origin, words, "Sozialraum" if quarter else None, quarter, target, target_year,
        action.body, action.office,
    )  # fmt: skip
    return row, steps


def _target(
    course: Course | None, place: str, due: int, rng: np.random.Generator
) -> tuple[float | None, int | None, str]:
    """Target value, its year and the operative goal in words; without an indicator only words."""
    ambition = float(
        rng.uniform(0.82, 1.04)
    )  # drawn in any case, so that an action more or less moves nothing else
    if course is None:
        return None, None, f"Angebot besteht bis Ende {due} und ist bekannt"
    year = due + 1  # what was done shows a year later at the earliest
    more_is_better = course in (_DAY_CARE, _SOCIAL_HOUSING)
    share = course.about(year, place)
    value = round(share / ambition if more_is_better else share * ambition, 1)
    german = f"{value:.1f}".replace(".", ",")
    least = "mindestens" if more_is_better else "höchstens"
    unit = f" {course.unit}" if course.unit == "%" else ""
    return value, year, f"{course.label} {least} {german}{unit} im Jahr {year}"


def _history(decided: date, due: int, today: date, rng: np.random.Generator) -> list[Row]:
    """Status, day and remark of every step until today; the first is the decision."""
    begun = decided + timedelta(days=int(rng.integers(60, 300)))
    done = max(date(due, int(rng.integers(1, 13)), 15), begun + timedelta(days=200))
    if rng.random() < 0.35:
        done += timedelta(days=int(rng.integers(300, 1100)))
    fate, halfway = rng.random(), begun + (done - begun) / 2
    steps: list[Row] = [("geplant", decided, "Beschluss gefasst")]
    if fate < 0.1:
        steps.append(("zurückgestellt", begun, str(rng.choice(_POSTPONED))))
    elif fate < 0.2:
        steps.append(("zurückgestellt", begun, str(rng.choice(_LATER))))
        steps.append(("in Umsetzung", halfway, "wieder aufgenommen"))
        steps.append(("umgesetzt", done, "abgeschlossen"))
    else:
        steps.append(("in Umsetzung", begun, "begonnen"))
        steps.append(("umgesetzt", done, "abgeschlossen"))
    return [step for step in steps if step[1] <= today or step is steps[0]]
