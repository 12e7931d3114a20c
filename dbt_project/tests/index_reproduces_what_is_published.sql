-- An index that carries the name of a published one has its classes, area by area: nothing else may be
-- released under
-- it. Areas the publisher left out have none here either.
with
    claimed as (
        select * from {{ ref("stg_catalogue__index_class") }} where published_indicator_id is not null
    ),
    published as (
        select distinct
            claimed.index_id,
            claimed.kind,
            fact.area_key,
            fact.period_key,
            cast(fact.value as integer) as code
        from claimed
        inner join
            {{ ref("published_fct_indicator") }} as fact on fact.indicator_id = claimed.published_indicator_id
        where fact.value is not null
    ),
    formed as (
        select index_id, area_key, period_key, 'value' as kind, class_number
        from {{ ref("published_fct_index") }}
        union all
        select index_id, area_key, period_key, 'change' as kind, change_class_number
        from {{ ref("published_fct_index") }}
    ),
    compared as (
        select
            formed.index_id,
            formed.kind,
            formed.area_key,
            formed.period_key,
            claimed.published_code as code,
            published.code as published_code
        from formed
        inner join (select distinct index_id, kind from claimed) as kinds using (index_id, kind)
        left join claimed using (index_id, kind, class_number)
        left join published using (index_id, kind, area_key, period_key)
    )
select *
from compared
where code is distinct from published_code
