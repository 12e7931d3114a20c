"""The HTTP application: routes, keys, limits, formats, caching. Every answer comes from the query package.

Caching: an answer depends on the release and the question alone, so its ETag is made of both; a client that has it
asks with `If-None-Match` and gets 304 without a computation.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi import Query as Parameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException as StarletteHTTPException

from lagebild.instance import list_instances
from semantic_layer.api import embedding, keys, schema
from semantic_layer.api.limiting import count
from semantic_layer.api.settings import ApiSettings
from semantic_layer.present import files, geo
from semantic_layer.present.answer import render_answer
from semantic_layer.query import (
    GuardRefusal,
    Query,
    QueryError,
    QueryTimeout,
    Release,
    ReleaseError,
    Result,
    directory,
    open_release,
)
from semantic_layer.query.passport import passport
from semantic_layer.query.release import read_ledger, release_path

log = logging.getLogger("lagebild.api")

Format = schema.Format
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": schema.Problem, "content": {"application/problem+json": {}}}
    for status in (400, 401, 404, 422, 429, 503)
}
AsOf = Annotated[
    str | None,
    Parameter(
        description="Stand: Tag (2026-11-21, gemeint ist sein Ende) oder Zeitpunkt",
        pattern=r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$",
    ),
]
router = APIRouter(prefix="/v1", responses=_PROBLEMS)


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """The application; tests give settings of their own."""
    app = FastAPI(
        title="Lagebild",
        summary="Kennzahlen der integrierten Sozialplanung",
        description="Beantwortet Fragen an die veröffentlichten Daten. Was gesperrt ist, ist leer und nennt den Grund.",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,  # both would load scripts from another host
        redoc_url=None,
    )
    app.state.settings = settings or ApiSettings.from_environment()
    app.state.limiter = MovingWindowRateLimiter(MemoryStorage())
    app.include_router(embedding.router)
    app.include_router(router)
    app.add_api_route("/gesundheit", _health, methods=["GET"], tags=["Betrieb"], summary="Läuft der Dienst?")
    app.middleware("http")(_headers)
    for kind, handler in (
        (QueryError, _on_query_error),
        (RequestValidationError, _on_invalid_request),
        (StarletteHTTPException, _on_http_error),
    ):
        app.add_exception_handler(kind, handler)
    return app


def _health() -> dict[str, str]:
    return {"status": "bereit"}


async def _headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.perf_counter()
    response = await call_next(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response.headers["Referrer-Policy"] = "no-referrer"
    caller = getattr(request.state, "caller", None)
    # Neither question nor address: who asked how often is enough to run the service.
    log.info(
        "%s %s %s caller=%s %.0f ms",
        request.method,
        request.scope["route"].path if "route" in request.scope else "-",
        response.status_code,
        caller.id if caller else "-",
        (time.perf_counter() - started) * 1000,
    )
    return response


# --- who asks


def caller(request: Request) -> keys.Caller:
    """Who asks, from `Authorization: Bearer …` or `X-API-Key`; counts the request against the caller's limit."""
    settings: ApiSettings = request.app.state.settings
    given = request.headers.get("X-API-Key") or ""
    authorization = request.headers.get("Authorization", "")
    if authorization.lower().startswith("bearer "):
        given = authorization[7:].strip()
    address = request.client.host if request.client else "-"
    if given:
        # Guessing keys is counted like asking without one.
        found = keys.caller_of(given)
        if found is None:
            count(request, parse(settings.rate_anonymous), f"unknown:{address}")
            raise HTTPException(401, "Der Schlüssel ist unbekannt, abgelaufen oder gesperrt.")
        count(request, parse(settings.rate_key), found.id)
    elif settings.anonymous:
        found = keys.Caller("anonym", "oeffentlich")
        count(request, parse(settings.rate_anonymous), address)
    else:
        raise HTTPException(401, "Diese Schnittstelle braucht einen Schlüssel (Kopfzeile X-API-Key).")
    request.state.caller = found
    return found


Asking = Annotated[keys.Caller, Depends(caller)]


def _release(instance: str, as_of: str | None = None) -> Release:
    if instance not in list_instances():
        # The sentence with suggestions is the query package's.
        release_path(instance)
    return open_release(instance, as_of)


# --- answers


def _answer(
    request: Request, release: Release, question: str, kind: Format, make: Callable[[], Result]
) -> Response:
    tag = _etag(release, question, kind)
    if (unchanged := _unchanged(request, tag)) is not None:
        return unchanged
    result = make()
    content = render_answer(release, result, kind.value)
    return _file(content, kind, tag, files.file_name(result, kind.value))


