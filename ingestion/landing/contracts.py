"""The landing tables: what every format adapter must produce, whatever the supplier sent.

Each delivery lands in `landing/<source_id>/<delivery_id>/` as untouched original, one Parquet file per table
(`<table>.parquet`, exactly these columns and types, in this order) and `manifest.json`.
dbt reads `landing/*/*/<table>.parquet`; an empty file per table under `landing/_empty/_empty/` keeps that
glob valid for instances that lack a table.

Codes used in all tables:
`obs_status` (SDMX CL_OBS_STATUS): A normal, B break, E estimated, F forecast, P provisional,
M not applicable, L not collected, O missing (not delivered). `conf_status`: F free, C hidden by the supplier.
`group_id`: `total`, or `dimension=member` joined by `;` in alphabetical order of the dimension,
e.g. `age=18-24;sex=f`; age members are `<from>-<to>` (inclusive) or `<from>+`.
Members: sex m/f/d; nationality de/foreign; migration yes/no.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_PROVENANCE = [
    pa.field("delivery_id", pa.string(), nullable=False),
    pa.field("source_id", pa.string(), nullable=False),
    pa.field("source_row", pa.int64()),  # 1-based row in the original file or sheet
]

_PERIOD = [
    pa.field("period_type", pa.string(), nullable=False),  # stichtag, jahr, schuljahr, monat
    pa.field("period_start", pa.date32(), nullable=False),  # equals period_end for a Stichtag
    pa.field("period_end", pa.date32(), nullable=False),
]

TABLES: Final[dict[str, pa.Schema]] = {
    # One delivered figure. Grain: delivery x area x period x measure x group.
    "observation": pa.schema(
        [
            *_PROVENANCE,
            pa.field("source_sheet", pa.string()),
            pa.field("source_column", pa.string()),
            pa.field("area_system", pa.string(), nullable=False),
            pa.field("area_level", pa.string(), nullable=False),
            pa.field(
                "area_code", pa.string(), nullable=False
            ),  # '<parent code>-NZ': räumlich nicht zuordenbar
            *_PERIOD,
            pa.field("measure_id", pa.string(), nullable=False),
            pa.field("group_id", pa.string(), nullable=False),
            pa.field("value", pa.float64()),
            pa.field("obs_status", pa.string(), nullable=False),
            pa.field("conf_status", pa.string(), nullable=False),
            pa.field("contributors", pa.int64()),  # persons, households or providers behind the figure
            pa.field("largest", pa.float64()),  # largest and second largest contribution (money, places)
            pa.field("second_largest", pa.float64()),
        ]
    ),
    # One person at one reference date of a population register (pseudonymised).
    "person": pa.schema(
        [
            *_PROVENANCE,
            pa.field("reference_date", pa.date32(), nullable=False),
            pa.field("person_key", pa.string(), nullable=False),
            pa.field("household_key", pa.string()),
            pa.field("gemeinde_code", pa.string(), nullable=False),
            pa.field("block_code", pa.string()),  # NULL: räumlich nicht zuordenbar
            pa.field("sex", pa.string()),
            pa.field("age", pa.int32()),
            pa.field("nationality", pa.string()),  # de, foreign
            pa.field("nationality_region", pa.string()),
            pa.field("migration", pa.string()),  # yes, no
            pa.field("household_type", pa.string()),  # single, couple, couple_children, single_parent, other
            pa.field("household_size", pa.int32()),
        ]
    ),
    # One case of a Fachverfahren in one period.
    "case": pa.schema(
        [
            *_PROVENANCE,
            pa.field("case_type", pa.string(), nullable=False),
            *_PERIOD,
            pa.field("gemeinde_code", pa.string()),
            pa.field("block_code", pa.string()),
            pa.field("sex", pa.string()),
            pa.field("age", pa.int32()),
            pa.field("nationality", pa.string()),
            pa.field("migration", pa.string()),
            pa.field("category", pa.string()),  # e.g. Hilfeart, Merkzeichen, Pflegegrad, Schulart
            pa.field("household_key", pa.string()),
            pa.field("provider_key", pa.string()),
            pa.field("amount_eur", pa.float64()),
            pa.field("quantity", pa.float64()),
            pa.field("attributes", pa.map_(pa.string(), pa.string())),
        ]
    ),
    # One area of one area system in one validity. Blocks appear once per system (parent differs).
    "area": pa.schema(
        [
            *_PROVENANCE,
            pa.field("area_system", pa.string(), nullable=False),
            pa.field("area_level", pa.string(), nullable=False),
            pa.field("area_code", pa.string(), nullable=False),
            pa.field("area_name", pa.string(), nullable=False),
            pa.field(
                "parent_code", pa.string()
            ),  # code on the next coarser level of the system; NULL at the root
            pa.field("valid_from", pa.date32(), nullable=False),
            pa.field("valid_to", pa.date32()),  # inclusive; NULL: still valid
            pa.field("geometry", pa.string()),  # GeoJSON geometry, WGS84
            # Registers that report states instead of validities (Gemeindeverzeichnis): the day of the full state this
            # row belongs to. In a system with such rows, rows without the day are changes: from valid_from on the
            # area is as the row says, with valid_to it ceased then (dbt: int_area_validity).
            pa.field("state_date", pa.date32()),
        ]
    ),
    # One pair of areas before and after a reform.
    "area_crosswalk": pa.schema(
        [
            *_PROVENANCE,
            pa.field("area_system", pa.string(), nullable=False),
            pa.field("area_level", pa.string(), nullable=False),
            pa.field("from_code", pa.string(), nullable=False),
            pa.field("to_code", pa.string(), nullable=False),
            pa.field("reform_date", pa.date32(), nullable=False),  # first day of the new boundaries
            pa.field("weight", pa.float64(), nullable=False),  # share of `from` that goes to `to`
            pa.field("method", pa.string(), nullable=False),  # exact, area, population
        ]
    ),
    # One address of the address register (no persons).
    "address": pa.schema(
        [
            *_PROVENANCE,
            pa.field("gemeinde_code", pa.string(), nullable=False),
            pa.field("street", pa.string(), nullable=False),
            pa.field("house_number", pa.string(), nullable=False),
            pa.field("block_code", pa.string(), nullable=False),
        ]
    ),
    # One product of the Haushalt in one year.
    "budget": pa.schema(
        [
            *_PROVENANCE,
            pa.field("year", pa.int32(), nullable=False),
            pa.field("product_code", pa.string(), nullable=False),
            pa.field("product_name", pa.string(), nullable=False),
            pa.field("theme", pa.string(), nullable=False),
            pa.field("plan_eur", pa.float64()),
            pa.field("actual_eur", pa.float64()),  # NULL: not closed yet
        ]
    ),
    # One Handlungsempfehlung in its latest state. Deliveries landed before the operative target was agreed end with
    # `product_code`.
    "recommendation": pa.schema(
        [
            *_PROVENANCE,
            pa.field("recommendation_id", pa.string(), nullable=False),
            pa.field("title", pa.string(), nullable=False),
            pa.field("theme", pa.string(), nullable=False),
            pa.field("goal", pa.string(), nullable=False),
            pa.field("indicator_id", pa.string()),
            pa.field("gemeinde_code", pa.string()),
            pa.field("decided_on", pa.date32()),
            pa.field("due_year", pa.int32()),
            pa.field("cost_plan_eur", pa.float64()),
            pa.field("cost_actual_eur", pa.float64()),
            pa.field(
                "status", pa.string(), nullable=False
            ),  # geplant, in Umsetzung, umgesetzt, zurückgestellt
            pa.field("product_code", pa.string()),
            pa.field("origin", pa.string()),  # who proposed it, e.g. a Fokusgruppe
            pa.field("operative_goal", pa.string()),  # what the target value below says in words
            pa.field("area_level", pa.string()),  # where it is not a Gemeinde: level and code of its area
            pa.field("area_code", pa.string()),
            pa.field("target_value", pa.float64()),  # in the unit of the indicator
            pa.field("target_year", pa.int32()),
            pa.field("decision", pa.string()),  # who decided
            pa.field("responsible", pa.string()),  # an office, never a person
        ]
    ),
    # One change of status of a Handlungsempfehlung, as the register keeps it.
    "recommendation_status": pa.schema(
        [
            *_PROVENANCE,
            pa.field("recommendation_id", pa.string(), nullable=False),
            pa.field("status", pa.string(), nullable=False),  # as in `recommendation`
            pa.field("since", pa.date32(), nullable=False),
            pa.field("note", pa.string()),
        ]
    ),
}
