"""Access in Superset's database: accounts, roles, row-level security, embedded dashboards.

Part of the worker process `apply`. Belongs here: writing them from the spec. Does not belong here: the spec (`roles`),
the walls that stand beside Superset's permissions (`access`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from lagebild.embedding import EmbeddedDashboard, write_register
from superset_assets.access.readers import Reader
from superset_assets.identifiers import MARKER, asset_uuid
from superset_assets.roles import AccessSpec, RoleSpec, choose_permissions, ensure_logins

_MAIL = "@lagebild.invalid"
"""Domain of the addresses of generated accounts; no person of the house has one."""
_INTERNAL_RULE = "Interne Stufe"
_KOMMUNE_PREFIX = "Kommune:"
_NOTHING = "1 = 0"


def sync_users(access: AccessSpec) -> list[str]:
    """Create missing roles and users; a kept user gets the generated password and the role of the spec again. Accounts
    and roles of readers who are gone are locked."""
    from superset import db, security_manager

    for role_spec in access.roles:
        if security_manager.find_role(role_spec.name) is None:
            security_manager.add_role(role_spec.name)
    specs = {item.name: item for item in access.users}
    for login in ensure_logins(access).values():
        spec = specs[login.user]
        role = security_manager.find_role(spec.role)
        user = security_manager.find_user(spec.name)
        if user is None:
            created = security_manager.add_user(
                spec.name, spec.first_name, spec.last_name, spec.name + _MAIL, role, login.password
            )
            if not created:
                raise RuntimeError(f"user {spec.name} could not be created")
            continue
        user.roles = [role]
        user.active = True
        # Checked against the stored hash alone: a failed check must not count as a failed sign-in.
        if not _has_password(user, login.password):
            security_manager.reset_password(user.id, login.password)
    _lock_others(access)
    db.session.commit()
    return [user.name for user in access.users]


def _has_password(user: Any, password: str) -> bool:
    from werkzeug.security import check_password_hash

    return bool(user.password) and check_password_hash(user.password, password)


def _lock_others(access: AccessSpec) -> None:
    from superset import db, security_manager

    users = {user.name for user in access.users}
    roles = {role.name for role in access.roles}
    for user in db.session.query(security_manager.user_model).all():
        if user.email == user.username + _MAIL and user.username not in users:
            # Not deleted: the log refers to it.
            user.active, user.roles = False, []
    for role in db.session.query(security_manager.role_model).all():
        if role.name.startswith(_KOMMUNE_PREFIX) and role.name not in roles:
            role.permissions, role.user = [], []
            db.session.delete(role)
    db.session.flush()


def sync_permissions(access: AccessSpec) -> None:
    """Give each role exactly the permissions of the spec, including those on the imported data."""
    from flask_appbuilder.security.sqla.models import PermissionView
    from superset import db, security_manager

    names: dict[str, Any] = {
        f"{item.permission.name} on {item.view_menu.name}": item
        for item in db.session.query(PermissionView).all()
        if item.permission and item.view_menu
    }
    data = _data_permissions()
    for spec in access.roles:
        inherited = {
            f"{item.permission.name} on {item.view_menu.name}"
            for base in spec.based_on
            for item in security_manager.find_role(base).permissions
        }
        chosen = choose_permissions(spec, inherited, set(names)) | _on_data(spec, data)
        security_manager.find_role(spec.name).permissions = [names[name] for name in sorted(chosen)]
    # Whoever is not logged in sees nothing; a permission given by hand does not survive the sync.
    security_manager.find_role("Public").permissions = []


def _data_permissions() -> dict[str, dict[str, list[str]]]:
    """Kind (`databases`, `datasets`) -> scope (instance, or instance/reader) -> permissions."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database

    found: dict[str, dict[str, list[str]]] = {}
    for kind, model, permission in (
        ("datasets", SqlaTable, "datasource_access"),
        ("databases", Database, "database_access"),
    ):
        for item in db.session.query(model).filter(model.external_url.like(f"{MARKER}:%")):
            scope = item.external_url.split(":")[1]
            found.setdefault(kind, {}).setdefault(scope, []).append(f"{permission} on {item.perm}")
    return found


