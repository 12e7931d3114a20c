-- Dimensions and values per indicator, from the flat figures of the mock release.
insert into dim_area by name
select distinct area_key, area_system, area_system_label, area_level, area_level_label, level_rank, area_code, area_name,
    case level_rank when 2 then 'sozialraum:' || area_code[:8] when 1 then 'sozialraum:99901' end as parent_area_key,
    parent_area_name, date '2010-01-01' as valid_from, true as is_current, false as is_unassigned
from mart_indicator;
insert into dim_period by name
select distinct period_key, period_type, period_label, date_trunc('year', period_end) as period_start, period_end, year, year as sort_key
from mart_indicator;
insert into dim_theme by name select 'lage' as theme_id, 'Soziale Lage' as label, 1 as sort_key;
insert into dim_measure by name
select unnest(['people', 'heads']) as measure_id, 'Personen' as label, true as additive_over_areas;
insert into dim_indicator_part by name
select indicator_key, 'numerator' as part, 'people' as measure_id, 'total' as group_key, 1 as sign from dim_indicator;
insert into fct_indicator by name
select m.indicator_id || '@1' as indicator_key, m.indicator_id, m.area_key, m.period_key, m.numerator, m.denominator, m.value, m.obs_status,
    m.conf_status, m.empty_reason, m.kreis_value, above.value as parent_value, m.previous_value, m.change, m.is_latest, m.change_reason
from mart_indicator as m
left join dim_area as area using (area_key)
left join mart_indicator as above
    on above.area_key = area.parent_area_key and above.indicator_id = m.indicator_id and above.period_key = m.period_key;
insert into fct_benchmark by name
select indicator_id || '@1' as indicator_key, indicator_id, 'sozialraum:99901' as area_key, area_level, period_key,
    'mean_unweighted' as benchmark, 'Mittelwert' as benchmark_label, avg(value) as value, count(value) as n_areas, false as is_weighted
from mart_indicator where level_rank > 0 group by all;

-- The Steckbrief and the population by age and sex.
insert into mart_profile by name
select m.indicator_id, m.indicator_label, m.short_label, m.theme_id, m.theme_label, 1 as theme_sort_key, m.unit, m.decimals, m.polarity,
    m.area_system, m.area_system_label, m.area_level, m.area_level_label, m.level_rank, m.area_key, m.area_code, m.area_name,
    m.area_name || ' (' || m.area_level_label || ')' as area_label, m.parent_area_name,
    m.parent_area_name || ' (darüber)' as parent_area_label, m.period_key, m.period_label, m.period_end, m.year, m.value, m.value_label,
    m.conf_status, m.empty_reason, fact.parent_value, fact.parent_value::varchar as parent_value_label, m.kreis_value, m.kreis_value_label,
    avg(m.value) over level as level_mean, count(m.value) over level as level_areas,
    case when m.denominator is not null then m.value - m.kreis_value end as deviation,
    case when m.level_rank > 0 and m.denominator is not null then 'ungünstiger' end as deviation_assessment, m.rank || ' von 12' as rank_label,
    m.rank, case when m.value is not null and m.level_rank > 0 then 100 * percent_rank() over (level order by m.value) end as position,
    case when m.level_rank > 0 then 50.0 end as kreis_position, m.change_label, m.change_reason, m.tendency,
    m.source_label, m.attribution, m.synthetic_note
from mart_indicator as m inner join fct_indicator as fact using (indicator_id, area_key, period_key)
where m.is_latest
window level as (partition by m.indicator_id, m.area_level);
insert into mart_measure by name
select m.* replace ('age;sex' as breakdown,
    'age=' || band.age_from || ';sex=' || sexes.sex as group_key, band.label || ', ' || sexes.sex as group_label,
    case when m.level_rank = 2 and band.age_from = 80 and sexes.sex = 'm' then null else m.value / 4 end as value,
    case when m.level_rank = 2 and band.age_from = 80 and sexes.sex = 'm' then 'gesperrt' end as empty_reason,
    band.age_from as age_from, band.age_to as age_to, sexes.sex as sex)
from mart_measure as m
cross join (values (0, 79, 'unter 80'), (80, null, '80 und älter')) as band(age_from, age_to, label)
cross join (values ('m'), ('f')) as sexes(sex)
where m.measure_id = 'population' and m.breakdown = 'total';

-- Results of the analysis, each with just enough rows to be shown.
insert into fct_ranking by name
select indicator_id || '@1' as indicator_key, indicator_id, area_system, area_level, period_key, indicator_id <> 'child_poverty' as is_rankable,
    case indicator_id when 'child_poverty' then 'zu kleine Fallzahlen' end as reason, count(value) as areas
from mart_profile where level_rank > 0 group by all;
insert into mart_statistic by name
select indicator_id, indicator_label, area_system, area_level, area_level_label, area_key, area_name, period_key, period_label, period_end, year,
    true as is_latest, value, value_label, '1,0 bis 9,0' as interval_label, 'wie insgesamt' as comparison_label, 'belastbar' as reliability_label
