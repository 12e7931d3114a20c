-- Grain: cell of a linked table, with what has to be protected and what it would cost to hide it. Two kinds
-- of cells are
-- never tabulated, but everybody can subtract: rests of parts (`<part>~rest`), and what two area systems
-- have in common
-- (`<area>&<area>`).
-- Weight: (ln(1 + |value|) + 1), times the level (the root is worth most), times the breakdown (totals
-- before margins
-- before cross tables).
with
    consistent as (select * from {{ ref("int_disclosure__table") }} where is_consistent),
    delivered as (
        select
            figure.table_id,
            figure.measure_id,
            figure.period_key,
            figure.area_key,
            figure.group_key,
            figure.breakdown,
            figure.level_rank,
            figure.value_units,
            figure.is_primary,
            figure.primary_rule,
            figure.lower_goal,
            figure.upper_goal,
            figure.tier = 'public' as may_publish,
            figure.tier
        from {{ ref("int_disclosure__figure") }} as figure
        inner join consistent using (table_id)
    ),
    rest_sum as (
        select
            rest.table_id,
            rest.measure_id,
            area_cover.area_key,
            group_cover.group_key,
            case when count(*) = count(rest.base) then cast(sum(rest.base) as bigint) end as value_units
        from {{ ref("int_disclosure__rest") }} as rest
        inner join consistent using (table_id)
        inner join
            {{ ref("int_disclosure__group_cover") }} as group_cover
            on group_cover.atom_measure = rest.measure_id
            and group_cover.clique = rest.clique
            and group_cover.atom_group = rest.atom_group
        inner join
            {{ ref("int_disclosure__area_cover") }} as area_cover
            on area_cover.atom_area = rest.atom_area
            and {{ valid_on("rest.period_end", "area_cover.valid_from", "area_cover.valid_to") }}
        group by rest.table_id, rest.measure_id, area_cover.area_key, group_cover.group_key
    ),
    left_over as (
        select
            rest_sum.*,
            figure.period_key,
            figure.breakdown,
            figure.level_rank,
            figure.threshold_units,
            figure.tier,
            -- The rest can be formed wherever the part is tabulated; it is as sensitive as a small count of
            -- the part.
            coalesce(
                rest_sum.value_units > 0
                and rest_sum.value_units < figure.threshold_units
                and not figure.is_unassigned,
                false
            ) as is_primary
        from rest_sum
        inner join {{ ref("stg_catalogue__table_member") }} as member using (measure_id)
        inner join
            {{ ref("int_disclosure__figure") }} as figure
            on figure.table_id = rest_sum.table_id
            and figure.measure_id = member.part_id
            and figure.area_key = rest_sum.area_key
            and figure.group_key = rest_sum.group_key
    ),
    common as (
        select
            leaf.table_id,
            leaf.measure_id,
            leaf.period_key,
            leaf.atom_area as area_key,
            group_cover.group_key,
            group_cover.breakdown,
            figure.level_rank,
            cast(sum(leaf.base) as bigint) as value_units,
            any_value(figure.threshold_units) as threshold_units,
            figure.tier,
            coalesce(
                sum(leaf.base) > 0
                and sum(leaf.base) < any_value(figure.threshold_units)
                and not figure.is_unassigned,
                false
            ) as is_primary
        from {{ ref("int_disclosure__leaf") }} as leaf
        inner join consistent using (table_id)
        inner join
            {{ ref("int_disclosure__group_cover") }} as group_cover
            on group_cover.atom_measure = leaf.measure_id
            and group_cover.clique = leaf.clique
            and group_cover.atom_group = leaf.atom_group
        inner join
            {{ ref("int_disclosure__figure") }} as figure
            on figure.table_id = leaf.table_id
            and figure.measure_id = leaf.measure_id
            and figure.area_key = leaf.area_key
            and figure.group_key = group_cover.group_key
        where contains(leaf.atom_area, '&')
        group by
            leaf.table_id,
            leaf.measure_id,
            leaf.period_key,
            leaf.atom_area,
            group_cover.group_key,
            group_cover.breakdown,
            figure.level_rank,
            figure.tier,
            figure.is_unassigned
    ),
    computable as (
        select
            table_id,
            measure_id,
            period_key,
            area_key,
            group_key,
            breakdown,
            level_rank,
            value_units,
            is_primary,
            threshold_units,
            tier
        from left_over
        union all
        select
            table_id,
            measure_id,
            period_key,
            area_key,
            group_key,
            breakdown,
            level_rank,
            value_units,
            is_primary,
            threshold_units,
            tier
        from common
    ),
    cell as (
        select *
        from delivered
        union all
        select
            table_id,
            measure_id,
            period_key,
            area_key,
            group_key,
            breakdown,
            level_rank,
            value_units,
            is_primary,
            case when is_primary then 'count' end as primary_rule,
            case when is_primary then 0 end as lower_goal,
            case when is_primary then threshold_units end as upper_goal,
            false as may_publish,
            tier
        from computable
    )
select
    cell.table_id,
    cast(
        row_number() over (partition by cell.table_id order by cell.measure_id, cell.area_key, cell.group_key)
        - 1 as integer
    ) as cell_id,
    cell.measure_id,
    cell.area_key,
    cell.group_key,
    cell.breakdown,
    cell.level_rank,
    cell.value_units,
    cell.is_primary,
    cell.primary_rule,
    cell.lower_goal,
    cell.upper_goal,
    cell.may_publish,
    cell.tier,
    (ln(1 + abs(coalesce(cell.value_units, 0))) + 1)
    * case cell.level_rank when 0 then 1000 when 1 then 100 when 2 then 20 when 3 then 5 else 1 end
    * case
        when cell.breakdown = 'total' then 10 when contains(cell.breakdown, ';') then 1 else 3
    end as weight,
    cell.is_primary or not cell.may_publish or not coalesce(pooling.is_published, false) as suggested_hidden
from cell
left join
    {{ ref("int_disclosure__pooling") }} as pooling
    on pooling.measure_id = cell.measure_id
    and pooling.period_key = cell.period_key
    and pooling.breakdown = cell.breakdown
    and pooling.area_key = cell.area_key
