"""A real HTTP server on this machine whose files, faults and moods a test sets: for what connectors must survive."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One file as the server knows it."""

    content: bytes
    etag: str = ""
    last_modified: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop_after: list[int] = field(default_factory=list)
    """Each entry: one response that breaks off after so many bytes of its body."""
    stall_after: list[int] = field(default_factory=list)
    """Each entry: one response that falls silent after so many bytes of its body."""
    refuse: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Each entry: one response with that status and those headers instead of the file."""
    ranges: bool = True
    authorization: str = ""


@dataclass
class Site:
    """The server: put files in, look at what was asked."""

    url: str = ""
    files: dict[str, Served] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def put(self, path: str, content: bytes, **settings: object) -> Served:
        etag = f'"{hashlib.sha256(content).hexdigest()[:12]}"'
        served = Served(content, **{"etag": etag, **settings})  # type: ignore[arg-type]
        self.files[path] = served
        return served

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers (lower-case names) of all requests for a path."""
        return [headers for asked, headers in self.requests if asked.split("?")[0] == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one packet: two would wait 40 ms for each other
    site: Site

    def log_message(self, *_: object) -> None:
        return None

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.site.requests.append((self.path, headers))
        served = self.site.files.get(self.path.split("?")[0])
        if served is None:
            return self._answer(404, b"", {})
        if served.authorization and headers.get("authorization") != served.authorization:
            return self._answer(401, b"", {"WWW-Authenticate": "Basic"})
        if served.refuse:
            status, extra = served.refuse.pop(0)
            return self._answer(status, b"", extra)
        version = {"ETag": served.etag, "Last-Modified": served.last_modified}
        extra = {name: value for name, value in version.items() if value} | served.headers
        unchanged = (served.etag and headers.get("if-none-match") == served.etag) or (
            served.last_modified
            and "if-none-match" not in headers
            and headers.get("if-modified-since") == served.last_modified
        )
        if unchanged:
            return self._answer(304, b"", extra)
        start, status = 0, 200
        match = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if match and served.ranges and headers.get("if-range") in {served.etag, served.last_modified}:
            start, status = int(match[1]), 206
            if start >= len(served.content):
                return self._answer(416, b"", {})
            extra["Content-Range"] = f"bytes {start}-{len(served.content) - 1}/{len(served.content)}"
        body = served.content[start:]
        if served.drop_after or served.stall_after:
            silent = not served.drop_after
            limit = (served.stall_after if silent else served.drop_after).pop(0)
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:limit])
            self.wfile.flush()
            if silent:
                # Until the other side is gone.
                self.connection.recv(1)
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return None
        return self._answer(status, body, extra)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(
    handler: Callable[..., BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Runs a handler on a free port of this machine; yields its address without a final slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def running_site(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A site with files."""
    site = Site()
    handler = type("Handler", (_Handler,), {"site": site})
    with serving(handler, tls) as url:
        site.url = url
        yield site