def _etag(release: Release, *about: str) -> str:
    digest = hashlib.sha256("\n".join((release.metadata.instance, release.release_id, *about)).encode())
    return f'"{digest.hexdigest()[:32]}"'


def _unchanged(request: Request, tag: str) -> Response | None:
    known = {part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
    return None


def _file(content: bytes, kind: Format, tag: str, name: str) -> Response:
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if kind not in (Format.json, Format.geojson):
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, media_type=files.MEDIA_TYPES[kind.value], headers=headers)


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": schema.Answer,
        "content": {media.split(";")[0]: {} for kind, media in files.MEDIA_TYPES.items() if kind != "json"},
        "description": "Antwort in der gewünschten Form",
    },
    304: {"description": "Unverändert seit der letzten Frage (ETag)"},
}


@router.post("/{instance}/abfrage", responses=_ANSWERS, tags=["Fragen"], summary="Kennzahlen abfragen")
def ask(
    request: Request,
    _: Asking,
    instance: str,
    question: Query,
    kind: Annotated[Format, Parameter(alias="format")] = Format.json,
    as_of: AsOf = None,
) -> Response:
    """Eine Frage: welche Kennzahlen, wonach gegliedert, worauf eingeschränkt, womit verglichen."""
    release = _release(instance, as_of)
    timeout = request.app.state.settings.timeout_seconds
    return _answer(
        request, release, question.model_dump_json(), kind, lambda: release.run(question, timeout=timeout)
    )


@router.post("/{instance}/sql", responses=_ANSWERS, tags=["Fragen"], summary="SQL mit MEASURE() ausführen")
def ask_sql(
    request: Request,
    _: Asking,
    instance: str,
    statement: schema.SqlRequest,
    kind: Annotated[Format, Parameter(alias="format")] = Format.json,
    as_of: AsOf = None,
) -> Response:
    """Eine lesende Abfrage auf die veröffentlichten Tabellen; `MEASURE(kennzahl)` rechnet aus Zähler und Nenner."""
    release = _release(instance, as_of)
    timeout = request.app.state.settings.timeout_seconds
    return _answer(
        request,
        release,
        statement.model_dump_json(),
        kind,
        lambda: release.sql(statement.sql, limit=statement.limit, timeout=timeout),
    )


@router.get("/{instance}/erklaerung", tags=["Fragen"], summary="Woher eine Zahl kommt")
def explain(
    request: Request,
    response: Response,
    _: Asking,
    instance: str,
    metric: Annotated[str, Parameter(min_length=1, max_length=200, description="Kennzahl oder Messgröße")],
    area: Annotated[str, Parameter(min_length=1, max_length=200, description="Gebietsschlüssel oder Name")],
    period: Annotated[
        str, Parameter(min_length=1, max_length=50, description="Zeitraum, Jahr oder latest")
    ] = "latest",
    as_of: AsOf = None,
) -> dict[str, Any]:
    """Der Ausweis einer Zahl: Definition, Bestandteile, Lieferungen, Regel, Veröffentlichung, Quellenangabe."""
    return passport(_release(instance, as_of), metric, area, period).to_dict()


# --- what there is


@router.get("/instanzen", tags=["Verzeichnis"], summary="Instanzen mit Veröffentlichung")
def instances(_: Asking) -> list[schema.InstanceInfo]:
    """Alle Instanzen, die einen lesbaren Datenstand haben."""
    found = []
    for name in list_instances():
        try:
            found.append(schema.InstanceInfo.model_validate(directory.about(open_release(name))))
        except ReleaseError:
            continue
    return found


@router.get("/{instance}/veroeffentlichungen", tags=["Verzeichnis"], summary="Alle Veröffentlichungen")
def releases(_: Asking, instance: str) -> list[schema.ReleaseInfo]:
    """Älteste zuerst."""
    published = release_path(instance).parent
    entries = read_ledger(published)
    return [
        schema.ReleaseInfo(
            release_id=entry.release_id,
            published_at=entry.published_at,
            is_live=position == len(entries) - 1,
            is_available=(published / entry.file_name).is_file(),
        )
        for position, entry in enumerate(entries)
    ]


