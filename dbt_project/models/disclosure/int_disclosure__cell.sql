-- Grain: measure x period x area x group of every figure that a release could hold (levels down to the lowest
-- releasable one), with the verdict of the primary rules. `required_upper` is T: what an attacker must
-- still think possible.
with
    candidates as (
        select
            fact.*,
            area.level_rank,
            area.is_unassigned,
            measure.rule_id,
            measure.area_system,
            measure.value_kind,
            rule.* exclude (rule_id, basis)
        from {{ ref("fct_measure") }} as fact
        inner join {{ ref("stg_catalogue__measure") }} as measure using (measure_id)
        inner join {{ ref("stg_catalogue__rule") }} as rule using (rule_id)
        inner join {{ ref("dim_area") }} as area using (area_key)
        inner join
            {{ ref("stg_catalogue__area_level") }} as lowest
            on lowest.area_system = measure.area_system
            and lowest.level = measure.lowest_level
        inner join
            {{ ref("stg_catalogue__measure_breakdown") }} as planned
            on planned.measure_id = fact.measure_id
            and planned.breakdown = fact.breakdown
        where area.area_system = measure.area_system and area.level_rank <= lowest.level_rank
    ),
    inhabitants as (
        select area_key, period_end, value as inhabitants
        from {{ ref("fct_measure") }}
        where measure_id = 'population' and group_key = 'total'
    ),
    with_inhabitants as (
        select candidates.*, inhabitants.inhabitants
        from candidates
        asof left join
            inhabitants
            on inhabitants.area_key = candidates.area_key
            and candidates.period_end >= inhabitants.period_end
    ),
    vector_shape as (
        select
            measure_id,
            period_key,
            breakdown,
            area_key,
            count(*) filter (where value <> 0) as filled_categories,
            sum(value) as vector_total
        from candidates
        where breakdown <> 'total'
        group by all
    )
select
    cell.measure_id,
    cell.period_key,
    cell.period_end,
    cell.breakdown,
    cell.area_system,
    cell.area_key,
    cell.level_rank,
    cell.is_unassigned,
    cell.group_key,
    cell.value,
    cell.obs_status,
    cell.conf_status,
    cell.policy,
    cast(greatest(cell.min_count, 1) as double) as required_upper,
    cell.policy = 'evaluate'
    and (
        {{ primary_hidden_at_source("cell.value", "cell.conf_status") }}
        or (
            (not cell.is_unassigned or cell.protect_unassigned)
            and (
                (
                    cell.value_kind = 'count'
                    and {{ primary_count("cell.value", "cell.min_count", "cell.protect_zero") }}
                )
                or {{ primary_contributors("cell.value", "cell.contributors", "cell.min_contributors") }}
                or {{
                    primary_dominance(
                        "cell.value",
                        "cell.largest",
                        "cell.second_largest",
                        "cell.dominance_n",
                        "cell.dominance_k_pct",
                    )
                }}
                or
                {{ primary_p_percent("cell.value", "cell.largest", "cell.second_largest", "cell.p_percent") }}
                or {{ primary_denominator("cell.inhabitants", "cell.min_denominator") }}
                or {{
                    primary_group_disclosure(
                        "vector_shape.filled_categories",
                        "vector_shape.vector_total",
                        "cell.group_disclosure",
                    )
                }}
            )
        )
    ) as is_primary
from with_inhabitants as cell
left join vector_shape using (measure_id, period_key, breakdown, area_key)
