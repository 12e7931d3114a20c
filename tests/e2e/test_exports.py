"""What is generated from the catalogue answers like the release: OSI expressions, open data, MetricFlow."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import duckdb
import pandas as pd
import pytest
from rdflib import Graph
from rdflib.namespace import DCAT, DCTERMS, RDF

from lagebild.instance import Instance
from semantic_layer.export.open_data import TABLES, write_open_data
from semantic_layer.export.osi import osi_model
from semantic_layer.query import QueryError, Release
from semantic_layer.query.model import Query, Where
from tests.e2e.conftest import Installation
from tests.metricflow import MetricFlow, metricflow

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUESTIONS = 100
_LEVELS = ("kreis", "amt", "gemeinde", "sozialraum")


@pytest.fixture(scope="module")
def instance() -> Instance:
    return Instance("musterkreis")


def test_osi_expressions_give_the_released_values(released: Installation, instance: Instance) -> None:
    """Every expression, run as it stands on the star, equals the released indicator wherever both periods agree."""
    (model,) = osi_model(instance)["semantic_model"]
    compared = 0
    with duckdb.connect(str(released.current), read_only=True) as connection:
        for metric in model["metrics"]:
            expression = metric["expression"]["dialects"][0]["expression"]
            rows = connection.execute(
                f"""
                with asked as (
                    select fct_measure.area_key, fct_measure.period_key, {expression} as value
                    from fct_measure group by all
                )
                select asked.value, released.value, indicator.decimals, indicator.min_denominator,
                    released.denominator
                from fct_indicator as released
                inner join dim_indicator as indicator using (indicator_key)
                inner join asked using (area_key, period_key)
                where released.indicator_id = ? and released.value is not null and asked.value is not null
                """,
                [metric["name"]],
            ).fetchall()
            for asked, value, decimals, _, _ in rows:
                assert asked == pytest.approx(value, abs=0.5000001 * 10**-decimals), metric["name"]
            compared += len(rows)
    assert compared > 10_000


@pytest.fixture(scope="module")
def package(released: Installation, instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("offene-daten")
    return ZipFile(write_open_data(instance, released.current, folder))


def test_open_data_holds_the_release_and_describes_itself(package: ZipFile, released: Installation) -> None:
    described = {item["url"]: item for item in json.loads(package.read("csv-metadata.json"))["tables"]}
    with duckdb.connect(str(released.current), read_only=True) as connection:
        expected = {
            "kennzahlen.csv": connection.execute(
                "select count(*), count(value) from fct_indicator"
            ).fetchone(),
            "messgroessen.csv": connection.execute(
                "select count(*), count(value) from fct_measure"
            ).fetchone(),
        }
    assert set(described) == {f"{table.name}.csv" for table in TABLES}
    for name, item in described.items():
        frame = pd.read_csv(io.BytesIO(package.read(name)), dtype=str, keep_default_na=False)
        schema = item["tableSchema"]
        assert [column["name"] for column in schema["columns"]] == list(frame.columns)
        assert not frame.duplicated(schema["primaryKey"]).any()
        if name in expected:
            assert (len(frame), int((frame["value"] != "").sum())) == expected[name]
            hidden = frame[frame["conf_status"] == "C"]
            assert len(hidden) > 0
            assert (hidden["value"] == "").all()
    sdmx = list(csv.DictReader(io.TextIOWrapper(package.open("kennzahlen.sdmx.csv"), encoding="utf-8")))
    assert len(sdmx) == expected["kennzahlen.csv"][0]
    assert len({(row["INDICATOR"], row["REF_AREA"], row["TIME_PERIOD"]) for row in sdmx}) == len(sdmx)


def test_open_data_record_is_what_a_portal_needs(package: ZipFile) -> None:
    turtle, linked = Graph(), Graph()
    turtle.parse(data=package.read("dcat-ap-de.ttl"), format="turtle")
    linked.parse(data=package.read("dcat-ap-de.jsonld"), format="json-ld")
    assert set(turtle) == set(linked)
    (dataset,) = turtle.subjects(RDF.type, DCAT.Dataset)
    for needed in (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.theme, DCAT.contactPoint):
        assert (dataset, needed, None) in turtle
    offered = {str(node).rsplit("/", 1)[-1] for node in turtle.objects(dataset, DCAT.distribution)}
    for node in turtle.objects(dataset, DCAT.distribution):
        assert (node, DCTERMS.license, None) in turtle
    beside = {"SHA256SUMS", "dcat-ap-de.ttl", "dcat-ap-de.jsonld"}
    assert offered == {name for name in package.namelist() if "/" not in name} - beside


def test_checksums_hold(package: ZipFile) -> None:
    import hashlib

    lines = package.read("SHA256SUMS").decode().splitlines()
    assert len(lines) == len(package.namelist()) - 1
    for line in lines:
        digest, name = line.split("  ", 1)
        assert hashlib.sha256(package.read(name)).hexdigest() == digest


@pytest.fixture(scope="module")
def unsuppressed(released: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release with a made-up figure for every cell: random at the lowest level, summed up above."""
    target = tmp_path_factory.mktemp("frei") / "release.duckdb"
    shutil.copyfile(released.current, target)
    with duckdb.connect(str(target)) as connection:
        connection.execute("select setseed(0.42)")
        connection.execute(
            """
            create temp table lowest as
            select fact.measure_id, fact.area_key, fact.period_key, fact.group_key,
                floor(1 + 400 * random()) as value
            from fct_measure as fact
            inner join dim_area as area using (area_key)
            qualify area.level_rank = max(area.level_rank) over (partition by fact.measure_id, area.area_system)
            """
        )
        connection.execute(
            """
            create or replace table fct_measure as
            select measure_id, area_key, period_key, group_key, value, 'A' as obs_status, 'F' as conf_status
            from lowest
            union all
            select lowest.measure_id, bridge.ancestor_area_key, lowest.period_key, lowest.group_key,
                sum(lowest.value), 'A', 'F'
            from lowest
            inner join bridge_area as bridge on bridge.descendant_area_key = lowest.area_key and bridge.depth > 0
            inner join dim_period as period using (period_key)
            inner join dim_area as ancestor on ancestor.area_key = bridge.ancestor_area_key
            where period.period_end between ancestor.valid_from and coalesce(ancestor.valid_to, date '9999-12-31')
            group by all
            """
        )
    return target


