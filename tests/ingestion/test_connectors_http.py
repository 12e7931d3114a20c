"""The connector `http` against a real server: what arrives, what is asked for, and that nothing is half-loaded."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from ingestion.connectors.failure import ConnectorFailure, Transient
from ingestion.connectors.http_files import Remote
from ingestion.connectors.inbox import plain_name, safe_name
from ingestion.connectors.retry import with_retries
from ingestion.landing.land import LandingReport, land_source
from lagebild.connector import Retries
from lagebild.instance import Instance, SourceConfig
from lagebild.paths import PROJECT_ROOT
from tests.ingestion.connected import content, manifests, registry, secret, source, values
from tests.running_http import Site, running_site

QUICK = {"attempts": 3, "first_wait_s": 0.01, "max_wait_s": 0.05}
PATH = "/offen/Spielplaetze_2024.csv"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def instance(var: Path, tmp_path: Path) -> Instance:
    return Instance("probe", tmp_path / "instance")


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


def at(site: Site, path: str = PATH, file: dict[str, Any] | None = None, **settings: Any) -> SourceConfig:
    connector = {
        "type": "http",
        "files": [{"url": site.url + path, **(file or {})}],
        "timeout_s": 5,
        "retries": QUICK,
    }
    return source(connector | settings)


def inbox(instance: Instance) -> list[str]:
    folder = instance.paths.inbox / "spielplaetze"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def land(instance: Instance, config: SourceConfig) -> LandingReport:
    return land_source(instance, config)


def test_same_file_is_one_delivery_and_a_correction_supersedes(instance: Instance, site: Site) -> None:
    site.put(PATH, content(4, 0), last_modified="Mon, 06 Jan 2025 08:00:00 GMT")
    first = land(instance, at(site))
    assert (first.landed, first.connector_failures) == (1, ())
    arrived = instance.paths.inbox / "spielplaetze" / "Spielplaetze_2024.csv"
    assert arrived.stat().st_mtime == dt.datetime(2025, 1, 6, 8, tzinfo=dt.UTC).timestamp()

    again = land(instance, at(site))
    assert (again.landed, again.duplicate) == (0, 1)
    second = site.asked(PATH)[1]
    assert second["if-none-match"] == site.files[PATH].etag
    assert second["if-modified-since"] == "Mon, 06 Jan 2025 08:00:00 GMT"

    # The supplier's clock is wrong: the correction claims to be older, and is the newer one all the same.
    site.put(PATH, content(5, 0), last_modified="Sun, 05 Jan 2025 08:00:00 GMT")
    corrected = land(instance, at(site))
    assert corrected.landed == 1
    old, new = manifests(instance)
    assert (values(instance, old), values(instance, new)) == ([4.0, 0.0], [5.0, 0.0])
    assert registry(instance) == {old.sha256[:12]: "superseded", new.sha256[:12]: "current"}


def test_unchanged_content_without_validators_is_no_new_delivery(instance: Instance, site: Site) -> None:
    site.put(PATH, content(4), etag="")
    land(instance, at(site))
    before = (instance.paths.inbox / "spielplaetze" / "Spielplaetze_2024.csv").stat().st_mtime_ns
    report = land(instance, at(site))
    assert (report.landed, report.duplicate) == (0, 1)
    after = (instance.paths.inbox / "spielplaetze" / "Spielplaetze_2024.csv").stat().st_mtime_ns
    assert after == before


def test_cleared_inbox_is_filled_again(instance: Instance, site: Site) -> None:
    site.put(PATH, content(4))
    land(instance, at(site))
    (instance.paths.inbox / "spielplaetze" / "Spielplaetze_2024.csv").unlink()
    report = land(instance, at(site))
    assert (report.landed, report.duplicate) == (0, 1)
    assert "if-none-match" not in site.asked(PATH)[1]


def test_dropped_connection_is_continued_where_it_broke_off(instance: Instance, site: Site) -> None:
    body = content(*range(99)) * 1
    served = site.put(PATH, body, drop_after=[100, 150])
    report = land(instance, at(site))
    assert (report.landed, report.connector_failures) == (1, ())
    asked = site.asked(PATH)
    assert [headers.get("range") for headers in asked] == [None, "bytes=100-", "bytes=250-"]
    assert asked[1]["if-range"] == served.etag
    assert (instance.paths.inbox / "spielplaetze" / "Spielplaetze_2024.csv").read_bytes() == body


def test_nothing_half_loaded_after_a_dead_run_and_the_next_one_resumes(
    instance: Instance, site: Site
) -> None:
    body = content(*range(99))
    site.put(PATH, body, drop_after=[200, 50, 50])
    report = land(instance, at(site))
    assert (report.landed, report.quarantined) == (0, 0)
    assert report.connector_failures == (
        "Spielplaetze_2024.csv: Die Verbindung zu 127.0.0.1 ist abgebrochen.",
    )
    (part,) = inbox(instance)
    assert part.startswith(".") and part.endswith(".part")
    assert (instance.paths.inbox / "spielplaetze" / part).stat().st_mode & 0o077 == 0

    report = land(instance, at(site))
    assert (report.landed, report.connector_failures) == (1, ())
    assert site.asked(PATH)[-1]["range"] == "bytes=300-"
    assert inbox(instance) == ["Spielplaetze_2024.csv"]


def test_file_changed_between_two_attempts_is_not_glued_together(instance: Instance, site: Site) -> None:
    site.put(PATH, content(*range(99)), drop_after=[200, 10, 10])
    land(instance, at(site))
    new = content(*range(50))
    site.put(PATH, new)
    assert land(instance, at(site)).landed == 1
    assert (instance.paths.inbox / "spielplaetze" / "Spielplaetze_2024.csv").read_bytes() == new


def test_server_without_ranges_starts_over(instance: Instance, site: Site) -> None:
    body = content(*range(99))
    site.put(PATH, body, drop_after=[200], ranges=False)
    assert land(instance, at(site)).landed == 1
    assert (instance.paths.inbox / "spielplaetze" / "Spielplaetze_2024.csv").read_bytes() == body


def test_overloaded_server_is_asked_again_no_earlier_than_it_wishes(instance: Instance, site: Site) -> None:
    site.put(PATH, content(1), refuse=[(503, {}), (429, {"Retry-After": "0"})])
    assert land(instance, at(site)).landed == 1
    assert len(site.asked(PATH)) == 3

    # An hour is more than we wait: the next night will do.
    site.put(PATH, content(2), refuse=[(429, {"Retry-After": "3600"})] * 3)
    report = land(instance, at(site))
    assert report.connector_failures == (
        "Spielplaetze_2024.csv: 127.0.0.1 ist überlastet oder gestört (Status 429).",
    )
    assert len(site.asked(PATH)) == 4
    assert report.duplicate == 1, "what lies in the inbox is still landed"


def test_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    answers = iter([Transient("x", 7.0), Transient("x"), None])

    def action() -> str:
        fault = next(answers)
        if fault is not None:
            raise fault
        return "da"

    assert with_retries(Retries(attempts=3, first_wait_s=1, max_wait_s=60), action) == "da"
    assert waited[0] == 7.0
    assert 2.0 <= waited[1] <= 3.0  # doubled once, plus up to a second by chance


@pytest.mark.parametrize("kind", ["literal", "file", "header", "digest"])
@pytest.mark.parametrize("right", [True, False])
def test_checksum_is_verified(instance: Instance, site: Site, kind: str, right: bool) -> None:
    body = content(3)
    digest = hashlib.sha256(body if right else b"something else").digest()
    served = site.put(PATH, body)
    settings: dict[str, Any] = {}
    file: dict[str, Any] = {}
    if kind == "literal":
        file["sha256"] = digest.hex()
    elif kind == "file":
        lines = f"{'0' * 64}  andere.csv\n{digest.hex()}  Spielplaetze_2024.csv\n"
        site.put("/offen/SHA256SUMS", lines.encode())
        file["sha256"] = site.url + "/offen/SHA256SUMS"
    elif kind == "header":
        settings["checksum_header"] = "X-Checksum-Sha256"
        served.headers["X-Checksum-Sha256"] = digest.hex()
    else:
        settings["checksum_header"] = "Repr-Digest"
        served.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
    report = land(instance, at(site, file=file, **settings))
    if right:
        assert (report.landed, report.connector_failures) == (1, ())
    else:
        assert report.landed == 0 and inbox(instance) == []
        assert "Prüfsumme stimmt nicht" in report.connector_failures[0]


def test_years_of_a_stated_range_and_the_unpublished_present(instance: Instance, site: Site) -> None:
    year = dt.datetime.now(dt.UTC).year
    for past in range(year - 3, year):
        site.put(f"/Spielplaetze_{past}.csv", content(past % 10))
    site.put(f"/Spielplaetze_{year - 2}.csv", b"", refuse=[(404, {})])
    config = source(
        {
            "type": "http",
            "files": [{"url": site.url + "/Spielplaetze_{year}.csv"}],
            "over": {"year": {"first": year - 3}},
            "retries": QUICK,
        }
    )
    report = land(instance, config)
    assert report.landed == 2
    assert report.connector_failures == (
        f"Spielplaetze_{year - 2}.csv: Auf 127.0.0.1 nicht vorhanden (Status 404).",
    )
    assert len(site.asked(f"/Spielplaetze_{year}.csv")) == 1


def test_dead_server_is_one_line_and_does_not_lose_what_is_there(instance: Instance, var: Path) -> None:
    with running_site() as site:
        site.put(PATH, content(1))
        config = at(site)
        land(instance, config)
    report = land(instance, config)
    assert report.connector_failures == ("127.0.0.1 ist nicht erreichbar.",)
    assert report.duplicate == 1


def test_secrets_and_query_strings_reach_no_line_and_no_file(
    instance: Instance, site: Site, var: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret(var, "amt_user", "lagebild")
    secret(var, "amt_password", "Geheim4711")
    access = {"user_secret": "amt_user", "password_secret": "amt_password"}
    wanted = "Basic " + base64.b64encode(b"lagebild:Geheim4711").decode()
    site.put(PATH, content(1), authorization=wanted)
    lines: list[str] = []
    config = at(site, PATH + "?sig=Marke0815", access=access)
    assert land_source(instance, config, lines.append).landed == 1

    site.files[PATH].authorization = "Basic another"
    report = land_source(instance, config, lines.append)
    assert report.connector_failures == (
        "127.0.0.1 lehnt die Anmeldung ab (Status 401). Bitte den Zugang prüfen.",
    )
    written = "".join(
        path.read_text(errors="replace")
        for path in var.rglob("*")
        if path.is_file() and path.parent.name != "secrets"
    )
    for word in ("Geheim4711", wanted, "Marke0815"):
        assert word not in "".join(lines) + caplog.text + written

    (var / "secrets" / "amt_password").unlink()
    missing = land_source(instance, config, lines.append)
    assert "»amt_password« ist nicht hinterlegt" in missing.connector_failures[0]
    secret(var, "amt_password", "Geheim4711")
    (var / "secrets" / "amt_password").chmod(0o644)
    assert "für andere lesbar" in land_source(instance, config).connector_failures[0]


def test_credentials_do_not_follow_a_redirect_to_another_host(
    instance: Instance, site: Site, var: Path
) -> None:
    secret(var, "amt_token", "Token4711")
    site.put("/anderswo/Spielplaetze_2024.csv", content(1))
    elsewhere = site.url.replace("127.0.0.1", "localhost") + "/anderswo/Spielplaetze_2024.csv"
    site.put(PATH, b"", refuse=[(302, {"Location": elsewhere})])
    report = land(instance, at(site, access={"token_secret": "amt_token"}))
    assert (report.landed, report.connector_failures) == (1, ())
    assert site.asked(PATH)[0]["authorization"] == "Bearer Token4711"
    assert "authorization" not in site.asked("/anderswo/Spielplaetze_2024.csv")[0]


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x.csv", "file:///etc/passwd", "https://127.0.0.1/x.csv"])
def test_redirect_to_another_scheme_is_refused(instance: Instance, site: Site, target: str) -> None:
    site.put(PATH, b"", refuse=[(302, {"Location": target})] * 3)
    report = land(instance, at(site))
    assert report.landed == 0 and inbox(instance) == []
    assert len(report.connector_failures) == 1


def test_redirect_loop_ends(instance: Instance, site: Site) -> None:
    site.put(PATH, b"", refuse=[(302, {"Location": PATH})] * 20)
    assert "im Kreis" in land(instance, at(site)).connector_failures[0]


def test_file_beyond_the_limit_is_refused_announced_or_not(instance: Instance, site: Site) -> None:
    site.put(PATH, b"x" * 1_000_001)
    report = land(instance, at(site, max_megabytes=1))
    assert "größer als vereinbart (1 MB)" in report.connector_failures[0]
    assert inbox(instance) == []


def test_page_instead_of_the_file_is_refused(instance: Instance, site: Site) -> None:
    site.put(PATH, b"<html>Anmeldung</html>", headers={"Content-Type": "text/html; charset=utf-8"})
    report = land(instance, at(site))
    assert "Internetseite" in report.connector_failures[0]
    assert inbox(instance) == []


def test_name_from_content_disposition_is_made_safe(instance: Instance, site: Site) -> None:
    header = (
        "attachment; filename=\"../../etc/x.csv\"; filename*=UTF-8''..%2F..%2FSpielplaetze_2024_%C3%BC.csv"
    )
    site.put("/download", content(1), headers={"Content-Disposition": header})
    report = land(instance, at(site, "/download"))
    assert (report.landed, report.connector_failures) == (1, ())
    assert inbox(instance) == ["Spielplaetze_2024_ü.csv"]


def test_name_outside_the_agreed_pattern_is_said(instance: Instance, site: Site) -> None:
    site.put("/tabelle.xlsx", b"PK")
    report = land(instance, at(site, "/tabelle.xlsx"))
    assert "passt nicht zum vereinbarten Muster" in report.connector_failures[0]


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\daten\\x.csv", "x.csv"),
        (".versteckt.csv", "versteckt.csv"),
        ("~$sperre.xlsx", "$sperre.xlsx"),
        ("a\x00b\n.csv", "a_b_.csv"),
        ("ä" * 300 + ".csv", "ä" * 98 + ".csv"),
    ],
)
def test_safe_names(raw: str, safe: str) -> None:
    assert safe_name(raw) == safe


@pytest.mark.parametrize("raw", ["", "..", "../", "...", "/", "~"])
def test_names_without_a_name(raw: str) -> None:
    with pytest.raises(ConnectorFailure):
        safe_name(raw)


@pytest.mark.parametrize("raw", ["../x.csv", "a/b.csv", "x\n.csv", "..", ".x.csv"])
def test_plain_names_only(raw: str) -> None:
    with pytest.raises(ConnectorFailure):
        plain_name(raw)


@pytest.mark.parametrize(
    "url", ["http://beispiel.example/x.csv", "ftp://beispiel.example/x", "https://u:p@beispiel.example/x"]
)
def test_only_encrypted_addresses_without_passwords(url: str) -> None:
    with pytest.raises(ValidationError):
        source({"type": "http", "files": [{"url": url}]})


def test_fetched_files_must_be_looked_for_in_the_inbox() -> None:
    with pytest.raises(ValidationError, match="INBOX"):
        source(
            {"type": "http", "files": [{"url": "https://beispiel.example/x.csv"}]},
            files="${LAGEBILD_DATA}/x/*.csv",
        )


def test_label_hides_the_query() -> None:
    remote = Remote("https://beispiel.example/a/Liste%202.csv?token=x", "", "", False)
    assert remote.label == "Liste 2.csv"


def test_damaged_memory_is_a_failure_not_a_new_beginning(instance: Instance, site: Site) -> None:
    site.put(PATH, content(1))
    land(instance, at(site))
    state = instance.paths.protected / "connector_state" / "spielplaetze.json"
    assert state.stat().st_mode & 0o077 == 0
    os.truncate(state, 10)
    report = land(instance, at(site))
    assert "gemerkte Stand des Abrufs ist beschädigt" in report.connector_failures[0]
    assert report.duplicate == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server certificate for this machine, signed by itself: what an internal authority would issue."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kreis Beispiel")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = signed.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(pem)
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context, pem.decode()


def test_certificates_are_verified_always(
    instance: Instance, var: Path, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, pem = certificate
    with running_site(context) as site:
        site.put(PATH, content(1))
        report = land(instance, at(site))
        assert report.landed == 0 and site.requests == []
        assert "Zertifikat von 127.0.0.1 ist ungültig" in report.connector_failures[0]

        secret(var, "kreis_ca", pem)
        report = land(instance, at(site, ca_secret="kreis_ca"))
        assert (report.landed, report.connector_failures) == (1, ())


def test_killed_process_leaves_nothing_half_loaded_and_its_successor_resumes(
    instance: Instance, site: Site, var: Path
) -> None:
    body = content(*range(99))
    site.put(PATH, body, stall_after=[400])
    config = at(site, timeout_s=60)  # longer than this test waits, whatever else the machine does
    program = (
        "import sys; from lagebild.instance import Instance, SourceConfig\n"
        "from ingestion.connectors.fetch import fetch\n"
        "fetch(Instance('probe'), SourceConfig.model_validate_json(sys.stdin.read()), print)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, cwd=PROJECT_ROOT)
    assert process.stdin is not None
    process.stdin.write(config.model_dump_json().encode())
    process.stdin.close()
    folder = instance.paths.inbox / "spielplaetze"
    deadline = time.monotonic() + 30
    while not any(path.stat().st_size == 400 for path in folder.glob(".*.part")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert [path.suffix for path in folder.iterdir()] == [".part"]

    assert land(instance, config).landed == 1
    assert site.asked(PATH)[-1]["range"] == "bytes=400-"
    assert (folder / "Spielplaetze_2024.csv").read_bytes() == body
