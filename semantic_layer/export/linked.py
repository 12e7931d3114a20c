"""Catalogue tables that tell dbt how measures hang together (`semantic_layer.catalogue.linked`), as rows.

Belongs here: their schemas and rows. Does not belong here: what follows from them (dbt), how they are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from semantic_layer.catalogue.linked import Linked

Row = dict[str, Any]


def _text(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.string()) for name in names]


SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "table_member": pa.schema(_text("table_group", "measure_id", "part_id", "whole_id")),
    "table_home": pa.schema(_text("table_group", "measure_id", "breakdown", "clique")),
    "table_link": pa.schema(
        [
            *_text("table_group", "link_id", "measure_id", "clique", "margin", "only_members"),
            ("coefficient", pa.int32()),
        ]
    ),
    "table_refinement": pa.schema(_text("measure_id", "whole_id")),
}


def rows(found: Linked) -> dict[str, list[Row]]:
    """Rows per table; `part_id` and `whole_id` are empty except for the rest of a part."""
    return {
        "table_member": [
            {
                "table_group": item.table_group,
                "measure_id": item.measure,
                "part_id": item.part or None,
                "whole_id": item.whole or None,
            }
            for item in found.members
        ],
        "table_home": [
            {
                "table_group": item.table_group,
                "measure_id": item.measure,
                "breakdown": item.breakdown,
                "clique": item.clique,
            }
            for item in found.homes
        ],
        "table_link": [
            {
                "table_group": item.table_group,
                "link_id": item.link,
                "measure_id": item.measure,
                "clique": item.clique,
                "margin": item.margin,
                "only_members": item.only,
                "coefficient": item.coefficient,
            }
            for item in found.terms
        ],
        "table_refinement": [
            {"measure_id": part, "whole_id": whole} for part, whole in sorted(found.refinements.items())
        ],
    }


__all__ = ["SCHEMAS", "rows"]
