"""Secrets are generated, private and stable."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lagebild.secrets import SecretMissing, environment_name, given_secret, secret, secrets_dir


def test_a_secret_is_generated_once_and_readable_by_the_owner_only(var: Path) -> None:
    first = secret("superset_secret_key", entropy_bytes=48)
    assert secret("superset_secret_key") == first
    assert len(first) >= 60
    assert stat.S_IMODE(secrets_dir().stat().st_mode) == 0o700
    assert stat.S_IMODE((secrets_dir() / "superset_secret_key").stat().st_mode) == 0o600
    assert secret("another") != first


def test_a_folder_opened_by_somebody_is_closed_again(var: Path) -> None:
    secrets_dir().chmod(0o755)
    secret("a")
    assert stat.S_IMODE(secrets_dir().stat().st_mode) == 0o700


def test_all_who_start_together_read_the_same_value(var: Path) -> None:
    for round_number in range(20):
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(secret, [f"shared_{round_number}"] * 8))) == 1
    assert len(list(secrets_dir().iterdir())) == 20


@pytest.mark.parametrize("name", ["", "../escape", "Upper", "with space", "1st"])
def test_names_cannot_leave_the_folder(var: Path, name: str) -> None:
    with pytest.raises(ValueError, match="snake case"):
        secret(name)


def test_an_empty_file_is_an_error_and_no_empty_password(var: Path) -> None:
    (secrets_dir() / "blank").write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        secret("blank")


def test_given_secrets_are_never_generated(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SecretMissing, match="amt_password"):
        given_secret("amt_password")
    assert not (secrets_dir() / "amt_password").exists()

    path = secrets_dir() / "amt_password"
    path.write_text("aus der Datei\n")
    path.chmod(0o644)
    with pytest.raises(PermissionError):
        given_secret("amt_password")
    path.chmod(0o600)
    assert given_secret("amt_password") == "aus der Datei"
    monkeypatch.setenv(environment_name("amt_password"), "aus der Umgebung")
    assert given_secret("amt_password") == "aus der Umgebung"
    with pytest.raises(ValueError, match="snake case"):
        given_secret("../passwd")
