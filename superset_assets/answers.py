"""What Superset remembers of answers, and by what: the release they come from is part of the key.

So a remembered answer may live as long as its release, and a new release is seen at once. Belongs here: keys of the
cache. Does not belong here: who may see an answer, which is judged before the cache is asked
(`access.security_manager.LagebildSecurityManager.raise_for_access`).
"""

from __future__ import annotations

from typing import Any

from superset_assets.access.zones import zone_of


def release_stamp(backend: str, database: str | None) -> str:
    """Identity of the released file behind a connection; another after every release, because a release is a rename.

    Raises access.zones.ZoneError where the connection leads to no released file, OSError where there is none.
    """
    status = zone_of(backend, database).file.stat()
    return f"release {status.st_ino} {status.st_mtime_ns}"


def remember_by_release() -> None:
    """Adds the release to the key of every answer.

    Superset also makes its default schema part of the key and opens the file to ask for it, which took half the time of
    a remembered answer; DuckDB's is always `main`.
    """
    # Here, because Superset's models and engines import the configuration that calls this.
    from superset.connectors.sqla.models import SqlaTable
    from superset.db_engine_specs.duckdb import DuckDBEngineSpec

    superset_keys = SqlaTable.get_extra_cache_keys

    def keys(table: Any, query: dict[str, Any]) -> list[Any]:
        url = table.database.url_object
        return [*superset_keys(table, query), release_stamp(url.get_backend_name(), url.database)]

    SqlaTable.get_extra_cache_keys = keys
    DuckDBEngineSpec.get_default_schema = classmethod(lambda _spec, _database, _catalog: "main")
