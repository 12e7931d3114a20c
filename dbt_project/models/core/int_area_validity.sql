-- Grain: area system x level x code x start of validity, as areas are delivered.
-- Most registers deliver validities and pass as they are. The Gemeindeverzeichnis delivers states (rows with
-- `state_date`: everything that exists on that day) and lists of changes (rows without it: from
-- `valid_from` on
-- the area is as the row says; with `valid_to` it ceased then). Here they become validities: one version of
-- an area
-- lasts until the next statement that changes its name, parent or borders. Where a state differs from the
-- one before
-- and no list says when, the first day after the earlier state counts. Rows with a border but no state only
-- lend it.
with
    delivered as (
        select
            area_system,
            area_level,
            area_code,
            area_name,
            parent_code,
            valid_from,
            valid_to,
            geometry,
            state_date,
            coalesce(state_date, valid_from) as said_on,
            -- Of one day: a change opens it, a state describes it, a ceased area saw its end.
            case when state_date is not null then 1 when valid_to is null then 0 else 2 end as turn
        from {{ ref("stg_landing__area") }}
        qualify
            row_number() over (
                partition by area_system, area_level, area_code, valid_from, state_date, geometry is null
                order by valid_to nulls first, delivery_id desc
            )
            = 1
    ),
    states as (
        select
            area_system,
            area_level,
            state_date,
            lag(state_date) over (partition by area_system, area_level order by state_date) as previous_state
        from (select distinct area_system, area_level, state_date from delivered where state_date is not null)
    ),
    borders as (
        select area_system, area_level, area_code, arg_max(geometry, valid_from) as geometry
        from delivered
        semi join states using (area_system)
        where state_date is null and geometry is not null
        group by all
    ),
    statements as (
        select
            delivered.* exclude (parent_code, geometry),
            states.previous_state,
            -- A list without parents leaves them as the state after it has them, a ceased area as it had
            -- them.
            coalesce(
                delivered.parent_code,
                case
                    when delivered.valid_to is null
                    then first_value(delivered.parent_code ignore nulls) over later
                end,
                last_value(delivered.parent_code ignore nulls) over earlier,
                first_value(delivered.parent_code ignore nulls) over later
            ) as parent_code
        from delivered
        semi join states as kept on kept.area_system = delivered.area_system
        left join
            states
            on states.area_system = delivered.area_system
            and states.area_level = delivered.area_level
            and states.state_date = delivered.state_date
        where delivered.state_date is not null or delivered.geometry is null
        window
            earlier as (
                partition by delivered.area_system, delivered.area_level, delivered.area_code
                order by delivered.said_on, delivered.turn
                rows between unbounded preceding and 1 preceding
            ),
            later as (
                partition by delivered.area_system, delivered.area_level, delivered.area_code
                order by delivered.said_on, delivered.turn
                rows between 1 following and unbounded following
            )
    ),
    followed as (
        select
            *,
            lag(said_on) over chain as last_said_on,
            lag(valid_to) over chain as last_ceased_on,
            lag(area_name) over chain as last_name,
            lag(parent_code) over chain as last_parent
        from statements
        window chain as (partition by area_system, area_level, area_code order by said_on, turn)
    ),
    started as (
        select
            followed.*,
            case
                when state_date is null and valid_to is null
                then valid_from
                -- Ceased without ever having been named: it existed since the last state at the latest.
                when state_date is null and last_said_on is null
                then
                    coalesce(
                        (
                            select max(states.state_date) + 1
                            from states
                            where
                                states.area_system = followed.area_system
                                and states.area_level = followed.area_level
                                and states.state_date < followed.valid_from
                        ),
                        valid_from
                    )
                when state_date is null
                then null
                when last_said_on is null
                then coalesce(previous_state + 1, valid_from)
                when last_ceased_on is not null
                then greatest(coalesce(previous_state, last_ceased_on), last_ceased_on) + 1
                when last_said_on < previous_state
                then previous_state + 1
                when area_name is distinct from last_name or parent_code is distinct from last_parent
                then greatest(coalesce(previous_state, last_said_on), last_said_on) + 1
            end as starts_on
        from followed
    ),
    versions as (
        select
            *,
            lead(starts_on) over (
                partition by area_system, area_level, area_code order by starts_on
            ) as next_start
        from started
        where starts_on is not null
        qualify
            row_number() over (
                partition by area_system, area_level, area_code, starts_on order by said_on desc
            )
            = 1
    ),
    ceased as (
        select area_system, area_level, area_code, valid_to as ceased_on
        from statements
        where valid_to is not null
    ),
    -- States an area of the level is absent from, though no list said when it ceased.
    absent as (
        select codes.area_system, codes.area_level, codes.area_code, states.state_date, states.previous_state
        from (select distinct area_system, area_level, area_code from statements) as codes
        inner join states using (area_system, area_level)
        anti join
            statements
            on statements.area_system = codes.area_system
            and statements.area_level = codes.area_level
            and statements.area_code = codes.area_code
            and statements.state_date = states.state_date
        anti join
            ceased
            on ceased.area_system = codes.area_system
            and ceased.area_level = codes.area_level
            and ceased.area_code = codes.area_code
            and ceased.ceased_on <= states.state_date
            and ceased.ceased_on > coalesce(states.previous_state, date '0001-01-01')
    ),
    version_ends as (
        select
            versions.area_system,
            versions.area_level,
            versions.area_code,
            versions.starts_on,
            least(
                coalesce(any_value(versions.next_start) - 1, date '9999-12-31'),
                coalesce(min(ceased.ceased_on), date '9999-12-31'),
                coalesce(
                    min(greatest(absent.previous_state, versions.starts_on)) filter (
                        where absent.state_date is not null
                    ),
                    date '9999-12-31'
                )
            ) as ends_on
        from versions
        left join
            ceased
            on ceased.area_system = versions.area_system
            and ceased.area_level = versions.area_level
            and ceased.area_code = versions.area_code
            and ceased.ceased_on >= versions.starts_on
        left join
            absent
            on absent.area_system = versions.area_system
            and absent.area_level = versions.area_level
            and absent.area_code = versions.area_code
            and absent.state_date > versions.starts_on
        group by versions.area_system, versions.area_level, versions.area_code, versions.starts_on
    )
select
    versions.area_system,
    versions.area_level,
    versions.area_code,
    versions.area_name,
    versions.parent_code,
    versions.starts_on as valid_from,
    nullif(version_ends.ends_on, date '9999-12-31') as valid_to,
    borders.geometry,
    true as is_from_states
from versions
inner join version_ends using (area_system, area_level, area_code, starts_on)
left join borders using (area_system, area_level, area_code)
union all
select
    area_system,
    area_level,
    area_code,
    area_name,
    parent_code,
    valid_from,
    valid_to,
    geometry,
    false as is_from_states
from delivered
anti join states using (area_system)
