"""What the HTTP interface sends and takes, as far as it is not the query model itself."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from semantic_layer.query.guard import DEFAULT_LIMIT
from semantic_layer.query.model import MAX_ROWS


class Format(StrEnum):
    """Form of an answer."""

    json = "json"
    csv = "csv"
    csv_german = "csv-deutsch"
    xlsx = "xlsx"
    arrow = "arrow"
    geojson = "geojson"


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    title: str
    status: int
    detail: str
    rule: str | None = None
    """Rule of the guard that refused the statement."""


class InstanceInfo(BaseModel):
    instance: str
    title: str
    release_id: str
    released_at: datetime
    attribution: str
    is_synthetic: bool


class ReleaseInfo(BaseModel):
    release_id: str
    published_at: datetime
    is_live: bool
    is_available: bool
    """False when the file is no longer kept: its entry stays, its figures are gone."""


class MetricSummary(BaseModel):
    id: str
    key: str
    version: int
    label: str
    short_label: str
    theme: str
    unit: str
    decimals: int
    polarity: str
    status: str
    unavailable_reason: str | None


class MetricDetail(MetricSummary):
    definition: str
    kind: str
    factor: float
    source_label: str
    legal_basis: str
    cycle: str
    reference_day: str
    breaks: str
    caveats: str
    lowest_level: str | None
    area_system: str | None
    periods: list[str]
    """Periods in which there is any figure."""
    changes: list[dict[str, Any]]


class AreaInfo(BaseModel):
    area_key: str
    area_system: str
    area_level: str
    area_level_label: str
    area_code: str
    area_name: str
    parent_area_key: str | None
    valid_from: date | None
    valid_to: date | None
    is_current: bool


class PeriodInfo(BaseModel):
    period_key: str
    period_type: str
    period_label: str
    period_start: date
    period_end: date
    year: int


class GroupInfo(BaseModel):
    group_key: str
    breakdown: str
    group_label: str


class SqlRequest(BaseModel):
    """An analyst's SELECT, with or without `MEASURE()`."""

    model_config = ConfigDict(extra="forbid")

    sql: Annotated[str, Field(min_length=1, max_length=20_000)]
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = DEFAULT_LIMIT


class Answer(BaseModel):
    """An answer as JSON; the columns of the rows are described in docs/query.md."""

    instance: str
    release_id: str
    attribution: str
    metrics: list[dict[str, Any]]
    columns: list[str]
    rows: list[dict[str, Any]]
    notices: list[str]
    footnotes: list[dict[str, str]]
    is_truncated: bool


__all__ = [
    "Answer",
    "AreaInfo",
    "Format",
    "GroupInfo",
    "InstanceInfo",
    "MetricDetail",
    "MetricSummary",
    "PeriodInfo",
    "Problem",
    "ReleaseInfo",
    "SqlRequest",
]
