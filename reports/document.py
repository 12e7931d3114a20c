"""A report as plain values in reading order: what the PDF and the page are set from.

Belongs here: the kinds of blocks. Does not belong here: wording (sections), looks (templates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Column:
    label: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its heading; the first column names the row. A row of one cell is a heading inside the table."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: str = "table"


@dataclass(frozen=True)
class Text:
    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Note:
    """A paragraph set apart: what has to be minded."""

    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Points:
    points: tuple[str, ...]
    kind: str = "points"


@dataclass(frozen=True)
class Term:
    name: str
    text: str


@dataclass(frozen=True)
class Terms:
    """Names with their explanation."""

    terms: tuple[Term, ...]
    kind: str = "terms"


@dataclass(frozen=True)
class Tile:
    """One headline number. `mark` is good, bad or plain; `note` says the same in words."""

    label: str
    value: str
    note: str
    mark: str = "plain"


@dataclass(frozen=True)
class Tiles:
    tiles: tuple[Tile, ...]
    kind: str = "tiles"


@dataclass(frozen=True)
class Chart:
    """A drawing with what it says: caption, alternative text, and its figures as a table."""

    svg: str
    caption: str
    alt: str
    table: Table
    width: float = 1.0
    """Share of the text width."""
    kind: str = "chart"


@dataclass(frozen=True)
class Row:
    """Charts side by side."""

    charts: tuple[Chart, ...]
    kind: str = "row"


Block = Text | Note | Points | Table | Terms | Tiles | Chart | Row


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it; depth 1 or 2."""

    title: str
    blocks: tuple[Block, ...]
    depth: int = 1
    new_page: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.blocks


@dataclass(frozen=True)
class Document:
    """A whole report. `mark` (release and day) and the note on synthetic data stand on every page."""

    title: str
    subtitle: str
    kicker: str
    instance: str
    mark: str
    is_synthetic: bool
    attribution: str
    made: str
    sections: tuple[Section, ...]
    form: str = "report"
    """report: cover and table of contents; sheet: begins at once; impulse: one page."""
    lead: str = ""
    cover: tuple[Block, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """JSON values for the templates; every section gets the anchor the contents link to."""
        values = asdict(self)
        for number, section in enumerate(values["sections"], start=1):
            section["id"] = f"abschnitt-{number}"
        return values


def section(title: str, blocks: Sequence[Block | None], *, depth: int = 1, new_page: bool = False) -> Section:
    """A section of the blocks that are there."""
    return Section(title, tuple(block for block in blocks if block is not None), depth, new_page)


def arranged(charts: Sequence[Chart]) -> list[Block]:
    """Small charts two by two; one that is left over keeps its size."""
    blocks: list[Block] = []
    for start in range(0, len(charts), 2):
        pair = tuple(charts[start : start + 2])
        blocks.append(Row(pair) if len(pair) == 2 else replace(pair[0], width=0.55))
    return blocks


def paragraph(sentences: Sequence[str | None]) -> Text | None:
    """Sentences as one paragraph; None where there is none."""
    said = [sentence for sentence in sentences if sentence]
    return Text(" ".join(said)) if said else None


__all__ = [
    "Block",
    "Chart",
    "Column",
    "Document",
    "Note",
    "Points",
    "Row",
    "Section",
    "Table",
    "Term",
    "Terms",
    "Text",
    "Tile",
    "Tiles",
    "arranged",
    "paragraph",
    "section",
]
