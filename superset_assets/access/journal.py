"""What was refused, in two places: Superset's own log table and a file, one JSON object per line.

Neither holds personal data: no name, no address, no statement, no value. An account is a keyed hash, which the operator
can compute from a name he suspects (`Throttle.pseudonym`) and nobody can turn back. The table keeps Superset's user
number, because its page shows it. Belongs here: writing it down. Does not belong here: refusing.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, has_request_context, request
from superset.utils.log import DBEventLogger

ACTION: Final = "lagebild.abgelehnt"
_KINDS: Final = {401: "nicht angemeldet", 403: "abgelehnt", 429: "gedrosselt"}
_KEPT: Final = frozenset(
    {
        "object_ref",
        "engine",
        "database_id",
        "dashboard_id",
        "slice_id",
        "viz_type",
        "force",
        "standalone",
        "event_name",
    }
)
"""Of what Superset notes about an event; the rest (statements, filters, addresses) is what people typed."""

_SILENT: Final = frozenset(
    {
        "ChartDataRestApi.data",
        "ChartDataRestApi.json_dumps",
        "_get_data_response",
        "execute_sql",
        "load_into_dataframe",
        "QueryObject.post_processing",
    }
)
"""Steps of one chart: a page asks for a dozen, and rows for each say nothing and make the workers wait for each other.
Opened pages, statements of SQL Lab and changes stay noted; what is refused stands in the journal."""

log = logging.getLogger(__name__)


class FrugalEventLogger(DBEventLogger):  # type: ignore[misc]
    """Superset's log table without what people typed, and without every chart they looked at."""

    def log(self, user_id: int | None, action: str, *args: Any, **kwargs: Any) -> None:
        if action in _SILENT:
            return
        kwargs["records"] = [
            {key: record[key] for key in _KEPT & record.keys()} for record in kwargs.get("records") or [{}]
        ]
        kwargs["curated_payload"] = kwargs["curated_form_data"] = None
        referrer = kwargs.get("referrer")
        kwargs["referrer"] = urlsplit(referrer).path[:200] if referrer else None
        super().log(user_id, action, *args, **kwargs)


class Journal:
    """Notes refused requests of an application in `file`."""

    def __init__(self, file: Path, pseudonym: Callable[[str], str]) -> None:
        self._file = file
        self._pseudonym = pseudonym

    def watch(self, app: Flask) -> None:
        app.after_request(self._note)

    def _note(self, response: Response) -> Response:
        # 404 of an address that does not exist is a typing error; of an object somebody may not see it is a refusal.
        known = request.endpoint is not None and request.endpoint != "static"
        if response.status_code >= 400 and known:
            entry = self._entry(response)
            self._append(entry)
            _to_table(entry)
        return response

    def note(self, kind: str, **more: Any) -> None:
        """Notes something that has no status of its own, e.g. a sign-in that failed."""
        self._append({"zeit": _now(), "art": kind, **more})

    def _entry(self, response: Response) -> dict[str, Any]:
        account, roles = _who()
        return {
            "zeit": _now(),
            "art": _KINDS.get(response.status_code, "nicht ausgeführt"),
            "status": response.status_code,
            "methode": request.method,
            "weg": str(request.url_rule) if request.url_rule else "-",
            "grund": _reasons(response),
            "rollen": roles,
            "konto": self._pseudonym(f"account:{account.lower()}") if account else None,
        }

    def _append(self, entry: dict[str, Any]) -> None:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _who() -> tuple[str, list[str]]:
    """Account and roles of the request; both empty where nobody is signed in."""
    from superset import security_manager

    user = g.get("user", None) if has_request_context() else None
    if user is None:
        return "", []
    account = "" if user.is_anonymous else str(user.username)
    return account, sorted(str(role.name) for role in security_manager.get_user_roles(user) if role)


def _reasons(response: Response) -> list[str]:
    """Superset's error types (fixed words), never its messages: they quote what was asked."""
    if not response.is_json or response.direct_passthrough:
        return []
    body = response.get_json(silent=True)
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return []
    return [str(error.get("error_type")) for error in errors if isinstance(error, dict)]


def _to_table(entry: dict[str, Any]) -> None:
    """A failing log must not turn a refusal into an answer, so errors end here; the file has the entry already."""
    from sqlalchemy.exc import SQLAlchemyError
    from superset import db
    from superset.models.core import Log
    from superset.utils.core import get_user_id

    try:
        user_id = get_user_id()
        db.session.rollback()  # what the refused request had begun
        db.session.add(Log(action=ACTION, json=json.dumps(entry, ensure_ascii=False), user_id=user_id))
        db.session.commit()
    except SQLAlchemyError:
        db.session.rollback()
        log.exception("a refusal could not be written to the log table")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
