-- Grain: table x measure x clique x atom area x group: the figures nobody can split further.
-- An atom area is an area without finer figures, `<area>~rest` where a figure exceeds the sum of its
-- children, or
-- `<area>&<area of another system>` for measures counted by the pair.
with
    refinement as (
        select
            refinement.measure_id,
            own.area_system,
            own_level.level_rank,
            whole.area_system as other_area_system,
            whole_level.level_rank as other_level_rank
        from {{ ref("stg_catalogue__table_refinement") }} as refinement
        inner join {{ ref("stg_catalogue__measure") }} as own on own.measure_id = refinement.measure_id
        inner join
            {{ ref("stg_catalogue__area_level") }} as own_level
            on own_level.area_system = own.area_system
            and own_level.level = own.lowest_level
        inner join {{ ref("stg_catalogue__measure") }} as whole on whole.measure_id = refinement.whole_id
        inner join
            {{ ref("stg_catalogue__area_level") }} as whole_level
            on whole_level.area_system = whole.area_system
            and whole_level.level = whole.lowest_level
    ),
    clique_figure as (
        select figure.*
        from {{ ref("int_disclosure__figure") }} as figure
        anti join refinement using (measure_id)
        where figure.breakdown = figure.clique
    ),
    refined_figure as (
        select figure.*
        from {{ ref("int_disclosure__figure") }} as figure
        semi join refinement using (measure_id)
        where figure.breakdown = figure.clique
    ),
    -- Areas of the two systems that share a block can share a case; those without a block at hand share one
    -- if they do.
    area_pair as (
        select distinct period.measure_id, period.period_key, own.area_key, other.area_key as other_area_key
        from (select distinct measure_id, period_key, period_end from refined_figure) as period
        inner join refinement using (measure_id)
        inner join
            {{ ref("int_location") }} as own
            on own.area_system = refinement.area_system
            and own.level_rank = refinement.level_rank
            and own.location_kind = 'block'
            and period.period_end between own.valid_from and own.valid_until
        inner join
            {{ ref("int_location") }} as other
            on other.area_system = refinement.other_area_system
            and other.level_rank = refinement.other_level_rank
            and other.location_kind = 'block'
            and other.location_code = own.location_code
            and period.period_end between other.valid_from and other.valid_until
        union
        select distinct measure_id, period_key, area_key, other_area_key
        from {{ ref("int_disclosure__overlap") }}
    ),
    refined_leaf as (
        select
            figure.table_group,
            figure.table_id,
            figure.period_key,
            figure.period_end,
            figure.measure_id,
            figure.clique,
            figure.area_key,
            figure.area_key || '&' || area_pair.other_area_key as atom_area,
            figure.group_key as atom_group,
            cast(round(coalesce(overlap.value, 0)) as bigint) as base,
            cast(null as bigint) as ceiling
        from refined_figure as figure
        inner join area_pair using (measure_id, period_key, area_key)
        left join
            {{ ref("int_disclosure__overlap") }} as overlap
            on overlap.measure_id = figure.measure_id
            and overlap.period_key = figure.period_key
            and overlap.area_key = figure.area_key
            and overlap.other_area_key = area_pair.other_area_key
            and overlap.group_key = figure.group_key
    ),
    child as (
        select
            figure.table_id,
            figure.measure_id,
            figure.clique,
            edge.parent_key as area_key,
            figure.group_key,
            figure.value_units,
            figure.ceiling
        from clique_figure as figure
        inner join
            {{ ref("int_area_edge") }} as edge
            on edge.child_key = figure.area_key
            and {{ valid_on("figure.period_end", "edge.valid_from", "edge.valid_to") }}
    ),
    parent_area as (select distinct table_id, measure_id, clique, area_key from child),
    children as (
        select
            table_id,
            measure_id,
            clique,
            area_key,
            group_key,
            sum(value_units) as known_sum,
            count(*) filter (where value_units is null) as hidden,
            count(*) filter (where value_units is null and ceiling is null) as hidden_without_limit,
            sum(ceiling) as hidden_limit
        from child
        group by table_id, measure_id, clique, area_key, group_key
    ),
    placed as (
        select
            figure.*,
            parent_area.area_key is not null as has_finer,
            children.area_key is not null as has_children,
            coalesce(children.known_sum, 0) as known_sum,
            coalesce(children.hidden, 0) as hidden,
            coalesce(children.hidden_without_limit, 0) as hidden_without_limit,
            coalesce(children.hidden_limit, 0) as hidden_limit
        from clique_figure as figure
        left join parent_area using (table_id, measure_id, clique, area_key)
        left join children using (table_id, measure_id, clique, area_key, group_key)
    ),
    judged as (
        select
            *,
            -- More than the stars can hold: the supplier has hidden larger figures too, so a star limits
            -- nothing.
            coalesce(
                hidden > 0 and hidden_without_limit = 0 and value_units > known_sum + hidden_limit, false
            ) as exceeds_stars
        from placed
    ),
    with_limits as (
        select
            *,
            bool_or(exceeds_stars) over (partition by table_id, measure_id, clique, group_key) as is_unlimited
        from judged
    )
select
    table_group,
    table_id,
    period_key,
    period_end,
    measure_id,
    clique,
    area_key,
    case when has_finer then area_key || '~rest' else area_key end as atom_area,
    group_key as atom_group,
    case when has_children then value_units - known_sum else value_units end as base,
    case when not is_unlimited then ceiling end as ceiling
from with_limits
where
    not has_finer
    or (has_children and hidden = 0 and value_units > known_sum)
    or (not has_children and coalesce(value_units, 1) > 0)
union all
select *
from refined_leaf
