-- Grain: child x parent x common validity. A child whose parent was replaced by a reform has one row per
-- parent.
select
    child.area_system,
    child.area_key as child_key,
    parent.area_key as parent_key,
    greatest(child.valid_from, parent.valid_from) as valid_from,
    nullif(
        least(coalesce(child.valid_to, date '9999-12-31'), coalesce(parent.valid_to, date '9999-12-31')),
        date '9999-12-31'
    ) as valid_to
from {{ ref("dim_area") }} as child
inner join
    {{ ref("dim_area") }} as parent
    on parent.area_system = child.area_system
    and parent.level_rank = child.level_rank - 1
    and parent.area_code = child.parent_code
    and parent.valid_from <= coalesce(child.valid_to, date '9999-12-31')
    and child.valid_from <= coalesce(parent.valid_to, date '9999-12-31')
