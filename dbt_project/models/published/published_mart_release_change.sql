{{ config(alias="mart_release_change") }}
-- Grain: indicator x area system x level x period with a difference between this release and the one
-- before. Both were
-- released, so that comparing them says nothing the public could not find out.
with
    compared as (
        select
            coalesce(now.indicator_key, before.indicator_key) as indicator_key,
            coalesce(now.area_key, before.area_key) as area_key,
            coalesce(now.period_key, before.period_key) as period_key,
            before.value as old_value,
            now.value as new_value,
            case
                when before.value is null
                then 'new'
                when now.value is null
                then 'withdrawn'
                -- Sums that differ in the ninth digit are the same.
                when abs(now.value - before.value) > 1e-9 * greatest(1, abs(before.value))
                then 'changed'
                else 'same'
            end as change
        from
            (
                select indicator_key, area_key, period_key, value
                from {{ ref("published_fct_indicator") }}
                where value is not null
            ) as now
        full outer join
            {{ ref("stg_release__previous_indicator") }} as before
            on before.indicator_key = now.indicator_key
            and before.area_key = now.area_key
            and before.period_key = now.period_key
    ),
    described as (
        select
            compared.*,
            indicator.indicator_id,
            indicator.label as indicator_label,
            indicator.theme_label,
            area.area_system,
            area.area_system_label,
            area.area_level,
            area.area_level_label,
            area.level_rank,
            period.period_label,
            period.period_end,
            area.area_name
            || ': '
            || {{ german_number("compared.old_value", "indicator.decimals") }}
            || ' → '
            || {{ german_number("compared.new_value", "indicator.decimals") }}
            || case
                when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit
            end as change_text
        from compared
        inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where compared.change <> 'same' and not area.is_unassigned
    )
select
    release.release_id,
    previous.release_id as previous_release_id,
    previous.released_at as previous_released_at,
    described.indicator_id,
    any_value(described.indicator_label) as indicator_label,
    any_value(described.theme_label) as theme_label,
    described.area_system,
    any_value(described.area_system_label) as area_system_label,
    described.area_level,
    any_value(described.area_level_label) as area_level_label,
    cast(any_value(described.level_rank) as integer) as level_rank,
    described.period_key,
    any_value(described.period_label) as period_label,
    any_value(described.period_end) as period_end,
    count(*) filter (where described.change = 'new') as values_new,
    count(*) filter (where described.change = 'changed') as values_changed,
    count(*) filter (where described.change = 'withdrawn') as values_withdrawn,
    max(abs(described.new_value - described.old_value) / nullif(abs(described.old_value), 0)) filter (
        where described.change = 'changed'
    ) as largest_share,
    array_to_string(
        list(
            described.change_text
            order by abs(described.new_value - described.old_value) desc, described.area_key
        ) filter (where described.change = 'changed')[:3],
        '; '
    ) as largest_text
from described
cross join {{ ref("published_dim_release") }} as release
left join {{ ref("stg_release__previous") }} as previous on true
group by
    release.release_id,
    previous.release_id,
    previous.released_at,
    described.indicator_id,
    described.area_system,
    described.area_level,
    described.period_key
