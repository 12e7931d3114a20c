"""The fixed German texts of the report (`texts.yml`). Belongs here: words. Not here: facts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

_LOADED: Final[Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")
)

CHECKS: Final[Mapping[str, str]] = _LOADED["checks"]
"""Tests of the certificate, in the order of the report."""
STATES: Final[Mapping[str, str]] = _LOADED["states"]
METHODS: Final[Mapping[str, str]] = _LOADED["methods"]
POLICIES: Final[Mapping[str, str]] = _LOADED["policies"]
PRIMARY_RULES: Final[Mapping[str, str]] = _LOADED["primary_rules"]
LIMITS: Final[tuple[str, ...]] = tuple(_LOADED["limits"])
GLOSSARY: Final[tuple[tuple[str, str], ...]] = tuple(
    (item["term"], item["text"]) for item in _LOADED["glossary"]
)


def sentence(name: str) -> str:
    """A fixed sentence or paragraph."""
    return str(_LOADED["sentences"][name])


__all__ = [
    "CHECKS",
    "GLOSSARY",
    "LIMITS",
    "METHODS",
    "POLICIES",
    "PRIMARY_RULES",
    "STATES",
    "sentence",
]
