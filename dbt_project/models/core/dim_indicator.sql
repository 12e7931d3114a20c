-- Grain: indicator x version.
select indicator.*, theme.label as theme_label, indicator.status = 'active' as is_active
from {{ ref("stg_catalogue__indicator") }} as indicator
left join {{ ref("stg_catalogue__theme") }} as theme using (theme_id)
