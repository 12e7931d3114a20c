"""Who delivers what until when: the section `supply:` of `instances/<name>/sources/<id>.yml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Supply(BaseModel):
    """Delivery agreement of a source."""

    model_config = ConfigDict(extra="forbid", frozen=True)
