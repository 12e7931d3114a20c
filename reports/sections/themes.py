"""A theme of the Dossier: its leading indicators in words, over time, across areas and on a map; all as a table."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts import style
from reports.charts.bars import bars
from reports.document import Block, Chart, Section, Text, arranged, section
from reports.evidence import Evidence
from reports.facts import Area, Figure, Indicator, Theme
from reports.reader import Reader, before
from reports.sections import figures
from reports.wording import grammar, sentences

_PANELS = 4
_TEXTS = 3
_BAR_LIMIT = 26
"""More bars than this fill a page and show nothing."""


def theme_section(reader: Reader, evidence: Evidence, theme: Theme) -> Section:
    """One theme."""
    root = reader.root
    leads = theme.indicators[:_PANELS]
    said = [indicator_text(reader, evidence, item, root) for item in theme.indicators[:_TEXTS]]
    blocks: list[Block | None] = [*(Text(text) for text in said if text)]
    blocks.append(
        figures.series_of(reader, leads, [root], f"Entwicklung ausgewählter Kennzahlen, {root.name}")
    )
    side_by_side = tuple(
        chart for chart in (bar_chart(reader, evidence, theme.indicators), _map(reader, theme)) if chart
    )
    blocks.extend(arranged(side_by_side))
    blocks.append(figures.theme_table(reader, evidence, theme.indicators, root))
    return section(theme.label, blocks)


def indicator_text(reader: Reader, evidence: Evidence, indicator: Indicator, area: Area) -> str:
    """What can be said of an indicator in the whole territory: level, change, trend, spread, gaps."""
    figure = reader.latest(indicator.id, area)
    if figure is None or figure.value is None:
        return ""
    said = [
        sentences.level(indicator, figure, area),
        sentences.change(indicator, figure, before(reader.root_series.get(indicator.id, []), figure)),
        evidence.trend_sentence(indicator, area),
    ]
    level = compared_level(reader, indicator)
    if level is not None:
        spread = reader.spread(indicator.id, level)
        order = evidence.order(indicator, level)
        said.append(sentences.spread(indicator, spread, reader.plural(level), order.rankable, order.reason))
        said.append(sentences.gaps(spread, reader.singular(level), reader.plural(level)))
    return " ".join(sentence for sentence in said if sentence)


def compared_level(reader: Reader, indicator: Indicator) -> str | None:
    """Coarsest level below the whole territory where at least three areas have a value."""
    for level in dict.fromkeys(area.level for area in reader.areas if area.rank > 0):
        if known(reader.spread(indicator.id, level)) >= 3:
            return level
    return None


def known(spread: Sequence[tuple[Area, Figure | None]]) -> int:
    return sum(figure is not None and figure.value is not None for _, figure in spread)


def bar_chart(reader: Reader, evidence: Evidence, indicators: Sequence[Indicator]) -> Chart | None:
    """Areas side by side for the first indicator that can be compared between few enough of them."""
    for indicator in indicators:
        level = compared_level(reader, indicator)
        if level is None or indicator.is_absolute or len(reader.at_level(level)) > _BAR_LIMIT:
            continue
        spread = reader.spread(indicator.id, level)
        root_figure = reader.latest(indicator.id, reader.root)
        order = evidence.order(indicator, level)
        period = next(f.period_label for _, f in spread if f)
        ordered = order.rankable is not False
        caption = f"{indicator.label} nach {grammar.dative_plural(reader.plural(level))}, {period}"
        if root_figure is not None and root_figure.value is not None:
            caption += f" (gestrichelt: {reader.root.name} {grammar.measured(root_figure.value, indicator)})"
        return bars(
            indicator,
            spread,
            root_figure.value if root_figure else None,
            reader.root.name,
            caption,
            by_value=ordered,
            width=style.HALF,
        )
    return None


def _map(reader: Reader, theme: Theme) -> Chart | None:
    for indicator in theme.indicators:
        # Absolute numbers follow the size of the areas: a map of them shows where many people live.
        if indicator.is_absolute:
            continue
        drawn = figures.area_map(reader, indicator, width=style.HALF, height=215)
        if drawn is not None:
            return drawn
    return None


__all__ = ["bar_chart", "compared_level", "indicator_text", "known", "theme_section"]
