"""Forms from what has landed: areas of a Kommune from the area register, last year's values from its own delivery."""

from __future__ import annotations

from pathlib import Path

from expectations.rules.areas import descendants
from ingestion.datenbogen.model import Form, FormOptions
from ingestion.datenbogen.write import EntryKey, build_form
from ingestion.landing.context import LandedContext
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance, SourceConfig


class NoForm(Exception):
    """A form cannot be made; the message says why, in German."""


def write_forms(
    instance: Instance, source: SourceConfig, kommunen: list[str], year: int, folder: Path
) -> list[Path]:
    """Writes the forms of the Kommunen for a year. Raises NoForm."""
    if source.format != "datenbogen":
        raise NoForm(f"„{source.label}“ wird nicht mit einem Datenbogen erhoben (Format: {source.format}).")
    options = FormOptions.model_validate(source.options)
    manifests = read_manifests(instance, source.id)
    context = LandedContext(instance, source, lambda: manifests)
    known = context.areas
    if known is None or not known.areas:
        raise NoForm(
            "Das Gebietsverzeichnis ist noch nicht geliefert; ohne Gebiete entsteht kein Datenbogen."
        )
    period = options.period_of(year)
    names = {
        (area.system, area.level, area.code): area.name for area in known.areas if area.holds(period.end)
    }
    system, level = options.area_system, options.area_level
    written: list[Path] = []
    for kommune in kommunen:
        codes = sorted(descendants(known, kommune, system, level, period.end))
        if not codes:
            raise NoForm(
                f"Das Gebietsverzeichnis kennt am {period.end:%d.%m.%Y} keine Gebiete in „{kommune}“."
            )
        title = next(
            (
                name
                for above in known.levels.get(system, ())
                if (name := names.get((system, above, kommune))) is not None
            ),
            kommune,
        )
        areas = tuple((code, names[system, level, code]) for code in codes)
        form = Form(source.id, kommune, title, year, areas, options)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / form.file_name
        build_form(form, source, _previous(form, context)).save(path)
        written.append(path)
    return written


def _previous(form: Form, context: LandedContext) -> dict[EntryKey, float]:
    """Last year's values of the Kommune itself; older ones are none to compare with."""
    period = form.options.period_of(form.year)
    earlier = context.earlier(period.period_type, period.end, form.kommune, None)
    if earlier is None or earlier.period_end != form.options.period_of(form.year - 1).end:
        return {}
    system, level = form.options.area_system, form.options.area_level
    found = {
        (code, number): earlier.figures.get((item.measure, item.group, system, level, code))
        for code, _ in form.areas
        for number, item in enumerate(form.options.fields)
    }
    return {key: value for key, value in found.items() if value is not None}
