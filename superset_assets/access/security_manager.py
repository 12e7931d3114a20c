"""Superset's security manager with the walls of Lagebild, and the hooks every connection and statement passes.

Three walls stand behind each other, and each holds when the others are gone:
1. Superset's permissions and row-level security (written by `apply`),
2. here: a role opens an internal zone only if the register of readers says so, whatever permissions, ownership or
   dashboards say; guests see dashboards of the embedding register and nothing else,
3. `zones` and `sql_wall`: a connection leads to a released file, read-only and locked, and carries reading queries.

Belongs here: decisions that need Superset's request and user. Does not belong here: what they decide by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Response, current_app, g, has_request_context, request
from sqlalchemy.engine.url import URL
from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
from superset.exceptions import SupersetSecurityException
from superset.security import SupersetSecurityManager

from lagebild import embedding
from lagebild.secrets import secret
from superset_assets.access.journal import Journal
from superset_assets.access.readers import may_open
from superset_assets.access.sign_in import user_of_claims
from superset_assets.access.sql_wall import StatementRefused, check
from superset_assets.access.throttle import Throttle
from superset_assets.access.zones import ZoneError, locked_arguments, zone_of
from superset_assets.environment import state_dir

throttle = Throttle(state_dir() / "sign_in.db", secret("superset_log_key", entropy_bytes=32))
journal = Journal(state_dir() / "refused.jsonl", throttle.pseudonym)


_SIGN_IN: Final = {"/login", "/api/v1/security/login"}


def _refused(kind: SupersetErrorType, message: str) -> SupersetSecurityException:
    return SupersetSecurityException(SupersetError(message=message, error_type=kind, level=ErrorLevel.ERROR))


class LagebildSecurityManager(SupersetSecurityManager):  # type: ignore[misc]
    """Superset's own checks first, then those that no permission can lift."""

    def raise_for_access(self, *args: Any, **given: Any) -> None:
        super().raise_for_access(*args, **given)
        for database in _databases(given):
            raise_for_zone(self, database.url_object.get_backend_name(), database.url_object.database)

    def get_guest_user_from_request(self, req: Any) -> Any:
        user = super().get_guest_user_from_request(req)
        if user is None:
            return None
        # Superset takes numbers of dashboards too; only what is embedded, by its own identifier, and no rules of row
        # security that somebody else wrote.
        allowed = embedding.embedded_ids()
        asked = {str(item.get("id")) for item in user.resources if item.get("type") == "dashboard"}
        whole = len(asked) == len(user.resources) and asked and asked <= allowed and not user.rls
        return user if whole else None

    def database_after_insert(self, mapper: Any, connection: Any, target: Any) -> None:
        # Also what an imported bundle brings is not even stored.
        zone_of(target.url_object.get_backend_name(), target.url_object.database)
        super().database_after_insert(mapper, connection, target)

    def database_after_update(self, mapper: Any, connection: Any, target: Any) -> None:
        zone_of(target.url_object.get_backend_name(), target.url_object.database)
        super().database_after_update(mapper, connection, target)

    def auth_user_db(self, username: str, password: str) -> Any:
        if not has_request_context():
            return super().auth_user_db(username, password)
        address = request.remote_addr or "-"
        if throttle.wait(username or "", address):
            return None  # another way in than those `slow_down` knows
        user = super().auth_user_db(username, password)
        _count(user is not None, username or "", address)
        return user

    def auth_user_ldap(self, username: str, password: str) -> Any:
        address = request.remote_addr or "-"
        if throttle.wait(username or "", address):
            return None
        user = super().auth_user_ldap(username, password)
        _count(user is not None, username or "", address)
        return user

    def get_oauth_user_info(self, provider: str, resp: dict[str, Any]) -> dict[str, Any]:
        """Claims of the sign-on of the house; called when somebody returns from it."""
        claims = resp.get("userinfo") or self.oauth_remotes[provider].userinfo(token=resp)
        return user_of_claims(claims, current_app.config["LAGEBILD_OIDC_GROUPS_CLAIM"])


