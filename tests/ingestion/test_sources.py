"""The configured sources of all instances: known formats, valid options, known tables."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ingestion.formats.layouts import Layout
from ingestion.formats.registry import ADAPTERS, adapter
from ingestion.formats.spec import TabularOptions
from ingestion.landing.contracts import TABLES
from lagebild.instance import Instance, SourceConfig, list_instances

TABULAR = {"delimited", "workbook", "database"}
SOURCES = [
    pytest.param(source, id=f"{name}-{source.id}")
    for name in list_instances()
    for source in Instance(name).sources.values()
]


@pytest.mark.parametrize("source", SOURCES)
def test_source_is_readable_by_its_format(source: SourceConfig) -> None:
    assert adapter(source.format).name == source.format
    assert source.tables and set(source.tables) <= set(TABLES)
    if source.format in TABULAR:
        options = [TabularOptions.of(source.options)]
    elif source.format == "layouts":
        layouts = [Layout.model_validate(item) for item in source.options["layouts"]]
        assert {layout.format for layout in layouts} <= TABULAR
        options = [TabularOptions.of({**source.options["common"], **layout.options}) for layout in layouts]
    else:
        options = []
    for item in options:
        assert {part.table for part in item.parts} == set(source.tables)
        needs_period = {"period_type", "reference_date"} & {
            field.name for part in item.parts for field in TABLES[part.table]
        }
        assert item.period is not None or not needs_period


def test_musterkreis_says_synthetic_and_protects_persons() -> None:
    sources = Instance("musterkreis").sources.values()
    assert len(sources) == 20
    for source in sources:
        assert "synthetisch" in source.label
        assert source.personal == bool({"person", "case"} & set(source.tables))
    assert len(Instance("musterkreis").sources["hze"].coverage) == 6


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_registered_format_exists_under_its_name(name: str) -> None:
    assert adapter(name).name == name


def test_mistakes_in_options_are_told() -> None:
    column = {"header": "Alter"}
    for part in (
        {"table": "nirgends", "columns": {"age": column}},
        {"table": "case", "columns": {"alter": column}},
        {"table": "case", "columns": {"age": column | {"kopf": "x"}}},
        {"table": "observation", "columns": {"value": column}},
    ):
        with pytest.raises(ValidationError):
            TabularOptions.of({"parts": [part]})
