"""How a source's files are fetched: the section `connector:` of `instances/<name>/sources/<id>.yml`.

Belongs here: what may be said in YAML, and the checks that need no network. Does not belong here: fetching
(`ingestion.connectors`), values of secrets (only their names stand in YAML; see `lagebild.secrets.given_secret`).
Every connector with an example: docs/connectors.md.
"""

from __future__ import annotations

import datetime as dt
import itertools
import string
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""Name under which a secret is kept, never the secret."""
OptionalSecret = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*)?$")]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _encrypted(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"only https:// (http:// on this machine alone): {parts.scheme}://{parts.hostname}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("user name and password belong into secrets, not into the URL")
    return url


EncryptedUrl = Annotated[str, AfterValidator(_encrypted)]


def _placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


class Retries(_Strict):
    """How often and how patiently a server is asked again after a connection error, 429 or 5xx."""

    attempts: int = Field(default=4, ge=1, le=10)
    first_wait_s: float = Field(default=2.0, ge=0)
    """Doubled from attempt to attempt, plus up to the same time by chance."""
    max_wait_s: float = Field(default=120.0, ge=0)
    """A server that asks for more (Retry-After) is left alone until the next run."""


class Range(_Strict):
    """Whole numbers a placeholder runs through, both ends included."""

    first: int
    last: int | None = None
    """Without it: the present year."""
    grace: int = Field(default=1, ge=0)
    """With an open end: how many years before the present one may still be unpublished without being a failure."""

    def numbers(self, today: dt.date) -> range:
        return range(self.first, (today.year if self.last is None else self.last) + 1)

    def may_be_absent(self, number: int, today: dt.date) -> bool:
        return self.last is None and number >= today.year - self.grace


class FolderConnector(_Strict):
    """The supplier (or its transfer) puts files into a folder: the source's `files` glob finds them."""

    type: Literal["folder"] = "folder"


class ManualConnector(_Strict):
    """Files come through `lagebild annehmen` only (or are dropped into the inbox by hand)."""

    type: Literal["manual"]


class HttpAccess(_Strict):
    """How the server is asked who we are: basic (user and password) or bearer token."""

    user_secret: OptionalSecret = ""
    password_secret: OptionalSecret = ""
    token_secret: OptionalSecret = ""

    @model_validator(mode="after")
    def _one_way(self) -> HttpAccess:
        basic = bool(self.user_secret) and bool(self.password_secret)
        if basic == bool(self.token_secret) or bool(self.user_secret) != bool(self.password_secret):
            raise ValueError("access: either user_secret and password_secret, or token_secret")
        return self


class HttpFile(_Strict):
    """One address, or one per combination of the placeholders in `over`."""

    url: EncryptedUrl
    name: str = ""
    """Name in the inbox; without it what the server says (Content-Disposition) or the end of the address."""
    sha256: str = ""
    """64 hexadecimal digits, or the address of a file that holds them (as `sha256sum` writes it)."""

    @model_validator(mode="after")
    def _checksum(self) -> HttpFile:
        if self.sha256.startswith("http"):
            _encrypted(self.sha256)
        elif self.sha256 and (len(self.sha256) != 64 or set(self.sha256.lower()) - set("0123456789abcdef")):
            raise ValueError("sha256: 64 hexadecimal digits or an address")
        return self


class HttpConnector(_Strict):
    """Files at fixed addresses (HTTP or HTTPS), asked for conditionally and resumed after an interruption."""

    type: Literal["http"]
    files: tuple[HttpFile, ...] = Field(min_length=1)
    over: dict[str, Range] = Field(default_factory=dict)
    """Placeholders of addresses and names, e.g. `year: {first: 2015}`; `{month:02d}` pads."""
    access: HttpAccess | None = None
    checksum_header: str = ""
    """Response header with the SHA-256 (hexadecimal, or `sha-256=` and base64 as in RFC 3230 and RFC 9530)."""
    ca_secret: OptionalSecret = ""
    """Name of a stored PEM file with the certificate authority of an internal server."""
    timeout_s: float = Field(default=60.0, gt=0)
    """Longest silence of the server."""
    max_minutes: float = Field(default=60.0, gt=0)
    """Longest time for one file; what came so far is continued by the next run."""
    max_megabytes: int = Field(default=2048, gt=0)
    retries: Retries = Retries()

    @model_validator(mode="after")
    def _known_placeholders(self) -> HttpConnector:
        for file in self.files:
            unknown = _placeholders(file.url + file.name + file.sha256) - set(self.over)
            if unknown:
                raise ValueError(f"placeholders without a range in 'over': {sorted(unknown)}")
        return self


class SftpConnector(_Strict):
    """Files in one folder of an SFTP server whose host key is pinned."""

    type: Literal["sftp"]
    host: str
    port: int = 22
    host_keys: tuple[str, ...] = Field(min_length=1)
    """Public host keys as in known_hosts, without the name: `ssh-ed25519 AAAA…`. No other key is accepted."""
    user: str
    password_secret: OptionalSecret = ""
    key_secret: OptionalSecret = ""
    """Private key (OpenSSH or PEM)."""
    passphrase_secret: OptionalSecret = ""
    folder: str = "."
    pattern: str = "*"
    """Glob of file names; folders below are not read."""
    checksum_suffix: str = ""
    """E.g. `.sha256`: beside `x.csv` stands `x.csv.sha256`; a file without it is not complete yet."""
    settle_s: float = Field(default=10.0, ge=0)
    """A file whose size or time changes within this time is still being written and left for the next run."""
    timeout_s: float = Field(default=30.0, gt=0)
    max_minutes: float = Field(default=60.0, gt=0)
    max_megabytes: int = Field(default=2048, gt=0)
    retries: Retries = Retries()

    @model_validator(mode="after")
    def _one_way_in(self) -> SftpConnector:
        if bool(self.password_secret) == bool(self.key_secret):
            raise ValueError("sftp: exactly one of password_secret and key_secret")
        return self


