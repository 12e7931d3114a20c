{{ config(alias="fct_index") }}
-- Grain: index x area x period. The computed index with the names of its classes.
select
    found.index_id,
    found.area_key,
    found.period_key,
    found.value,
    found.rank,
    found.rank_low,
    found.rank_high,
    found.n_areas,
    found.class_number,
    class.label as class_label,
    found.change_value,
    found.change_class_number,
    change_class.label as change_class_label,
    found.obs_status,
    found.conf_status,
    found.empty_reason
from {{ ref("int_analysis__index") }} as found
left join
    {{ ref("stg_catalogue__index_class") }} as class
    on class.index_id = found.index_id
    and class.kind = 'value'
    and class.class_number = found.class_number
left join
    {{ ref("stg_catalogue__index_class") }} as change_class
    on change_class.index_id = found.index_id
    and change_class.kind = 'change'
    and change_class.class_number = found.change_class_number
