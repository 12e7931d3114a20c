{{ config(alias='dim_release') }}
select
    '{{ var("release_id") }}' as release_id,
    '{{ var("instance") }}' as instance,
    '{{ var("title") }}' as title,
    {{ 'true' if var('is_synthetic') else 'false' }} as is_synthetic,
    '{{ var("attribution") | replace("'", "''") }}' as attribution,
    cast(now() as timestamp) as released_at,
    '{{ var("input_fingerprint") }}' as input_fingerprint,
    '{{ var("catalogue_version") }}' as catalogue_version
