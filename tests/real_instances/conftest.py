"""Parses the real deliveries once per session. Every test of this room skips where the data folder is absent."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from ingestion.connectors.folder import source_files
from ingestion.formats.base import ParsedDelivery
from ingestion.formats.registry import adapter
from lagebild.instance import Instance
from lagebild.paths import data_dir

Parsed = dict[str, ParsedDelivery]
"""File name → parsed delivery."""


@cache
def _parse(instance_name: str, source_id: str) -> Parsed:
    instance = Instance(instance_name)
    source = instance.sources[source_id]
    reader = adapter(source.format)
    return {path.name: reader.parse(path, source) for path in source_files(instance, source)}


def frame(parsed: Parsed, table: str) -> pd.DataFrame:
    """All rows of one landing table over the deliveries of a source."""
    tables = [delivery.tables[table] for delivery in parsed.values() if table in delivery.tables]
    rows: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return rows


def _require(folder: str) -> Path:
    path = data_dir() / folder
    if not path.is_dir():
        pytest.skip(f"real data absent: {path} (set LAGEBILD_DATA)")
    return path


@pytest.fixture
def berlin() -> Callable[[str], Parsed]:
    """Parsed deliveries of a Berlin source by id."""
    for folder in ("berlin-lor-population", "berlin-mss", "berlin-lor-geo"):
        _require(folder)
    return lambda source_id: _parse("berlin", source_id)


@pytest.fixture
def flensburg() -> Callable[[str], Parsed]:
    """Parsed deliveries of a Flensburg source by id."""
    _require("flensburg-sozialatlas")
    return lambda source_id: _parse("flensburg", source_id)


@pytest.fixture
def flensburg_files() -> Path:
    return _require("flensburg-sozialatlas")


@pytest.fixture
def deutschland() -> Callable[[str], Parsed]:
    """Parsed deliveries of a nationwide source by id."""
    for folder in ("gisd-rki", "destatis-gv", "derived-geojson"):
        _require(folder)
    return lambda source_id: _parse("deutschland", source_id)
