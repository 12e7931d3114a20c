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

import yaml

from superset_assets.access.readers import Reader, write_register
from superset_assets.apply_access import sync_embedded, sync_permissions, sync_row_security, sync_users
from superset_assets.folders import set_folders
from superset_assets.identifiers import MARKER
from superset_assets.render import FOLDERS_FILE
from superset_assets.roles import for_readers, load_access


def main(job_file: Path, result_file: Path) -> None:
    # Superset may only be imported here: the import reads its configuration.
    from superset.app import create_app

    # Superset reads every document of a bundle with the slow parser; the fast one gives the same.
    yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc, assignment]
    job = json.loads(job_file.read_text(encoding="utf-8"))
    app = create_app()
    with app.app_context():
        result = _apply(job)
    result_file.write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


def _apply(job: dict[str, Any]) -> dict[str, Any]:
    from superset import appbuilder, db, security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    readers = [Reader(**item) for item in job["readers"]]
    access = for_readers(load_access(), readers)
    if job["initialise"]:
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
    users = sync_users(access)
    # Before anything new is there to be opened, and without what is gone.
    write_register({role.name: role.zones for role in access.roles})
    imported: dict[str, int] = {}
    with override_user(security_manager.find_user("admin")):
        for instance, files in job["bundles"].items():
            ImportAssetsCommand(files).run()
            set_folders(json.loads(files[FOLDERS_FILE]))
            imported[instance] = len(files) - 1
        removed = _remove_orphans(job)
    sync_row_security(access, readers)
    sync_permissions(access)
    sync_embedded(job["embedded"])
    db.session.commit()
    return {"imported": imported, "removed": removed, "users": users}


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
            instance = item.external_url.split(":")[1].split("/")[0]
            if str(item.uuid) in wanted or instance in kept_instances:
                continue
            removed.append(item.external_url)
            db.session.delete(item)
        db.session.flush()
    return removed


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
