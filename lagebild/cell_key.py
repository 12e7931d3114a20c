"""Whether and how an instance hands out free cross tables: the section `cell_key:` of `instance.yml`.

Belongs here: what has to be decided. Does not belong here: the method (`disclosure/cell_key.py`).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CellKeySettings(BaseModel):
    """Parameters of the Cell-Key-Methode. Whoever changes them gives the same cells a second, independent noise, and
    two noises of one cell are less than one: a decision, not a setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_deviation: int = Field(ge=1, le=20)
    """D: no count is shown further away than this. The only parameter readers are told."""
    variance: float = Field(gt=0)
    """V of the deviation."""
    blocked: int = Field(default=0, ge=0)
    """js: values 1 … js are never shown. One below the smallest count that may be published elsewhere is usual."""
    max_dimensions: int = Field(default=3, ge=1, le=4)
    """Breakdowns of one table beside the area: every further one makes the cells smaller."""
    min_mean_count: float = Field(default=5.0, ge=1)
    """Tables with fewer records per cell on average are refused: they would show noise and little else."""
    decision: str = Field(min_length=3)
    """Who decided it when, in German, e.g. "Dienstanweisung Statistik, Anlage 3, 01.03.2025"."""


__all__ = ["CellKeySettings"]
