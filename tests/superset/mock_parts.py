"""The counts behind the mock figures, so that the query interface answers on the same file as the dashboards.

Belongs here: numerator and denominator of the shares as released measures. Does not belong here: the figures
themselves (`mock_release`).
"""

from __future__ import annotations

import duckdb

_PARTS = {"sgb2_persons": "sgb2_rate", "residents": "population_total"}
"""Released measure -> mock indicator whose numerator it is."""


def fill(db: duckdb.DuckDBPyConnection) -> None:
    """Write the parts of `sgb2_rate`; the dimensions and `mart_indicator` have to be there."""
    db.execute("delete from dim_indicator_part where indicator_key = 'sgb2_rate@1'")
    db.execute(
        """insert into dim_group by name
           select 'total' as group_key, 'total' as breakdown, 'insgesamt' as group_label, 0 as sort_key"""
    )
    for part, (measure, indicator) in zip(("numerator", "denominator"), _PARTS.items(), strict=True):
        db.execute("insert into dim_indicator_part values ('sgb2_rate@1', ?, ?, 'total', 1)", [part, measure])
        db.execute(
            """insert into dim_measure by name
               select ? as measure_id, 'Personen' as label, 'Personen' as unit, 'count' as value_kind,
                   'sozialraum' as area_system, 'sozialraum' as lowest_level, 'stichtag' as period_type,
                   true as additive_over_areas, true as semi_additive_time""",
            [measure],
        )
        db.execute(
            """insert into fct_measure by name
               select ? as measure_id, area_key, period_key, 'total' as group_key, numerator as value, obs_status,
                   conf_status
               from mart_indicator where indicator_id = ?""",
            [measure, indicator],
        )
    db.execute(
        """update dim_measure set rule_basis = 'Prüfregel', rule_thresholds = 'unter 3', rule_decision = 'sperren'
           where rule_basis is null"""
    )
