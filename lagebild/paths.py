"""Where everything lies. The only module that knows folder names.

Protected and published zone are different folders from the first day: self-service paths get only
`InstancePaths.published` and cannot reach `InstancePaths.protected`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
INSTANCES_DIR = PROJECT_ROOT / "instances"
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"


def var_dir() -> Path:
    """Root of all state; `LAGEBILD_VAR` moves it (tests use their own)."""
    return Path(os.environ.get("LAGEBILD_VAR", PROJECT_ROOT / "var")).resolve()


def data_dir() -> Path:
    """Folder with the real deliveries, read in place; `LAGEBILD_DATA`, default `../shared/data`."""
    return Path(os.environ.get("LAGEBILD_DATA", PROJECT_ROOT.parent / "shared" / "data")).resolve()


@dataclass(frozen=True)
class InstancePaths:
    """All folders of one instance below `var/<name>/`."""

    name: str

    @property
    def root(self) -> Path:
        return var_dir() / self.name

    @property
    def inbox(self) -> Path:
        """Where suppliers drop files (for the Musterkreis: where the generator writes them)."""
        return self.root / "inbox"

    @property
    def protected(self) -> Path:
        return self.root / "protected"

    @property
    def landing(self) -> Path:
        return self.protected / "landing"

    @property
    def quarantine(self) -> Path:
        return self.protected / "quarantine"

    @property
    def catalogue(self) -> Path:
        """Catalogue tables generated for dbt (Parquet)."""
        return self.protected / "catalogue"

    @property
    def truth(self) -> Path:
        """Simulated persons of a synthetic instance: read by tests only."""
        return self.protected / "truth"

    @property
    def warehouse(self) -> Path:
        return self.protected / "warehouse.duckdb"

    @property
    def dbt_target(self) -> Path:
        return self.protected / "dbt"

    @property
    def cell_key(self) -> Path:
        """What free cross tables need and leave behind: p-tables and the journal."""
        return self.protected / "cell_key"

    @property
    def reports(self) -> Path:
        """Geheimhaltungsberichte, one per release."""
        return self.protected / "berichte"

    @property
    def build_identity(self) -> Path:
        """Release id and fingerprint of the build under way, the same for both halves of dbt."""
        return self.protected / "build.json"

    @property
    def proof(self) -> Path:
        """Decisions on every cell and their certificates (Parquet), and solved tables to be used again."""
        return self.protected / "proof"

    @property
    def as_of(self) -> Path:
        """States of earlier nights, one folder per day; never published."""
        return self.protected / "as_of"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def publication_ledger(self) -> Path:
        """Every value ever released to the public, one Parquet file per release; append-only."""
        return self.published / "ledger"

    @property
    def internal_ledger(self) -> Path:
        """The same for the internal tiers: as confidential as their files."""
        return self.internal / "ledger"

    @property
    def internal(self) -> Path:
        """Files of the internal tiers, one folder per audience, readable by the owner only."""
        return self.published / "intern"

    @property
    def open_data(self) -> Path:
        """Packages of open data, one ZIP file per release."""
        return self.published / "offene-daten"

    @property
    def printed_reports(self) -> Path:
        """Dossier, profiles and what else is made of a release for readers."""
        return self.published / "berichte"

    @property
    def current_release(self) -> Path:
        return self.published / "current.duckdb"