class GenesisTable(_Strict):
    """One table call. `parameters` go to the server as they are (startyear, regionalvariable, regionalkey, …)."""

    name: str = Field(pattern=r"^[0-9A-Za-z-]+$")
    file: str = "{table}_de_flat"
    """Name in the inbox without its ending (`.zip` or `.csv`, as the server sends it)."""
    parameters: dict[str, str] = Field(default_factory=dict)
    job: bool = False
    """True: computed as a background job from the start; tables too large for a direct answer become one anyway."""


class GenesisConnector(_Strict):
    """Tables of a GENESIS installation (Destatis, Regionalstatistik, Zensus, Landesdatenbanken) as ffcsv."""

    type: Literal["genesis"]
    base_url: EncryptedUrl
    """Up to and with `/rest/2020/` (or the version the installation names)."""
    user_secret: SecretName
    password_secret: OptionalSecret = ""
    """Empty where `user_secret` is an API token (background jobs need user and password)."""
    tables: tuple[GenesisTable, ...] = ()
    selection: str = Field(default="", pattern=r"^[0-9A-Za-z*-]*$")
    """All tables of the catalogue whose code matches, e.g. `12411-02-*-4`."""
    selection_parameters: dict[str, str] = Field(default_factory=dict)
    """`parameters` of the tables found by `selection`."""
    area: str = "all"
    page_length: int = Field(default=2500, ge=1, le=25000)
    pause_s: float = Field(default=1.0, ge=0)
    """Between two calls, out of politeness: the installations count parallel and frequent calls."""
    job_poll_s: float = Field(default=15.0, gt=0)
    job_minutes: float = Field(default=30.0, gt=0)
    """A job that takes longer is fetched by the next run."""
    ca_secret: OptionalSecret = ""
    timeout_s: float = Field(default=180.0, gt=0)
    max_minutes: float = Field(default=30.0, gt=0)
    max_megabytes: int = Field(default=1024, gt=0)
    retries: Retries = Retries()

    @model_validator(mode="after")
    def _something_to_fetch(self) -> GenesisConnector:
        if not self.tables and not self.selection:
            raise ValueError("genesis: tables or selection")
        return self


Watermark = int | float | dt.datetime | dt.date | str


class SqlConnector(_Strict):
    """The answer to one query, written as a CSV (UTF-8, `;`, decimal comma) that the format `delimited` reads.

    Snapshot (no `watermark_column`): per combination in `over` one complete file; its numbers are bound to the query
    (`:year`) and stand in the file name (`{year}`), so that the file name tells the period.
    Increment (`watermark_column`): the rows beyond the last watermark (`:watermark`), each time another file
    (`{watermark}` in its name). Only for tables that grow and never change.
    """

    type: Literal["sql"]
    url_secret: SecretName
    """SQLAlchemy URL with user and password, e.g. `postgresql+psycopg2://…`."""
    query: str
    file: str
    """File name, e.g. `Bestand_{year}.csv`."""
    over: dict[str, Range] = Field(default_factory=dict)
    watermark_column: str = ""
    """Column of the result that grows from row to row of the source table (a sequence, a booking time)."""
    watermark_start: Watermark | None = None
    """Bound as `:watermark` in the first run."""
    timeout_s: float = Field(default=600.0, gt=0)
    """Longest time for one query with its rows."""
    rows_at_once: int = Field(default=10_000, gt=0)
    retries: Retries = Retries()

    @model_validator(mode="after")
    def _names_tell_what_is_inside(self) -> SqlConnector:
        names = _placeholders(self.file)
        if self.watermark_column:
            if "watermark" not in names or ":watermark" not in self.query or self.watermark_start is None:
                raise ValueError(
                    "sql: an increment needs {watermark} in file, :watermark in query, watermark_start"
                )
            if self.over:
                raise ValueError("sql: an increment is not taken over a range")
        elif names != set(self.over):
            raise ValueError("sql: file must name every placeholder in 'over' and no other")
        if "/" in self.file or self.file.startswith((".", "~")):
            raise ValueError("sql: file is a plain file name")
        return self


Connector = Annotated[
    FolderConnector | ManualConnector | HttpConnector | SftpConnector | GenesisConnector | SqlConnector,
    Field(discriminator="type"),
]


def combinations(over: Mapping[str, Range], today: dt.date) -> Iterator[tuple[dict[str, int], bool]]:
    """All combinations of the placeholders' numbers, each with whether it may still be unpublished."""
    for numbers in itertools.product(*(item.numbers(today) for item in over.values())):
        chosen: dict[str, Any] = dict(zip(over, numbers, strict=True))
        yield chosen, any(over[name].may_be_absent(number, today) for name, number in chosen.items())
