{{ config(alias="dim_release") }}
select
    {{ text_literal(var("release_id")) }} as release_id,
    {{ text_literal(var("instance")) }} as instance,
    {{ text_literal(var("title")) }} as title,
    {{ "true" if var("is_synthetic") else "false" }} as is_synthetic,
    {{ text_literal(var("attribution")) }} as attribution,
    cast(now() as timestamp) as released_at,
    {{ text_literal(var("input_fingerprint")) }} as input_fingerprint,
    {{ text_literal(var("catalogue_version")) }} as catalogue_version
