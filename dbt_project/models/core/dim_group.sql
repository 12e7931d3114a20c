-- Grain: group of a breakdown. Groups that only deliveries know appear with their code, so that nothing is
-- lost.
with
    used as (select distinct group_key, breakdown from {{ ref("fct_measure") }}),
    known as (
        select
            group_id as group_key,
            any_value(breakdown) as breakdown,
            any_value(group_label) as group_label,
            any_value(age_from) as age_from,
            any_value(age_to) as age_to,
            any_value(sex) as sex,
            any_value(nationality) as nationality,
            any_value(migration) as migration,
            any_value(category_dimension) as category_dimension,
            any_value(category) as category,
            min(sort_key) as sort_key
        from {{ ref("stg_catalogue__group_member") }}
        group by group_id
    )
select
    used.group_key,
    used.breakdown,
    coalesce(known.group_label, used.group_key) as group_label,
    cast(known.age_from as integer) as age_from,
    cast(known.age_to as integer) as age_to,
    known.sex,
    known.nationality,
    known.migration,
    known.category_dimension,
    known.category,
    cast(coalesce(known.sort_key, 100000) as integer) as sort_key,
    known.group_key is not null as is_known
from used
left join known using (group_key)
