"""Which format adapter a source's `format:` names. A new format is one class and one line here.

Adapters are imported when asked for: a refresh of Berlin need not load the workbook reader.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from ingestion.formats.base import FormatAdapter

ADAPTERS: Final[dict[str, str]] = {
    "ba_akg": "ingestion.formats.ba_akg:BaAkgAdapter",
    "database": "ingestion.formats.database:DatabaseAdapter",
    "delimited": "ingestion.formats.delimited:DelimitedAdapter",
    "geobasis": "ingestion.formats.geobasis:GeobasisAdapter",
    "layouts": "ingestion.formats.layouts:LayoutsAdapter",
    "lor_areas": "ingestion.formats.lor_areas:LorAreasAdapter",
    "lor_mss": "ingestion.formats.lor_mss:LorMssAdapter",
    "lor_population": "ingestion.formats.lor_population:LorPopulationAdapter",
    "sozialatlas_areas": "ingestion.formats.sozialatlas_areas:SozialatlasAreasAdapter",
    "sozialatlas_dump": "ingestion.formats.sozialatlas_dump:SozialatlasDumpAdapter",
    "workbook": "ingestion.formats.workbook:WorkbookAdapter",
}
"""`format` of a source → `module:class`."""


def adapter(name: str) -> FormatAdapter:
    """The adapter for a format name; an unknown name raises KeyError with the known ones."""
    if name not in ADAPTERS:
        raise KeyError(f"unknown format '{name}'; known: {', '.join(sorted(ADAPTERS))}")
    module_name, class_name = ADAPTERS[name].split(":")
    factory = cast(Callable[[], FormatAdapter], getattr(import_module(module_name), class_name))
    return factory()
