"""A theme as a PowerPoint file: native charts that can be edited, German numbers, notes with definition and source.

Belongs here: slides from a reader. Does not belong here: drawings (the charts of a slide are PowerPoint's own).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any, Final, cast

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Inches, Pt

from lagebild import german
from reports.evidence import Evidence
from reports.facts import Area, Figure, Indicator, Theme
from reports.reader import Reader
from reports.release import NothingReleased
from reports.sections import figures, themes
from reports.wording import grammar, sentences

_WIDTH: Final = Inches(13.333)
_HEIGHT: Final = Inches(7.5)


def _rgb(code: str) -> Any:
    return cast(Any, RGBColor).from_string(code)


_ACCENT: Final = _rgb("0B4F6C")
_QUIET: Final = _rgb("4B5560")
_INK: Final = _rgb("1B1F24")
_PAPER: Final = _rgb("FFFFFF")
_LINE: Final = _rgb("D9DEE3")
# python-pptx has no types.
_ChartData: Final = cast(Any, CategoryChartData)
_FONT: Final = "Calibri"
_INDICATORS: Final = 6
_TITLE_ONLY: Final = 5
"""Layout of python-pptx's own template with nothing but a title."""
_ROWS_PER_TABLE: Final = 14


def slides(reader: Reader, theme_id: str, printed: date) -> bytes:
    """The file of a theme. Raises NothingReleased for a theme the release has no figures of."""
    theme = next((item for item in reader.themes if item.id == theme_id), None)
    if theme is None:
        known = ", ".join(f"{item.id} ({item.label})" for item in reader.themes)
        raise NothingReleased(
            f"Zum Handlungsfeld »{theme_id}« ist nichts veröffentlicht. Vorhanden: {known}."
        )
    evidence = Evidence(reader)
    deck = Presentation()
    deck.slide_width, deck.slide_height = _WIDTH, _HEIGHT
    info = reader.release.info
    deck.core_properties.title = f"{theme.label}, {info.name}, {info.mark}"
    deck.core_properties.author = info.attribution
    deck.core_properties.language = "de-DE"
    foot = f"{info.name} · {info.mark} · Erstellt am {german.day(printed)}"
    if info.is_synthetic:
        foot += " · synthetische Daten"
    maker = _Maker(deck, foot)
    _opening(maker, reader, theme)
    for indicator in theme.indicators[:_INDICATORS]:
        _indicator_slide(maker, reader, evidence, indicator)
    _tables(maker, reader, evidence, theme)
    _method(maker, reader)
    target = io.BytesIO()
    deck.save(target)
    return target.getvalue()


class _Maker:
    """Adds slides of one deck, each with title, foot and notes."""

    def __init__(self, deck: Any, foot: str) -> None:
        self._deck = deck
        self._foot = foot

    def add(self, title: str, notes: str) -> Any:
        slide = self._deck.slides.add_slide(self._deck.slide_layouts[_TITLE_ONLY])
        heading = slide.shapes.title
        heading.left, heading.top, heading.width, heading.height = (
            Inches(0.6),
            Inches(0.3),
            Inches(12.1),
            Inches(0.9),
        )
        heading.text_frame.text = title
        heading.text_frame.word_wrap = True
        heading.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        paragraph = heading.text_frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.LEFT
        _style(paragraph, 28, _ACCENT, bold=True)
        self.text(slide, [self._foot], (0.6, 7.02, 12.1, 0.35), 11, _QUIET)
        slide.notes_slide.notes_text_frame.text = notes
        return slide

    def text(
        self,
        slide: Any,
        lines: Sequence[str],
        box: tuple[float, float, float, float],
        size: int,
        colour: Any,
    ) -> None:
        frame = slide.shapes.add_textbox(*(Inches(part) for part in box)).text_frame
        frame.word_wrap = True
        for number, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.text = line
            paragraph.space_after = Pt(6)
            _style(paragraph, size, colour)


def _style(paragraph: Any, size: int, colour: Any, *, bold: bool = False) -> None:
    for run in paragraph.runs:
        run.font.size, run.font.bold, run.font.name = Pt(size), bold, _FONT
        run.font.color.rgb = colour
        # The spelling of German text is checked as German.
        run._r.get_or_add_rPr().set("lang", "de-DE")


