"""A small Musterkreis (6,000 inhabitants, three years) generated once for all tests of this room."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ingestion.synthetic.areas import Areas, build_areas
from ingestion.synthetic.generate import GenerationReport, generate
from lagebild.instance import SyntheticSettings

SETTINGS = SyntheticSettings(seed=7, inhabitants=6000, first_year=2016, years=3)


@dataclass(frozen=True)
class Kreis:
    """A generated Musterkreis on disk."""

    settings: SyntheticSettings
    inbox: Path
    truth: Path
    report: GenerationReport
    messages: list[str]

    @cached_property
    def areas(self) -> Areas:
        return build_areas(self.settings.seed)

    @cached_property
    def faults(self) -> list[dict[str, Any]]:
        return json.loads((self.truth / "faults.json").read_text(encoding="utf-8"))

    def persons(self, day: str) -> pd.DataFrame:
        return pd.read_parquet(self.truth / f"persons_{day}.parquet")

    def cases(self, source: str) -> pd.DataFrame:
        return pd.read_parquet(self.truth / f"cases_{source}.parquet")

    def observations(self, source: str) -> pd.DataFrame:
        return pd.read_parquet(self.truth / f"observations_{source}.parquet")


def build(folder: Path, settings: SyntheticSettings = SETTINGS) -> Kreis:
    messages: list[str] = []
    report = generate(settings, folder / "inbox", folder / "truth", messages.append)
    return Kreis(settings, folder / "inbox", folder / "truth", report, messages)


@pytest.fixture(scope="session")
def kreis(tmp_path_factory: pytest.TempPathFactory) -> Kreis:
    return build(tmp_path_factory.mktemp("musterkreis"))
