"""The first wall: what an analyst's SQL may contain. Allow-lists only – what is not known here is refused.

A statement passes when it is one SELECT over released relations and columns, made of known syntax and known functions,
with every join bound by an equality. It is then written anew from its tree, so that what runs is what was checked:
comments, odd quoting and encodings do not reach the engine. The engine's own lock (engine.py) is the second wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.qualify import qualify

from semantic_layer.query.errors import GuardRefusal, did_you_mean
from semantic_layer.query.guard_lists import (
    FUNCTIONS,
    MEASURE_FUNCTIONS,
    NAMED_FUNCTIONS,
    NODES,
    TYPES,
)

DEFAULT_LIMIT: Final = 10_000
MAX_LENGTH: Final = 20_000
MAX_NODES: Final = 4_000
MAX_RELATIONS: Final = 12

Schema = Mapping[str, Mapping[str, str]]


def check(statement: str, schema: Schema, measures: bool = False) -> exp.Query:
    """The statement as a tree that has passed every rule. Raises `GuardRefusal` with a German message.

    `schema`: released relations with columns and types. `measures`: let `MEASURE()` and `REASON()` through.
    """
    tree = _parse(statement)
    for node in tree.walk():
        _check_node(node, measures)
    _check_relations(tree, schema)
    for join in tree.find_all(exp.Join):
        _check_join_kind(join)
    _check_columns(tree, schema)
    return tree


def bounded(tree: exp.Query, limit: int) -> exp.Query:
    """The tree with at most `limit` + 1 rows; the one more tells that there are more. Smaller limits stay."""
    found = tree.args.get("limit")
    if found is not None:
        value = found.expression if isinstance(found, exp.Limit) else None
        if not isinstance(value, exp.Literal) or not value.is_int:
            raise GuardRefusal("limit", "Nach LIMIT wird eine ganze Zahl erwartet, zum Beispiel LIMIT 100.")
        if int(value.this) <= limit:
            return tree
    limited = tree.limit(limit + 1, copy=False)
    assert isinstance(limited, exp.Query)
    return limited


def to_sql(tree: exp.Expression) -> str:
    return tree.sql(dialect="duckdb", comments=False)


def _parse(statement: str) -> exp.Query:
    if len(statement) > MAX_LENGTH:
        raise GuardRefusal("length", f"Die Abfrage ist länger als {MAX_LENGTH} Zeichen. Bitte aufteilen.")
    if any(ord(sign) < 32 and sign not in "\t\n\r" for sign in statement):
        raise GuardRefusal("characters", "Die Abfrage enthält unzulässige Steuerzeichen.")
    try:
        trees = [tree for tree in sqlglot.parse(statement, read="duckdb") if tree is not None]
    except (SqlglotError, RecursionError, ValueError) as error:
        raise GuardRefusal(
            "syntax",
            "Die Abfrage ist nicht verständlich. Bitte Klammern, Kommas und Anführungszeichen prüfen.",
        ) from error
    if not trees:
        raise GuardRefusal("empty", "Die Abfrage ist leer. Erwartet wird eine Abfrage mit SELECT.")
    if len(trees) > 1:
        raise GuardRefusal(
            "several", "Bitte nur eine Abfrage auf einmal stellen (kein Strichpunkt dazwischen)."
        )
    tree = trees[0]
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise GuardRefusal(
            "statement",
            "Erlaubt sind nur lesende Abfragen, die mit SELECT oder WITH beginnen. Daten, Einstellungen und Dateien "
            "lassen sich hier nicht ändern oder öffnen.",
        )
    if sum(1 for _ in tree.walk()) > MAX_NODES:
        raise GuardRefusal("size", "Die Abfrage ist zu umfangreich. Bitte in kleinere Abfragen aufteilen.")
    return tree


def _check_node(node: exp.Expression, measures: bool) -> None:
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        _check_named_function(str(node.this), measures)
        return
    if isinstance(node, exp.DataType):
        if node.this not in TYPES or (node.expressions and node.this != exp.DataType.Type.DECIMAL):
            raise GuardRefusal(
                "type",
                "Dieser Datentyp ist nicht erlaubt. Es gibt: integer, bigint, double, decimal, varchar, date, "
                "timestamp, boolean.",
            )
        return
    if type(node) in FUNCTIONS or type(node) in NODES:
        _check_arguments(node)
        return
    if isinstance(node, exp.Func):
        raise GuardRefusal("function", _unknown_function(_name_of(type(node))))
    raise GuardRefusal("syntax", f"{_GERMAN.get(type(node), 'Diese Schreibweise')} ist hier nicht erlaubt.")


_GERMAN: Final[dict[type[exp.Expression], str]] = {
    exp.Pivot: "PIVOT",
    exp.Lambda: "Eine Lambda-Funktion",
    exp.Columns: "COLUMNS(…)",
    exp.Placeholder: "Ein Platzhalter",
    exp.Parameter: "Ein Platzhalter",
    exp.Into: "SELECT INTO",
    exp.TableSample: "Eine Stichprobe",
    exp.Lateral: "LATERAL",
    exp.Unnest: "UNNEST",
    exp.Values: "VALUES",
    exp.Struct: "Ein zusammengesetzter Wert",
    exp.Bracket: "Der Zugriff mit eckigen Klammern",
    exp.Array: "Eine Liste",
    exp.Dot: "Der Zugriff auf Teile eines Wertes",
}


def _check_arguments(node: exp.Expression) -> None:
    """Harmless nodes with a dangerous form."""
    if isinstance(node, exp.With) and node.args.get("recursive"):
        raise GuardRefusal("recursive", "Rekursive Abfragen (WITH RECURSIVE) sind nicht erlaubt.")
    if isinstance(node, exp.Star) and any(
        node.args.get(name) for name in ("except_", "replace", "rename", "except")
    ):
        raise GuardRefusal("star", "Bitte die Spalten einzeln nennen statt * mit Ausnahmen.")
    if isinstance(node, exp.Select) and not node.expressions:
        raise GuardRefusal("syntax", "Nach SELECT fehlen die Spalten.")
    if isinstance(node, exp.Select) and (
        node.args.get("kind") or node.args.get("into") or node.args.get("hint")
    ):
        raise GuardRefusal("syntax", "Diese Form von SELECT ist nicht erlaubt.")


def _check_named_function(name: str, measures: bool) -> None:
    lowered = name.lower()
    if lowered in MEASURE_FUNCTIONS:
        if measures:
            return
        raise GuardRefusal("measure", f"{name.upper()}() geht nur in Abfragen auf die Tabelle „indicators“.")
    if lowered not in NAMED_FUNCTIONS:
        raise GuardRefusal("function", _unknown_function(lowered))


def _name_of(function: type[exp.Func]) -> str:
    return str(function.sql_name()).lower()  # type: ignore[no-untyped-call]


def _unknown_function(name: str) -> str:
    known = {_name_of(item) for item in FUNCTIONS if issubclass(item, exp.Func)} | NAMED_FUNCTIONS
    return (
        f"Die Funktion „{name}“ ist nicht erlaubt.{did_you_mean(name, sorted(known))} Dateien, Netz und Einstellungen "
        "sind aus Abfragen nicht erreichbar."
    )


def _check_relations(tree: exp.Query, schema: Schema) -> None:
    released = {name.lower(): name for name in schema}
    ctes: set[str] = set()
    for cte in tree.find_all(exp.CTE):
        name = cte.alias.lower()
        if name in released:
            raise GuardRefusal(
                "shadow",
                f"„{cte.alias}“ heißt schon eine veröffentlichte Tabelle. Bitte einen anderen Namen wählen.",
            )
        if name in ctes:
            raise GuardRefusal("shadow", f"Der Name „{cte.alias}“ ist zweimal vergeben.")
        ctes.add(name)
    tables = list(tree.find_all(exp.Table))
    if len(tables) > MAX_RELATIONS:
        raise GuardRefusal("size", f"Bitte höchstens {MAX_RELATIONS} Tabellen in einer Abfrage verbinden.")
    for table in tables:
        if not isinstance(table.this, exp.Identifier):
            raise GuardRefusal(
                "table_function",
                "Tabellen lassen sich nur mit ihrem Namen ansprechen, nicht durch Funktionen erzeugen.",
            )
        extra = [
            name
            for name, value in table.args.items()
            if value and name not in ("this", "alias", "db", "joins")
        ]
        if extra or table.catalog or table.db.lower() not in ("", "main"):
            raise GuardRefusal(
                "relation", f"„{table.sql(dialect='duckdb')}“ gehört nicht zum veröffentlichten Datenstand."
            )
        if table.name.lower() not in ctes and table.name.lower() not in released:
            raise GuardRefusal(
                "relation",
                f"Die Tabelle „{table.name}“ gibt es nicht.{did_you_mean(table.name, sorted(schema))}",
            )


def _check_join_kind(join: exp.Join) -> None:
    if join.method or (join.kind or "").upper() not in ("", "INNER", "OUTER", "SEMI", "ANTI"):
        raise GuardRefusal("join", _JOIN)
    if join.args.get("using"):
        return
    condition = join.args.get("on")
    if condition is None or not any(_links(part) for part in _conjuncts(condition)):
        raise GuardRefusal("join", _JOIN)


_JOIN: Final = (
    "Tabellen bitte über gemeinsame Spalten verbinden, zum Beispiel: join dim_area using (area_key). Eine Verbindung "
    "ohne Bedingung ergäbe alle Kombinationen."
)


def _conjuncts(condition: exp.Expression) -> Iterable[exp.Expression]:
    condition = condition.unnest()  # type: ignore[no-untyped-call]
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _links(condition: exp.Expression) -> bool:
    """`left.column = right.column` of two different relations."""
    if not isinstance(condition, exp.EQ):
        return False
    left = {column.table.lower() for column in condition.left.find_all(exp.Column)}
    right = {column.table.lower() for column in condition.right.find_all(exp.Column)}
    return bool(left and right) and "" not in left | right and left.isdisjoint(right)


def _check_columns(tree: exp.Query, schema: Schema) -> None:
    lowered: dict[str, dict[str, str]] = {
        table.lower(): {column.lower(): kind for column, kind in columns.items()}
        for table, columns in schema.items()
    }
    copy = tree.copy()
    for table in copy.find_all(exp.Table):
        table.set("db", None)
    for call in list(copy.find_all(exp.Anonymous)):
        if str(call.this).lower() in MEASURE_FUNCTIONS:
            # Its argument names a metric, not a column; the rewriting looks it up.
            call.replace(exp.Literal.number(0))
    try:
        # Only to find out whether every column is one of a released relation.
        qualify(copy, schema=lowered, dialect="duckdb", infer_schema=False, identify=False)
    except (OptimizeError, SqlglotError, RecursionError, KeyError, ValueError) as error:
        raise GuardRefusal("column", _column_message(tree, schema)) from error


def _column_message(tree: exp.Query, schema: Schema) -> str:
    tables = [table.name.lower() for table in tree.find_all(exp.Table)]
    known = {column for name, columns in schema.items() if name.lower() in tables for column in columns}
    aliases = {alias.alias.lower() for alias in tree.find_all(exp.Alias) if alias.alias}
    for column in tree.find_all(exp.Column):
        name = column.name
        if isinstance(column.parent, exp.Anonymous) and str(column.parent.this).lower() in MEASURE_FUNCTIONS:
            continue
        if name.lower() not in known and name.lower() not in aliases and name != "*":
            return f"Die Spalte „{name}“ gibt es nicht.{did_you_mean(name, sorted(known))}"
    return (
        "Eine Spalte ist nicht eindeutig oder gehört zu keiner der genannten Tabellen. Bitte den Tabellennamen davor "
        "setzen, zum Beispiel dim_area.area_name."
    )


Checker = Callable[[str], exp.Query]

__all__ = ["DEFAULT_LIMIT", "MAX_LENGTH", "bounded", "check", "to_sql"]