def _opening(maker: _Maker, reader: Reader, theme: Theme) -> None:
    info = reader.release.info
    lines = [f"{info.name} · Stand {reader.year}", info.mark]
    if info.is_synthetic:
        lines.append("Alle Daten sind synthetisch und sagen nichts über einen wirklichen Kreis.")
    slide = maker.add(theme.label, f"Quelle: {info.attribution}. {info.mark}.")
    maker.text(slide, lines, (0.6, 1.4, 12.1, 1.5), 20, _QUIET)
    said = []
    for indicator in theme.indicators[:4]:
        figure = reader.latest(indicator.id, reader.root)
        sentence = sentences.level(indicator, figure, reader.root) if figure else None
        if sentence:
            said.append(f"• {sentence}")
    maker.text(slide, said, (0.6, 3.2, 12.1, 3.4), 20, _INK)


def _indicator_slide(maker: _Maker, reader: Reader, evidence: Evidence, indicator: Indicator) -> None:
    root = reader.root
    text = themes.indicator_text(reader, evidence, indicator, root)
    series = [item for item in reader.root_series.get(indicator.id, []) if item.value is not None]
    slide = maker.add(indicator.title, _notes(indicator))
    maker.text(slide, [text], (0.6, 1.2, 12.1, 1.35), 15, _INK)
    level = themes.compared_level(reader, indicator)
    spread = reader.spread(indicator.id, level) if level else []
    known = [(area, f) for area, f in spread if f is not None and f.value is not None]
    compared = bool(level) and not indicator.is_absolute and 3 <= len(known) <= 26
    if len(series) > 1:
        _line_chart(slide, indicator, series, root, (0.5, 2.6, 6.2 if compared else 12.2, 4.3))
    if compared and level:
        ordered = evidence.order(indicator, level).rankable is not False
        _bar_chart(slide, indicator, known, (6.8, 2.6, 6.1, 4.3), by_value=ordered)


def _notes(indicator: Indicator) -> str:
    lines = [
        f"Kennzahl: {indicator.label}",
        f"Definition: {indicator.definition}",
        f"Einheit: {indicator.unit_label}" if indicator.unit_label else "",
        f"Quelle: {indicator.source_label}",
        f"Grenzen der Aussage: {indicator.caveats}" if indicator.caveats else "",
        f"Brüche: {indicator.breaks}" if indicator.breaks else "",
    ]
    return "\n".join(line for line in lines if line)


def number_format(indicator: Indicator) -> str:
    """Excel number format; Office shows comma and point as the reader's language has them."""
    return "#,##0" + (f".{'0' * indicator.decimals}" if indicator.decimals else "")


def _line_chart(
    slide: Any,
    indicator: Indicator,
    series: Sequence[Figure],
    root: Area,
    box: tuple[float, float, float, float],
) -> None:
    data = _ChartData(number_format=number_format(indicator))
    data.categories = [item.period_label for item in series]
    data.add_series(root.name, [item.value for item in series])
    chart = slide.shapes.add_chart(XL_CHART_TYPE.LINE_MARKERS, *(Inches(part) for part in box), data).chart
    _dress(chart, f"Entwicklung {grammar.where(root)}", indicator)
    plot = chart.plots[0]
    line = plot.series[0]
    line.smooth = False
    line.format.line.color.rgb = _ACCENT
    line.format.line.width = Pt(2.5)
    line.marker.format.fill.solid()
    line.marker.format.fill.fore_color.rgb = _ACCENT
    last = line.points[len(series) - 1].data_label
    last.has_text_frame = False
    last.position = XL_LABEL_POSITION.ABOVE
    last.font.size, last.font.bold = Pt(12), True
    _own_label(last, indicator)


def _own_label(label: Any, indicator: Indicator) -> None:
    """A label that shows the value of its own point, so that it follows when somebody edits the table."""
    element = label._get_or_add_dLbl()
    for tag in ("showLegendKey", "showCatName", "showSerName", "showPercent", "showBubbleSize"):
        found = element.find(f"{{*}}{tag}")
        if found is not None:
            found.set("val", "0")
    element.find("{*}showVal").set("val", "1")


