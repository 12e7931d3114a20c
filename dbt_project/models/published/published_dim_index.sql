{{ config(alias="dim_index") }}
-- Grain: index, in the version of its recipe that is in force.
select
    recipe.index_id,
    recipe.version,
    recipe.label,
    recipe.short_label,
    recipe.definition,
    recipe.method_label,
    recipe.parts_label,
    recipe.area_system,
    recipe.area_level,
    level.level_label as area_level_label,
    recipe.classes_label as classes,
    recipe.dynamics_label,
    recipe.polarity,
    recipe.decimals,
    recipe.conditions_label,
    recipe.source_label,
    recipe.caveats,
    recipe.decision,
    recipe.version_since,
    recipe.version_note
from {{ ref("stg_catalogue__index") }} as recipe
inner join
    {{ ref("stg_catalogue__area_level") }} as level
    on level.area_system = recipe.area_system
    and level.level = recipe.area_level
