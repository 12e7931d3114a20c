"""Reads the YAML files of the catalogue. The only module of the room that opens them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from semantic_layer.catalogue.model import Catalogue, Dimension, Indicator, IndicatorFile, Measure, Theme

CATALOGUE_DIR = Path(__file__).parent
# libyaml reads the catalogue ten times faster; PyYAML is built without it on some machines.
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_THEMES = "themes.yml"
_DIMENSIONS = "dimensions.yml"
_MEASURES = "measures*.yml"


class CatalogueError(ValueError):
    """A file of the catalogue cannot be read; the message names file and reason."""


def load_catalogue(folder: Path = CATALOGUE_DIR) -> Catalogue:
    """Read all entries below `folder`.

    Raises `CatalogueError` when a file is not valid YAML or an entry lacks a required field. Contradictions between
    entries are not an error here: `validate.catalogue_findings` reports all of them at once.
    """
    try:
        return Catalogue(
            themes=tuple(Theme.model_validate(item) for item in _items(folder / _THEMES)),
            dimensions=tuple(Dimension.model_validate(item) for item in _items(folder / _DIMENSIONS)),
            measures=tuple(
                Measure.model_validate(item)
                for path in sorted(folder.glob(_MEASURES))
                for item in _items(path)
            ),
            indicators=tuple(_indicators(folder)),
        )
    except ValueError as error:
        raise CatalogueError(f"{folder.name}: {error}") from error


def _indicators(folder: Path) -> Iterator[Indicator]:
    for path in sorted(folder.glob("*.yml")):
        if path.name in (_THEMES, _DIMENSIONS) or path.match(_MEASURES):
            continue
        try:
            yield from IndicatorFile.model_validate(_read(path)).entries()
        except ValueError as error:
            raise CatalogueError(f"{path.name}: {error}") from error


def _items(path: Path) -> list[Any]:
    found = _read(path)
    if not isinstance(found, list):
        raise CatalogueError(f"{path.name}: erwartet wird eine Liste von Einträgen")
    return found


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - both loaders are safe ones
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(f"{path.name}: {error}") from error


__all__ = ["CATALOGUE_DIR", "CatalogueError", "load_catalogue"]
