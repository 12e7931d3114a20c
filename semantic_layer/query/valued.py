"""From summed parts to value, status and confidentiality: the CTE `valued`. Same rules as the dbt macro
`indicator_values`.
"""

from __future__ import annotations

from sqlglot import exp

from semantic_layer.query.ast import (
    Dialect,
    fragment,
    integer,
    named,
    null,
    number,
    rounded,
    table,
    text,
)
from semantic_layer.query.plan import Plan


def valued(plan: Plan, source: str, bounded: bool, dialect: Dialect) -> exp.Select:
    metric = plan.metric
    has_base = bool(metric.denominator)
    too_small = fragment("x.denominator < 0") if not metric.min_denominator else None
    if has_base and metric.min_denominator:
        too_small = exp.LT(this=fragment("x.denominator"), expression=integer(metric.min_denominator))

    def value(numerator: str, denominator: str) -> exp.Expression:
        scaled: exp.Expression = fragment(f"x.{numerator}")
        if metric.factor != 1.0:
            scaled = exp.Mul(this=number(metric.factor), expression=scaled)
        if has_base:
            scaled = exp.Div(
                this=scaled, expression=exp.Nullif(this=fragment(f"x.{denominator}"), expression=integer(0))
            )
        shown = scaled if metric.decimals is None else rounded(scaled, metric.decimals, dialect)
        if has_base and metric.min_denominator and too_small is not None:
            return exp.Case(ifs=[exp.If(this=too_small.copy(), true=exp.Null())], default=shown)
        return shown

    hidden = fragment("x.numerator_hidden or x.denominator_hidden" if has_base else "x.numerator_hidden")
    small = too_small.copy() if has_base and metric.min_denominator and too_small is not None else None
    obs = exp.Case(
        ifs=[exp.If(this=fragment("x.numerator_missing is not null"), true=fragment("x.numerator_missing"))]
    )
    if has_base:
        obs.append("ifs", exp.If(this=fragment("x.denominator = 0"), true=text("M")))
        obs.append(
            "ifs",
            exp.If(
                this=fragment("x.denominator is null and not x.denominator_hidden"),
                true=fragment("coalesce(x.denominator_missing, 'O')"),
            ),
        )
    if metric.kind == "measure":
        obs.append("ifs", exp.If(this=fragment("x.own_status is not null"), true=fragment("x.own_status")))
    estimate = "x.numerator_estimate or x.denominator_estimate" if has_base else "x.numerator_estimate"
    obs.append("ifs", exp.If(this=fragment(estimate), true=text("E")))
    obs.set("default", text("A"))
    conf = exp.Case(
        ifs=[
            exp.If(this=hidden.copy(), true=text("C")),
            *([exp.If(this=small.copy(), true=text("C"))] if small else []),
        ],
        default=text("F"),
    )
    inner = exp.select(fragment("x.*"), copy=False).from_(table(source, "x"), copy=False)
    inner = inner.select(
        named(value("numerator", "denominator"), "value"),
        named(obs, "obs_status"),
        named(conf, "conf_status"),
        named(small.copy() if small else fragment("false"), "is_small_base"),
        copy=False,
    )
    if bounded:
        low_base, high_base = ("denominator_low", "denominator_high") if has_base else ("", "")
        inner = inner.select(
            named(value("numerator_low", high_base), "value_low"),
            named(value("numerator_high", low_base), "value_high"),
            copy=False,
        )
    if not has_base:
        inner = inner.select(named(null("double"), "denominator"), copy=False)
    return inner


REASON = """case when v.value is not null then null
when v.conf_status = 'C' and v.is_small_base then 'unter Mindestbevölkerung'
when v.conf_status = 'C' then 'gesperrt'
when v.obs_status = 'O' then 'noch nicht geliefert'
when v.obs_status = 'L' then 'nicht erhoben'
when v.obs_status = 'M' then 'nicht zutreffend'
else 'k. A.' end"""
