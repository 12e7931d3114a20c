"""The change log of an instance's indices: a recipe cannot change its figures without a new version and a reason.

`instances/<name>/history/indices.yml` holds one entry per recipe (and for the rule of Aufmerksamkeitsbedarf) and
version; `lagebild katalog fortschreiben` writes it. The log stands beside the recipes because they belong to the
instance, the catalogue's log beside the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from lagebild.attention import AttentionRule
from lagebild.index_recipe import IndexRecipe
from lagebild.instance import Instance
from semantic_layer.catalogue.history import (
    Change,
    Definition,
    content_hash,
    definition_findings,
    new_entries,
    refuse_blocking,
)
from semantic_layer.catalogue.validate import Finding

ATTENTION_ID: Final = "aufmerksamkeit"
_WORDING: Final = {
    "id",
    "version",
    "change_note",
    "label",
    "short_label",
    "definition",
    "source_label",
    "decision",
    "caveats",
    "polarity",
    "decimals",
    "none_label",
}
"""Fields that may change without a new version: they decide no figure and no class."""


def changes_file(instance: Instance) -> Path:
    """Where the log of an instance stands."""
    return instance.folder / "history" / "indices.yml"


def definitions_of(instance: Instance) -> list[Definition]:
    """Recipes and rule of an instance, as the change log knows them."""
    found = [_definition(recipe.id, recipe) for recipe in instance.indices]
    return found if instance.attention is None else [*found, _definition(ATTENTION_ID, instance.attention)]


def _definition(name: str, item: IndexRecipe | AttentionRule) -> Definition:
    # Defaults stay out: a new optional field of the model must not look like a change of every recipe.
    content = item.model_dump(mode="json", exclude=_WORDING, exclude_defaults=True)
    return Definition(name, item.version, item.change_note, content_hash(content))


def index_history_findings(definitions: Sequence[Definition], changes: Sequence[Change]) -> list[Finding]:
    """What recipes and their log disagree about; empty when the log is complete."""
    return definition_findings(
        definitions, changes, "Kennzahlen, Verfahren, Klassen oder Bedingungen weichen"
    )


def advance_indices(
    definitions: Sequence[Definition], changes: Sequence[Change], today: date
) -> list[Change]:
    """The log with entries for new versions; idempotent.

    Raises ValueError (German) for a recipe that changed under the same version, or a version without a reason.
    """
    refuse_blocking(index_history_findings(definitions, changes))
    return [*changes, *new_entries(definitions, changes, today)]


__all__ = ["ATTENTION_ID", "advance_indices", "changes_file", "definitions_of", "index_history_findings"]