def _on_data(spec: RoleSpec, data: dict[str, dict[str, list[str]]]) -> set[str]:
    if spec.data == "none":
        return set()
    own = {f"{zone.instance}/{zone.reader}" for zone in spec.zones}
    kinds = ["datasets"] if spec.data == "dashboards" else ["databases"]
    return {
        permission
        for kind in kinds
        for scope, permissions in data.get(kind, {}).items()
        if "/" not in scope or scope in own
        for permission in permissions
    }


def sync_row_security(access: AccessSpec, readers: Sequence[Reader]) -> None:
    """Two rules per internal dataset: nobody sees a row unless his role may open the file, and a Kommune only rows of
    its own code. Behind the permissions and the separate files, for the day one of them is wrong."""
    from superset import db, security_manager
    from superset.connectors.sqla.models import RowLevelSecurityFilter, SqlaTable
    from superset.utils.core import RowLevelSecurityFilterType

    wanted: dict[str, dict[str, Any]] = {}
    for reader in readers:
        key = asset_uuid(reader.scope, "datasets", "mart_measure_intern")
        table = db.session.query(SqlaTable).filter(SqlaTable.uuid == uuid.UUID(key)).one_or_none()
        if table is None:
            continue  # an instance that was not synchronised this time and never before
        roles = [security_manager.find_role(role.name) for role in access.roles if reader.zone in role.zones]
        wanted[f"{_INTERNAL_RULE} {reader.scope}: niemand sonst"] = {
            "filter_type": RowLevelSecurityFilterType.BASE.value,
            "clause": _NOTHING,
            "roles": roles,
            "tables": [table],
        }
        wanted[f"{_INTERNAL_RULE} {reader.scope}: eigene Zeilen"] = {
            "filter_type": RowLevelSecurityFilterType.REGULAR.value,
            "clause": f"audience = '{_quoted(reader.audience)}' and reader_code = '{_quoted(reader.code)}'",
            "roles": roles,
            "tables": [table],
        }
    known = {item.name: item for item in db.session.query(RowLevelSecurityFilter).all()}
    for name, item in known.items():
        if name.startswith(_INTERNAL_RULE) and name not in wanted:
            db.session.delete(item)
    for name, values in wanted.items():
        rule = known.get(name)
        if rule is None:
            rule = RowLevelSecurityFilter(name=name)
            db.session.add(rule)
        for field, value in values.items():
            setattr(rule, field, value)
    db.session.flush()


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def sync_embedded(items: Sequence[dict[str, Any]]) -> None:
    """Exactly the dashboards of the instances' settings can be embedded, on their domains; one embedded by hand cannot
    any more. The register is what Superset's guests and the query interface go by."""
    from superset import db
    from superset.models.dashboard import Dashboard
    from superset.models.embedded_dashboard import EmbeddedDashboard as Embedded

    known = {str(item.uuid): item for item in db.session.query(Embedded).all()}
    offered: list[EmbeddedDashboard] = []
    for item in items:
        dashboard = (
            db.session.query(Dashboard)
            .filter(Dashboard.uuid == uuid.UUID(item["dashboard_id"]))
            .one_or_none()
        )
        if dashboard is None:
            continue  # its instance was never synchronised
        row = known.pop(item["embedded_id"], None) or Embedded(uuid=uuid.UUID(item["embedded_id"]))
        row.dashboard_id = dashboard.id
        row.allow_domain_list = ",".join(item["domains"])
        db.session.add(row)
        offered.append(
            EmbeddedDashboard(
                instance=item["instance"],
                name=item["name"],
                embedded_id=item["embedded_id"],
                title=dashboard.dashboard_title,
                domains=tuple(item["domains"]),
            )
        )
    for gone in known.values():
        db.session.delete(gone)
    write_register(offered)
