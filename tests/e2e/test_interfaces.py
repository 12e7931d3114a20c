"""One rule on every path: the same questions get the same answers in Python, over HTTP, on the command line, in every
file format, through `MEASURE()` and in the table the dashboards read."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow.ipc
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from orchestration.cli import app as cli
from semantic_layer.api.app import create_app
from semantic_layer.api.settings import ApiSettings
from semantic_layer.present.columns import title
from semantic_layer.query import QueryError, Release, open_release, parse_query
from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUESTIONS = 200
FILES = 25
Question = dict[str, Any]
Key = tuple[Any, ...]


@pytest.fixture(scope="module")
def environment(opened: Installation) -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("LAGEBILD_VAR", str(opened.var))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def release(environment: None) -> Release:
    return open_release("musterkreis")


@pytest.fixture(scope="module")
def http(environment: None) -> TestClient:
    generous = ApiSettings(rate_anonymous="100000/minute")
    return TestClient(create_app(generous), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def questions(release: Release) -> list[Question]:
    chance = random.Random(20261121)
    metadata = release.metadata
    keys = sorted(key for key, metric in metadata.metrics.items() if metric.area_system == "sozialraum")
    years = sorted({period.year for period in metadata.periods.values()})
    codes = sorted({area.code for area in metadata.areas.values() if area.rank in (1, 2)})
    found: list[Question] = []
    while len(found) < QUESTIONS:
        where: dict[str, Any] = {}
        if chance.random() < 0.7:
            where["level"] = [chance.choice(["kreis", "amt", "gemeinde", "sozialraum"])]
        if chance.random() < 0.3:
            where["within"] = [chance.choice(codes)]
        if chance.random() < 0.5:
            where["year"] = [chance.choice(years)]
        elif chance.random() < 0.5:
            where["latest"] = True
        if chance.random() < 0.15:
            where["groups"] = {"sex": [chance.choice(["f", "m"])]}
        question: Question = {
            "metrics": chance.sample(keys, chance.choice([1, 1, 1, 2])),
            "by": chance.choice(
                [["area", "period"]] * 4
                + [["area", "year"]] * 2
                + [["gemeinde", "period"]] * 2
                + [["period"], ["age"]]
            ),
            "where": where,
        }
        if chance.random() < 0.25:
            question["compare"] = {"previous": True, "kreis": True}
        found.append(question)
    return found


def _python(release: Release, question: Question) -> list[dict[str, Any]] | str:
    try:
        return release.run(parse_query(question)).table.to_pylist()
    except QueryError as error:
        return str(error)


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return json.loads(json.dumps(rows, default=str))  # type: ignore[no-any-return]


@pytest.mark.parametrize("asked_of", [50, pytest.param(QUESTIONS, marks=pytest.mark.thorough)])
def test_http_and_command_line_answer_like_python(
    release: Release, http: TestClient, questions: list[Question], tmp_path: Path, asked_of: int
) -> None:
    answered, refused = 0, 0
    runner = CliRunner()
    for number, question in enumerate(questions[:asked_of]):
        expected = _python(release, question)
        answer = http.post("/v1/musterkreis/abfrage", json=question)
        asked = tmp_path / f"frage-{number}.json"
        asked.write_text(json.dumps(question), encoding="utf-8")
        printed = runner.invoke(
            cli, ["abfrage", "musterkreis", "--frage", str(asked), "--format", "json"], catch_exceptions=False
        )
        if isinstance(expected, str):
            assert answer.status_code in (400, 422), question
            assert answer.json()["detail"] == expected
            assert printed.exit_code == 1
            assert expected in printed.stderr
            refused += 1
            continue
        assert answer.status_code == 200, (question, answer.text)
        assert answer.json()["rows"] == _plain(expected), question
        assert json.loads(printed.stdout)["rows"] == _plain(expected), question
        answered += len(expected) > 0
    assert answered > asked_of // 2
    assert refused < asked_of // 2


def test_every_file_format_says_the_same(
    release: Release, http: TestClient, questions: list[Question]
) -> None:
    compared = 0
    for question in questions:
        expected = _python(release, question)
        if isinstance(expected, str) or not expected or len(expected) > 3000:
            continue
        answers = {
            kind: http.post(f"/v1/musterkreis/abfrage?format={kind}", json=question)
            for kind in ("csv", "csv-deutsch", "xlsx", "arrow")
        }
        assert {answer.status_code for answer in answers.values()} == {200}
        values = [row["value"] for row in expected]
        plain = list(csv.DictReader(io.StringIO(answers["csv"].text)))
        assert [float(row["value"]) if row["value"] else None for row in plain] == values
        german = list(
            csv.reader(io.StringIO(answers["csv-deutsch"].content.decode("utf-8-sig")), delimiter=";")
        )
        position = german[0].index(title("value"))
        for row, value, reason in zip(
            german[1:], values, (row["empty_reason"] for row in expected), strict=False
        ):
            shown = row[position]
            assert (
                shown == reason
                if value is None
                else float(shown.replace(".", "").replace(",", ".")) == pytest.approx(value)
            )
        sheet = openpyxl.load_workbook(io.BytesIO(answers["xlsx"].content))["Werte"]
        column = [cell.value for cell in sheet[1]].index(title("value")) + 1
        for number, value in enumerate(values, start=2):
            cell = sheet.cell(number, column).value
            reason = str(expected[number - 2]["empty_reason"])
            assert cell == value if value is not None else str(cell).startswith(reason)
        table = pyarrow.ipc.open_stream(answers["arrow"].content).read_all()
        assert table["value"].to_pylist() == values
        compared += 1
        if compared == FILES:
            break
    assert compared == FILES


def test_dashboards_and_measure_show_the_same_figures(
    release: Release, http: TestClient, questions: list[Question], released: Installation
) -> None:
    """`mart_indicator` is what Superset reads; `MEASURE()` is what analysts write."""
    compared, seen = 0, set()
    with duckdb.connect(str(released.current), read_only=True) as connection:
        for question in questions:
            for key in question["metrics"]:
                metric = release.metadata.metrics[key]
                if metric.kind != "indicator" or key in seen:
                    continue
                seen.add(key)
                asked = parse_query(
                    {"metrics": key, "where": {"level": "gemeinde"}, "area_system": metric.area_system}
                )
                try:
                    rows = release.run(asked).table.to_pylist()
                except QueryError:
                    continue  # no figures on this level
                ours = {(row["area_key"], row["period_key"]): row["value"] for row in rows}
                mart = {
                    (area, period): value
                    for area, period, value in connection.execute(
                        "select area_key, period_key, value from mart_indicator where indicator_id = ? and "
                        "area_level = 'gemeinde' and area_system = ? and not ends_with(area_code, '-NZ')",
                        [metric.id, metric.area_system],
                    ).fetchall()
                }
                shared = set(ours) & set(mart)
                assert {cell: ours[cell] for cell in shared} == {cell: mart[cell] for cell in shared}, key
                statement = (
                    f"select area_key, period_key, measure({metric.id}) as wert from indicators "
                    "where area_level = 'gemeinde' group by area_key, period_key limit 5000"
                )
                answer = http.post("/v1/musterkreis/sql", json={"sql": statement, "limit": 5000})
                assert answer.status_code == 200, answer.text
                measured = {
                    (row["area_key"], row["period_key"]): row["wert"] for row in answer.json()["rows"]
                }
                for cell in shared & set(measured):
                    assert measured[cell] == pytest.approx(ours[cell]), (key, cell)
                compared += len(shared)
            if compared > 3000:
                break
    assert compared > 1000
