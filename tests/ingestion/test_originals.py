"""Fate of originals: encrypted or deleted, the inbox emptied, nothing lost, and readable again when the configuration
changes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyrage
import pytest
from typer.testing import CliRunner

from ingestion.anonymise.inbox import taken_files
from ingestion.anonymise.originals import decrypt, encrypt, open_original
from ingestion.landing import interrupted
from ingestion.landing.land import land_source
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance, SourceConfig
from tests.ingestion.test_landing import HEADER, ROWS, Deliver, deliver, folder_of, instance, only, register

__all__ = ["deliver", "instance"]  # fixtures


def protected(originals: str = "encrypt", **changes: Any) -> SourceConfig:
    return register(protection={"originals": originals}, **changes)


def relabelled(source: SourceConfig, **column: Any) -> SourceConfig:
    """The source with another reading of the column Geschlecht."""
    options = json.loads(json.dumps(source.options))
    options["parts"][0]["columns"]["sex"] |= column
    return source.model_copy(update={"options": options})


def original(instance: Instance) -> list[Path]:
    return sorted((folder_of(instance, only(instance)) / "original").iterdir())


def test_personal_originals_are_encrypted_without_a_word_in_the_configuration() -> None:
    assert register(protection={}).protection.fate(True) == "encrypt"
    assert register(protection={}).protection.fate(False) == "keep"


def test_encrypted_original_and_emptied_inbox(instance: Instance, deliver: Deliver) -> None:
    path = deliver()
    content = path.read_bytes()
    report = land_source(instance, protected())
    assert (report.landed, report.duplicate) == (1, 0)
    assert not path.exists()
    (sealed,) = original(instance)
    assert sealed.name == path.name + ".age" and sealed.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o400
    assert content[:30] not in sealed.read_bytes()
    assert only(instance).original == "encrypt"
    assert only(instance).sha256 == hashlib.sha256(content).hexdigest()
    assert taken_files(instance) == {f"register/{path.name}": len(content)}
    assert not list((instance.paths.protected / "landing_work").iterdir())

    again = land_source(instance, protected())
    assert (again.landed, again.duplicate) == (0, 1)
    assert open_original(instance, only(instance).delivery_id, path.parent).read_bytes() == content


def test_the_same_file_once_more_is_known_and_leaves_the_inbox(instance: Instance, deliver: Deliver) -> None:
    deliver()
    land_source(instance, protected())
    copy = deliver("register_2024-06-30_Kopie.csv", day=4)
    report = land_source(instance, protected())
    assert (report.landed, report.duplicate) == (0, 1)
    assert not copy.exists()


def test_deleted_original_leaves_hash_and_size(instance: Instance, deliver: Deliver) -> None:
    path = deliver()
    content = path.read_bytes()
    land_source(instance, protected("delete"))
    manifest = only(instance)
    assert original(instance) == [] and not path.exists()
    assert (manifest.original, manifest.size_bytes) == ("delete", len(content))
    assert manifest.sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(FileNotFoundError):
        open_original(instance, manifest.delivery_id, path.parent)
    # Cannot be read again; what landed stays in use.
    again = land_source(instance, relabelled(protected("delete"), map={"m": "f", "w": "m", "d": "d"}))
    assert (again.landed, again.duplicate) == (0, 1)
    assert only(instance) == manifest
    # The same file delivered again is read under the new configuration.
    deliver()
    assert (
        land_source(instance, relabelled(protected("delete"), map={"m": "f", "w": "m", "d": "d"})).landed == 1
    )


def test_a_refused_delivery_is_encrypted_even_where_originals_are_deleted(
    instance: Instance, deliver: Deliver
) -> None:
    path = deliver(header=HEADER.replace("Geschlecht", "Genus"))
    source = protected("delete")
    assert land_source(instance, source).quarantined == 1
    assert not path.exists()
    assert [item.suffix for item in original(instance)] == [".age"]
    assert only(instance).original == "encrypt"
    # The configuration was at fault: corrected, the stored original lands.
    assert land_source(instance, relabelled(source, aliases=["Genus"])).landed == 1
    assert original(instance) == []


def test_changed_configuration_reads_the_encrypted_original_again(
    instance: Instance, deliver: Deliver
) -> None:
    deliver()
    source = protected()
    land_source(instance, source)
    before = only(instance)
    changed = relabelled(source, map={"m": "m", "w": "f", "d": "m"})
    report = land_source(instance, changed)
    after = only(instance)
    assert (report.landed, report.duplicate) == (1, 0)
    assert (after.received_at, after.file_modified_at) == (before.received_at, before.file_modified_at)
    table = pq.read_table(folder_of(instance, after) / "person.parquet")
    assert table["sex"].to_pylist() == ["m", "f", "m"]
    assert [item.suffix for item in original(instance)] == [".age"]
    assert not list((instance.paths.protected / "landing_work").iterdir())

    broken = relabelled(source, header="Tippfehler")
    assert land_source(instance, broken).warnings == 1
    assert only(instance) == after
    assert land_source(instance, changed).duplicate == 1


def test_a_superseded_delivery_stays_as_it_was_read(instance: Instance, deliver: Deliver) -> None:
    deliver(rows=ROWS[:2])
    land_source(instance, protected())
    first = only(instance)
    deliver("register_2024-06-30_Korrektur.csv", day=9)
    land_source(instance, protected())
    report = land_source(instance, relabelled(protected(), map={"m": "m", "w": "f", "d": "m"}))
    assert report.landed == 1
    assert first in read_manifests(instance)


def test_protection_added_later_seals_what_lies_there(instance: Instance, deliver: Deliver) -> None:
    path = deliver()
    land_source(instance, register())
    assert original(instance)[0].name == path.name and path.exists()
    assert land_source(instance, protected()).landed == 1
    assert [item.suffix for item in original(instance)] == [".age"]
    assert not path.exists()


def test_files_read_in_place_are_never_removed(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAGEBILD_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "register"
    folder.mkdir(parents=True)
    path = folder / "register_2024-06-30.csv"
    path.write_text("\n".join([HEADER, *ROWS]) + "\n")
    source = protected(files="${LAGEBILD_DATA}/register/*.csv")
    assert land_source(instance, source).landed == 1
    assert path.exists() and taken_files(instance) == {}
    assert [item.suffix for item in original(instance)] == [".age"]


def test_an_interrupted_replacement_is_put_back(instance: Instance, deliver: Deliver) -> None:
    """Killed between the two renames: the delivery exists in the work folder only."""
    deliver()
    land_source(instance, protected())
    manifest = only(instance)
    folder = folder_of(instance, manifest)
    abandoned = instance.paths.protected / "landing_work" / "tmpabc"
    folder.rename(abandoned)
    unfinished = instance.paths.protected / "landing_work" / "tmpdef"
    unfinished.mkdir()
    (unfinished / "register.csv").write_text("halb kopiert")
    assert land_source(instance, protected()).duplicate == 1
    assert only(instance) == manifest and folder.is_dir() and not abandoned.exists()
    assert unfinished.exists()  # may be another source at work
    old = unfinished.stat().st_mtime - interrupted.ABANDONED_AFTER - 1
    os.utime(unfinished, (old, old))
    land_source(instance, protected())
    assert not unfinished.exists()


def test_large_files_are_streamed_and_a_foreign_key_opens_nothing(instance: Instance, tmp_path: Path) -> None:
    plain = tmp_path / "groß.csv"
    with plain.open("wb") as stream:
        for _ in range(40):
            stream.write(os.urandom(1 << 20))
    sealed = tmp_path / "groß.csv.age"
    encrypt(instance, plain, sealed)
    decrypt(instance, sealed, tmp_path / "wieder.csv")
    assert (tmp_path / "wieder.csv").read_bytes() == plain.read_bytes()
    other = Instance("other", tmp_path / "instance")
    with pytest.raises(pyrage.DecryptError):
        decrypt(other, sealed, tmp_path / "fremd.csv")
    assert not (tmp_path / "fremd.csv").exists()
    with sealed.open("r+b") as stream:
        stream.seek(20 << 20)
        stream.write(b"\0" * 64)
    with pytest.raises(Exception):  # noqa: B017 - whatever age says about a changed file
        decrypt(instance, sealed, tmp_path / "verändert.csv")
    assert not (tmp_path / "verändert.csv").exists()


def test_command_decrypts_for_the_operator_and_notes_it(
    instance: Instance, deliver: Deliver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.commands import originals

    monkeypatch.setattr(originals, "known_instance", lambda _: instance)
    content = deliver().read_bytes()
    land_source(instance, protected())
    name = only(instance).delivery_id
    target = tmp_path / "auskunft.csv"
    arguments = ["originale", "entschluesseln", "probe", name, str(target)]
    done = CliRunner().invoke(originals.app, arguments)
    assert done.exit_code == 0, done.output
    assert target.read_bytes() == content and stat.S_IMODE(target.stat().st_mode) == 0o600
    noted = [
        json.loads(line) for line in (instance.paths.protected / "originals.log").read_text().splitlines()
    ]
    assert [(entry["delivery_id"], entry["uid"]) for entry in noted] == [(name, os.getuid())]
    assert CliRunner().invoke(originals.app, arguments).exit_code == 1  # nothing is overwritten
    unknown = CliRunner().invoke(
        originals.app, ["originale", "entschluesseln", "probe", "nichts", str(target)]
    )
    assert unknown.exit_code == 1
