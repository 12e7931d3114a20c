select * from {{ source("catalogue", "peer_feature") }}
