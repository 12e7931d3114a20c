{{ config(alias="fct_index_sensitivity") }}
-- Grain: index x period x variant. How much ranks and classes move when the index is computed in another way.
select
    found.index_id,
    found.period_key,
    found.variant,
    case
        when found.variant like 'without:%'
        then 'ohne ' || indicator.short_label
        when found.variant = 'standardisation:z_score'
        then 'standardisiert mit Mittel und Streuung'
        when found.variant = 'standardisation:min_max'
        then 'gebracht auf 0 bis 1'
        when found.variant = 'standardisation:rank'
        then 'Ränge statt Werte'
        when found.variant = 'weights:equal'
        then 'gleiche Gewichte'
        when found.variant = 'weights:factor'
        then 'Gewichte aus der Faktorenanalyse'
        when found.variant = 'weights:random'
        then 'zufällige Gewichte (Median aus 200 Ziehungen)'
        when found.variant = 'aggregation:mean'
        then 'arithmetisches statt geometrisches Mittel'
        when found.variant = 'aggregation:geometric_mean'
        then 'geometrisches Mittel der Ränge'
    end as variant_label,
    found.spearman,
    found.areas_changed_class,
    found.largest_rank_shift,
    found.n_areas
from {{ ref("int_analysis__index_sensitivity") }} as found
left join
    {{ ref("published_dim_indicator") }} as indicator
    on found.variant = 'without:' || indicator.indicator_id
    and indicator.is_active
