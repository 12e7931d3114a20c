{{ config(alias="fct_indicator_correlation") }}
-- Grain: pair of indicators x kind x level.
with
    -- Over areas the period of that year, over time the last one of the series.
    periods as (
        select
            kind,
            scope,
            indicator_key,
            case when kind = 'areas' then year end as year,
            any_value(area_system) as area_system,
            any_value(area_level) as area_level,
            any_value(area_key) filter (where kind = 'time') as area_key,
            arg_max(period_key, year) as period_key
        from {{ ref("int_analysis__correlation_value") }}
        where value is not null
        group by all
    )
select
    md5(
        concat_ws('|', found.kind, of_x.area_system, of_x.area_level, x.indicator_id, y.indicator_id)
    ) as correlation_key,
    x.indicator_id as indicator_id_x,
    y.indicator_id as indicator_id_y,
    found.kind,
    of_x.area_system,
    of_x.area_level,
    of_x.area_key,
    of_x.period_key,
    of_y.period_key as period_key_y,
    found.year,
    found.n,
    'spearman' as method,
    found.r,
    found.r_low,
    found.r_high,
    found.confidence,
    found.p_value,
    found.p_adjusted,
    found.is_significant,
    found.relation_label,
    found.caution
from {{ ref("int_analysis__correlation") }} as found
inner join {{ ref("published_dim_indicator") }} as x on x.indicator_key = found.indicator_key_x
inner join {{ ref("published_dim_indicator") }} as y on y.indicator_key = found.indicator_key_y
inner join
    periods as of_x
    on of_x.kind = found.kind
    and of_x.scope = found.scope
    and of_x.indicator_key = found.indicator_key_x
    and of_x.year is not distinct from case when found.kind = 'areas' then found.year end
inner join
    periods as of_y
    on of_y.kind = found.kind
    and of_y.scope = found.scope
    and of_y.indicator_key = found.indicator_key_y
    and of_y.year is not distinct from case when found.kind = 'areas' then found.year end
