-- Grain: member "räumlich nicht zuordenbar" x validity, found by the code of the area it belongs to.
select
    area_system,
    parent_code,
    level_rank,
    area_key,
    valid_from,
    coalesce(valid_to, date '9999-12-31') as valid_until
from {{ ref("dim_area") }}
where is_unassigned
