"""How a source's files are fetched: the section `connector:` of `instances/<name>/sources/<id>.yml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FolderConnector(_Strict):
    """The supplier (or its transfer) puts files into a folder: the source's `files` glob finds them."""

    type: Literal["folder"] = "folder"


Connector = Annotated[FolderConnector, Field()]
