"""HTTP on its way to the disk: TLS, redirects, status codes, limits. Shared by `http_files` and `genesis`."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx

from ingestion.connectors.failure import ConnectorFailure, TooLarge, Transient, Unreachable
from ingestion.connectors.visit import Visit

MAX_REDIRECTS: Final = 5
USER_AGENT: Final = "Lagebild (Sozialplanung; automatischer Abruf)"
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Limits:
    """Bounds of one transfer."""

    max_bytes: int
    deadline: float
    """On the clock of time.monotonic()."""

    @classmethod
    def of(cls, max_megabytes: int, max_minutes: float) -> Limits:
        return cls(max_megabytes * 1_000_000, time.monotonic() + max_minutes * 60)


def client(visit: Visit, timeout_s: float, ca_secret: str) -> httpx.Client:
    """A client that verifies certificates – there is no way to switch that off – and follows nothing by itself."""
    context = ssl.create_default_context()
    if ca_secret:
        try:
            context.load_verify_locations(cadata=visit.secret(ca_secret))
        except ssl.SSLError as error:
            raise Unreachable(f"Das hinterlegte Zertifikat »{ca_secret}« ist nicht lesbar.") from error
    return httpx.Client(
        verify=context,
        timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 30.0)),
        follow_redirects=False,
        headers={"User-Agent": USER_AGENT},
    )


@contextmanager
def transport_faults(host: str) -> Iterator[None]:
    """Turns what httpx raises into words; what may pass is `Transient`."""
    try:
        yield
    except httpx.ConnectError as error:
        if _is_certificate_fault(error):
            raise Unreachable(
                f"Das Zertifikat von {host} ist ungültig oder von keiner bekannten Stelle; es wurde nichts geholt."
            ) from error
        raise Transient(f"{host} ist nicht erreichbar.", unreachable=True) from error
    except httpx.ConnectTimeout as error:
        raise Transient(f"{host} ist nicht erreichbar.", unreachable=True) from error
    except httpx.TimeoutException as error:
        raise Transient(f"{host} antwortet nicht in der vereinbarten Zeit.") from error
    except httpx.TransportError as error:
        raise Transient(f"Die Verbindung zu {host} ist abgebrochen.") from error
    except httpx.DecodingError as error:
        raise ConnectorFailure(f"{host} schickt eine nicht lesbare Antwort.") from error


def _is_certificate_fault(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def answered(http: httpx.Client, request: httpx.Request) -> Iterator[httpx.Response]:
    """The response to a request, its body unread; redirects are followed within the same scheme only.

    httpx drops credentials of the `Authorization` header when a redirect leads to another host.
    """
    with transport_faults(request.url.host):
        response = http.send(request, stream=True)
        try:
            for _ in range(MAX_REDIRECTS):
                if response.next_request is None:
                    break
                following = response.next_request
                if following.url.scheme != request.url.scheme:
                    raise ConnectorFailure(
                        f"{request.url.host} leitet auf eine Adresse mit anderem Protokoll "
                        f"({following.url.scheme}) um; dem wird nicht gefolgt."
                    )
                response.close()
                response = http.send(following, stream=True)
            if response.next_request is not None:
                raise ConnectorFailure(f"{request.url.host} leitet im Kreis um.")
            yield response
        finally:
            response.close()


def complain(response: httpx.Response) -> None:
    """Raises for every status that is no success."""
    host, status = response.request.url.host, response.status_code
    if status in _TRY_AGAIN:
        raise Transient(
            f"{host} ist überlastet oder gestört (Status {status}).", retry_after(response.headers)
        )
    if status == 401:
        raise Unreachable(f"{host} lehnt die Anmeldung ab (Status {status}). Bitte den Zugang prüfen.")
    if status == 403:
        raise ConnectorFailure(f"{host} verweigert die Datei (Status {status}). Bitte den Zugang prüfen.")
    if status in {404, 410}:
        raise ConnectorFailure(f"Auf {host} nicht vorhanden (Status {status}).")
    if status >= 300:
        raise ConnectorFailure(f"{host} antwortet mit Status {status}.")


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of the header Retry-After, given as number or date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    moment = http_date(text)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def http_date(text: str) -> datetime | None:
    """A date as headers carry it, in UTC; None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def append(chunks: Iterator[bytes], part: Path, limits: Limits, host: str) -> None:
    """Appends a body to a part file, chunk by chunk, within the limits."""
    size = part.stat().st_size
    with part.open("ab") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limits.max_bytes:
                raise TooLarge(
                    f"Die Datei von {host} ist größer als vereinbart ({limits.max_bytes // 1_000_000} MB)."
                )
            if time.monotonic() > limits.deadline:
                raise ConnectorFailure(
                    f"Die Übertragung von {host} dauert länger als vereinbart; der nächste Lauf setzt sie fort."
                )
            try:
                file.write(chunk)
                file.flush()  # what has arrived outlives the process
            except OSError as error:
                raise ConnectorFailure(
                    f"Auf den eigenen Datenträger konnte nicht geschrieben werden ({error.strerror})."
                ) from error


def body(response: httpx.Response) -> Iterator[bytes]:
    """The body as the file it is: decoded where the server compressed it on the way.

    As it comes, not in blocks: httpx would drop an unfinished block when the connection breaks off.
    """
    if response.headers.get("content-encoding", "identity").lower() == "identity":
        return response.iter_raw()
    return response.iter_bytes()
