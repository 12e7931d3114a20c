{#- Layer A for one-way breakdowns: what the attacker knows about their rows, then residual pooling.

    Arguments: relations
      vectors  int_disclosure__vector of the breakdowns to decide, with `is_blocked`
      cells    int_disclosure__cell of the same breakdowns
      atoms    int_disclosure__margin_atom of the same breakdowns
    Returns CTEs ending in `pooled` (see residual_pooling). -#}
{% macro margin_pooling(vectors, cells, atoms) %}
    row_totals as (
        select
            measure_id,
            period_key,
            breakdown,
            area_key,
            stratum,
            sum(value) as row_total,
            sum(value_high) as row_total_high
        from {{ atoms }}
        group by measure_id, period_key, breakdown, area_key, stratum
    ),
    exposures as (
        select
            cell.measure_id,
            cell.period_key,
            cell.breakdown,
            cell.area_key,
            cell.group_key as category,
            atom.stratum,
            row_totals.row_total_high as n_max,
            -- A row too small to be published does not bound the cell from above.
            case
                when
                    sum(row_totals.row_total) over (
                        partition by
                            cell.measure_id, cell.period_key, cell.breakdown, cell.area_key, cell.group_key
                    )
                    >= cell.required_upper
                then row_totals.row_total
            end as n_min
        from {{ cells }} as cell
        -- Only strata the category lies in: a coarser group it is not part of says nothing about it.
        inner join
            (
                select distinct measure_id, period_key, breakdown, category, stratum
                from {{ atoms }}
                where not is_decided_coarser
            ) as atom
            on atom.measure_id = cell.measure_id
            and atom.period_key = cell.period_key
            and atom.breakdown = cell.breakdown
            and atom.category = cell.group_key
        inner join
            row_totals
            on row_totals.measure_id = cell.measure_id
            and row_totals.period_key = cell.period_key
            and row_totals.breakdown = cell.breakdown
            and row_totals.area_key = cell.area_key
            and row_totals.stratum = atom.stratum
        where cell.is_primary
    ),
    {{ residual_pooling(vectors, atoms, "exposures", row_totals_known=true) }}
{% endmacro %}
