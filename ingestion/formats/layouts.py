"""Several suppliers, one source: the file name decides which layout (format and options) a file has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from ingestion.formats.base import Issue, ParsedDelivery
from lagebild.instance import SourceConfig


class Layout(BaseModel):
    """One supplier's layout: files matching `files` (regular expression, whole name) are read as `format`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: str
    format: str
    options: dict[str, Any]


class LayoutsAdapter:
    """`format: layouts`; options: `common` (merged into each layout's options) and `layouts`."""

    name: ClassVar[str] = "layouts"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        from ingestion.formats.registry import adapter  # the registry knows this adapter too

        common = source.options.get("common", {})
        for item in source.options["layouts"]:
            layout = Layout.model_validate(item)
            if re.fullmatch(layout.files, path.name):
                options = {**common, **layout.options}
                return adapter(layout.format).parse(path, source.model_copy(update={"options": options}))
        issue = Issue(
            "refusal",
            "Dateiname",
            f"Der Name „{path.name}“ gehört zu keiner der vereinbarten Lieferstellen. Bitte unter dem vereinbarten "
            "Namen neu liefern.",
        )
        return ParsedDelivery(issues=(issue,))
