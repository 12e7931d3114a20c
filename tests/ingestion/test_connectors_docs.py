"""The examples of docs/connectors.md are what the models accept."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from lagebild.connector import Connector
from lagebild.paths import PROJECT_ROOT

_PAGE = (PROJECT_ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
_EXAMPLES: list[dict[str, Any]] = [
    example["connector"]
    for block in re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    if "connector" in (example := yaml.safe_load(block))
]


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda example: str(example["type"]))
def test_example_is_valid(example: dict[str, Any]) -> None:
    connector = TypeAdapter[Any](Connector).validate_python(example)
    assert connector.type == example["type"]


def test_every_kind_has_an_example() -> None:
    kinds = {"manual", "http", "sftp", "genesis", "sql"}
    assert {example["type"] for example in _EXAMPLES} == kinds
