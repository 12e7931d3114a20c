-- Grain: area x reform date at which its boundaries became others. A reform that only gave the area a new
-- row or a
-- new code does not break its series.
select distinct to_area_key as area_key, reform_date as break_on
from {{ ref("int_area_reform_edge") }}
where is_changed
