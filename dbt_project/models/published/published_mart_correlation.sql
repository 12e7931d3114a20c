{{ config(alias="mart_correlation") }}
-- Grain: ordered pair of indicators x kind x level, flat: either indicator of a pair stands first once, so
-- that a
-- filter on x finds all partners.
with
    levels as (
        select
            area_system,
            area_level,
            any_value(area_level_label) as area_level_label,
            min(level_rank) as level_rank
        from {{ ref("published_dim_area") }}
        group by all
    ),
    both_ways as (
        select *
        from {{ ref("published_fct_indicator_correlation") }}
        union all
        select
            * replace(
                indicator_id_y as indicator_id_x,
                indicator_id_x as indicator_id_y,
                period_key_y as period_key,
                period_key as period_key_y
            )
        from {{ ref("published_fct_indicator_correlation") }}
    ),
    active as (select * from {{ ref("published_dim_indicator") }} where is_active)
select
    pair.correlation_key,
    pair.indicator_id_x,
    x.label as indicator_label_x,
    x.theme_label as theme_label_x,
    pair.indicator_id_y,
    y.label as indicator_label_y,
    y.theme_label as theme_label_y,
    pair.kind,
    pair.area_system,
    pair.area_level,
    pair.area_key,
    pair.year,
    pair.n,
    pair.method,
    pair.r,
    pair.r_low,
    pair.r_high,
    pair.confidence,
    pair.p_value,
    pair.p_adjusted,
    pair.is_significant,
    pair.relation_label,
    pair.caution,
    case when pair.kind = 'areas' then 'über Gebiete' else 'über die Jahre' end as kind_label,
    levels.area_level_label,
    levels.level_rank,
    area.area_name,
    case
        when pair.kind = 'time'
        then 'Veränderungen von Jahr zu Jahr bis ' || pair.year
        when pair.period_key = pair.period_key_y
        then of_x.period_label
        else of_x.period_label || ' und ' || of_y.period_label
    end as period_label,
    {{ german_number("pair.r", 2) }}
    || ' ('
    || {{ german_number("pair.r_low", 2) }}
    || ' bis '
    || {{ german_number("pair.r_high", 2) }}
    || ')' as r_label,
    'Rangkorrelation nach Spearman' as method_label
from both_ways as pair
inner join active as x on x.indicator_id = pair.indicator_id_x
inner join active as y on y.indicator_id = pair.indicator_id_y
inner join levels on levels.area_system = pair.area_system and levels.area_level = pair.area_level
left join {{ ref("published_dim_area") }} as area on area.area_key = pair.area_key
left join {{ ref("published_dim_period") }} as of_x on of_x.period_key = pair.period_key
left join {{ ref("published_dim_period") }} as of_y on of_y.period_key = pair.period_key_y
