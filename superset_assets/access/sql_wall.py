"""What a statement may be that Superset sends to a released file: reading queries over released tables, nothing else.

Superset has a word list for SQL Lab only. This wall stands before every statement (SQL Lab, charts, datasets, filter
values), by the one hook all of them pass. The engine's own lock (`zones.LOCKED`) is the wall behind it.
Belongs here: statements. Does not belong here: who may ask (`security_manager`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_TABLE_NAME: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_CATALOGUE: Final = re.compile(r"^(duckdb_|pragma_|sqlite_|pg_|__)")
_SCHEMAS: Final = {"", "main", "information_schema"}
_ROW_MAKERS: Final = {"unnest", "explode", "posexplode"}
"""Functions that may stand where a table stands; all others read files, settings or run text as a statement.
The last two are what sqlglot calls some forms of `unnest`. `range` and its kin are absent: they make endless rows."""
_FORBIDDEN_FUNCTION: Final = re.compile(
    r"^(read_.*|.*_scan(_.*)?|scan_.*|glob|sniff_.*|parquet_.*|st_read.*|getenv|get_?variable|getvariable|"
    r"duckdb_.*|pragma_.*|.*_?setting|.*secret.*|query|query_table|sql_auto_complete|json_execute.*|json_serialize_sql|"
    r"json_serialize_plan|from_substrait.*|get_substrait.*|current_(user|role|catalog|database|schemas?|query|setting)|"
    r"session_user|user|version|in_search_path|txid_current|nextval|currval|repeat|range|generate_series|write_log|"
    r"parse_duckdb_log_message|checkpoint|force_checkpoint|test_.*|which_secret|enable_.*|disable_.*|add_parquet_key|"
    r"summary|seq_scan|index_scan|pg_.*|has_.*_privilege|col_description|obj_description|shobj_description)$"
)


class StatementRefused(ValueError):
    """The statement is not a reading query over released tables; the message is German and quotes nothing of it."""


@lru_cache(maxsize=1024)
def check(sql: str) -> None:
    """Raises StatementRefused unless every statement of `sql` is a reading query over released tables."""
    try:
        statements = [tree for tree in sqlglot.parse(sql, read="duckdb") if tree is not None]
    except (SqlglotError, RecursionError, ValueError) as error:
        raise StatementRefused("Die Abfrage ist nicht verständlich und wurde nicht ausgeführt.") from error
    for statement in statements:
        if not isinstance(statement, exp.Query):
            raise StatementRefused("Erlaubt sind nur lesende Abfragen, die mit SELECT oder WITH beginnen.")
        _check_tree(statement)


def _check_tree(statement: exp.Query) -> None:
    for node in statement.walk():
        if isinstance(node, exp.Table):
            _check_table(node)
        elif isinstance(node, exp.Func):
            _check_function(node)
        elif isinstance(node, exp.With) and node.args.get("recursive"):
            raise StatementRefused("Rekursive Abfragen sind nicht erlaubt.")
        elif isinstance(node, exp.Into | exp.Command | exp.DDL | exp.DML) and not isinstance(node, exp.Query):
            raise StatementRefused("Erlaubt sind nur lesende Abfragen.")
        elif isinstance(node, exp.Parameter | exp.Placeholder | exp.SessionParameter):
            raise StatementRefused("Platzhalter und Sitzungsvariablen sind nicht erlaubt.")


def _check_table(table: exp.Table) -> None:
    if isinstance(table.this, exp.Func):
        if _name(table.this) not in _ROW_MAKERS:
            raise StatementRefused("Tabellen lassen sich nur mit ihrem Namen ansprechen.")
        return
    name = table.name
    if not _TABLE_NAME.match(name) or _CATALOGUE.match(name.lower()):
        raise StatementRefused("Diese Tabelle gehört nicht zu den veröffentlichten Daten.")
    if table.catalog or table.db.lower() not in _SCHEMAS:
        raise StatementRefused("Dieses Schema gehört nicht zu den veröffentlichten Daten.")


def _check_function(function: exp.Func) -> None:
    if _FORBIDDEN_FUNCTION.match(_name(function)):
        raise StatementRefused("Diese Funktion ist nicht erlaubt.")


def _name(function: exp.Expression) -> str:
    if isinstance(function, exp.Anonymous | exp.AnonymousAggFunc):
        return function.name.lower()  # `this` of a quoted name would keep its quotes
    return str(type(function).sql_name()).lower() if isinstance(function, exp.Func) else ""  # type: ignore[no-untyped-call]
