-- Grain: age dimension x single year of age (0 to 125): turns ages into band members by an equality join.
select band.dimension, cast(years.age as integer) as age, band.member
from range(0, 126) as years(age)
inner join
    {{ ref("stg_catalogue__age_band") }} as band
    on years.age >= band.age_from
    and (band.age_to is null or years.age <= band.age_to)