@router.get("/{instance}/kennzahlen", tags=["Verzeichnis"], summary="Katalog der Kennzahlen")
def metrics(
    _: Asking,
    instance: str,
    theme: Annotated[str, Parameter(max_length=100, description="Handlungsfeld")] = "",
    search: Annotated[str, Parameter(max_length=100, description="Suchwort")] = "",
) -> list[schema.MetricSummary]:
    """Auch nicht verfügbare Kennzahlen, mit dem Grund."""
    return [
        schema.MetricSummary.model_validate(row)
        for row in directory.indicators(_release(instance), theme, search)
    ]


@router.get("/{instance}/kennzahlen/{metric}", tags=["Verzeichnis"], summary="Eine Kennzahl")
def metric_detail(_: Asking, instance: str, metric: str) -> schema.MetricDetail:
    """Definition, Quelle, Zeiträume und Änderungen."""
    release = _release(instance)
    try:
        return schema.MetricDetail.model_validate(directory.indicator(release, metric))
    except QueryError as error:
        raise ReleaseError(str(error)) from None


@router.get(
    "/{instance}/gebiete",
    tags=["Verzeichnis"],
    summary="Gebiete, auf Wunsch mit Grenzen",
    response_model=list[schema.AreaInfo],
    responses={200: {"content": {"application/geo+json": {}}}},
)
def areas(
    request: Request,
    _: Asking,
    instance: str,
    area_system: Annotated[str, Parameter(max_length=100)] = "",
    level: Annotated[str, Parameter(max_length=100)] = "",
    current: Annotated[bool, Parameter(description="nur heutige Gebiete")] = True,
    kind: Annotated[Format, Parameter(alias="format", description="json oder geojson")] = Format.json,
) -> Response:
    """Gebiete aller Systeme und Ebenen."""
    release = _release(instance)
    tag = _etag(release, "areas", area_system, level, str(current), kind)
    if (unchanged := _unchanged(request, tag)) is not None:
        return unchanged
    found = [
        schema.AreaInfo.model_validate(row).model_dump(mode="json")
        for row in directory.areas(release, area_system, level, current)
    ]
    if kind is Format.geojson:
        about = {
            "instance": instance,
            "release_id": release.release_id,
            "attribution": release.metadata.attribution,
        }
        content = geo.areas_geojson(
            found, directory.geometries(release, [row["area_key"] for row in found]), about
        )
        return _file(content, kind, tag, "gebiete.geojson")
    if kind is not Format.json:
        raise QueryError("Gebiete gibt es als json oder geojson.")
    return JSONResponse(found, headers={"ETag": tag, "Cache-Control": "no-cache"})


@router.get("/{instance}/zeitraeume", tags=["Verzeichnis"], summary="Zeiträume und Stichtage")
def periods(_: Asking, instance: str) -> list[schema.PeriodInfo]:
    """Älteste zuerst."""
    return [schema.PeriodInfo.model_validate(row) for row in directory.periods(_release(instance))]


@router.get("/{instance}/gruppen", tags=["Verzeichnis"], summary="Gruppen der Aufgliederungen")
def groups(_: Asking, instance: str) -> list[schema.GroupInfo]:
    """Alter, Geschlecht und weitere Merkmale."""
    return [schema.GroupInfo.model_validate(row) for row in directory.groups(_release(instance))]


# --- what goes wrong


def _problem(
    status: int, title: str, detail: str, rule: str | None = None, headers: Any = None
) -> JSONResponse:
    content = schema.Problem(title=title, status=status, detail=detail, rule=rule).model_dump(
        exclude_none=True
    )
    return JSONResponse(content, status, headers=headers, media_type="application/problem+json")


def _on_query_error(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, QueryTimeout):
        return _problem(503, "Zeitgrenze erreicht", str(error))
    if isinstance(error, ReleaseError):
        return _problem(404, "Datenstand nicht vorhanden", str(error))
    rule = error.rule if isinstance(error, GuardRefusal) else None
    return _problem(400, "Frage nicht beantwortbar", str(error), rule)


def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    from semantic_layer.query.release import in_german

    assert isinstance(error, RequestValidationError)
    return _problem(422, "Anfrage ungültig", " ".join(in_german(item) for item in error.errors()))


_TITLES = {401: "Nicht angemeldet", 404: "Nicht gefunden", 405: "So nicht abrufbar", 429: "Zu viele Anfragen"}


def _on_http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    status = error.status_code
    detail = {404: "Diese Adresse gibt es nicht.", 405: "Diese Adresse lässt sich so nicht abrufen."}.get(
        status
    )
    return _problem(status, _TITLES.get(status, "Fehler"), detail or str(error.detail), headers=error.headers)


__all__ = ["create_app"]
