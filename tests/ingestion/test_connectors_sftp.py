"""The connector `sftp` against a real SSH server: pinned key, finished files only, resumed, idempotent."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from pydantic import ValidationError

from ingestion.landing.land import land_source
from lagebild.instance import Instance, SourceConfig
from tests.ingestion.connected import content, manifests, registry, secret, source, values
from tests.running_sftp import Drop, running_sftp

QUICK = {"attempts": 3, "first_wait_s": 0.01, "max_wait_s": 0.05}
NAME = "Spielplaetze_2024.csv"
BEFORE = 1_735_000_000


@pytest.fixture
def instance(var: Path, tmp_path: Path) -> Instance:
    secret(var, "amt_password", "Geheim4711")
    return Instance("probe", tmp_path / "instance")


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Drop]:
    with running_sftp(tmp_path / "server") as running:
        yield running


def at(drop: Drop, **settings: Any) -> SourceConfig:
    connector: dict[str, Any] = {
        "type": "sftp",
        "host": "127.0.0.1",
        "port": drop.port,
        "host_keys": [drop.key_line],
        "user": "lagebild",
        "folder": "/",
        "pattern": "Spielplaetze_*.csv",
        "settle_s": 0.02,
        "timeout_s": 5,
        "retries": QUICK,
    }
    if "key_secret" not in settings:
        connector["password_secret"] = "amt_password"
    changes = {"personal": True} if settings.pop("personal", False) else {}
    return source(connector | settings, **changes)


def put(drop: Drop, data: bytes, name: str = NAME, moment: int = BEFORE) -> Path:
    path = drop.folder / name
    path.write_bytes(data)
    os.utime(path, (moment, moment))
    return path


def test_same_file_is_one_delivery_and_a_correction_supersedes(instance: Instance, drop: Drop) -> None:
    put(drop, content(4))
    report = land_source(instance, at(drop))
    assert (report.landed, report.connector_failures) == (1, ())
    arrived = instance.paths.inbox / "spielplaetze" / NAME
    assert arrived.stat().st_mtime == BEFORE

    reads = len(drop.reads)
    again = land_source(instance, at(drop))
    assert (again.landed, again.duplicate) == (0, 1)
    assert len(drop.reads) == reads, "an unchanged file is not transferred again"

    put(drop, content(5), moment=BEFORE + 60)
    assert land_source(instance, at(drop)).landed == 1
    old, new = manifests(instance)
    assert (values(instance, old), values(instance, new)) == ([4.0], [5.0])
    assert registry(instance) == {old.sha256[:12]: "superseded", new.sha256[:12]: "current"}


def test_protected_files_leave_the_inbox_and_are_not_fetched_again(instance: Instance, drop: Drop) -> None:
    put(drop, content(4))
    config = at(drop, personal=True)
    assert land_source(instance, config).landed == 1
    assert not (instance.paths.inbox / "spielplaetze" / NAME).exists()
    reads = len(drop.reads)
    again = land_source(instance, config)
    assert (again.landed, again.connector_failures) == (0, ())
    assert len(drop.reads) == reads

    # Older by the supplier's clock, corrected all the same.
    put(drop, content(5), moment=BEFORE - 60)
    land_source(instance, config)
    old, new = manifests(instance)
    assert registry(instance) == {old.sha256[:12]: "superseded", new.sha256[:12]: "current"}


def test_other_host_key_gets_no_password(instance: Instance, drop: Drop) -> None:
    put(drop, content(4))
    stranger = paramiko.ECDSAKey.generate()
    config = at(drop, host_keys=[f"{stranger.get_name()} {stranger.get_base64()}"])
    report = land_source(instance, config)
    assert report.landed == 0 and drop.logins == 0
    assert "anderen Schlüssel" in report.connector_failures[0]
    rsa = paramiko.RSAKey.generate(2048)
    report = land_source(instance, at(drop, host_keys=[f"{rsa.get_name()} {rsa.get_base64()}"]))
    assert report.landed == 0 and drop.logins == 0
    assert len(report.connector_failures) == 1


def test_wrong_password_is_said_once_and_not_tried_on(instance: Instance, drop: Drop, var: Path) -> None:
    put(drop, content(4))
    secret(var, "amt_password", "Falsch0815")
    report = land_source(instance, at(drop))
    assert report.connector_failures == (
        "127.0.0.1 lehnt die Anmeldung ab. Bitte Kennwort oder Schlüssel prüfen.",
    )
    assert drop.logins == 1, "repeated wrong logins lock accounts"


def test_login_with_a_key(instance: Instance, drop: Drop, var: Path) -> None:
    put(drop, content(4))
    key = paramiko.ECDSAKey.generate()
    drop.client_key = key
    text = io.StringIO()
    key.write_private_key(text, "Satz mit Wörtern")
    secret(var, "amt_key", text.getvalue())
    secret(var, "amt_passphrase", "Satz mit Wörtern")
    config = at(drop, key_secret="amt_key", passphrase_secret="amt_passphrase")
    report = land_source(instance, config)
    assert (report.landed, report.connector_failures) == (1, ())

    secret(var, "amt_passphrase", "anders")
    assert "nicht lesbar" in land_source(instance, config).connector_failures[0]


def test_broken_transfer_is_continued(instance: Instance, drop: Drop) -> None:
    body = content(*range(99)) * 600  # 1 MB: many blocks
    put(drop, body)
    drop.break_after = [400_000]
    land_source(instance, at(drop, retries={**QUICK, "attempts": 1}))
    folder = instance.paths.inbox / "spielplaetze"
    (part,) = folder.iterdir()
    got = part.stat().st_size
    assert part.name.endswith(".part") and 0 < got <= 400_000
    assert not manifests(instance)

    drop.reads.clear()
    report = land_source(instance, at(drop))
    assert report.connector_failures == ()
    assert min(offset for _, offset in drop.reads) == got
    assert (folder / NAME).read_bytes() == body


def test_broken_transfer_of_a_file_replaced_since_starts_over(instance: Instance, drop: Drop) -> None:
    put(drop, content(*range(99)) * 600)
    drop.break_after = [400_000]
    land_source(instance, at(drop, retries={**QUICK, "attempts": 1}))
    new = content(1, 2, 3)
    put(drop, new, moment=BEFORE + 5)
    report = land_source(instance, at(drop))
    assert (report.landed, report.connector_failures) == (1, ())
    assert (instance.paths.inbox / "spielplaetze" / NAME).read_bytes() == new


def test_growing_file_waits_for_the_next_run(instance: Instance, drop: Drop) -> None:
    path = put(drop, content(4))
    done = threading.Event()

    def grow() -> None:
        while not done.is_set():
            with path.open("ab") as file:
                file.write(b"99901001S50;1\n")
            time.sleep(0.02)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        lines: list[str] = []
        report = land_source(instance, at(drop, settle_s=0.3), lines.append)
    finally:
        done.set()
        writer.join()
    assert (report.landed, report.quarantined, report.connector_failures) == (0, 0, ())
    assert any("wird noch geschrieben" in line for line in lines)


def test_only_plain_finished_files_of_the_pattern(instance: Instance, drop: Drop, tmp_path: Path) -> None:
    outside = tmp_path / "geheim.csv"
    outside.write_bytes(content(9))
    (drop.folder / "Spielplaetze_2019.csv").symlink_to(outside)
    put(drop, content(1), "Spielplaetze_2020.csv.part")
    put(drop, content(1), ".Spielplaetze_2021.csv")
    put(drop, content(1), "Anderes_2022.csv")
    (drop.folder / "Spielplaetze_2018.csv").mkdir()
    put(drop, content(1), "Spielplaetze_2023\n.csv")
    report = land_source(instance, at(drop))
    assert report.landed == 0
    assert report.connector_failures == (
        "Datei mit unzulässigem Namen: Ein Dateiname auf dem Server enthält Pfade oder unzulässige Zeichen "
        "und wird nicht geholt.",
    )


def test_checksum_beside_the_file(instance: Instance, drop: Drop) -> None:
    import hashlib

    body = content(4)
    put(drop, body)
    config = at(drop, checksum_suffix=".sha256")
    assert land_source(instance, config).landed == 0, "without its checksum a file is not complete"
    put(drop, f"{'0' * 64}  {NAME}\n".encode(), NAME + ".sha256")
    report = land_source(instance, config)
    assert "Prüfsumme stimmt nicht" in report.connector_failures[0]
    put(drop, f"{hashlib.sha256(body).hexdigest()}  {NAME}\n".encode(), NAME + ".sha256")
    assert land_source(instance, config).landed == 1


def test_file_beyond_the_limit(instance: Instance, drop: Drop) -> None:
    put(drop, b"x" * 1_000_001)
    report = land_source(instance, at(drop, max_megabytes=1))
    assert "größer als vereinbart" in report.connector_failures[0]
    assert list((instance.paths.inbox / "spielplaetze").iterdir()) == []


def test_missing_folder_and_dead_server(instance: Instance, tmp_path: Path) -> None:
    with running_sftp(tmp_path / "server") as drop:
        put(drop, content(4))
        config = at(drop)
        assert "nicht vorhanden" in land_source(instance, at(drop, folder="/weg")).connector_failures[0]
        land_source(instance, config)
    report = land_source(instance, config)
    assert report.duplicate == 1
    assert report.connector_failures == ("127.0.0.1 ist nicht erreichbar.",)


def test_password_reaches_no_line_and_no_file(
    instance: Instance, drop: Drop, var: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(drop, content(4))
    lines: list[str] = []
    land_source(instance, at(drop), lines.append)
    secret(var, "amt_password", "Falsch0815")
    land_source(instance, at(drop, settle_s=0), lines.append)
    files = (path for path in var.rglob("*") if path.is_file() and path.parent.name != "secrets")
    written = "".join(path.read_text(errors="replace") for path in files)
    for word in ("Geheim4711", "Falsch0815"):
        assert word not in "".join(lines) + caplog.text + written


def test_exactly_one_way_to_log_in_and_a_pinned_key() -> None:
    base = {"type": "sftp", "host": "h", "user": "u", "host_keys": ["ssh-ed25519 AAAA"]}
    for wrong in ({}, {"password_secret": "a", "key_secret": "b"}):
        with pytest.raises(ValidationError):
            source({**base, **wrong})
    with pytest.raises(ValidationError):
        source({**base, "password_secret": "a", "host_keys": []})