from mart_profile;
insert into mart_correlation by name
select x.indicator_id || y.indicator_id as correlation_key, x.indicator_id as indicator_id_x, x.indicator_label as indicator_label_x,
    y.indicator_id as indicator_id_y, y.indicator_label as indicator_label_y, 'areas' as kind, x.area_system, x.area_level, 12 as n,
    'spearman' as method, 0.8 as r, '0,80 (0,42 bis 0,94)' as r_label, 'deutlich, gleichgerichtet' as relation_label,
    'Kein Beleg für eine Ursache.' as caution, 'über Gebiete' as kind_label, x.area_level_label, x.period_label, 'Rangkorrelation' as method_label
from (select distinct indicator_id, indicator_label, area_system, area_level, area_level_label, period_label from mart_profile where level_rank = 2) as x
inner join (select distinct indicator_id, indicator_label from mart_profile) as y
    on x.indicator_id <> y.indicator_id and 'population_total' not in (x.indicator_id, y.indicator_id);
insert into dim_index by name
select 'probeindex' as index_id, 1 as version, 'Probeindex' as label, 'Probeindex' as short_label, 'Was "belastet" heißt.' as definition,
    'Mittel' as method_label, 'SGB-II-Quote' as parts_label, 'sozialraum' as area_system, 'sozialraum' as area_level,
    'Sozialraum' as area_level_label, 'drei' as classes, 'lower_better' as polarity, 1 as decimals;
insert into mart_index by name
select 'probeindex' as index_id, 'Probeindex' as index_label, area_system, area_level, area_level_label, level_rank, area_key, area_code,
    area_name, parent_area_name, period_key, period_label, period_end, year, true as is_latest, value, value_label,
    case when value is not null then 1 + (3 * percent_rank() over (order by value))::integer % 3 end as class_number,
    case when value is not null
        then ['niedrig', 'mittel', 'hoch'][1 + (3 * percent_rank() over (order by value))::integer % 3] end as class_label,
    empty_reason, true as is_current_area, '1 von 12' as rank_label, 'SGB-II-Quote +1,0' as contribution_text
from mart_profile where indicator_id = 'sgb2_rate' and level_rank = 2;
insert into mart_index_map by name
select index_id, index_label, area_system, area_level, area_key, area_name, period_key, period_label, period_end, is_latest, value, value_label,
    class_number, class_label, empty_reason, part, ring_json
from mart_index inner join dim_area_polygon using (area_key);
insert into fct_index_sensitivity by name
select 'probeindex' as index_id, 'S2024-12-31' as period_key, 'ohne' as variant, 'ohne SGB-II-Quote' as variant_label, 0.91 as spearman,
    2 as areas_changed_class, 3 as largest_rank_shift, 10 as n_areas;
insert into mart_attention by name
select distinct area_system, area_level, area_level_label, level_rank, area_key, area_code, area_name, parent_area_name, 2024 as year,
    true as is_latest, 2 as burdens, 5 as indicators_judged, 1 as degree, 'erhöht' as degree_label, 'Kinderarmut' as burdens_text
from mart_profile where level_rank > 0 and not exists (select 1 from mart_attention);
insert into mart_trend by name
select indicator_id, indicator_label, theme_id, theme_label, area_system, area_level, area_level_label, level_rank, area_key, area_name,
    parent_area_name, 6 as points, '2019' as first_period_label, '2024' as last_period_label, value_label as last_value_label,
    '+0,2 je Jahr' as slope_label, 0.01 as p_value, 'steigend und ungünstig' as wording, true as is_warning, 'Anhaltend' as warning_kind_label,
    'Steigt seit sechs Jahren.' as warning_text
from mart_profile where not exists (select 1 from mart_trend);
insert into mart_forecast by name
select m.indicator_id, m.indicator_label, m.area_system, m.area_level, m.area_level_label, m.level_rank, m.area_key, m.area_name, m.period_end,
    m.period_label, m.year, 'beobachtet' as kind, 0 as horizon, m.value, m.value_label, true as is_forecast, 'Rückrechnung' as quality_text
from mart_indicator as m where m.indicator_id = 'sgb2_rate' and m.level_rank = 0
union all by name
select m.indicator_id, m.indicator_label, m.area_system, m.area_level, m.area_level_label, m.level_rank, m.area_key, m.area_name,
    date '2025-12-31' as period_end, '2025' as period_label, 2025 as year, 'Prognose' as kind, 1 as horizon, m.value, m.value - 1 as value_low,
    m.value + 1 as value_high, m.value as naive_value, m.value_label, true as is_forecast, 'Rückrechnung' as quality_text
from mart_indicator as m where m.indicator_id = 'sgb2_rate' and m.level_rank = 0 and m.is_latest;
insert into mart_population_forecast by name
select area_system, area_level, area_level_label, level_rank, area_key, area_name, 2030 as year, 'Prognose' as kind, 'mittel' as scenario,
    'mittlere Annahme' as scenario_label, 1 as scenario_position, value as population, 18.0 as children_share, 25.0 as seniors_share,
    2024 as base_year, '+1,0 %' as change_pct_label, true as is_last_year
from mart_profile where indicator_id = 'population_total';
