"""Tables of the statistical offices as their registered sources read them, each parsed once."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from ingestion.connectors.folder import source_files
from ingestion.formats.base import ParsedDelivery
from ingestion.formats.registry import adapter
from lagebild.instance import Instance
from lagebild.paths import data_dir


def need(folder_name: str) -> None:
    """Skips the test where the deliveries of that folder are absent."""
    folder = data_dir() / folder_name
    if not folder.is_dir():
        pytest.skip(f"Echte Daten fehlen: {folder} (LAGEBILD_DATA setzen)")


@cache
def parsed(source_id: str) -> ParsedDelivery:
    instance = Instance("deutschland")
    source = instance.sources[source_id]
    (path,) = source_files(instance, source)
    return adapter(source.format).parse(path, source)


@cache
def landed(source_id: str) -> pd.DataFrame:
    return parsed(source_id).tables["observation"].to_pandas()
