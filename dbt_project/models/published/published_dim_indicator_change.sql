{{ config(alias="dim_indicator_change") }}
-- Grain: indicator x version x kind of change: the change log of the catalogue.
select indicator_id, cast(version as integer) as version, changed_on, kind, note
from {{ ref("stg_catalogue__indicator_change") }}
