"""From a file to its audits: every sheet that holds hidden cells.

Belongs here: the order of the steps. Does not belong here: any of them.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.pruefung.description import Description
from orchestration.pruefung.grid import read_grids
from orchestration.pruefung.published import Unreadable
from orchestration.pruefung.tables import read_table
from orchestration.pruefung.verdict import SECONDS, TableAudit, judge


def audit_file(
    path: Path, description: Description, folder: Path, *, seconds: float = SECONDS
) -> list[TableAudit]:
    """Audits of all sheets with hidden cells. Raises Unreadable where there is none, with the reason of every sheet.

    A sheet asked for by name has to be readable; among several, those without a table are passed over.
    """
    grids = read_grids(
        path, description.blatt, description.hidden_signs, description.nichts, description.fehlt
    )
    audits: list[TableAudit] = []
    reasons: list[str] = []
    for grid in grids:
        try:
            table = read_table(grid, description, folder)
        except Unreadable as reason:
            if len(grids) == 1:
                raise
            reasons.append(str(reason))
            continue
        audits.append(judge(table, description.assumptions, seconds=seconds))
    if not audits:
        raise Unreadable("\n".join(reasons))
    return audits