def _bar_chart(
    slide: Any,
    indicator: Indicator,
    known: Sequence[tuple[Area, Figure]],
    box: tuple[float, float, float, float],
    *,
    by_value: bool,
) -> None:
    # A horizontal chart draws its first category at the bottom.
    if by_value:
        ordered = sorted(known, key=lambda pair: pair[1].value or 0.0)
    else:
        ordered = sorted(known, key=lambda pair: pair[0].name, reverse=True)
    data = _ChartData(number_format=number_format(indicator))
    data.categories = [area.name for area, _ in ordered]
    data.add_series(indicator.short_label, [figure.value for _, figure in ordered])
    chart = slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *(Inches(part) for part in box), data).chart
    period = ordered[0][1].period_label
    _dress(chart, f"{ordered[0][0].level_label}, {period}", indicator)
    plot = chart.plots[0]
    plot.gap_width = 40
    plot.series[0].format.fill.solid()
    plot.series[0].format.fill.fore_color.rgb = _ACCENT
    plot.has_data_labels = True
    labels = plot.data_labels
    labels.number_format, labels.number_format_is_linked = number_format(indicator), False
    labels.font.size = Pt(10)
    labels.position = XL_LABEL_POSITION.OUTSIDE_END
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    chart.category_axis.tick_labels.font.size = Pt(10)


def _dress(chart: Any, title: str, indicator: Indicator) -> None:
    chart.font.name, chart.font.size = _FONT, Pt(12)
    chart.has_title = True
    chart.chart_title.text_frame.text = title
    _style(chart.chart_title.text_frame.paragraphs[0], 14, _QUIET, bold=True)
    chart.has_legend = False
    axis = chart.value_axis
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = number_format(indicator), False
    axis.major_gridlines.format.line.color.rgb = _LINE
    axis.format.line.fill.background()


def _tables(maker: _Maker, reader: Reader, evidence: Evidence, theme: Theme) -> None:
    """All indicators of the theme, on as many slides as they take."""
    table = figures.theme_table(reader, evidence, theme.indicators, reader.root)
    pages = [
        table.rows[start : start + _ROWS_PER_TABLE] for start in range(0, len(table.rows), _ROWS_PER_TABLE)
    ]
    for number, rows in enumerate(pages, start=1):
        part = f" ({number} von {len(pages)})" if len(pages) > 1 else ""
        slide = maker.add(f"{theme.label}: alle Kennzahlen{part}", table.caption)
        shape = slide.shapes.add_table(
            len(rows) + 1,
            len(table.columns),
            Inches(0.6),
            Inches(1.3),
            Inches(12.1),
            Inches(0.36 * (len(rows) + 1)),
        )
        grid = shape.table
        for index, width in enumerate((5.3, 1.7, 2.0, 1.4, 1.7)):
            grid.columns[index].width = Inches(width)
        for index, column in enumerate(table.columns):
            _cell(grid.cell(0, index), column.label, numeric=column.numeric, head=True)
        for line, row in enumerate(rows, start=1):
            for index, cell in enumerate(row):
                _cell(grid.cell(line, index), cell, numeric=table.columns[index].numeric, head=False)


def _cell(cell: Any, text: str, *, numeric: bool, head: bool) -> None:
    cell.text = text
    cell.margin_top = cell.margin_bottom = Pt(2)
    cell.fill.solid()
    cell.fill.fore_color.rgb = _ACCENT if head else _PAPER
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT if numeric else PP_ALIGN.LEFT
    _style(paragraph, 12, _PAPER if head else _INK, bold=head)


def _method(maker: _Maker, reader: Reader) -> None:
    info = reader.release.info
    slide = maker.add("Hinweise", "Die Zahlen stammen aus der genannten Veröffentlichung.")
    lines = [
        "• Die Zahlen stammen aus der genannten Veröffentlichung; jede Folie nennt sie.",
        "• Gesperrte Werte werden aus Gründen der Geheimhaltung nicht gezeigt; sie sind nicht null.",
        "• Die Texte nennen Höhe, Veränderung und Unterschiede; über Ursachen sagen sie nichts.",
        f"• Quelle: {info.attribution}.",
    ]
    if info.is_synthetic:
        lines.insert(0, "• Alle Daten sind synthetisch und sagen nichts über einen wirklichen Kreis.")
    maker.text(slide, lines, (0.6, 1.5, 12.1, 4.5), 18, _INK)


__all__ = ["number_format", "slides"]
