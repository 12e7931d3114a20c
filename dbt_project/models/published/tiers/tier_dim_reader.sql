{{ config(alias="dim_reader", schema="tiers") }}
-- Grain: audience x reader who has a file of his own today.
select
    audience.audience,
    audience.label as audience_label,
    coalesce(area.area_code, '') as reader_code,
    coalesce(area.area_name, audience.label) as reader_label,
    {{ text_literal(var("release_id")) }} as release_id
from {{ ref("stg_catalogue__audience") }} as audience
left join
    {{ ref("dim_area") }} as area
    on area.area_system = audience.area_system
    and area.area_level = audience.level
    and area.is_current
    and not area.is_unassigned
where audience.level is null or area.area_key is not null
