{{ config(alias="mart_attention") }}
-- Grain: area x year, flat. Burdens are counted; the degree is the highest one whose number of burdens or
-- of strong
-- burdens is reached.
with
    counted as (
        select
            part.area_key,
            part.year,
            count(*) as indicators_total,
            count(*) filter (where part.is_judged) as indicators_judged,
            count(*) filter (where part.is_burden) as burdens,
            count(*) filter (where part.severity = 2) as strong_burdens,
            string_agg(part.burden_text, '; ' order by part.severity desc, part.deviation desc) filter (
                where part.is_burden
            ) as burdens_text
        from {{ ref("int_analysis__attention") }} as part
        group by part.area_key, part.year
    ),
    judged as (
        select
            counted.*,
            rule.minimum_judged,
            rule.none_label,
            rule.rule_label,
            counted.indicators_judged >= rule.minimum_judged as is_assessable,
            counted.year = max(counted.year) over () as is_latest
        from counted
        cross join {{ ref("stg_catalogue__attention") }} as rule
    ),
    graded as (
        select
            judged.area_key,
            judged.year,
            coalesce(max(degree.degree), 0) as degree,
            arg_max(degree.label, degree.degree) as degree_label,
            arg_max(degree.burdens, degree.degree) as needed_burdens,
            arg_max(degree.strong, degree.degree) as needed_strong
        from judged
        left join
            {{ ref("stg_catalogue__attention_degree") }} as degree
            on judged.burdens >= degree.burdens
            or judged.strong_burdens >= degree.strong
        where judged.is_assessable
        group by judged.area_key, judged.year
    ),
    worded as (
        select
            judged.*,
            graded.degree,
            coalesce(
                graded.degree_label,
                case when judged.is_assessable then judged.none_label else 'nicht beurteilbar' end
            ) as degree_label,
            cast(judged.burdens as varchar)
            || ' von '
            || cast(judged.indicators_judged as varchar)
            || ' beurteilten Kennzahlen '
            || case when judged.burdens = 1 then 'gilt' else 'gelten' end
            || ' als Belastung'
            || case
                when judged.strong_burdens > 0
                then ', davon ' || cast(judged.strong_burdens as varchar) || ' als starke'
                else ''
            end as counted_text,
            case
                when graded.degree > 0 and judged.burdens >= graded.needed_burdens
                then ' (Stufe ab ' || cast(graded.needed_burdens as varchar) || ' Belastungen).'
                when graded.degree > 0
                then ' (Stufe ab ' || cast(graded.needed_strong as varchar) || ' starken Belastungen).'
                else '.'
            end as reached_text,
            case
                when not judged.is_assessable
                then
                    'nicht beurteilbar: '
                    || cast(judged.indicators_judged as varchar)
                    || ' von '
                    || cast(judged.indicators_total as varchar)
                    || ' Kennzahlen veröffentlicht, nötig sind '
                    || cast(judged.minimum_judged as varchar)
            end as empty_reason
        from judged
        left join graded on graded.area_key = judged.area_key and graded.year = judged.year
    )
select
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    worded.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    worded.year,
    worded.is_latest,
    cast(case when worded.is_assessable then worded.burdens end as integer) as burdens,
    cast(case when worded.is_assessable then worded.strong_burdens end as integer) as strong_burdens,
    cast(worded.indicators_judged as integer) as indicators_judged,
    cast(worded.indicators_total as integer) as indicators_total,
    worded.degree,
    worded.degree_label,
    case when worded.is_assessable then worded.burdens_text end as burdens_text,
    coalesce(worded.empty_reason, worded.counted_text || worded.reached_text) as derivation,
    worded.empty_reason,
    worded.rule_label,
    area.is_current as is_current_area,
    release.attribution,
    case when release.is_synthetic then 'synthetische Daten' else '' end as synthetic_note
from worded
inner join {{ ref("published_dim_area") }} as area on area.area_key = worded.area_key
cross join {{ ref("published_dim_release") }} as release
