"""The Planungsdossier „Fokus <Jahr>“: the whole territory through all themes, once a year.

Belongs here: the order of the sections and the first pages. Does not belong here: queries (reader, sections).
"""

from __future__ import annotations

from datetime import date

from lagebild import german
from reports.charts import style
from reports.document import Block, Document, Points, Section, Text, section
from reports.evidence import Evidence
from reports.reader import Reader, before
from reports.sections import figures, goals, method, outlook, social_position, themes
from reports.wording import grammar, sentences

_WARNINGS = 8


def dossier(reader: Reader, printed: date) -> Document:
    """The Dossier of the reader's year. Raises NothingReleased where there is nothing to say."""
    evidence = Evidence(reader)
    info = reader.release.info
    parts = [
        _at_a_glance(reader, evidence),
        social_position.attention(reader),
        social_position.indices(reader),
        *(themes.theme_section(reader, evidence, theme) for theme in reader.themes),
        outlook.outlook(reader),
        goals.goals(reader),
        method.method(reader, evidence),
        method.disclosure(reader),
        method.sources(reader),
        method.definitions([item for theme in reader.themes for item in theme.indicators]),
    ]
    return Document(
        title=f"Fokus {reader.year}",
        subtitle=f"Planungsdossier {info.name}",
        kicker="Planungsdossier",
        instance=info.name,
        mark=info.mark,
        is_synthetic=info.is_synthetic,
        attribution=info.attribution,
        made=german.day(printed),
        sections=tuple(part for part in parts if not part.is_empty),
        cover=_cover(reader),
        lead=(
            f"Das Dossier beschreibt die Lage {grammar.where(reader.root)} in "
            f"{grammar.number_of(len(reader.themes), 'Handlungsfeld', 'Handlungsfeldern')} mit den Zahlen, die bis zum "
            f"{german.day(info.released_on)} veröffentlicht sind."
        ),
    )


def _cover(reader: Reader) -> tuple[Block, ...]:
    """The map the dashboards open with."""
    indicator = reader.indicators.get(reader.config.dashboard.map_indicator)
    drawn = figures.area_map(reader, indicator, width=style.FULL, height=270) if indicator else None
    return (drawn,) if drawn is not None else ()


def _at_a_glance(reader: Reader, evidence: Evidence) -> Section:
    """Headline numbers with one sentence each; early warnings of the whole territory."""
    root = reader.root
    blocks: list[Block | None] = [figures.headline_tiles(reader, root, reader.headlines)]
    points = []
    for indicator in reader.headlines:
        figure = reader.latest(indicator.id, root)
        if figure is None or figure.value is None:
            continue
        said = (
            sentences.level(indicator, figure, root),
            sentences.change(indicator, figure, before(reader.root_series.get(indicator.id, []), figure)),
        )
        points.append(" ".join(sentence for sentence in said if sentence))
    blocks.append(Points(tuple(points)) if points else None)
    warned = evidence.warnings(root)[:_WARNINGS]
    if warned:
        blocks.append(
            Text("Diese Entwicklungen sind ungünstig und gehen über zufällige Schwankungen hinaus:")
        )
        blocks.append(Points(tuple(f"{label}: {text}" for label, text in warned)))
    return section("Auf einen Blick", blocks)


__all__ = ["dossier"]
