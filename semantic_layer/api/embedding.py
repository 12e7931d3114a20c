"""Routes for websites that show a public dashboard: a guest token for one dashboard, and the script that uses it.

No key and no account: who asks gets what the public may see, for five minutes. A website's visitors ask from their
browsers, so the answer names the website that may read it (`Access-Control-Allow-Origin`), and only those of the
instance's settings. Belongs here: HTTP. Does not belong here: what may be embedded (`lagebild.embedding`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath
from limits import parse
from pydantic import BaseModel

from lagebild.embedding import TOKEN_SECONDS, EmbeddedDashboard, guest_token, read_register
from semantic_layer.api.limiting import count
from semantic_layer.api.schema import Problem
from semantic_layer.api.settings import ApiSettings

SCRIPT: Final = Path(__file__).with_name("einbettung.js")
_NAME: Final = r"^[a-z0-9][a-z0-9_-]*$"
Name = Annotated[str, InPath(max_length=60, pattern=_NAME)]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {"application/problem+json": {}}} for status in (403, 404, 422, 429)
}
router = APIRouter(prefix="/v1", tags=["Einbettung"], responses=_PROBLEMS)


class GuestToken(BaseModel):
    """Token of one embedded dashboard."""

    token: str
    gueltig_sekunden: int
    kennung: str
    """Identifier of the dashboard in the address of the frame: `/embedded/<kennung>` of Superset."""
    titel: str


@router.post("/{instance}/einbettung/{dashboard}", summary="Gastzugang zu einem eingebetteten Dashboard")
def token(request: Request, response: Response, instance: Name, dashboard: Name) -> GuestToken:
    """Gilt fünf Minuten und nur für dieses Dashboard; die Seite holt rechtzeitig einen neuen."""
    settings: ApiSettings = request.app.state.settings
    address = request.client.host if request.client else "-"
    count(request, parse(settings.rate_guest), f"guest:{address}")
    offered = _offered(instance, dashboard)
    origin = request.headers.get("Origin")
    if origin is not None and origin not in offered.domains:
        raise HTTPException(403, "Diese Webseite darf das Dashboard nicht einbetten.")
    _readable(response, origin)
    response.headers["Cache-Control"] = "no-store"
    return GuestToken(
        token=guest_token(offered),
        gueltig_sekunden=TOKEN_SECONDS,
        kennung=offered.embedded_id,
        titel=offered.title,
    )


@router.get("/einbettung.js", include_in_schema=False)
def script() -> Response:
    """The script websites load; it holds nothing but the way to a token."""
    return Response(
        SCRIPT.read_bytes(),
        media_type="text/javascript; charset=utf-8",
        headers={"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "max-age=3600"},
    )


def _offered(instance: str, dashboard: str) -> EmbeddedDashboard:
    for item in read_register():
        if (item.instance, item.name) == (instance, dashboard):
            return item
    raise HTTPException(404)


def _readable(response: Response, origin: str | None) -> None:
    response.headers["Vary"] = "Origin"
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin


__all__ = ["GuestToken", "router"]