def _databases(given: dict[str, Any]) -> Iterator[Any]:
    """Every database an access check is about."""
    if given.get("database") is not None:
        yield given["database"]
    context, viz = given.get("query_context"), given.get("viz")
    for item in (
        given.get("datasource"),
        given.get("query"),
        getattr(context, "datasource", None),
        viz and viz.datasource,
    ):
        database = getattr(item, "database", None)
        if database is not None:
            yield database
    chart = given.get("chart")
    if chart is not None and chart.datasource is not None:
        yield chart.datasource.database


def raise_for_zone(manager: Any, backend: str, database: str | None) -> None:
    """Refuses a connection that leads nowhere, or into an internal zone none of the user's roles may open.

    Without a request (sync, command line) nobody is asking and only the path is judged.
    """
    try:
        zone = zone_of(backend, database)
    except ZoneError as error:
        raise _refused(SupersetErrorType.DATABASE_SECURITY_ACCESS_ERROR, str(error)) from None
    if not zone.is_internal or not has_request_context():
        return
    roles = [role.name for role in manager.get_user_roles() if role] if g.get("user", None) else []
    if not may_open(roles, zone):
        raise _refused(
            SupersetErrorType.DATABASE_SECURITY_ACCESS_ERROR,
            "Diese internen Zahlen sind für andere Stellen bestimmt.",
        )


def open_connection(
    uri: URL, params: dict[str, Any], _username: str | None, manager: Any, _source: Any
) -> tuple[URL, dict[str, Any]]:
    """Superset's `DB_CONNECTION_MUTATOR`: the last word before an engine is made. What the connection's own settings
    say (other arguments, other modes, tunnels) is thrown away."""
    backend = uri.get_backend_name()
    raise_for_zone(manager, backend, uri.database)
    zone = zone_of(backend, uri.database)
    clean = URL.create("duckdb", database=str(zone.file), query={"access_mode": "read_only"})
    return clean, locked_arguments(params.get("poolclass"))


def validate_connection(uri: URL) -> None:
    """Superset's `DB_SQLA_URI_VALIDATOR`: a connection that leads nowhere is not even stored."""
    zone_of(uri.get_backend_name(), uri.database)


def pass_statement(sql: str, **_: Any) -> str:
    """Superset's `SQL_QUERY_MUTATOR`: nothing is changed, but not everything passes."""
    try:
        check(sql)
    except StatementRefused as error:
        raise _refused(SupersetErrorType.QUERY_SECURITY_ACCESS_ERROR, str(error)) from None
    return sql


class EveryStatement:
    """Value of `MUTATE_AFTER_SPLIT`. Superset calls the hook for whole scripts or for single statements, by comparing
    this setting with the place it is at; the wall has to stand at both."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def slow_down() -> Response | None:
    """Before every request: a sign-in of an account or from an address with too many failures is not even looked at.

    Answered here and not where the password is checked: Flask-AppBuilder turns every error there into "Fatal error".
    """
    if request.method != "POST" or request.path.rstrip("/") not in _SIGN_IN:
        return None
    body = request.get_json(silent=True) if request.is_json else request.form
    account = str(body.get("username") or "") if isinstance(body, Mapping) else ""
    seconds = throttle.wait(account, request.remote_addr or "-")
    if not seconds:
        return None
    journal.note("Anmeldung gedrosselt", konto=throttle.pseudonym(f"account:{account.lower()}"))
    text = f"Zu viele Fehlversuche. Bitte in {max(1, round(seconds / 60))} Minuten noch einmal versuchen."
    headers = {"Retry-After": str(seconds)}
    if request.is_json:
        return Response(json.dumps({"message": text}), 429, headers, mimetype="application/json")
    page = f'<!doctype html><html lang="de"><title>Anmeldung</title><p>{text}</p><a href="/login/">Zurück</a></html>'
    return Response(page, 429, headers, mimetype="text/html")


def keep_guests_quiet() -> Response | None:
    """Before every request: what a frame on another website reports about its use is not kept, and no refusal."""
    if request.path != "/superset/log/" or "X-GuestToken" not in request.headers:
        return None
    return Response("{}", 200, mimetype="application/json")


def _count(good: bool, account: str, address: str) -> None:
    if good:
        throttle.succeeded(account)
        return
    throttle.failed(account, address)
    journal.note("Anmeldung gescheitert", konto=throttle.pseudonym(f"account:{account.lower()}"))
