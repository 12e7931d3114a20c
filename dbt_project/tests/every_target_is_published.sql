-- A target whose indicator is not active here or whose area does not exist would vanish without a word.
select target.indicator_id, target.area_code, target.year
from {{ ref("stg_catalogue__target") }} as target
anti join
    (
        select fact.indicator_id, area.area_level, area.area_code, fact.target_year as year
        from {{ ref("published_fct_target") }} as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
    ) as published using (indicator_id, area_level, area_code, year)
