"""A real SSH server (paramiko) with an SFTP folder on this machine; a test can make it drop connections."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paramiko


@dataclass
class Drop:
    """The server: its folder, its key, and how often it breaks off."""

    folder: Path
    host_key: paramiko.PKey
    port: int = 0
    password: str = "Geheim4711"
    client_key: paramiko.PKey | None = None
    break_after: list[int] = field(default_factory=list)
    """Each entry: one opened file that breaks the connection after so many bytes."""
    reads: list[tuple[str, int]] = field(default_factory=list)
    """Name and offset of every block that was asked for."""
    logins: int = 0

    @property
    def key_line(self) -> str:
        return f"{self.host_key.get_name()} {self.host_key.get_base64()}"


class _Door(paramiko.ServerInterface):
    def __init__(self, drop: Drop) -> None:
        self.drop = drop

    def check_auth_password(self, username: str, password: str) -> int:
        self.drop.logins += 1
        good = username == "lagebild" and password == self.drop.password
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        good = username == "lagebild" and key == self.drop.client_key
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _File(paramiko.SFTPHandle):
    def __init__(self, path: Path, folder: _Folder, limit: int | None) -> None:
        super().__init__(0)
        self.path, self.folder, self.limit = path, folder, limit
        self.stream = path.open("rb")

    def read(self, offset: int, length: int) -> bytes | int:
        self.folder.drop.reads.append((self.path.name, offset))
        if self.limit is not None and offset + length > self.limit:
            self.folder.break_off()
            return paramiko.SFTP_FAILURE
        self.stream.seek(offset)
        return self.stream.read(length)

    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(self.path.stat())

    def close(self) -> None:
        self.stream.close()


class _Folder(paramiko.SFTPServerInterface):
    def __init__(self, server: _Door) -> None:
        super().__init__(server)
        self.drop = server.drop
        self.transport: paramiko.Transport | None = None

    def _real(self, path: str) -> Path:
        return self.drop.folder / self.canonicalize(path).lstrip("/")

    def break_off(self) -> None:
        for transport in _transports:
            if transport.server_object.drop is self.drop and transport.sock is not None:
                transport.sock.close()

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            entries = sorted(os.scandir(self._real(path)), key=lambda entry: entry.name)
        except OSError as error:
            return int(paramiko.SFTPServer.convert_errno(error.errno or 0))
        return [
            paramiko.SFTPAttributes.from_stat(entry.stat(follow_symlinks=False), entry.name)
            for entry in entries
        ]

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
        except OSError as error:
            return int(paramiko.SFTPServer.convert_errno(error.errno or 0))

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> _File | int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            return paramiko.SFTP_PERMISSION_DENIED
        limit = None
        if self.drop.break_after and not path.endswith(".sha256"):
            limit = self.drop.break_after.pop(0)
        try:
            return _File(self._real(path), self, limit)
        except OSError as error:
            return int(paramiko.SFTPServer.convert_errno(error.errno or 0))


_transports: list[paramiko.Transport] = []


@contextmanager
def running_sftp(folder: Path) -> Iterator[Drop]:
    """Serves a folder read-only to the user `lagebild` on a free port of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    drop = Drop(folder, paramiko.ECDSAKey.generate())
    listener = socket.create_server(("127.0.0.1", 0))
    drop.port = listener.getsockname()[1]
    mine: list[paramiko.Transport] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(drop.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder)
            mine.append(transport)
            _transports.append(transport)
            try:
                transport.start_server(server=_Door(drop))
            except (paramiko.SSHException, EOFError):
                continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield drop
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for transport in mine:
            transport.close()
            _transports.remove(transport)
        thread.join(5)
