"""A GENESIS web service on this machine: replays original table files and the JSON bodies the services send.

Bodies: the zips of `genesis-ffcsv` are original responses of data/tablefile. The JSON shapes are those of the public
recordings of pystatis (tests/cassettes, tests/test_http_helper.py) and of the introduction to the web services.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.running_http import serving

LOGIN_OK = (
    "Sie wurden erfolgreich an- und abgemeldet! Bei mehr als 10 parallelen Requests wurden länger als 15 Minuten "
    "laufende Requests beendet."
)
TOO_LARGE = (
    "Die Tabelle ist zu groß, um direkt abgerufen zu werden. Es kann aber eine Verarbeitung im Hintergrund gestartet "
    "werden."
)
LOGIN_BAD = (
    "Ein Fehler ist aufgetreten. (Bitte prüfen und korrigieren Sie Ihren Nutzernamen bzw. das Passwort.)"
)
JOB_TEXT = (
    "Der Bearbeitungsauftrag wurde erstellt. Die Tabelle kann in Kürze als Ergebnis mit folgendem Namen "
    "abgerufen werden: {job} (Mindestens ein Parameter enthält ungültige Werte. Er wurde angepasst, um den "
    "Service starten zu können.: stand"
)
MAINTENANCE = b"<!DOCTYPE html>\n<html><head><title>Wartungsarbeiten</title></head></html>"


@dataclass
class Installation:
    """What the service holds and how it behaves."""

    url: str = ""
    user: str = "DE123456"
    password: str = "Geheim4711"
    tables: dict[str, bytes] = field(default_factory=dict)
    updated: dict[str, str] = field(default_factory=dict)
    too_large: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    job_states: list[str] = field(default_factory=lambda: ["Warten", "In Bearbeitung", "Fertig"])
    """What the coming polls say; the last one stays."""
    moods: list[str] = field(default_factory=list)
    """Each entry spoils one call of a data method: busy, html, truncated, unavailable."""
    jobs: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    longest: int = 25000

    def load(self, folder: Path) -> None:
        """Takes the original files of `genesis-ffcsv`: the table's name ends at the first underscore."""
        for path in sorted(folder.glob("*.zip")):
            self.put(path.name.split("_", 1)[0], path.read_bytes())

    def put(self, table: str, content: bytes, updated: str = "21.03.2022 13:53:13h") -> None:
        self.tables[table] = content
        self.updated[table] = updated

    def count(self, method: str) -> int:
        return sum(called == method for called, _ in self.calls)


