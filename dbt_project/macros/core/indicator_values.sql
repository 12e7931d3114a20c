{#- Indicator values from their parts: factor x sum(numerator) / sum(denominator).

    `facts` is a relation of grain measure x period x area x group with period and area columns; the released one yields
    released indicators by construction, because a hidden part makes the sum NULL.
    The denominator is that of the same day or the latest Stichtag within a year before; areas are matched by level and
    code, so that the Kreis of one area system is the Kreis of the other. Levels below the indicator's lowest one are
    left out. `with_bounds`: `facts` also has value_low, value_high, is_estimate and is_as_is, and the result too. -#}
{% macro indicator_values(facts, with_bounds=false) %}
    parts as (
        select
            part.indicator_key,
            part.part,
            fact.area_key,
            fact.area_level,
            fact.area_code,
            fact.period_key,
            fact.period_end,
            round(sum(part.sign * fact.value), 6) as total,
            count(*) as rows_found,
            count(fact.value) as values_found,
            any_value(expected.parts) as parts_expected,
            bool_or(fact.conf_status = 'C') as has_hidden,
            {{ first_status(["O", "L", "M"], "fact.value is null and fact.obs_status") }} as missing_status,
            {% if with_bounds %}
                sum(
                    part.sign * case when part.sign > 0 then fact.value_low else fact.value_high end
                ) as total_low,
                sum(
                    part.sign * case when part.sign > 0 then fact.value_high else fact.value_low end
                ) as total_high,
                bool_or(fact.is_as_is) as is_as_is,
                bool_or(fact.is_estimate) as is_estimate,
            {% endif %}
            bool_or(fact.obs_status = 'E') as has_estimate
        from {{ ref("stg_catalogue__indicator_part") }} as part
        inner join {{ facts }} as fact on fact.measure_id = part.measure_id and fact.group_key = part.group_id
        inner join
            (
                select indicator_key, part, count(*) as parts
                from {{ ref("stg_catalogue__indicator_part") }}
                group by all
            ) as expected
            on expected.indicator_key = part.indicator_key
            and expected.part = part.part
        group by
            part.indicator_key,
            part.part,
            fact.area_key,
            fact.area_level,
            fact.area_code,
            fact.period_key,
            fact.period_end
    ),
    complete_parts as (
        select * exclude (total), case when values_found = parts_expected then total end as total from parts
    ),
    numerators as (select * from complete_parts where part = 'numerator'),
    -- One row per level and code: a second area system repeats the root with the same figure.
    denominators as (
        select *
        from complete_parts
        where part = 'denominator'
        qualify
            row_number() over (
                partition by indicator_key, area_level, area_code, period_end
                order by (total is not null) desc, area_key
            )
            = 1
    ),
    paired as (
        select
            numerators.indicator_key,
            numerators.area_key,
            numerators.area_level,
            numerators.area_code,
            numerators.period_key,
            numerators.period_end,
            numerators.total as numerator,
            numerators.has_hidden as numerator_hidden,
            coalesce(
                numerators.missing_status,
                case when numerators.rows_found < numerators.parts_expected then 'O' end
            ) as numerator_missing_status,
            numerators.has_estimate as numerator_estimate,
            {% if with_bounds %}
                numerators.total_low as numerator_low,
                numerators.total_high as numerator_high,
                numerators.is_as_is
                or coalesce(
                    denominators.is_as_is
                    and denominators.period_end >= numerators.period_end - interval 366 day,
                    false
                ) as is_as_is,
                numerators.is_estimate
                or coalesce(
                    denominators.is_estimate
                    and denominators.period_end >= numerators.period_end - interval 366 day,
                    false
                ) as is_estimate,
            {% endif %}
            -- An as-of join reaches back without limit; a base older than a year is no base.
            case
                when denominators.period_end >= numerators.period_end - interval 366 day
                then denominators.total
            end as denominator,
            denominators.missing_status as denominator_missing_status,
            coalesce(denominators.has_hidden, false) as denominator_hidden,
            coalesce(denominators.has_estimate, false) as denominator_estimate
        from numerators
        asof left join
            denominators
            on denominators.indicator_key = numerators.indicator_key
            and denominators.area_level = numerators.area_level
            and denominators.area_code = numerators.area_code
            and numerators.period_end >= denominators.period_end
    ),
    indicator_values as (
        select
            paired.indicator_key,
            indicator.indicator_id,
            paired.area_key,
            paired.period_key,
            paired.period_end,
            paired.numerator,
            case when has_denominator.indicator_key is not null then paired.denominator end as denominator,
            {{ indicator_value("paired.numerator") }} as value,
            {% if with_bounds %}
                {{ indicator_value("paired.numerator_low") }} as value_low,
                {{ indicator_value("paired.numerator_high") }} as value_high,
                paired.is_as_is,
                paired.is_estimate,
            {% endif %}
            case
                when paired.numerator_missing_status is not null
                then paired.numerator_missing_status
                when has_denominator.indicator_key is not null and paired.denominator = 0
                then 'M'
                when
                    has_denominator.indicator_key is not null
                    and paired.denominator is null
                    and not paired.denominator_hidden
                then coalesce(paired.denominator_missing_status, 'O')
                when paired.numerator_estimate or paired.denominator_estimate
                then 'E'
                else 'A'
            end as obs_status,
            case
                when
                    paired.numerator_hidden
                    or (has_denominator.indicator_key is not null and paired.denominator_hidden)
                then 'C'
                -- Too small a base: the rate would be noise and close to a count.
                when
                    has_denominator.indicator_key is not null
                    and paired.denominator < indicator.min_denominator
                then 'C'
                else 'F'
            end as conf_status
        from paired
        inner join {{ ref("stg_catalogue__indicator") }} as indicator using (indicator_key)
        left join
            (
                select distinct indicator_key
                from {{ ref("stg_catalogue__indicator_part") }}
                where part = 'denominator'
            ) as has_denominator using (indicator_key)
        left join
            {{ ref("stg_catalogue__area_level") }} as lowest
            on lowest.area_system = indicator.area_system
            and lowest.level = indicator.lowest_level
        left join
            {{ ref("stg_catalogue__area_level") }} as own
            on own.area_system = indicator.area_system
            and own.level = paired.area_level
        where
            indicator.status = 'active'
            and indicator.tier = 'public'
            and coalesce(own.level_rank <= lowest.level_rank, true)
    )
{% endmacro %}

{#- factor x numerator / denominator of a row of `paired`, rounded as the catalogue says; NULL below the minimum base. -#}
{% macro indicator_value(numerator) -%}
    case
        when has_denominator.indicator_key is null
        then round(indicator.factor * {{ numerator }}, indicator.decimals)
        when paired.denominator < indicator.min_denominator
        then null
        else round(indicator.factor * {{ numerator }} / nullif(paired.denominator, 0), indicator.decimals)
    end
{%- endmacro %}
