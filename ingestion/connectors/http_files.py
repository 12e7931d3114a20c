"""Connector `http`: files at fixed addresses.

Asks conditionally (ETag, Last-Modified), continues interrupted downloads (Range with If-Range, RFC 9110 section 14),
verifies checksums. A file appears in the inbox complete or not at all.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx

from ingestion.connectors import transfer
from ingestion.connectors.failure import ConnectorFailure, TooLarge, Transient
from ingestion.connectors.inbox import begin, safe_name, sha256_of, short_hash
from ingestion.connectors.retry import with_retries
from ingestion.connectors.state import Fetched, Version
from ingestion.connectors.visit import Visit
from lagebild.connector import HttpConnector, combinations

_HEX: Final = re.compile(r"\b[0-9a-fA-F]{64}\b")
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_CHECKSUM_FILE_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class Remote:
    """One address after its placeholders are filled in."""

    url: str
    name: str
    sha256: str
    may_be_absent: bool

    @property
    def key(self) -> str:
        return short_hash(self.url)

    @property
    def label(self) -> str:
        """For people: no query string, it may hold a token."""
        parts = urlsplit(self.url)
        return self.name or unquote(parts.path.rsplit("/", 1)[-1]) or str(parts.hostname)


@dataclass(frozen=True)
class _Answer:
    """What the server said about the file whose body is complete on disk."""

    version: Version
    name: str
    checksum: str
    modified: datetime | None


def addresses(config: HttpConnector) -> list[Remote]:
    """All addresses of a connector as of today."""
    today = datetime.now(UTC).date()
    return [
        Remote(
            url=file.url.format(**numbers),
            name=file.name.format(**numbers),
            sha256=file.sha256.format(**numbers),
            may_be_absent=absent,
        )
        for file in config.files
        for numbers, absent in combinations(config.over, today)
    ]


def bring(config: HttpConnector, visit: Visit) -> None:
    """Fetches what is new. Raises `Unreachable` when the server cannot be had at all."""
    with transfer.client(visit, config.timeout_s, config.ca_secret) as http:
        if authorization := _authorization(config, visit):
            # A header, not httpx's auth: that one would also be sent to wherever a redirect leads.
            http.headers["Authorization"] = authorization
        for remote in addresses(config):
            with visit.guarded(remote.label):
                _bring_one(http, config, remote, visit)


def _authorization(config: HttpConnector, visit: Visit) -> str:
    access = config.access
    if access is None:
        return ""
    if access.token_secret:
        return f"Bearer {visit.secret(access.token_secret)}"
    user, password = visit.secret(access.user_secret), visit.secret(access.password_secret)
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _bring_one(http: httpx.Client, config: HttpConnector, remote: Remote, visit: Visit) -> None:
    limits = transfer.Limits.of(config.max_megabytes, config.max_minutes)
    try:
        answer = with_retries(config.retries, lambda: _download(http, config, remote, visit, limits))
    except TooLarge:
        visit.forget_part(remote.key)
        raise
    if answer is None:
        return
    part = visit.part(remote.key)
    expected = _expected_checksum(http, config, remote, answer)
    if expected and sha256_of(part) != expected:
        visit.forget_part(remote.key)
        raise ConnectorFailure(
            "Die Prüfsumme stimmt nicht; die Datei ist beim Übertragen beschädigt oder vertauscht worden."
        )
    visit.accept(remote.key, answer.name, answer.version, answer.modified)


def _download(
    http: httpx.Client, config: HttpConnector, remote: Remote, visit: Visit, limits: transfer.Limits
) -> _Answer | None:
    """One attempt. None: unchanged since last time, or not published yet."""
    part = visit.part(remote.key)
    begun = visit.state.parts.get(remote.key) if part.exists() else None
    offset = part.stat().st_size if begun is not None else 0
    request = http.build_request(
        "GET", remote.url, headers=_conditions(visit.known(remote.key), begun, offset)
    )
    with transfer.answered(http, request) as response:
        if response.status_code == 304:
            visit.say(f"{remote.label} – unverändert")
            return None
        if response.status_code in {404, 410} and remote.may_be_absent:
            visit.say(f"{remote.label} – noch nicht veröffentlicht")
            return None
        if response.status_code == 416:
            visit.forget_part(remote.key)
            raise Transient(f"{request.url.host} kann die begonnene Übertragung nicht fortsetzen.")
        transfer.complain(response)
        version = _version(response.headers)
        _refuse_page(response, remote)
        continued = response.status_code == 206
        if continued and _start_of(response) != offset:
            visit.forget_part(remote.key)
            raise Transient(f"{request.url.host} setzt die Übertragung an der falschen Stelle fort.")
        if not continued:
            begin(part)
            visit.remember_part(remote.key, version)
        _refuse_size(response, part.stat().st_size, limits)
        transfer.append(transfer.body(response), part, limits, request.url.host)
        return _Answer(
            version=version,
            name=safe_name(remote.name or _offered_name(response, remote)),
            checksum=_header_checksum(response, config),
            modified=transfer.http_date(version.last_modified) if version.last_modified else None,
        )


def _conditions(known: Fetched | None, begun: Version | None, offset: int) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if begun is not None and offset and (validator := _strong_validator(begun)):
        # Without If-Range a changed file would be glued to the beginning of its predecessor.
        return {**headers, "Range": f"bytes={offset}-", "If-Range": validator}
    if known is not None:
        if known.version.etag:
            headers["If-None-Match"] = known.version.etag
        if known.version.last_modified:
            headers["If-Modified-Since"] = known.version.last_modified
    return headers


def _strong_validator(version: Version) -> str:
    # RFC 9110, 13.1.5: a weak ETag must not be used with If-Range.
    return version.etag if version.etag and not version.etag.startswith("W/") else version.last_modified


def _version(headers: httpx.Headers) -> Version:
    return Version(etag=headers.get("etag", ""), last_modified=headers.get("last-modified", ""))


def _start_of(response: httpx.Response) -> int | None:
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    return int(match[1]) if match else None


def _refuse_size(response: httpx.Response, offset: int, limits: transfer.Limits) -> None:
    length = response.headers.get("content-length", "")
    if length.isdigit() and offset + int(length) > limits.max_bytes:
        raise TooLarge(f"Die Datei ist größer als vereinbart ({limits.max_bytes // 1_000_000} MB).")


def _refuse_page(response: httpx.Response, remote: Remote) -> None:
    # Login and maintenance pages come with status 200.
    kind = response.headers.get("content-type", "").lower()
    if kind.startswith("text/html") and not remote.label.lower().endswith((".html", ".htm")):
        raise ConnectorFailure(
            f"{response.request.url.host} schickt statt der Datei eine Internetseite (Anmeldung oder Wartung?)."
        )


def _offered_name(response: httpx.Response, remote: Remote) -> str:
    header = response.headers.get("content-disposition", "")
    if header:
        message = Message()
        message["content-disposition"] = header
        said: list[Any] = message.get_params([], "content-disposition")
        names = [value for name, value in said if name.lower() == "filename"]
        # `filename*` (RFC 5987) comes as a triple; it is preferred where both are given (RFC 6266, 4.3).
        extended = [value for value in names if isinstance(value, tuple)]
        if names:
            return collapse_rfc2231_value((extended or names)[0])
    return unquote(urlsplit(remote.url).path.rsplit("/", 1)[-1])


def _header_checksum(response: httpx.Response, config: HttpConnector) -> str:
    if not config.checksum_header:
        return ""
    text = response.headers.get(config.checksum_header, "").strip()
    if _HEX.fullmatch(text):
        return str(text).lower()
    match = re.search(r"sha-256=:?([A-Za-z0-9+/=]+):?", text, re.IGNORECASE)
    try:
        digest = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise ConnectorFailure(f"Die vereinbarte Prüfsumme fehlt in der Antwort ({config.checksum_header}).")
    return digest.hex()


def _expected_checksum(http: httpx.Client, config: HttpConnector, remote: Remote, answer: _Answer) -> str:
    """The SHA-256 the supplier states, lower case; empty where none is agreed."""
    if not remote.sha256:
        return answer.checksum
    if not remote.sha256.startswith("http"):
        return remote.sha256.lower()
    text = with_retries(config.retries, lambda: _small_text(http, remote))
    lines = [line for line in text.splitlines() if _HEX.search(line)]
    offered = unquote(urlsplit(remote.url).path.rsplit("/", 1)[-1])
    # A list for many files names ours; a file for one may name it otherwise.
    ours = [line for line in lines if line.rstrip().endswith((answer.name, offered))] or lines
    if len(ours) != 1:
        raise ConnectorFailure("Die Datei mit der Prüfsumme nennt keine für diese Datei.")
    match = _HEX.search(ours[0])
    assert match is not None
    return match[0].lower()


def _small_text(http: httpx.Client, remote: Remote) -> str:
    request = http.build_request("GET", remote.sha256, headers={"Accept-Encoding": "identity"})
    if request.url.host != urlsplit(remote.url).hostname:
        request.headers.pop("Authorization", None)
    with transfer.answered(http, request) as response:
        transfer.complain(response)
        content = b""
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > _CHECKSUM_FILE_BYTES:
                raise ConnectorFailure("Die Datei mit der Prüfsumme ist unerwartet groß.")
    return content.decode("utf-8", errors="replace")
