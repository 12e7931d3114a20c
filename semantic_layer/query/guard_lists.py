"""What the guard knows: syntax nodes, functions and types an analyst's SELECT may use. Data only.

To allow a function, check that it neither reads anything but its arguments (files, network, settings, clock of the
session, catalogue) nor multiplies rows or text without bound.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

MEASURE_FUNCTIONS: Final = frozenset({"measure", "reason"})

NODES: Final[frozenset[type[exp.Expression]]] = frozenset(
    {
        exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join,
        exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Star, exp.Where, exp.Group,
        exp.Having, exp.Qualify,
        exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Window, exp.WindowSpec, exp.Filter, exp.Tuple,
        exp.Paren, exp.Literal, exp.Null, exp.Boolean, exp.Neg, exp.Not, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv,
        exp.Mod, exp.DPipe, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ,
        exp.In, exp.Between, exp.Like, exp.ILike, exp.Escape, exp.Interval, exp.Var, exp.If, exp.Cube, exp.Rollup,
        exp.GroupingSets, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls,
    }
)  # fmt: skip

FUNCTIONS: Final[frozenset[type[exp.Expression]]] = frozenset(
    {
        exp.And, exp.Or, exp.Exists, exp.Case, exp.Cast, exp.TryCast, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least,
        exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Sqrt, exp.Ln, exp.Exp, exp.Pow, exp.Sign,
        exp.Sum, exp.Count, exp.CountIf, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Quantile, exp.PercentileCont,
        exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Corr, exp.LogicalOr,
        exp.LogicalAnd, exp.AnyValue, exp.ArgMax, exp.ArgMin,
        exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
        exp.PercentRank, exp.CumeDist,
        exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Substring, exp.Left, exp.Right, exp.Concat, exp.StartsWith,
        exp.EndsWith, exp.Contains, exp.StrPosition, exp.SplitPart,
        exp.Year, exp.Month, exp.Quarter, exp.Day, exp.Extract, exp.DateTrunc, exp.TimestampTrunc, exp.DateDiff,
        exp.TimeToStr,
    }
)  # fmt: skip

NAMED_FUNCTIONS: Final = frozenset({"grouping", "contains", "starts_with", "isfinite", "regr_slope"})
"""Functions sqlglot has no class for."""

_T = exp.DataType.Type
TYPES: Final = frozenset(
    {
        _T.INT, _T.BIGINT, _T.SMALLINT, _T.TINYINT, _T.DOUBLE, _T.FLOAT, _T.DECIMAL, _T.TEXT, _T.VARCHAR, _T.DATE,
        _T.TIMESTAMP, _T.BOOLEAN,
    }
)  # fmt: skip

__all__ = ["FUNCTIONS", "MEASURE_FUNCTIONS", "NAMED_FUNCTIONS", "NODES", "TYPES"]
