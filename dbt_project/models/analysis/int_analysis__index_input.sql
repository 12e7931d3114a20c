-- Grain: index x period x area x part of the index. The released value a part enters with, and its
-- development.
-- The first part sets the periods; one exists where every part that holds then has figures on the level
-- that are
-- not older than the recipe allows. The figures of a part are all of one period: a withheld one is never
-- replaced
-- by an older one.
with
    recipes as (select * from {{ ref("stg_catalogue__index") }}),
    parts as (
        select part.*, recipe.area_system, recipe.area_level, recipe.has_dynamics, recipe.change_years
        from {{ ref("stg_catalogue__index_part") }} as part
        inner join recipes as recipe using (index_id)
    ),
    used as (
        select index_id, area_system, area_level, indicator_id
        from parts
        union
        select index_id, area_system, area_level, change_indicator_id
        from parts
        where change_indicator_id is not null
        union
        select index_id, area_system, area_level, population_indicator
        from recipes
        where population_indicator is not null
    ),
    figures as (
        select
            used.index_id,
            used.indicator_id,
            fact.area_key,
            fact.period_key,
            period.period_end,
            -- fct_indicator rounds for display; an index is formed from the released parts as they are.
            case
                when fact.value is not null
                then indicator.factor * fact.numerator / coalesce(fact.denominator, 1)
            end as value,
            fact.obs_status,
            fact.conf_status
        from used
        inner join
            {{ ref("published_dim_area") }} as area
            on area.area_system = used.area_system
            and area.area_level = used.area_level
            and not area.is_unassigned
        inner join
            {{ ref("published_fct_indicator") }} as fact
            on fact.area_key = area.area_key
            and fact.indicator_id = used.indicator_id
        inner join
            {{ ref("published_dim_indicator") }} as indicator on indicator.indicator_key = fact.indicator_key
        inner join {{ ref("published_dim_period") }} as period on period.period_key = fact.period_key
    ),
    figure_periods as (select distinct index_id, indicator_id, period_key, period_end from figures),
    periods as (
        select recipe.index_id, recipe.population_indicator, period.period_key, period.period_end
        from recipes as recipe
        inner join
            parts as leading_part on leading_part.index_id = recipe.index_id and leading_part.position = 1
        inner join
            figure_periods
            on figure_periods.index_id = recipe.index_id
            and figure_periods.indicator_id = leading_part.indicator_id
        inner join
            {{ ref("published_dim_period") }} as period
            on period.period_key = figure_periods.period_key
            and period.period_type = recipe.period_type
            and (recipe.month is null or month(period.period_end) = recipe.month)
            and (recipe.since is null or period.period_end >= recipe.since)
            and (recipe.until is null or period.period_end <= recipe.until)
    ),
    holding as (
        select periods.period_key, periods.period_end, parts.*
        from periods
        inner join
            parts
            on parts.index_id = periods.index_id
            and (parts.since is null or periods.period_end >= parts.since)
            and (parts.until is null or periods.period_end <= parts.until)
    ),
    sourced as (
        select
            holding.*,
            figure_periods.period_key as source_period_key,
            figure_periods.period_end as source_period_end
        from holding
        left join
            figure_periods
            on figure_periods.index_id = holding.index_id
            and figure_periods.indicator_id = holding.indicator_id
            and figure_periods.period_end <= holding.period_end
            and figure_periods.period_end > holding.period_end - to_months(holding.max_age_months)
        qualify
            row_number() over (
                partition by holding.index_id, holding.period_key, holding.indicator_id
                order by figure_periods.period_end desc nulls last
            )
            = 1
    ),
    formed as (
        select *, max(source_period_end) over (partition by index_id, period_key) as newest_period_end
        from sourced
        qualify bool_and(source_period_key is not null) over (partition by index_id, period_key)
    ),
    -- Areas in the boundaries of the period: those the newest part has figures for. Older parts may know
    -- areas
    -- that a reform has ended since.
    areas as (
        select distinct formed.index_id, formed.period_key, figures.area_key
        from formed
        inner join
            figures
            on figures.index_id = formed.index_id
            and figures.indicator_id = formed.indicator_id
            and figures.period_key = formed.source_period_key
        where formed.source_period_end = formed.newest_period_end
    ),
    population as (
        select periods.index_id, periods.period_key, figures.area_key, figures.value
        from periods
        inner join
            figures
            on figures.index_id = periods.index_id
            and figures.indicator_id = periods.population_indicator
            and figures.period_end <= periods.period_end
            and figures.period_end > periods.period_end - to_months(12)
        qualify
            figures.period_end
            = max(figures.period_end) over (partition by periods.index_id, periods.period_key)
    ),
    valued as (
        select
            formed.index_id,
            formed.period_key,
            formed.period_end,
            areas.area_key,
            formed.indicator_id,
            formed.position,
            formed.has_dynamics,
            formed.change_years,
            formed.change_indicator_id,
            formed.source_period_key,
            formed.source_period_end,
            figures.value,
            -- No row: the part is older than the boundaries of the area.
            coalesce(figures.obs_status, 'L') as obs_status,
            coalesce(figures.conf_status, 'F') as conf_status
        from formed
        inner join areas using (index_id, period_key)
        left join
            figures
            on figures.index_id = formed.index_id
            and figures.indicator_id = formed.indicator_id
            and figures.period_key = formed.source_period_key
            and figures.area_key = areas.area_key
    ),
    computed as (
        select
            later.index_id,
            later.period_key,
            later.area_key,
            later.indicator_id,
            later.value - earlier.value as change_value
        from valued as later
        inner join
            valued as earlier
            on earlier.index_id = later.index_id
            and earlier.area_key = later.area_key
            and earlier.indicator_id = later.indicator_id
            and earlier.period_end = cast(later.period_end - to_years(later.change_years) as date)
            and earlier.source_period_key <> later.source_period_key
        -- Nothing is compared across a break in the series.
        where
            not exists (
                select 1
                from figures
                where
                    figures.index_id = later.index_id
                    and figures.indicator_id = later.indicator_id
                    and figures.area_key = later.area_key
                    and figures.obs_status = 'B'
                    and figures.period_end > earlier.source_period_end
                    and figures.period_end <= later.source_period_end
            )
    )
select
    valued.index_id,
    valued.period_key,
    valued.period_end,
    valued.area_key,
    valued.indicator_id,
    indicator.short_label as indicator_label,
    valued.position,
    valued.source_period_key,
    valued.value,
    case when valued.has_dynamics then coalesce(computed.change_value, delivered.value) end as change_value,
    valued.obs_status,
    valued.conf_status,
    population.value as population
from valued
inner join
    {{ ref("published_dim_indicator") }} as indicator
    on indicator.indicator_id = valued.indicator_id
    and indicator.is_active
left join
    computed
    on computed.index_id = valued.index_id
    and computed.period_key = valued.period_key
    and computed.area_key = valued.area_key
    and computed.indicator_id = valued.indicator_id
left join
    figures as delivered
    on delivered.index_id = valued.index_id
    and delivered.indicator_id = valued.change_indicator_id
    and delivered.area_key = valued.area_key
    and delivered.period_key = valued.source_period_key
left join
    population
    on population.index_id = valued.index_id
    and population.period_key = valued.period_key
    and population.area_key = valued.area_key
