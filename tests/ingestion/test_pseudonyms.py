"""Pseudonyms: the HMAC of the standard library, the same in every delivery of a scope and in no other."""

from __future__ import annotations

import hmac
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.anonymise.keys import keys_dir, pseudonym_key
from ingestion.anonymise.pseudonyms import LENGTH, Pseudonyms
from lagebild.instance import Instance

KEY = bytes(range(32))


def expected(value: str, scope: str = "melderegister", column: str = "person_key") -> str:
    derived = hmac.new(KEY, f"lagebild pseudonym v1\x1f{scope}\x1f{column}".encode(), "sha256").digest()
    return hmac.new(derived, value.encode(), "sha256").hexdigest()[:LENGTH]


@given(st.lists(st.one_of(st.none(), st.text(max_size=80)), max_size=30))
def test_equals_the_hmac_of_the_standard_library(values: list[str | None]) -> None:
    made = Pseudonyms(KEY, "melderegister", "person_key")
    column = pa.chunked_array([pa.array(values[:10], pa.string()), pa.array(values[10:], pa.string())])
    wanted = [None if value is None else expected(value) for value in values]
    assert made.of(column).to_pylist() == wanted
    assert made.of(column).to_pylist() == wanted  # remembered ones are the same


def test_scopes_and_columns_have_nothing_in_common() -> None:
    column = pa.array(["4711"])
    made = {
        Pseudonyms(key, scope, name).of(column)[0].as_py()
        for key in (KEY, KEY[::-1])
        for scope in ("melderegister", "sgb12")
        for name in ("person_key", "household_key")
    }
    assert len(made) == 8


def test_key_is_made_once_and_is_the_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    instance = Instance("probe", tmp_path / "instance")
    key = pseudonym_key(instance)
    assert len(key) == 32 and pseudonym_key(instance) == key
    folder = keys_dir(instance)
    assert folder.is_relative_to(instance.paths.protected)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "pseudonym_key").stat().st_mode) == 0o600
    assert pseudonym_key(Instance("other", tmp_path / "instance")) != key
