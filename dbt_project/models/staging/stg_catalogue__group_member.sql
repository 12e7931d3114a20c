select * from {{ source("catalogue", "group_member") }}
