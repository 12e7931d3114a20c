"""What the landing gate checks beyond the contract: the section `checks:` of `instances/<name>/sources/<id>.yml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Checks(BaseModel):
    """Plausibility rules of a source."""

    model_config = ConfigDict(extra="forbid", frozen=True)
