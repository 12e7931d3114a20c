"""Which websites may show a page of Superset in a frame: none, except embedded dashboards on the domains of their
instance. Talisman has one answer for all pages; this gives the embedded ones theirs."""

from __future__ import annotations

import re
from typing import Final

from flask import Flask, Response, request

from lagebild import embedding

_PREFIX: Final = "/embedded/"
_ANCESTORS: Final = re.compile(r"frame-ancestors [^;]*")


def allow_frames(app: Flask) -> None:
    """Flask calls these functions last to first; this one has to see what Talisman wrote."""
    app.after_request_funcs.setdefault(None, []).insert(0, _allow)


def _allow(response: Response) -> Response:
    if not request.path.startswith(_PREFIX):
        return response
    asked = request.path.removeprefix(_PREFIX).strip("/")
    domains = [
        domain for item in embedding.read_register() if item.embedded_id == asked for domain in item.domains
    ]
    if domains:
        policy = response.headers.get("Content-Security-Policy", "")
        response.headers["Content-Security-Policy"] = _ANCESTORS.sub(
            f"frame-ancestors 'self' {' '.join(domains)}", policy
        )
        response.headers.pop("X-Frame-Options", None)  # knows no list of domains; browsers heed the policy
    return response
