{{ config(alias="dim_delivery") }}
with
    protected_sources as (
        select distinct measure.source_id
        from {{ ref("stg_catalogue__measure") }} as measure
        inner join {{ ref("stg_catalogue__rule") }} as rule using (rule_id)
        where rule.policy <> 'source_released' and measure.source_id is not null
    )
select
    delivery_id,
    source_id,
    period_end,
    cast(received_at as timestamp) as received_at,
    status,
    kommune_code,
    -- How many records it holds is content: under embargo it stays back like the rest. Where figures of the
    -- source have to be protected it stays back for good: the cases of one Jugendamt, or one more of them in
    -- a second delivery, are figures nobody has decided on.
    cast(
        case
            when status <> 'embargoed' and source_id not in (select source_id from protected_sources)
            then row_count
        end as bigint
    ) as row_count,
    cast(warnings as integer) as warnings
from {{ ref("stg_registry__delivery") }}
