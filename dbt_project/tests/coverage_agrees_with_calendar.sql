-- The calendar calls a Kommune "there" exactly where the warehouse does (int_coverage__missing): its
-- delivery is current.
-- Two opinions would show a figure as complete that is empty, or the other way round.
select calendar.source_id, calendar.period_end, calendar.kommune_code
from {{ ref("stg_registry__calendar") }} as calendar
inner join {{ ref("stg_catalogue__source_coverage") }} as coverage using (source_id, kommune_code)
left join
    (
        select distinct source_id, period_end, kommune_code
        from {{ ref("stg_registry__delivery") }}
        where status = 'current'
    ) as delivered
    on delivered.source_id = calendar.source_id
    and delivered.period_end = calendar.period_end
    and delivered.kommune_code = calendar.kommune_code
where
    calendar.period_type <> 'stand'
    and calendar.missing_parts = ''
    and calendar.is_there <> (delivered.source_id is not null)
