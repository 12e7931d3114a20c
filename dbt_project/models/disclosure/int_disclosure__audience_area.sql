-- Grain: audience x reader x area x validity: whose figures a reader of the internal tier gets. An audience
-- with a level
-- has one reader per area of it (a Kommune: what lies in it while it lies in it), one without has a single
-- reader, who
-- gets everything.
select
    audience.audience,
    reader.area_code as reader_code,
    inside.descendant_area_key as area_key,
    inside.valid_from,
    inside.valid_to
from {{ ref("stg_catalogue__audience") }} as audience
inner join
    {{ ref("dim_area") }} as reader
    on reader.area_system = audience.area_system
    and reader.area_level = audience.level
    -- Figures nobody could place in a Kommune are not a Kommune's.
    and not reader.is_unassigned
inner join {{ ref("bridge_area") }} as inside on inside.ancestor_area_key = reader.area_key
union all
select audience.audience, '' as reader_code, area.area_key, area.valid_from, area.valid_to
from {{ ref("stg_catalogue__audience") }} as audience
cross join {{ ref("dim_area") }} as area
where audience.level is null
