"""The Sozialraumprofil: one area on a few pages, against its Gemeinde and the whole territory.

Belongs here: the order of the page and sentences that compare areas. Does not belong here: queries.
"""

from __future__ import annotations

from datetime import date

from lagebild import german
from reports.charts.pyramid import Band, pyramid
from reports.document import (
    Block,
    Chart,
    Column,
    Document,
    Note,
    Points,
    Section,
    Table,
    Text,
    arranged,
    section,
)
from reports.evidence import Evidence
from reports.facts import Area, Indicator
from reports.reader import Reader, before
from reports.sections import figures, goals, outlook, social_position
from reports.wording import grammar, sentences

_PANELS = 6


def profile(reader: Reader, area: Area, printed: date, evidence: Evidence | None = None) -> Document:
    """The profile of an area of today. `evidence` is shared when many profiles are made."""
    evidence = evidence or Evidence(reader)
    info = reader.release.info
    above = reader.above(area)
    parts = [
        _portrait(reader, area),
        _development(reader, area),
        _needs_attention(reader, evidence, area),
        _outlook(reader, area),
        _measures(reader, area),
        _sheet(reader, evidence, area, above[:1]),
        _reading(reader, evidence),
    ]
    inside = ", ".join([item.name for item in above] + [reader.root.name])
    return Document(
        title=area.name,
        subtitle=f"{area.level_label} · {inside}",
        kicker="Sozialraumprofil" if area.level_label == "Sozialraum" else "Gebietsprofil",
        instance=info.name,
        mark=info.mark,
        is_synthetic=info.is_synthetic,
        attribution=info.attribution,
        made=german.day(printed),
        sections=tuple(part for part in parts if not part.is_empty),
        form="sheet",
    )


def _portrait(reader: Reader, area: Area) -> Section:
    tiles = figures.headline_tiles(reader, area, reader.headlines)
    said = []
    series = reader.series(area)
    for indicator in reader.headlines:
        figure = reader.latest(indicator.id, area)
        if figure is None or figure.value is None:
            continue
        one = [
            sentences.level(indicator, figure, area),
            sentences.against(indicator, figure, reader.root, figure.kreis_value),
        ]
        if indicator.is_absolute:
            one.append(sentences.change(indicator, figure, before(series.get(indicator.id, []), figure)))
        said.append(" ".join(sentence for sentence in one if sentence))
    blocks: list[Block | None] = [tiles, *_place(reader, area), Points(tuple(said)) if said else None]
    hidden = [
        indicator.short_label
        for indicator in reader.headlines
        if (found := reader.latest(indicator.id, area)) is not None and found.empty_reason == "gesperrt"
    ]
    if hidden:
        verb = "ist" if len(hidden) == 1 else "sind"
        blocks.append(Text(f"Aus Gründen der Geheimhaltung gesperrt {verb}: {grammar.listed(hidden)}."))
    return section("Auf einen Blick", blocks)


def _place(reader: Reader, area: Area) -> list[Block]:
    """Who lives there, and where it lies."""
    charts = (_pyramid(reader, area), figures.where_map(reader, area, width=190, height=150))
    return arranged([chart for chart in charts if chart is not None])


def _pyramid(reader: Reader, area: Area) -> Chart | None:
    own, period = _bands(reader, area)
    if not own or not any(band.value for band in own):
        return None
    other, _ = _bands(reader, reader.root, period)
    caption = f"Altersaufbau {grammar.where(area)} und {grammar.where(reader.root)}, {period}"
    return pyramid(own, other if area.rank else [], area.name, reader.root.name, caption)


def _bands(reader: Reader, area: Area, period: str = "") -> tuple[list[Band], str]:
    """Persons by age and sex at the latest Stichtag up to the year, or at the one given by its label."""
    rows = reader.release.rows(
        """select * from mart_measure where measure_id = 'population' and breakdown = 'age;sex' and area_key = ?
           and sex in ('m', 'f') and year <= ? and (? = '' or period_label = ?)
           qualify period_end = max(period_end) over () order by sex, age_from""",
        [area.key, reader.year, period, period],
    )
    bands = [
        Band(row["group_label"], row["sex"], row["age_from"], row["age_to"], row["value"]) for row in rows
    ]
    return bands, rows[0]["period_label"] if rows else ""


def _development(reader: Reader, area: Area) -> Section:
    chosen = [item for item in reader.headlines if not item.is_absolute][:_PANELS]
    areas = [area, *([reader.root] if area.rank else [])]
    name = f"Entwicklung {grammar.where(area)}" + (f" und {grammar.where(reader.root)}" if area.rank else "")
    return section("Entwicklung", [figures.series_of(reader, chosen, areas, name)])


