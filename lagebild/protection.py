"""What happens to personal data at the gate: the section `protection:` of `instances/<name>/sources/<id>.yml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Protection(BaseModel):
    """Anonymisation at source and fate of the original."""

    model_config = ConfigDict(extra="forbid", frozen=True)
