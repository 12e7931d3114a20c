"""The HTTP interface as its callers meet it: keys, limits, caching, problems, passport, its own description."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from typer.testing import CliRunner

from orchestration.cli import app as cli
from semantic_layer.api.app import create_app
from semantic_layer.api.keys import create_key, keys_file
from semantic_layer.api.settings import ApiSettings
from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUESTION = {"metrics": "sgb2_rate", "where": {"level": "gemeinde", "latest": True}}
# What a request means is judged by the query package: one that fits the schema may still have no answer, in German.
_CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
GENEROUS = ApiSettings(rate_anonymous="100000/minute", rate_key="100000/minute")


@pytest.fixture(scope="module", autouse=True)
def environment(opened: Installation) -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("LAGEBILD_VAR", str(opened.var))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def http() -> TestClient:
    return TestClient(create_app(GENEROUS), raise_server_exceptions=False)


def test_an_unchanged_answer_is_not_sent_again(http: TestClient) -> None:
    first = http.post("/v1/musterkreis/abfrage", json=QUESTION)
    tag = first.headers["ETag"]
    again = http.post("/v1/musterkreis/abfrage", json=QUESTION, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = http.post("/v1/musterkreis/abfrage?format=csv", json=QUESTION, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["ETag"] != tag


def test_keys_open_and_close() -> None:
    closed = TestClient(create_app(ApiSettings(anonymous=False)))
    assert closed.get("/v1/instanzen").status_code == 401
    text, entry = create_key("Fachverfahren", "fachdienst")
    for headers in ({"X-API-Key": text}, {"Authorization": f"Bearer {text}"}):
        assert closed.get("/v1/instanzen", headers=headers).status_code == 200
    assert closed.get("/v1/instanzen", headers={"X-API-Key": text + "x"}).status_code == 401
    assert text not in keys_file().read_text()
    assert keys_file().stat().st_mode & 0o077 == 0
    withdrawn = CliRunner().invoke(cli, ["api", "schluessel", "sperren", entry.id])
    assert withdrawn.exit_code == 0
    assert closed.get("/v1/instanzen", headers={"X-API-Key": text}).status_code == 401
    old, _ = create_key("abgelaufen", "fachdienst", expires_on=date.today() - timedelta(days=2))  # noqa: DTZ011
    assert closed.get("/v1/instanzen", headers={"X-API-Key": old}).status_code == 401


def test_a_kommune_key_names_its_kommune() -> None:
    with pytest.raises(ValueError, match="Gebietsschlüssel"):
        create_key("ohne", "kommune")
    with pytest.raises(ValueError, match="Gebietsschlüssel"):
        create_key("zu viel", "fachdienst", kommune="99901001")
    asked = ["api", "schluessel", "anlegen", "Elmstade", "--rolle", "kommune", "--kommune", "99901001"]
    made = CliRunner().invoke(cli, asked)
    assert made.exit_code == 0
    listed = CliRunner().invoke(cli, ["api", "schluessel", "liste"]).output
    assert "kommune 99901001  Elmstade" in listed


def test_the_limit_holds_and_says_when_to_come_back() -> None:
    limited = TestClient(create_app(ApiSettings(rate_anonymous="3/minute", rate_key="5/minute")))
    codes = [limited.get("/v1/instanzen").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    refused = limited.get("/v1/instanzen")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Sekunden" in refused.json()["detail"]
    text, _ = create_key("eigene Grenze", "fachdienst")
    own = [limited.get("/v1/instanzen", headers={"X-API-Key": text}).status_code for _ in range(6)]
    assert own == [200] * 5 + [429]
    guessing = TestClient(create_app(ApiSettings(rate_anonymous="3/minute")))
    codes = [guessing.get("/v1/instanzen", headers={"X-API-Key": f"lb_{n}"}).status_code for n in range(5)]
    assert codes == [401, 401, 401, 429, 429]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/v1/musterkreis/abfrage", {"metrics": "sgb2_rat"}, 400, "Meinten Sie"),
        ("POST", "/v1/musterkreis/abfrage", {"metrics": "sgb2_rate", "wher": {}}, 422, "wher"),
        (
            "POST",
            "/v1/musterkreis/sql",
            {"sql": "select * from read_csv('/etc/passwd')"},
            400,
            "nicht erlaubt",
        ),
        ("POST", "/v1/musterkreis/sql", {"sql": "drop table fct_measure"}, 400, ""),
        ("POST", "/v1/atlantis/abfrage", {"metrics": "sgb2_rate"}, 404, "atlantis"),
        ("GET", "/v1/musterkreis/kennzahlen/nichts", None, 404, "nichts"),
        ("GET", "/v1/musterkreis/erklaerung?metric=sgb2_rate&area=Nirgendwo", None, 400, "Nirgendwo"),
        ("GET", "/v1/nirgendwo", None, 404, "Adresse"),
        ("GET", "/v1/musterkreis/abfrage", None, 405, "Adresse"),
        ("POST", "/v1/musterkreis/abfrage?as_of=2001-01-01", {"metrics": "sgb2_rate"}, 404, "veröffentlicht"),
    ],
)
def test_problems_are_german_and_well_formed(
    http: TestClient, method: str, path: str, body: Any, status: int, words: str
) -> None:
    answer = http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert words in problem["detail"]


def test_the_passport_leads_back_to_the_file(http: TestClient) -> None:
    answer = http.get("/v1/musterkreis/erklaerung?metric=sgb2_rate&area=99901001&period=latest")
    sheet = answer.json()
    assert answer.status_code == 200
    assert sheet["value_text"] in sheet["citation"]
    above = sum(part["value"] * part["sign"] for part in sheet["parts"] if part["role"] == "Zähler")
    below = sum(part["value"] * part["sign"] for part in sheet["parts"] if part["role"] == "Nenner")
    assert sheet["value"] == pytest.approx(sheet["factor"] * above / below, abs=0.051)
    assert {source["source_id"] for source in sheet["sources"]} == {"ba_akg", "einwohnerregister"}
    assert all(source["deliveries"] for source in sheet["sources"])
    assert sheet["release_id"] in sheet["citation"]
    sure = sheet["certainty"]
    assert sure["interval_low"] < sheet["value"] < sure["interval_high"] and sure["confidence"] == 0.95
    printed = CliRunner().invoke(cli, ["erklaeren", "musterkreis", "sgb2_rate", "99901001"])
    assert printed.exit_code == 0, printed.output
    assert sheet["citation"] in printed.stdout
    assert "Zeilen" in printed.stdout
    assert f"{sure['interval_text']} (95-%-Vertrauensbereich)" in printed.stdout
    register = [line for line in printed.stdout.splitlines() if "Datensätze insgesamt" in line]
    assert register, "person-level files are named without rows"


def test_areas_come_with_their_boundaries(http: TestClient) -> None:
    plain = http.get("/v1/musterkreis/gebiete?level=gemeinde").json()
    drawn = http.get("/v1/musterkreis/gebiete?level=gemeinde&format=geojson")
    assert drawn.headers["content-type"] == "application/geo+json"
    features = drawn.json()["features"]
    assert [item["id"] for item in features] == [item["area_key"] for item in plain]
    assert all(item["geometry"]["type"] in ("Polygon", "MultiPolygon") for item in features)
    figures = http.post("/v1/musterkreis/abfrage?format=geojson", json=QUESTION).json()
    assert len(figures["features"]) == len(plain)
    assert all("value" in item["properties"] for item in figures["features"])


def test_logs_tell_neither_question_nor_key(http: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    text, entry = create_key("Protokoll", "fachdienst")
    with caplog.at_level(logging.INFO, logger="lagebild.api"):
        http.post(
            "/v1/musterkreis/sql",
            json={"sql": "select 'GEHEIMEFRAGE' as x from dim_release"},
            headers={"X-API-Key": text},
        )
    lines = "\n".join(record.getMessage() for record in caplog.records)
    assert f"caller={entry.id}" in lines
    assert "GEHEIMEFRAGE" not in lines
    assert text not in lines


def test_every_request_its_description_allows_is_answered_as_described() -> None:
    """Schemathesis: generated requests, answers conform to the OpenAPI description, none is a server error."""
    application = create_app(GENEROUS)
    schema = schemathesis.openapi.from_asgi("/openapi.json", application)
    tested = set()
    for operation in schema.get_all_operations():
        run = operation.ok()
        _run(run)
        tested.add(run.label)
    assert len(tested) >= 11


def _run(operation: Any) -> None:
    from hypothesis import given

    @given(case=operation.as_strategy())
    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case) -> None:
        if "instance" in (case.path_parameters or {}):
            case.path_parameters["instance"] = "musterkreis"
        response = case.call()
        assert response.status_code < 500 or response.status_code == 503, response.text
        case.validate_response(response, checks=_CHECKS)

    check()


def test_the_description_is_complete(http: TestClient) -> None:
    described = http.get("/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["tags"], (method, path)
    assert json.dumps(described).count("developer") == 0
