"""The calls of a GENESIS web service (Destatis, Regionalstatistik, Zensus) and what their answers mean.

Belongs here: requests, status codes, shapes of bodies. Does not belong here: which tables are fetched and how they
arrive (`genesis`). Source: GENESIS-Webservices, Einführung (sections 2.1.2 basic structure of responses, 2.5 data);
POST with the credentials as headers is the only way since 2025. Shapes that occur:

- `{"Ident": …, "Status": {"Code", "Content", "Type"}, "Parameter": …, "List" or "Object": …}`
- `{"Code", "Content", "Type"}` alone, with HTTP 401 or 404
- `{"Status": "…", "Username": "…"}` from the login check; user GAST: not logged in
- the file itself (zip or csv) from data/tablefile and data/resultfile
- an HTML page: maintenance, or a call the service does not know
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from ingestion.connectors import transfer
from ingestion.connectors.failure import ConnectorFailure, Transient, Unreachable
from ingestion.connectors.inbox import begin
from ingestion.connectors.retry import with_retries
from lagebild.connector import GenesisConnector

CODE_OK: Final = 0
CODE_ADJUSTED: Final = 22
"""Successful, with parameters the service has changed."""
CODE_NO_OBJECTS: Final = 104
CODE_NO_TABLE: Final = 90
CODE_TOO_LARGE: Final = 98
CODE_JOB_ACCEPTED: Final = 99
CODE_TOO_MANY_REQUESTS: Final = 6
CODE_NOT_AUTHORISED: Final = 15
GUEST: Final = "GAST"
JOB_DONE: Final = frozenset({"Fertig", "Finished"})
JOB_WAITING: Final = frozenset({"Warten", "Wartend", "In Bearbeitung", "Bearbeitung", "Waiting", "Running"})

_JOB_NAME: Final = re.compile(r":\s*([0-9A-Za-z-]+_\d+)")
_JSON_BYTES: Final = 50_000_000
_MAX_CONTENT: Final = 200


@dataclass(frozen=True)
class Answer:
    """One answer: either a JSON body with its status, or (`is_file`) a file that has been written to disk."""

    code: int = CODE_OK
    content: str = ""
    kind: str = ""
    body: Mapping[str, Any] | None = None
    is_file: bool = False
    ending: str = ""
    """`.zip` or `.csv`, for a file."""

    @property
    def is_error(self) -> bool:
        return self.kind.lower() in {"error", "fehler"} or self.code not in {CODE_OK, CODE_ADJUSTED}

    def entries(self) -> list[dict[str, Any]]:
        """The list of a catalogue call; empty where nothing matches (the service writes null then)."""
        found = (self.body or {}).get("List") or []
        return [entry for entry in found if isinstance(entry, dict)]

    def job_name(self) -> str:
        """Name of the job just accepted; it stands in a sentence only."""
        match = _JOB_NAME.search(self.content)
        if match is None:
            raise ConnectorFailure(
                "Die Datenbank hat einen Auftrag angenommen, nennt aber seinen Namen nicht."
            )
        return match[1]


class GenesisApi:
    """One logged-in session. Calls are made one after another with a pause between them."""

    def __init__(self, http: httpx.Client, config: GenesisConnector, user: str, password: str) -> None:
        self._http = http
        self._config = config
        self._credentials = {"username": user, "password": password}
        self._base = config.base_url.rstrip("/")
        self._earliest = 0.0
        self.host = httpx.URL(config.base_url).host

    def check_login(self) -> None:
        """Raises `Unreachable` when user and password are not accepted."""
        answer = self.call("helloworld/logincheck", {})
        user = str((answer.body or {}).get("Username", ""))
        if answer.is_error or not user.strip() or user == GUEST or "fehler" in answer.content.lower():
            raise Unreachable(f"{self.host} lehnt die Anmeldung ab. Bitte Kennung und Kennwort prüfen.")

    def call(self, method: str, parameters: Mapping[str, str]) -> Answer:
        """A call answered with JSON; raises `Transient` after the last attempt, never for a status code inside."""
        return with_retries(self._config.retries, lambda: self._once(method, parameters, None, None))

    def file(self, method: str, parameters: Mapping[str, str], part: Path, limits: transfer.Limits) -> Answer:
        """A call answered with a file, written to `part`; or with JSON that says why there is none."""
        return with_retries(self._config.retries, lambda: self._once(method, parameters, part, limits))

    def _once(
        self, method: str, parameters: Mapping[str, str], part: Path | None, limits: transfer.Limits | None
    ) -> Answer:
        self._pause()
        request = self._http.build_request(
            "POST",
            f"{self._base}/{method}",
            # In headers, as the service wants it: in the body or the address they would end in log files.
            headers=self._credentials,
            data={"language": "de", **parameters},
        )
        with transfer.transport_faults(self.host):
            response = self._http.send(request, stream=True)
            try:
                answer = self._read(response, part, limits)
            finally:
                response.close()
        if answer.code == CODE_TOO_MANY_REQUESTS and answer.is_error:
            raise Transient(f"{self.host} bearbeitet gerade zu viele Abfragen dieses Zugangs.")
        return answer

    def _read(self, response: httpx.Response, part: Path | None, limits: transfer.Limits | None) -> Answer:
        if response.is_redirect:
            raise ConnectorFailure(
                f"{self.host} leitet um. Die Adresse des Webservice (base_url) hat sich vermutlich geändert."
            )
        chunks = response.iter_bytes(1 << 16)
        head = next(chunks, b"")
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        kind = response.headers.get("content-type", "").lower()
        if start == b"{" or "json" in kind:
            content = head
            for chunk in chunks:
                content += chunk
                if len(content) > _JSON_BYTES:
                    raise ConnectorFailure(f"{self.host} schickt eine unerwartet große Antwort.")
            return self._json(content, response)
        if start == b"<" or "html" in kind:
            raise Transient(f"{self.host} schickt eine Internetseite statt einer Antwort (Wartung?).")
        transfer.complain(response)
        if part is None or limits is None:
            raise ConnectorFailure(f"{self.host} schickt eine Antwort in unbekannter Form.")
        begin(part)
        transfer.append((piece for piece in (head, *chunks)), part, limits, self.host)
        return Answer(is_file=True, ending=".zip" if head.startswith(b"PK") else ".csv")

    def _json(self, content: bytes, response: httpx.Response) -> Answer:
        try:
            body = json.loads(content.decode("utf-8-sig"))
        except (ValueError, UnicodeDecodeError) as error:
            raise Transient(f"{self.host} schickt eine unvollständige Antwort.") from error
        if not isinstance(body, dict):
            raise ConnectorFailure(f"{self.host} schickt eine Antwort in unbekannter Form.")
        status = body.get("Status", body)
        if isinstance(status, str):
            return Answer(content=status, body=body)
        if not isinstance(status, dict) or not str(status.get("Code", "")).lstrip("-").isdigit():
            transfer.complain(response)
            raise ConnectorFailure(f"{self.host} schickt eine Antwort in unbekannter Form.")
        answer = Answer(
            code=int(status["Code"]),
            content=str(status.get("Content") or ""),
            kind=str(status.get("Type") or ""),
            body=body,
        )
        if response.status_code in {429, 500, 502, 503, 504}:
            transfer.complain(response)
        return answer

    def _pause(self) -> None:
        time.sleep(max(0.0, self._earliest - time.monotonic()))
        self._earliest = time.monotonic() + self._config.pause_s


def refusal(answer: Answer, host: str) -> ConnectorFailure:
    """What a status code that yields no data means, in words."""
    said = " ".join(answer.content.split())[:_MAX_CONTENT]
    if answer.code == CODE_NOT_AUTHORISED:
        return ConnectorFailure(f"{host}: Der Zugang ist für diese Tabelle nicht berechtigt (Code 15).")
    if answer.code in {CODE_NO_TABLE, CODE_NO_OBJECTS}:
        return ConnectorFailure(f"{host} kennt diese Tabelle oder Auswahl nicht (Code {answer.code}).")
    if "kennwort" in said.lower() or "passwort" in said.lower() or "password" in said.lower():
        return Unreachable(f"{host} lehnt die Anmeldung ab. Bitte Kennung und Kennwort prüfen.")
    return ConnectorFailure(f"{host} meldet: {said or 'unbekannter Fehler'} (Code {answer.code})")
