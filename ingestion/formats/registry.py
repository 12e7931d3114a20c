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
    "ba_workbook": "ingestion.formats.ba_workbook:BaWorkbookAdapter",
    "database": "ingestion.formats.database:DatabaseAdapter",
    "datenbogen": "ingestion.formats.datenbogen:DatenbogenAdapter",
    "delimited": "ingestion.formats.delimited:DelimitedAdapter",
    "ffcsv": "ingestion.formats.ffcsv:FfcsvAdapter",
    "gebietsaenderungen": "ingestion.formats.gebietsaenderungen:GebietsaenderungenAdapter",
    "gemeindeverzeichnis": "ingestion.formats.gemeindeverzeichnis:GemeindeverzeichnisAdapter",
    "geobasis": "ingestion.formats.geobasis:GeobasisAdapter",
    "gisd": "ingestion.formats.gisd:GisdAdapter",
    "inkar": "ingestion.formats.inkar:InkarAdapter",
    "layouts": "ingestion.formats.layouts:LayoutsAdapter",
    "lor_areas": "ingestion.formats.lor_areas:LorAreasAdapter",
    "lor_mss": "ingestion.formats.lor_mss:LorMssAdapter",
    "lor_population": "ingestion.formats.lor_population:LorPopulationAdapter",
    "nrw_table": "ingestion.formats.nrw_table:NrwTableAdapter",
    "sozialatlas_areas": "ingestion.formats.sozialatlas_areas:SozialatlasAreasAdapter",
    "sozialatlas_csv": "ingestion.formats.sozialatlas_csv:SozialatlasCsvAdapter",
    "sozialatlas_dump": "ingestion.formats.sozialatlas_dump:SozialatlasDumpAdapter",
    "umsteigeschluessel": "ingestion.formats.umsteigeschluessel:UmsteigeschluesselAdapter",
    "vg_geojson": "ingestion.formats.vg_geojson:VgGeojsonAdapter",
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
