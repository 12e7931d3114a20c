"""Identifiers of assets: the same in every installation and after every sync.

Belongs here: uuid, marker and address of an asset. Does not belong here: documents, Superset.
"""

from __future__ import annotations

import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "superset-assets.lagebild")
MARKER = "lagebild"
"""Managed assets carry `lagebild:<instance>:<kind>:<key>` in `external_url`; orphans are found by it."""


def asset_uuid(instance: str, kind: str, key: str) -> str:
    """The same asset has the same identifier in every installation and after every sync."""
    return str(uuid.uuid5(NAMESPACE, f"{instance}/{kind}/{key}"))


def marker(instance: str, kind: str, key: str) -> str:
    return f"{MARKER}:{instance}:{kind}:{key}"


def slug(instance: str, dashboard: str = "lage") -> str:
    """Address part of a dashboard; without a name that of the executive one."""
    return f"{dashboard}-{instance}"


def address(dashboard_slug: str) -> str:
    """Path of a dashboard below the address of Superset."""
    return f"/superset/dashboard/{dashboard_slug}/"
