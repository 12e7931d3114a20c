"""Which queries a source database is asked: one `select`, nothing that writes, locks or reaches outside.

The first of two walls; the second is the read-only session (`sql_extract`). Pure: text in, verdict out.
"""

from __future__ import annotations

from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ingestion.connectors.failure import ConnectorFailure

_DIALECTS: Final = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
"""SQLAlchemy's name → sqlglot's, where they differ."""
_WRITING: Final = (
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.TruncateTable,
    exp.Into,
    exp.Lock,
    exp.Command,
    exp.Copy,
    exp.Set,
    exp.Attach,
    exp.Pragma,
)
_OUTSIDE: Final = (
    "dblink",
    "glob",
    "http_",
    "load_extension",
    "lo_export",
    "lo_import",
    "nextval",
    "pg_ls_",
    "pg_read_",
    "pg_sleep",
    "pg_terminate_",
    "query_to_xml",
    "read_",
    "set_config",
    "setval",
    "xp_",
)
"""Beginnings of names of functions that read files, reach other servers, change settings or sequences."""


def check_select(query: str, dialect: str) -> None:
    """Raises ConnectorFailure unless the text is exactly one harmless query in the SQL of that database."""
    try:
        statements = sqlglot.parse(query, read=_DIALECTS.get(dialect, dialect))
    except (SqlglotError, ValueError) as error:
        raise ConnectorFailure("Die Abfrage ist kein verständliches SQL dieser Datenbank.") from error
    if len(statements) != 1 or statements[0] is None:
        raise ConnectorFailure("Die Abfrage muss aus genau einer Anweisung bestehen.")
    (statement,) = statements
    if not isinstance(statement, exp.Query):
        raise ConnectorFailure("Die Abfrage muss mit »select« oder »with« beginnen.")
    for node in statement.walk():
        if isinstance(node, _WRITING):
            raise ConnectorFailure("Die Abfrage darf nur lesen: kein Schreiben, Sperren oder Einstellen.")
        for name in _function_names(node):
            if name.startswith(_OUTSIDE):
                raise ConnectorFailure(f"Die Funktion »{name}« ist in Abfragen nicht erlaubt.")


def _function_names(node: exp.Expression) -> list[str]:
    if isinstance(node, exp.Anonymous):
        return [node.name.lower()]
    if not isinstance(node, exp.Func):
        return []
    names: list[str] = type(node).sql_names()  # type: ignore[no-untyped-call]
    return [name.lower() for name in names]
