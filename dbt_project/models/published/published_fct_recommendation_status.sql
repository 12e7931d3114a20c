{{ config(alias="fct_recommendation_status") }}
-- Grain: Handlungsempfehlung x day of a change of status. What the register says of its own history
-- counts; for a recommendation without one, the history is what successive deliveries said, dated by the
-- delivery.
with
    stated as (
        select history.recommendation_id, history.since, history.status, history.note, false as is_derived
        from {{ ref("stg_landing__recommendation_status") }} as history
        inner join {{ ref("stg_landing__recommendation") }} as delivered using (recommendation_id)
    ),
    -- Of several deliveries of a day the last one counts.
    seen as (
        select recommendation_id, stated_on, arg_max(status, received_at) as status
        from {{ ref("stg_landing__recommendation_seen") }}
        where recommendation_id in (select recommendation_id from {{ ref("stg_landing__recommendation") }})
        group by recommendation_id, stated_on
    ),
    changed as (
        select
            recommendation_id,
            stated_on as since,
            status,
            cast(null as varchar) as note,
            true as is_derived,
            lag(status) over (partition by recommendation_id order by stated_on) as status_before
        from seen
        where recommendation_id not in (select recommendation_id from stated)
    ),
    joined as (
        select recommendation_id, since, status, note, is_derived
        from stated
        union all
        select recommendation_id, since, status, note, is_derived
        from changed
        where status is distinct from status_before
    )
select
    recommendation_id,
    since,
    status,
    note,
    is_derived,
    row_number() over (partition by recommendation_id order by since desc) = 1 as is_current
from joined
