"""Connector `sftp`: files in one folder of an SFTP server with a pinned host key.

Fetches what is complete and new, continues interrupted transfers, keeps the supplier's modification time.
Nothing on the server is changed.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

import paramiko

from ingestion.connectors import transfer
from ingestion.connectors.failure import ConnectorFailure, TooLarge, Transient, Unreachable
from ingestion.connectors.inbox import begin, plain_name, sha256_of, short_hash
from ingestion.connectors.retry import with_retries
from ingestion.connectors.state import Version
from ingestion.connectors.visit import Visit
from lagebild.connector import SftpConnector

_UNFINISHED: Final = (".part", ".filepart", ".tmp", ".temp", ".crdownload", ".upload", ".swp")
"""Endings under which transfer programs write until they are done."""
_CHUNK: Final = 1 << 15
"""What one SFTP request yields. paramiko's prefetch would be faster over a slow line, but its threads survive a
broken connection and lose the blocks under way."""
_CHECKSUM_FILE_BYTES: Final = 1_000_000


def bring(config: SftpConnector, visit: Visit) -> None:
    """Fetches what is complete and new. Raises `Unreachable` when the server cannot be had or is not the agreed one."""
    waiting = with_retries(config.retries, lambda: _waiting(config, visit))
    for name in waiting:
        # The name of a file on a foreign server goes into no line before it is known to be harmless.
        label = name if name.isprintable() and "/" not in name else "Datei mit unzulässigem Namen"
        with visit.guarded(label):
            plain_name(name)
            try:
                with_retries(config.retries, lambda name=name: _bring_one(config, name, visit))  # type: ignore[misc]
            except TooLarge:
                visit.forget_part(_key(config, name))
                raise


def _key(config: SftpConnector, name: str) -> str:
    return short_hash(f"sftp://{config.host}:{config.port}/{config.folder}/{name}")


def _remote_path(config: SftpConnector, name: str) -> str:
    return str(PurePosixPath(config.folder) / name)


def _waiting(config: SftpConnector, visit: Visit) -> list[str]:
    """Names of new or changed files that have stopped growing, oldest first."""
    with _session(config, visit) as sftp:
        listed = _listing(sftp, config)
        wanted = {
            name: entry
            for name, entry in listed.items()
            if _is_candidate(name, config) and not _is_known(config, name, entry, visit)
        }
        if wanted and config.settle_s:
            time.sleep(config.settle_s)
            listed = _listing(sftp, config)
    ready = []
    for name, entry in wanted.items():
        again = listed.get(name)
        if again is None or _version(again) != _version(entry):
            visit.say(f"{name} – wird noch geschrieben, kommt beim nächsten Mal")
        elif config.checksum_suffix and name + config.checksum_suffix not in listed:
            visit.say(f"{name} – Prüfsumme fehlt noch, kommt beim nächsten Mal")
        else:
            ready.append(name)
    return sorted(ready, key=lambda name: (wanted[name].st_mtime or 0, name))


def _listing(sftp: paramiko.SFTPClient, config: SftpConnector) -> dict[str, paramiko.SFTPAttributes]:
    try:
        entries = sftp.listdir_attr(config.folder)
    except FileNotFoundError as error:
        raise Unreachable(f"Der Ordner ist auf {config.host} nicht vorhanden.") from error
    except PermissionError as error:
        raise Unreachable(f"Der Ordner darf auf {config.host} nicht gelesen werden.") from error
    # Links are left alone: they may lead out of the folder that was agreed.
    return {entry.filename: entry for entry in entries if stat.S_ISREG(entry.st_mode or 0)}


def _is_candidate(name: str, config: SftpConnector) -> bool:
    if name.startswith((".", "~")) or name.lower().endswith(_UNFINISHED):
        return False
    if config.checksum_suffix and name.endswith(config.checksum_suffix):
        return False
    return fnmatchcase(name, config.pattern)


def _version(entry: paramiko.SFTPAttributes) -> Version:
    return Version(size=entry.st_size, mtime=entry.st_mtime)


def _is_known(config: SftpConnector, name: str, entry: paramiko.SFTPAttributes, visit: Visit) -> bool:
    known = visit.known(_key(config, name))
    return known is not None and known.version == _version(entry)


def _bring_one(config: SftpConnector, name: str, visit: Visit) -> None:
    """One attempt on a connection of its own: after a fault the old one is of no use."""
    key = _key(config, name)
    part, path = visit.part(key), _remote_path(config, name)
    limits = transfer.Limits.of(config.max_megabytes, config.max_minutes)
    with _session(config, visit) as sftp:
        try:
            before = _version(sftp.stat(path))
        except FileNotFoundError as error:
            raise ConnectorFailure("Die Datei ist inzwischen vom Server verschwunden.") from error
        if before.size is None or before.size > limits.max_bytes:
            raise TooLarge(f"Die Datei ist größer als vereinbart ({config.max_megabytes} MB).")
        if visit.state.parts.get(key) != before or not part.exists() or part.stat().st_size > before.size:
            begin(part)
            visit.remember_part(key, before)
        _read_rest(sftp, path, part, limits, config)
        if _version(sftp.stat(path)) != before or part.stat().st_size != before.size:
            visit.forget_part(key)
            visit.say(f"{name} – hat sich während der Übertragung geändert, kommt beim nächsten Mal")
            return
        if config.checksum_suffix and sha256_of(part) != _stated_checksum(
            sftp, path + config.checksum_suffix
        ):
            visit.forget_part(key)
            raise ConnectorFailure(
                "Die Prüfsumme stimmt nicht; die Datei ist beim Übertragen beschädigt oder vertauscht worden."
            )
    modified = None if before.mtime is None else datetime.fromtimestamp(before.mtime, UTC)
    visit.accept(key, plain_name(name), before, modified)


def _read_rest(
    sftp: paramiko.SFTPClient, path: str, part: Path, limits: transfer.Limits, config: SftpConnector
) -> None:
    with sftp.open(path, "rb") as remote:
        remote.seek(part.stat().st_size)
        transfer.append(iter(lambda: remote.read(_CHUNK), b""), part, limits, config.host)


def _stated_checksum(sftp: paramiko.SFTPClient, path: str) -> str:
    with sftp.open(path, "rb") as remote:
        text = remote.read(_CHECKSUM_FILE_BYTES).decode("utf-8", errors="replace")
    match = re.search(r"\b[0-9a-fA-F]{64}\b", text)
    if match is None:
        raise ConnectorFailure("Die Datei mit der Prüfsumme enthält keine.")
    return match[0].lower()


@contextmanager
def _session(config: SftpConnector, visit: Visit) -> Iterator[paramiko.SFTPClient]:
    """A connection to the agreed server and no other; faults come out as words."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    known_as = config.host if config.port == 22 else f"[{config.host}]:{config.port}"
    for line in config.host_keys:
        kind, key = _host_key(line)
        client.get_host_keys().add(known_as, kind, key)
    password, key_file = visit.secret(config.password_secret), _private_key(config, visit)
    try:
        client.connect(
            config.host,
            config.port,
            config.user,
            password=password or None,
            pkey=key_file,
            # Neither the keys of whoever runs this nor an agent's: the YAML says how we log in.
            allow_agent=False,
            look_for_keys=False,
            timeout=config.timeout_s,
            banner_timeout=config.timeout_s,
            auth_timeout=config.timeout_s,
        )
        sftp = client.open_sftp()
        channel = sftp.get_channel()
        if channel is not None:
            channel.settimeout(config.timeout_s)
        yield sftp
    except paramiko.BadHostKeyException as error:
        raise Unreachable(_STRANGER.format(host=config.host)) from error
    except paramiko.AuthenticationException as error:
        raise Unreachable(
            f"{config.host} lehnt die Anmeldung ab. Bitte Kennwort oder Schlüssel prüfen."
        ) from error
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise Unreachable(_STRANGER.format(host=config.host)) from error
        raise Transient(f"Die Verbindung zu {config.host} ist abgebrochen.") from error
    except (paramiko.ssh_exception.NoValidConnectionsError, socket.gaierror) as error:
        raise Transient(f"{config.host} ist nicht erreichbar.", unreachable=True) from error
    except PermissionError as error:
        raise ConnectorFailure(f"{config.host} erlaubt das Lesen nicht.") from error
    except TimeoutError as error:
        raise Transient(
            f"{config.host} antwortet nicht in der vereinbarten Zeit.", unreachable=True
        ) from error
    except (EOFError, OSError) as error:
        raise Transient(f"Die Verbindung zu {config.host} ist abgebrochen.") from error
    finally:
        client.close()


_STRANGER: Final = (
    "{host} weist sich mit einem anderen Schlüssel aus als vereinbart. Es wurde nichts geholt und kein Kennwort "
    "gesendet. Bitte beim Betreiber nachfragen, ob der Schlüssel gewechselt wurde."
)


def _host_key(line: str) -> tuple[str, paramiko.PKey]:
    try:
        kind, encoded = line.split()[:2]
        return kind, paramiko.PKey.from_type_string(kind, base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error, paramiko.SSHException) as error:
        raise Unreachable("Der vereinbarte Schlüssel des Servers (host_keys) ist nicht lesbar.") from error


def _private_key(config: SftpConnector, visit: Visit) -> paramiko.PKey | None:
    if not config.key_secret:
        return None
    text, passphrase = visit.secret(config.key_secret), visit.secret(config.passphrase_secret) or None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text + "\n"), passphrase)
        except (paramiko.SSHException, ValueError):
            continue
    raise Unreachable(
        f"Der hinterlegte Schlüssel »{config.key_secret}« ist nicht lesbar (Kennwort des Schlüssels?)."
    )
