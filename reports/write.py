"""Makes reports of an instance's current release and puts them into the published zone.

Belongs here: choice of the release file, files and their names, work on two processes. Does not belong here: content.
Files lie below `published/berichte/`; a report of the same name is replaced, the release stands on every page.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

from lagebild.instance import Instance
from reports.document import Document
from reports.dossier import dossier
from reports.evidence import Evidence
from reports.facts import Area
from reports.impulse import impulse
from reports.newsletter import Newsletter, newsletter
from reports.profile import profile
from reports.reader import Reader
from reports.release import NothingReleased, Release
from reports.render import render_html, render_pdf
from reports.slides import slides
from reports.umsetzung import implementation

Form = Literal["pdf", "html"]
FORMS: Final[tuple[Form, ...]] = ("pdf", "html")
WORKERS: Final = 2


@dataclass(frozen=True)
class Order:
    """What is wanted: of which instance, up to which year (None: the newest), in which forms."""

    instance: str
    printed: date
    year: int | None = None
    forms: tuple[Form, ...] = FORMS


@contextmanager
def reader_of(order: Order, release_file: Path | None = None) -> Iterator[Reader]:
    """The figures of the current release. Raises NothingReleased where there is none."""
    instance = Instance(order.instance)
    with Release(release_file or pinned(instance.paths.current_release)) as release:
        yield Reader(release, instance.config, order.year)


def pinned(current: Path) -> Path:
    """The file of the current release by its own name: it stays the same while a new one becomes current."""
    with Release(current) as release:
        own = current.with_name(f"release-{release.info.release_id}.duckdb")
    return own if own.exists() else current


def write_dossier(order: Order) -> list[Path]:
    """`fokus-<year>.pdf|html`."""
    with reader_of(order) as reader:
        return _put_document(
            _folder(order), f"fokus-{reader.year}", dossier(reader, order.printed), order.forms
        )


def write_impulse(order: Order, indicator_id: str = "") -> list[Path]:
    """`kurzimpuls-<year>-<month>.pdf|html`."""
    with reader_of(order) as reader:
        stem = f"kurzimpuls-{order.printed:%Y-%m}" + (f"-{slug(indicator_id)}" if indicator_id else "")
        return _put_document(_folder(order), stem, impulse(reader, order.printed, indicator_id), order.forms)


def write_implementation(order: Order) -> list[Path]:
    """`umsetzungsbericht-<year>-<month>.pdf|html`."""
    with reader_of(order) as reader:
        document = implementation(reader.release, order.printed)
        return _put_document(
            _folder(order), f"umsetzungsbericht-{order.printed:%Y-%m}", document, order.forms
        )


def newsletter_of(order: Order) -> Newsletter:
    """The newsletter of the current release, not yet in any form."""
    with reader_of(order) as reader:
        return newsletter(reader, order.printed)


def write_newsletter(order: Order) -> list[Path]:
    """`newsletter-<year>-<month>.md|txt|html`."""
    letter = newsletter_of(order)
    stem = _folder(order) / f"newsletter-{order.printed:%Y-%m}"
    contents = {".md": letter.markdown, ".txt": letter.text, ".html": letter.html}
    return [_put(stem.with_suffix(ending), text.encode()) for ending, text in contents.items()]


def write_slides(order: Order, theme_id: str) -> list[Path]:
    """`folien-<theme>.pptx`."""
    with reader_of(order) as reader:
        content = slides(reader, theme_id, order.printed)
    return [_put(_folder(order) / f"folien-{slug(theme_id)}.pptx", content)]


def find_areas(reader: Reader, wanted: str = "", level: str = "") -> tuple[Area, ...]:
    """Areas by code or name, or all of a level (default: the finest). Raises NothingReleased where there is none.

    Of areas of one name the finest is meant.
    """
    levels = list(dict.fromkeys(area.level for area in reader.areas))
    if level and level not in levels:
        raise NothingReleased(f"Unbekannte Ebene »{level}«. Vorhanden: {', '.join(levels)}.")
    if not wanted:
        return reader.at_level(level or reader.profile_level)
    among = reader.at_level(level) if level else reader.areas
    found = [area for area in among if wanted == area.code] or [
        area for area in among if wanted.casefold() == area.name.casefold()
    ]
    if not found:
        raise NothingReleased(f"Ein Gebiet »{wanted}« gibt es in der Veröffentlichung nicht.")
    return (found[-1],)


def write_profiles(
    order: Order,
    wanted: str = "",
    level: str = "",
    workers: int = WORKERS,
    tick: Callable[[int, int], None] = lambda done, of: None,
) -> list[Path]:
    """`profile/<code>-<name>.pdf|html` of one area, or of all areas of a level side by side in processes."""
    release_file = pinned(Instance(order.instance).paths.current_release)
    with reader_of(order, release_file) as reader:
        areas = find_areas(reader, wanted, level)
    folder = _folder(order) / "profile"
    keys = [area.key for area in areas]
    if len(keys) == 1 or workers < 2:
        _open(order, release_file)
        return [
            path
            for number, key in enumerate(keys)
            for path in _ticked(_profile(folder, key), number, len(keys), tick)
        ]
    written: list[Path] = []
    # The drawing engine runs threads of its own: a forked child would wait for them for ever.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_open, initargs=(order, release_file)
    ) as pool:
        for number, paths in enumerate(pool.map(partial(_profile, folder), keys, chunksize=2)):
            written += _ticked(paths, number, len(keys), tick)
    return written


def _ticked(paths: list[Path], number: int, of: int, tick: Callable[[int, int], None]) -> list[Path]:
    tick(number + 1, of)
    return paths


@dataclass(frozen=True)
class _Desk:
    """What a process keeps between profiles."""

    order: Order
    reader: Reader
    evidence: Evidence


_desk: _Desk | None = None


def _open(order: Order, release_file: Path) -> None:
    global _desk
    reader = Reader(Release(release_file), Instance(order.instance).config, order.year)
    _desk = _Desk(order, reader, Evidence(reader))


def _profile(folder: Path, area_key: str) -> list[Path]:
    assert _desk is not None
    area = _desk.reader.area_by_key[area_key]
    document = profile(_desk.reader, area, _desk.order.printed, _desk.evidence)
    return _put_document(folder, f"{area.code}-{slug(area.name)}", document, _desk.order.forms)


def slug(name: str) -> str:
    """`Elmstade Südstadt` -> `elmstade-suedstadt`: a file name every system takes."""
    spelled = name.lower()
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        spelled = spelled.replace(umlaut, letters)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _folder(order: Order) -> Path:
    return Instance(order.instance).paths.printed_reports


def _put_document(folder: Path, stem: str, document: Document, forms: Sequence[Form]) -> list[Path]:
    written = []
    for form in forms:
        content = render_pdf(document) if form == "pdf" else render_html(document).encode()
        written.append(_put(folder / f"{stem}.{form}", content))
    return written


def _put(path: Path, content: bytes) -> Path:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
    return path


__all__ = [
    "FORMS",
    "Form",
    "Order",
    "find_areas",
    "pinned",
    "reader_of",
    "slug",
    "write_dossier",
    "write_implementation",
    "write_impulse",
    "write_newsletter",
    "write_profiles",
    "write_slides",
]
