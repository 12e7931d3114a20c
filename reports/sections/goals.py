"""Goals and measures: targets with their state, recommendations with status and cost, money of the products.

Belongs here: blocks from the tables of goals. Empty where a release has none.
"""

from __future__ import annotations

from lagebild import german
from reports.document import Block, Column, Section, Table, Text, section
from reports.facts import Area
from reports.reader import Reader
from reports.release import Row as Record
from reports.wording import grammar


def goals(reader: Reader) -> Section:
    """Targets, recommendations and budget of the whole territory."""
    return section(
        "Ziele und Maßnahmen",
        [*_targets(reader), *_recommendations(reader), *_budget(reader)],
        new_page=True,
    )


def _targets(reader: Reader) -> list[Block]:
    if not reader.release.has("mart_target"):
        return []
    rows = reader.release.rows(
        # The state of a target is that of its latest figure; a report of an earlier year does not know it.
        """select * from mart_target
           where area_system = ? and (latest_period_end is null or year(latest_period_end) <= ?)
           order by state_rank, indicator_label, target_year""",
        [reader.system, reader.year],
    )
    if not rows:
        return []
    states = {row["state_label"]: sum(r["state_label"] == row["state_label"] for r in rows) for row in rows}
    counted = grammar.listed([f"{german.number(count)} {label}" for label, count in states.items()])
    return [
        Text(
            f"Vereinbart {_are(len(rows))} {grammar.number_of(len(rows), 'Zielwert', 'Zielwerte')}; Stand: {counted}."
        ),
        Table(
            "Vereinbarte Zielwerte",
            (
                Column("Kennzahl"),
                Column("Gebiet"),
                Column("Ausgangswert", True),
                Column("Zuletzt", True),
                Column("Ziel", True),
                Column("Stand"),
            ),
            tuple(
                (
                    row["indicator_label"],
                    row["area_name"],
                    _with_period(row["base_value_label"], row["base_period_label"]),
                    _with_period(row["latest_value_label"], row["latest_period_label"]),
                    f"{row['target_value_label']} ({row['target_year']})",
                    row["state_label"],
                )
                for row in rows
            ),
        ),
    ]


def _are(count: int) -> str:
    return "ist" if count == 1 else "sind"


def _with_period(value: str | None, period: str | None) -> str:
    return "–" if not value else f"{value} ({period})" if period else value


def recommendations(reader: Reader, area: Area | None = None) -> list[Record]:
    """Recommendations in the order of their status; of one area and the areas above where given."""
    if not reader.release.has("mart_recommendation"):
        return []
    rows = reader.release.rows(
        # The register tells the state of its day; of the years before it knows nothing.
        """select * from mart_recommendation where (year is null or year <= ?) and year(stated_on) <= ? + 1
           order by status_rank, due_year, recommendation_id""",
        [reader.year, reader.year],
    )
    if area is None:
        return rows
    above = {area.key, *(item.key for item in reader.above(area))}
    return [row for row in rows if row["area_key"] in above]


def recommendation_table(rows: list[Record], caption: str) -> Table:
    return Table(
        caption,
        (
            Column("Handlungsempfehlung"),
            Column("Gebiet"),
            Column("Handlungsfeld"),
            Column("Frist"),
            Column("Status"),
            Column("Kosten"),
        ),
        tuple(
            (
                f"{row['title']} ({row['recommendation_id']})",
                row["area_name"] or "–",
                row["theme_label"] or "–",
                str(row["due_year"]) if row["due_year"] else "–",
                _status(row),
                row["cost_text"] or "–",
            )
            for row in rows
        ),
    )


def _status(row: Record) -> str:
    light = row["light_label"]
    return f"{row['status']} ({light})" if light and light != row["status"] else row["status"]


def _recommendations(reader: Reader) -> list[Block]:
    rows = recommendations(reader)
    if not rows:
        return []
    statuses = {row["status"]: sum(r["status"] == row["status"] for r in rows) for row in rows}
    counted = grammar.listed([f"{german.number(count)} {status}" for status, count in statuses.items()])
    late = sum(row["light"] == "rot" for row in rows)
    said = [
        f"Zu {grammar.number_of(len(rows), 'Handlungsempfehlung', 'Handlungsempfehlungen')} ist der Stand "
        f"bekannt: {counted}."
    ]
    if late:
        said.append(f"Davon {_are(late)} {german.number(late)} überfällig.")
    return [Text(" ".join(said)), recommendation_table(rows, "Handlungsempfehlungen mit Stand der Umsetzung")]


def _budget(reader: Reader) -> list[Block]:
    if not reader.release.has("mart_budget"):
        return []
    rows = reader.release.rows(
        """select * from mart_budget where actual_eur is not null and year = (
               select max(year) from mart_budget where actual_eur is not null and year <= ?)
           order by actual_eur desc""",
        [reader.year],
    )
    if not rows:
        return []
    return [
        Table(
            f"Haushalt {rows[0]['year']} nach Produkten, in Euro",
            (
                Column("Produkt"),
                Column("Plan", True),
                Column("Ergebnis", True),
                Column("Abweichung", True),
                Column("je Einwohner", True),
                Column("je Fall", True),
            ),
            tuple(
                (
                    row["product_name"],
                    german.number(row["plan_eur"], 0) if row["plan_eur"] is not None else "–",
                    german.number(row["actual_eur"], 0),
                    f"{grammar.signed(row['deviation_pct'], 1)}{grammar.NBSP}%"
                    if row["deviation_pct"] is not None
                    else "–",
                    german.number(row["per_inhabitant_eur"], 2)
                    if row["per_inhabitant_eur"] is not None
                    else "–",
                    german.number(row["per_case_eur"], 0) if row["per_case_eur"] is not None else "–",
                )
                for row in rows
            ),
        )
    ]


__all__ = ["goals", "recommendation_table", "recommendations"]