def _envelope(method: str, code: int, content: str, kind: str = "Information", **more: Any) -> dict[str, Any]:
    service, name = method.split("/")
    return {
        "Ident": {"Service": service, "Method": name},
        "Status": {"Code": code, "Content": content, "Type": kind},
        "Parameter": {"username": "********************", "password": "********************"},
        **more,
        "Copyright": "© Statistisches Bundesamt (Destatis), 2026",
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one packet: two would wait 40 ms for each other
    site: Installation

    def log_message(self, *_: object) -> None:
        return None

    def do_GET(self) -> None:
        # Since 2025 only POST is served; everything else ends on the start page.
        self._send(302, b"", "text/html", {"Location": "/datenbank/online"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        asked = dict(parse_qsl(body, keep_blank_values=True))
        method = self.path.removeprefix("/rest/2020/")
        self.site.calls.append((method, asked))
        assert "password" not in asked and "?" not in self.path
        good = (self.headers.get("username"), self.headers.get("password")) == (
            self.site.user,
            self.site.password,
        )
        if method == "helloworld/logincheck":
            user = self.site.user if good else "GAST"
            return self._json({"Status": LOGIN_OK if good else LOGIN_BAD, "Username": user})
        if not good:
            return self._json({"Code": 2, "Content": LOGIN_BAD, "Type": "ERROR"}, 404)
        if method.startswith("data/") and self.site.moods:
            return self._mood(self.site.moods.pop(0), method)
        handlers = {
            "catalogue/tables": self._catalogue,
            "metadata/table": self._metadata,
            "data/tablefile": self._tablefile,
            "catalogue/jobs": self._jobs,
            "data/resultfile": self._resultfile,
        }
        if method not in handlers:
            return self._send(404, MAINTENANCE, "text/html")
        return handlers[method](asked)

    def _mood(self, mood: str, method: str) -> None:
        if mood == "busy":
            text = "Sie haben zu viele parallele Abfragen gestartet."
            return self._json(_envelope(method, 6, text, "Fehler"))
        if mood == "html":
            return self._send(200, MAINTENANCE, "text/html;charset=UTF-8")
        if mood == "unavailable":
            return self._send(503, MAINTENANCE, "text/html", {"Retry-After": "0"})
        if mood == "error":
            return self._json(_envelope(method, -1, "Es ist ein Systemfehler aufgetreten.", "Fehler"))
        return self._send(200, b'{"Ident": {"Service', "application/json")

    def _catalogue(self, asked: dict[str, str]) -> None:
        head, star, tail = asked["selection"].partition("*")
        found = [
            {"Code": code, "Content": f"Tabelle {code}", "Time": "1991 - 2024"}
            for code in sorted(self.site.tables)
            if code == asked["selection"]
            or (star and code.startswith(head) and code.endswith(tail) and len(code) >= len(head + tail))
        ]
        if not found:
            text = "Es gibt keine Objekte zum angegebenen Selektionskriterium"
            return self._json(_envelope("catalogue/tables", 104, text, List=None))
        length = min(int(asked["pagelength"]), self.site.longest)
        return self._json(_envelope("catalogue/tables", 0, "erfolgreich", List=found[:length]))

    def _metadata(self, asked: dict[str, str]) -> None:
        table = asked["name"]
        if table in self.site.forbidden:
            text = "Sie sind nicht berechtigt, diesen Service für die Tabelle zu nutzen."
            return self._json({"Code": 15, "Content": text, "Type": "ERROR"}, 401)
        if table not in self.site.tables:
            text = "Die angeforderte Tabelle ist nicht vorhanden"
            return self._json(_envelope("metadata/table", 90, text, "Fehler", Object=None))
        described = {"Code": table, "Content": "Tabelle", "Updated": self.site.updated[table]}
        return self._json(_envelope("metadata/table", 0, "erfolgreich", Object=described))

    def _tablefile(self, asked: dict[str, str]) -> None:
        assert asked["format"] == "ffcsv" and asked["language"] == "de"
        table = asked["name"]
        if asked["job"] == "true":
            job = f"{table}_{len(self.site.jobs) + 1:09d}"
            self.site.jobs[job] = table
            return self._json(_envelope("data/tablefile", 99, JOB_TEXT.format(job=job)))
        if table in self.site.too_large:
            return self._json(_envelope("data/tablefile", 98, TOO_LARGE, "Fehler", Object=None))
        return self._file(self.site.tables[table], f"{table}_de_flat.zip")

    def _jobs(self, asked: dict[str, str]) -> None:
        state = self.site.job_states.pop(0) if len(self.site.job_states) > 1 else self.site.job_states[0]
        name = asked["selection"].removeprefix("*")
        found = [{"Content": "Tabelle", "State": state, "Time": "21.11.2026 06:24:27", "Code": name}]
        listed = found if name in self.site.jobs else None
        return self._json(_envelope("catalogue/jobs", 0, "erfolgreich", List=listed))

    def _resultfile(self, asked: dict[str, str]) -> None:
        table = self.site.jobs[asked["name"]]
        return self._file(self.site.tables[table], f"{asked['name']}_de_flat.zip")

    def _file(self, content: bytes, name: str) -> None:
        kind = "application/zip" if content.startswith(b"PK") else "text/csv"
        self._send(200, content, kind, {"Content-Disposition": f"attachment; filename={name}"})

    def _json(self, body: dict[str, Any], status: int = 200) -> None:
        encoded = json.dumps(body, ensure_ascii=False).encode()
        self._send(status, encoded, "application/json;charset=UTF-8")

    def _send(self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running_genesis() -> Iterator[Installation]:
    """An empty installation."""
    site = Installation()
    with serving(type("Handler", (_Handler,), {"site": site})) as url:
        site.url = f"{url}/rest/2020"
        yield site
