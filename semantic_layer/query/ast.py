"""Small helpers to build SQL as a tree. `fragment` parses constant text of ours once; values of a question only ever
become literals, so nothing a caller writes can turn into syntax."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Literal

from sqlglot import Dialect as SqlDialect
from sqlglot import Generator, exp, parse_one

Dialect = Literal["duckdb", "spark"]


@lru_cache(maxsize=2048)
def _parsed(text: str) -> exp.Expression:
    return parse_one(text, read="duckdb")


def fragment(text: str) -> exp.Expression:
    """A constant expression or statement in DuckDB's spelling."""
    return _clone(_parsed(text))


def _clone(node: exp.Expression) -> exp.Expression:
    """As `node.copy()`, several times faster: our constant text has no comments, types or metadata to keep, and nobody
    changes an identifier in place, so that copies share theirs."""
    args: dict[str, Any] = {}
    for name, value in node.args.items():
        if isinstance(value, exp.Expression):
            args[name] = value if value.__class__ is exp.Identifier else _clone(value)
        elif isinstance(value, list):
            args[name] = [_clone(item) if isinstance(item, exp.Expression) else item for item in value]
        elif value is not None:
            args[name] = value
    return node.__class__(**args)


@lru_cache(maxsize=4)
def _writer(dialect: Dialect) -> type[Generator]:
    """The dialect's own generator, which spells each `alias.column` once: a third of all nodes are such columns."""
    spelled: dict[tuple[object, ...], str] = {}

    class Writer(SqlDialect.get_or_raise(dialect).generator_class):  # type: ignore[misc]
        def column_sql(self, expression: exp.Column) -> str:
            name, owner = expression.args["this"], expression.args.get("table")
            if not isinstance(name, exp.Identifier) or owner is None or len(expression.args) > 2:
                return str(super().column_sql(expression))
            key = (owner.this, owner.args.get("quoted"), name.this, name.args.get("quoted"))
            found = spelled.get(key)
            if found is None:
                found = str(super().column_sql(expression))
                if len(spelled) < _SPELLED:
                    spelled[key] = found
            return found

    return Writer


_SPELLED = 10_000
"""Aliases hold names of levels and dimensions: many, but not without end."""


def written(tree: exp.Expression, dialect: Dialect) -> str:
    """The statement as text. The tree is used up."""
    return str(_writer(dialect)(dialect=SqlDialect.get_or_raise(dialect)).generate(tree, copy=False))


def fragments(*texts: str) -> list[exp.Expression]:
    return [fragment(text) for text in texts]


def table(name: str, alias: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name), alias=exp.TableAlias(this=exp.to_identifier(alias)))


def aliased(query: exp.Expression, alias: str) -> exp.Subquery:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(alias)))


def attach(
    query: exp.Select, source: exp.Expression, on: exp.Expression, side: Literal["", "LEFT"] = ""
) -> None:
    """`query.join(…)` in place; that one parses the kind of join each time."""
    query.append("joins", exp.Join(this=source, on=on, **({"side": side} if side else {})))


def with_ctes(query: exp.Select, ctes: Sequence[tuple[str, exp.Expression]]) -> exp.Select:
    query.set(
        "with_",
        exp.With(
            expressions=[
                exp.CTE(this=body, alias=exp.TableAlias(this=exp.to_identifier(name))) for name, body in ctes
            ]
        ),
    )
    return query


def col(table: str, name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name), table=exp.to_identifier(table))


def text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def number(value: float | int) -> exp.Expression:
    """A double, whatever the literal looks like: decimals would be computed exactly and rounded differently."""
    return exp.Cast(
        this=exp.Literal.number(repr(float(value))), to=exp.DataType(this=exp.DataType.Type.DOUBLE)
    )


def integer(value: int) -> exp.Expression:
    return exp.Literal.number(value)


def day(value: date) -> exp.Expression:
    return exp.Cast(this=text(value.isoformat()), to=exp.DataType(this=exp.DataType.Type.DATE))


def null(kind: Literal["varchar", "double", "date", "int"]) -> exp.Expression:
    return exp.Cast(this=exp.Null(), to=exp.DataType(this=exp.DataType.Type[kind.upper()]))


def named(expression: exp.Expression, alias: str) -> exp.Alias:
    return exp.Alias(this=expression, alias=exp.to_identifier(alias))


def is_one_of(column: exp.Expression, values: Sequence[str]) -> exp.Expression:
    if len(values) == 1:
        return exp.EQ(this=column, expression=text(values[0]))
    return exp.In(this=column, expressions=[text(value) for value in values])


def both(conditions: Iterable[exp.Expression | None]) -> exp.Expression | None:
    found = [item for item in conditions if item is not None]
    return exp.and_(*found, copy=False) if found else None


def either(conditions: Iterable[exp.Expression]) -> exp.Expression:
    return exp.or_(*conditions, copy=False)


def values(alias: str, columns: Sequence[str], rows: Iterable[Sequence[exp.Expression]]) -> exp.Expression:
    """`(VALUES (…), …) AS alias(columns)`, which both dialects read."""
    return exp.Values(
        expressions=[exp.Tuple(expressions=list(row)) for row in rows],
        alias=exp.TableAlias(
            this=exp.to_identifier(alias), columns=[exp.to_identifier(name) for name in columns]
        ),
    )


def rounded(value: exp.Expression, decimals: int, dialect: Dialect) -> exp.Expression:
    """Half away from zero on the double, as DuckDB rounds. Spark would round its decimal spelling instead and differ
    at 2.675, which the double lies below."""
    if dialect == "duckdb":
        return exp.Round(this=value, decimals=integer(decimals))
    scale = number(10**decimals)
    up = exp.Floor(
        this=exp.Add(
            this=exp.Mul(this=exp.Abs(this=value.copy()), expression=scale.copy()), expression=number(0.5)
        )
    )
    signed = exp.Mul(this=exp.Sign(this=value), expression=up)
    return exp.Div(this=exp.Paren(this=signed), expression=scale)


__all__ = [
    "Dialect",
    "aliased",
    "attach",
    "both",
    "col",
    "day",
    "either",
    "fragment",
    "fragments",
    "integer",
    "is_one_of",
    "named",
    "null",
    "number",
    "rounded",
    "table",
    "text",
    "values",
    "with_ctes",
    "written",
]
