{{ config(alias="mart_delivery") }}
-- Grain: source x Kommune x period of the delivery calendar. How many of the Kommunen of a source are there
-- stands in
-- every row of the period, so that a part is never read as the whole.
with
    kommune as (
        select area_code as kommune_code, arg_max(area_name, valid_from) as kommune_name
        from {{ ref("dim_area") }}
        where area_system = '{{ var("main_area_system") }}' and area_level <> 'block'
        group by area_code
    ),
    covered as (
        select
            calendar.source_id,
            calendar.period_type,
            calendar.period_end,
            count(*) filter (where calendar.is_there) as there
        from {{ ref("stg_registry__calendar") }} as calendar
        left join {{ ref("stg_catalogue__source_coverage") }} as coverage using (source_id, kommune_code)
        -- A Kommune that delivers without being asked completes nothing.
        where calendar.kommune_code is null or coverage.kommune_code is not null
        group by all
    )
select
    calendar.source_id,
    source.label as source_label,
    calendar.supplier,
    calendar.kommune_code,
    kommune.kommune_name,
    calendar.period_type,
    calendar.period_start,
    calendar.period_end,
    calendar.period_label,
    calendar.due_on,
    calendar.arrived_on,
    cast(calendar.arrived_on - calendar.due_on as integer) as days_after_due,
    calendar.releasable_on,
    calendar.status,
    calendar.status_label,
    calendar.is_there,
    cast(source.kommunen_expected as integer) as kommunen_expected,
    cast(coalesce(covered.there, 0) as integer) as kommunen_there,
    coalesce(covered.there, 0) || ' von ' || source.kommunen_expected as coverage_label,
    coalesce(covered.there, 0) >= source.kommunen_expected as is_complete,
    calendar.deliveries,
    calendar.refused,
    calendar.missing_parts
from {{ ref("stg_registry__calendar") }} as calendar
inner join {{ ref("stg_catalogue__source") }} as source using (source_id)
left join kommune using (kommune_code)
left join
    covered
    on covered.source_id = calendar.source_id
    and covered.period_type is not distinct from calendar.period_type
    and covered.period_end is not distinct from calendar.period_end
