"""Worker process of `sync`: brings Superset's database to the state of a job file.

Started as `python -m superset_assets.apply <job.json> <result.json>` because importing Superset takes seconds
and configures logging and Flask for the whole process.
Belongs here: everything that needs Superset's app context. Does not belong here: deciding what the state is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from superset_assets.render import MARKER
from superset_assets.roles import AccessSpec, choose_permissions, ensure_logins, load_access


def main(job_file: Path, result_file: Path) -> None:
    # Superset may only be imported here: the import reads its configuration.
    from superset.app import create_app

    job = json.loads(job_file.read_text(encoding="utf-8"))
    app = create_app()
    with app.app_context():
        result = _apply(job)
    result_file.write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


def _apply(job: dict[str, Any]) -> dict[str, Any]:
    from superset import appbuilder, db, security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    access = load_access()
    if job["initialise"]:
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
    users = _sync_users(access)
    imported: dict[str, int] = {}
    with override_user(security_manager.find_user("admin")):
        for instance, files in job["bundles"].items():
            ImportAssetsCommand(files).run()
            imported[instance] = len(files) - 1
        removed = _remove_orphans(job)
    _sync_roles(access)
    db.session.commit()
    return {"imported": imported, "removed": removed, "users": users}


def _sync_users(access: AccessSpec) -> list[str]:
    """Create missing users; a kept user gets the generated password and the role of the spec again."""
    from superset import db, security_manager

    for role_spec in access.roles:
        if security_manager.find_role(role_spec.name) is None:
            security_manager.add_role(role_spec.name)
    for login in ensure_logins(access).values():
        spec = next(item for item in access.users if item.name == login.user)
        role = security_manager.find_role(spec.role)
        user = security_manager.find_user(spec.name)
        if user is None:
            created = security_manager.add_user(
                spec.name,
                spec.first_name,
                spec.last_name,
                f"{spec.name}@lagebild.invalid",
                role,
                login.password,
            )
            if not created:
                raise RuntimeError(f"user {spec.name} could not be created")
            continue
        user.roles = [role]
        if not security_manager.auth_user_db(spec.name, login.password):
            security_manager.reset_password(user.id, login.password)
    db.session.commit()
    return [user.name for user in access.users]


def _sync_roles(access: AccessSpec) -> None:
    """Give each role exactly the permissions of the spec, including those on the imported data."""
    from flask_appbuilder.security.sqla.models import PermissionView
    from superset import db, security_manager
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database

    names: dict[str, Any] = {
        f"{item.permission.name} on {item.view_menu.name}": item
        for item in db.session.query(PermissionView).all()
        if item.permission and item.view_menu
    }
    datasets = [
        f"datasource_access on {item.perm}"
        for item in db.session.query(SqlaTable).filter(SqlaTable.external_url.like(f"{MARKER}:%"))
    ]
    databases = [
        f"database_access on {item.perm}"
        for item in db.session.query(Database).filter(Database.external_url.like(f"{MARKER}:%"))
    ]
    for spec in access.roles:
        inherited = {
            f"{item.permission.name} on {item.view_menu.name}"
            for base in spec.based_on
            for item in security_manager.find_role(base).permissions
        }
        chosen = choose_permissions(spec, inherited, set(names))
        chosen |= set(datasets if spec.data == "dashboards" else databases)
        security_manager.find_role(spec.name).permissions = [names[name] for name in sorted(chosen)]
    # Whoever is not logged in sees nothing; a permission given by hand does not survive the sync.
    security_manager.find_role("Public").permissions = []


def _remove_orphans(job: dict[str, Any]) -> list[str]:
    """Delete assets made by us that the bundles no longer hold, and those of instances without a release."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    wanted = set(job["uuids"])
    kept_instances = set(job["kept_instances"])
    removed: list[str] = []
    # Dashboards before charts before datasets before databases: each refers to the next.
    for model in (Dashboard, Slice, SqlaTable, Database):
        for item in db.session.query(model).filter(model.external_url.like(f"{MARKER}:%")).all():
            instance = item.external_url.split(":")[1]
            if str(item.uuid) in wanted or instance in kept_instances:
                continue
            removed.append(item.external_url)
            db.session.delete(item)
        db.session.flush()
    return removed


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