@pytest.fixture(scope="module")
def oracle(
    unsuppressed: Path, instance: Instance, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MetricFlow]:
    with metricflow(instance, unsuppressed, tmp_path_factory.mktemp("metricflow")) as engine:
        yield engine


def _comparable(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Indicators whose parts share their reference days: MetricFlow has no as-of join for the others."""
    rows = connection.execute(
        """
        with days as (
            select part.indicator_key, part.part, fact.measure_id,
                list_sort(list(distinct period.period_end)) as ends, any_value(period.period_type) as type
            from dim_indicator_part as part
            inner join fct_measure as fact using (measure_id)
            inner join dim_period as period using (period_key)
            group by all
        )
        select indicator.indicator_id
        from dim_indicator as indicator
        where indicator.is_active and not exists (
            select 1 from days as one inner join days as other using (indicator_key)
            where one.indicator_key = indicator.indicator_key and one.part = 'numerator'
                and len(list_filter(one.ends, day -> not list_contains(other.ends, day))) > 0
        ) and indicator.indicator_key in (
            select part.indicator_key from dim_indicator_part as part inner join dim_measure using (measure_id)
            group by all having bool_and(dim_measure.area_system = 'sozialraum')
        )
        order by 1
        """
    ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.thorough
def test_metricflow_agrees(oracle: MetricFlow, unsuppressed: Path) -> None:
    """The oracle nobody here wrote: random metric × level × time × filter, numbers equal to the last shown digit."""
    chance = random.Random(20261121)
    with duckdb.connect(str(unsuppressed), read_only=True) as connection:
        metrics = _comparable(connection)
        areas = {
            level: [
                row[0]
                for row in connection.execute(
                    "select distinct area_code from dim_area where area_level = ? and is_current"
                    " and not is_unassigned order by 1",
                    [level],
                ).fetchall()
            ]
            for level in _LEVELS
        }
        years = [
            row[0] for row in connection.execute("select distinct year from dim_period order by 1").fetchall()
        ]
    assert len(metrics) >= 80
    # A copy: the first file was opened without lock in this process.
    release = Release(Path(shutil.copyfile(unsuppressed, unsuppressed.with_name("locked.duckdb"))))
    answered = 0
    for _ in range(QUESTIONS):
        metric, level = chance.choice(metrics), chance.choice(_LEVELS[:3])
        by_year, above = chance.random() < 0.4, chance.choice((None, "kreis", "amt"))
        inside = (
            chance.choice(areas[above]) if above and _LEVELS.index(above) <= _LEVELS.index(level) else None
        )
        year = chance.choice((None, *years))
        conditions = [f"{{{{ Dimension('area__in_{above}') }}}} = '{inside}'"] if inside else []
        if year:
            conditions.append(f"{{{{ Dimension('period__calendar_year') }}}} = {year}")
        time = "metric_time__year" if by_year else "metric_time__day"
        theirs = oracle.query([metric], [f"area__in_{level}", time], conditions)
        question = Query(
            metrics=(metric,),
            by=(level, "year" if by_year else "period"),
            where=Where(within=(inside,) if inside else (), year=(year,) if year else ()),
        )
        try:
            ours = release.run(question).to_pandas()
        except QueryError as error:
            # Where we say that there is nothing to show, the oracle shows nothing.
            assert theirs[metric].isna().all(), (metric, str(error))
            continue
        answered += _compare(
            metric, level, by_year, theirs, ours, release.metadata.metric(metric).decimals or 0
        )
    assert answered > QUESTIONS * 3


def _compare(
    metric: str, level: str, by_year: bool, theirs: pd.DataFrame, ours: pd.DataFrame, decimals: int
) -> int:
    moment = pd.to_datetime(theirs.iloc[:, 0 if theirs.columns[0].startswith("metric_time") else 1])
    keys = zip(theirs[f"area__in_{level}"], moment.dt.year if by_year else moment.dt.date, strict=True)
    expected = dict(zip(keys, theirs[metric], strict=True))
    time = ours["year"] if by_year else pd.to_datetime(ours["period_end"]).dt.date
    found = {
        (code, when): value
        for code, when, value, total in zip(
            ours[f"{level}_code"], time, ours["value"], ours["is_total"], strict=True
        )
        if not total
    }
    compared = 0
    for key, value in expected.items():
        if value is None or pd.isna(value) or key[0] is None:
            continue
        assert key in found, (metric, key)
        assert found[key] == pytest.approx(float(value), abs=0.5000001 * 10**-decimals), (metric, key)
        compared += 1
    return compared
