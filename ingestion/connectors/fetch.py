"""Brings the files of a source into reach, whatever its connector, and says which those are.

The one entrance for landing. Remote files arrive in `${INBOX}/<source_id>/`; then the source's `files` glob finds
them like files somebody dropped there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingestion.connectors.failure import ConnectorFailure
from ingestion.connectors.folder import source_files
from ingestion.connectors.visit import Visit
from lagebild.connector import (
    FolderConnector,
    GenesisConnector,
    HttpConnector,
    ManualConnector,
    SftpConnector,
    SqlConnector,
)
from lagebild.instance import Instance, SourceConfig

log = logging.getLogger("lagebild.connectors")


@dataclass(frozen=True)
class FetchResult:
    """What lies ready, oldest first, and what could not be fetched (one German line each, without secrets)."""

    files: list[Path]
    failures: tuple[str, ...] = ()


def fetch(instance: Instance, source: SourceConfig, progress: Callable[[str], None]) -> FetchResult:
    """Fetches what is new and lists all files of the source.

    Never raises for a server that is down, refuses or misbehaves: that is a line in `failures`, and what lies in the
    inbox already is listed all the same. Raises ValueError for a fault of the configuration.
    """
    if isinstance(source.connector, FolderConnector | ManualConnector):
        return FetchResult(source_files(instance, source))
    failures: list[str] = []
    arrived: list[Path] = []
    try:
        visit = Visit.begin(instance, source, progress)
        failures, arrived = visit.failures, visit.arrived
    except ConnectorFailure as error:
        progress(f"{source.label}: {error}")
        return FetchResult(source_files(instance, source), (str(error),))
    try:
        _bring(source, visit)
    except ConnectorFailure as error:
        visit.fail(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other sources must go on
        # Only the kind: the message of an unforeseen exception may quote a password or a record.
        log.error("source %s: unexpected %s", source.id, type(error).__name__)
        visit.fail(f"Der Abruf ist an einem unerwarteten Fehler gescheitert ({type(error).__name__}).")
    files = source_files(instance, source)
    for path in sorted(set(arrived) - set(files)):
        visit.fail(
            f"{path.name}: Der Name passt nicht zum vereinbarten Muster ({source.files}); sie wird nicht gelesen."
        )
    return FetchResult(files, tuple(failures))


def _bring(source: SourceConfig, visit: Visit) -> None:
    # Imported when needed: a refresh of Berlin need not load an SSH library.
    config = source.connector
    if isinstance(config, HttpConnector):
        from ingestion.connectors import http_files

        http_files.bring(config, visit)
    elif isinstance(config, SftpConnector):
        from ingestion.connectors import sftp

        sftp.bring(config, visit)
    elif isinstance(config, GenesisConnector):
        from ingestion.connectors import genesis

        genesis.bring(config, visit)
    elif isinstance(config, SqlConnector):
        from ingestion.connectors import sql_extract

        sql_extract.bring(config, visit)
