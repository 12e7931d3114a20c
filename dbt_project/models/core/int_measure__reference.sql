-- Grain: measure x period x area x group (`total` only) of figures that no register counts: square
-- kilometres from the
-- borders, at every Stichtag of the population, and amounts of the Haushalt for the whole area.
with
    stichtage as (
        select reference_date as day
        from {{ ref("stg_landing__person") }}
        union
        select period_end as day
        from {{ ref("stg_landing__observation") }}
        where measure_id = 'population' and period_type = 'stichtag'
    ),
    sizes as (
        select measure.measure_id, stichtage.day, area.area_key, size.area_km2
        from {{ ref("stg_catalogue__measure") }} as measure
        inner join
            {{ ref("stg_catalogue__area_level") }} as lowest
            on lowest.area_system = measure.area_system
            and lowest.level = measure.lowest_level
        cross join stichtage
        inner join
            {{ ref("dim_area") }} as area
            on area.area_system = measure.area_system
            and area.level_rank <= lowest.level_rank
            and {{ valid_on("stichtage.day", "area.valid_from", "area.valid_to") }}
        inner join {{ ref("int_area_size") }} as size on size.area_key = area.area_key
        where measure.input = 'area'
    )
select
    measure_id,
    'stichtag' as period_type,
    day as period_start,
    day as period_end,
    area_key,
    'total' as group_key,
    area_km2 as value,
    'A' as obs_status,
    'F' as conf_status,
    cast(null as bigint) as contributors,
    cast(null as double) as largest,
    cast(null as double) as second_largest
from sizes
{% for measure in var("measures") if measure.input == "budget" %}
    union all
    select
        '{{ measure.measure }}' as measure_id,
        'jahr' as period_type,
        make_date(budget.year, 1, 1) as period_start,
        make_date(budget.year, 12, 31) as period_end,
        root.area_key,
        'total' as group_key,
        -- A year that is not closed has products without a result: their sum would be too small.
        case when budget.is_closed then budget.value end as value,
        case when budget.is_closed then 'A' else 'O' end as obs_status,
        'F' as conf_status,
        cast(null as bigint) as contributors,
        cast(null as double) as largest,
        cast(null as double) as second_largest
    from
        (
            select
                year,
                round(cast({{ measure.value }} as double), 2) as value,
                count(*) = count(actual_eur) as is_closed
            from {{ ref("stg_landing__budget") }}
            where source_id = '{{ measure.source }}' and ({{ measure.where }})
            group by year
        ) as budget
    inner join
        {{ ref("dim_area") }} as root
        on root.area_system = '{{ measure.area_system }}'
        and root.level_rank = 0
        and {{ valid_on("make_date(budget.year, 12, 31)", "root.valid_from", "root.valid_to") }}
    {% else %}
    -- depends_on: {{ ref('stg_landing__budget') }}
    {% endfor %}