def _needs_attention(reader: Reader, evidence: Evidence, area: Area) -> Section:
    blocks: list[Block | None] = [*social_position.area_attention(reader, area)]
    warned = evidence.warnings(area)
    if warned:
        blocks.append(Text("Ungünstige Entwicklungen, die über zufällige Schwankungen hinausgehen:"))
        blocks.append(Points(tuple(f"{label}: {text}" for label, text in warned)))
    blocks.append(social_position.area_indices(reader, area))
    return section("Soziale Lage", blocks)


def _outlook(reader: Reader, area: Area) -> Section:
    return section("Bevölkerungsprognose", outlook.population(reader, area))


def _measures(reader: Reader, area: Area) -> Section:
    rows = goals.recommendations(reader, area)
    if not rows:
        return section("Handlungsempfehlungen", [])
    return section(
        "Handlungsempfehlungen", [goals.recommendation_table(rows, "Empfehlungen, die das Gebiet betreffen")]
    )


def _sheet(reader: Reader, evidence: Evidence, area: Area, above: tuple[Area, ...]) -> Section:
    """All indicators, theme by theme, beside the next area above and the whole territory."""
    listed: list[tuple[str, ...]] = []
    compared = [*above, *([reader.root] if area.rank else [])]
    for theme in reader.themes:
        rows = []
        for indicator in theme.indicators:
            figure = reader.latest(indicator.id, area)
            if figure is None:
                continue
            cells = [
                indicator.title,
                figure.period_label.removeprefix("Schuljahr "),
                _weak(evidence, indicator, area),
            ]
            cells += [figures.bare_value(reader.latest(indicator.id, item), indicator) for item in compared]
            cells.append(figures.change_text(figure, indicator))
            if evidence.has_statistics and area.rank:
                cells.append(evidence.comparison(indicator, figure) or "–")
            if evidence.has_trends:
                cells.append(evidence.trend(indicator, area) or "–")
            rows.append(tuple(cells))
        if rows:
            listed += [(theme.label,), *rows]
    columns = [Column("Kennzahl"), Column("Stand"), Column("Wert", True)]
    columns += [Column(item.name, True) for item in compared]
    columns.append(Column("Veränderung", True))
    if evidence.has_statistics and area.rank:
        columns.append(Column("Vergleich"))
    if evidence.has_trends:
        columns.append(Column("Entwicklung"))
    table = Table("", tuple(columns), tuple(listed)) if listed else None
    return section("Alle Kennzahlen", [table], new_page=True)


def _weak(evidence: Evidence, indicator: Indicator, area: Area) -> str:
    """The value, marked where it should not be quoted without its interval."""
    figure = evidence.reader.latest(indicator.id, area)
    interval = evidence.interval(indicator, figure)
    text = figures.bare_value(figure, indicator)
    return f"{text} ({interval})" if interval and evidence.is_weak(indicator, figure) else text


def _reading(reader: Reader, evidence: Evidence) -> Section:
    notes = [
        "Veränderung: gegenüber dem Wert davor (in der Regel dem Vorjahr), in der Einheit der Kennzahl. "
        "„gesperrt“: aus Gründen der Geheimhaltung nicht "
        "veröffentlicht; das heißt nicht, dass die Zahl klein oder null ist. Definitionen, Quellen und "
        "Methode stehen im "
        f"Planungsdossier „Fokus {reader.year}“ und im Datenkonzept."
    ]
    if evidence.has_statistics:
        notes.append(
            f"Vergleich: höher oder niedriger als {grammar.where(reader.root)}, soweit statistisch gesichert. In "
            "Klammern steht der Vertrauensbereich (95 %), wo der Wert wegen kleiner Zahlen stark zufällig schwankt."
        )
    if evidence.has_trends:
        notes.append(
            "Entwicklung: nur genannt, wenn sie über zufällige Schwankungen hinausgeht. Ein Strich heißt: nicht "
            "gesichert oder nicht prüfbar."
        )
    used = " ".join(item.source_label for theme in reader.themes for item in theme.indicators)
    labels = [row["label"] for row in reader.release.rows("select label from dim_source order by label")]
    sources = [label for label in labels if label in used]
    blocks: list[Block | None] = [Note(" ".join(notes)), Text(f"Quellen: {'; '.join(sources)}.")]
    return section("Lesehilfe", blocks)


__all__ = ["profile"]
