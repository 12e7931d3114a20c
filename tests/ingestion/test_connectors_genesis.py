"""The connector `genesis` against a local service that replays original bodies and the errors the services send."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.landing.land import land_source
from lagebild.instance import Instance, SourceConfig
from lagebild.paths import data_dir
from tests.ingestion.connected import content, manifests, registry, secret, source
from tests.running_genesis import Installation, running_genesis

QUICK = {"attempts": 3, "first_wait_s": 0.01, "max_wait_s": 0.05}
TABLE = "12411-0001"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def instance(var: Path, tmp_path: Path) -> Instance:
    secret(var, "genesis_user", "DE123456")
    secret(var, "genesis_password", "Geheim4711")
    return Instance("probe", tmp_path / "instance")


@pytest.fixture
def site() -> Iterator[Installation]:
    with running_genesis() as running:
        yield running


def at(site: Installation, tables: list[dict[str, Any]] | None = None, **settings: Any) -> SourceConfig:
    connector: dict[str, Any] = {
        "type": "genesis",
        "base_url": site.url,
        "user_secret": "genesis_user",
        "password_secret": "genesis_password",
        "tables": [{"name": TABLE}] if tables is None else tables,
        "pause_s": 0,
        "job_poll_s": 0.01,
        "timeout_s": 5,
        "retries": QUICK,
    }
    files = settings.pop("files", "${INBOX}/spielplaetze/*")
    return source(connector | settings, files=files)


def csv_tables(site: Installation) -> SourceConfig:
    """A table that an adapter here reads end to end: landing is not the matter of the ffcsv format in these tests."""
    site.put("12411-2024", content(4))
    config = at(site, [{"name": "12411-2024", "file": "Spielplaetze_2024"}])
    return config


def inbox(instance: Instance) -> dict[str, bytes]:
    folder = instance.paths.inbox / "spielplaetze"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}


def zipped(text: str, moment: tuple[int, int, int, int, int, int] = (2026, 1, 1, 0, 0, 0)) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(f"{TABLE}_de_flat.csv", moment), text)
    return buffer.getvalue()


@pytest.mark.real
def test_original_tables_arrive_byte_for_byte(instance: Instance, site: Installation) -> None:
    site.load(data_dir() / "genesis-ffcsv")
    assert len(site.tables) == 15
    report = land_source(instance, at(site, [{"name": name} for name in site.tables]))
    assert report.connector_failures == ()
    assert inbox(instance) == {f"{name}_de_flat.zip": body for name, body in site.tables.items()}


def test_same_table_is_one_delivery_and_an_update_supersedes(instance: Instance, site: Installation) -> None:
    config = csv_tables(site)
    assert land_source(instance, config).landed == 1
    again = land_source(instance, config)
    assert (again.landed, again.duplicate) == (0, 1)
    assert site.count("data/tablefile") == 1, "an unchanged table is not computed again"

    site.put("12411-2024", content(5), updated="02.05.2026 08:00:01h")
    assert land_source(instance, config).landed == 1
    old, new = manifests(instance)
    assert registry(instance) == {old.sha256[:12]: "superseded", new.sha256[:12]: "current"}


def test_same_data_zipped_anew_is_no_correction(instance: Instance, site: Installation) -> None:
    site.put(TABLE, zipped("a;b\n1;2\n"))
    land_source(instance, at(site))
    before = inbox(instance)
    site.put(TABLE, zipped("a;b\n1;2\n", (2026, 2, 2, 2, 2, 2)), updated="03.02.2026 08:00:01h")
    report = land_source(instance, at(site))
    assert report.connector_failures == ()
    assert inbox(instance) == before
    land_source(instance, at(site))
    assert site.count("data/tablefile") == 2


def test_parameters_and_credentials_travel_as_the_service_wants(
    instance: Instance, site: Installation
) -> None:
    site.put(TABLE, zipped("a\n1\n"))
    parameters = {"startyear": "2015", "regionalvariable": "KREISE", "regionalkey": "05*"}
    land_source(instance, at(site, [{"name": TABLE, "parameters": parameters}]))
    asked = next(asked for method, asked in site.calls if method == "data/tablefile")
    expected = parameters | {"name": TABLE, "area": "all", "compress": "false", "job": "false"}
    assert asked == expected | {"format": "ffcsv", "language": "de"}


def test_table_too_large_becomes_a_job_that_is_polled(instance: Instance, site: Installation) -> None:
    site.put(TABLE, zipped("a\n1\n"))
    site.too_large = {TABLE}
    lines: list[str] = []
    report = land_source(instance, at(site), lines.append)
    assert report.connector_failures == ()
    assert inbox(instance) == {f"{TABLE}_de_flat.zip": site.tables[TABLE]}
    assert (site.count("catalogue/jobs"), site.count("data/resultfile")) == (3, 1)
    assert any("wird als Auftrag gerechnet" in line for line in lines)


def test_job_that_takes_too_long_is_fetched_by_the_next_run(instance: Instance, site: Installation) -> None:
    site.put(TABLE, zipped("a\n1\n"))
    site.job_states = ["In Bearbeitung"]
    config = at(site, [{"name": TABLE, "job": True}], job_minutes=0.001)
    report = land_source(instance, config)
    assert report.connector_failures == (
        f"Tabelle {TABLE}: 127.0.0.1 rechnet noch; das Ergebnis wird beim nächsten Lauf abgeholt.",
    )
    site.job_states = ["Fertig"]
    assert land_source(instance, config).connector_failures == ()
    assert len(site.jobs) == 1, "the job of the first run is used, none is started anew"
    assert inbox(instance) == {f"{TABLE}_de_flat.zip": site.tables[TABLE]}


def test_failed_job_is_said_and_started_anew_next_time(instance: Instance, site: Installation) -> None:
    site.put(TABLE, zipped("a\n1\n"))
    site.job_states = ["Fehler"]
    config = at(site, [{"name": TABLE, "job": True}])
    assert "gescheitert (Zustand »Fehler«)" in land_source(instance, config).connector_failures[0]
    site.job_states = ["Fertig"]
    assert land_source(instance, config).connector_failures == ()
    assert len(site.jobs) == 2


@pytest.mark.parametrize("mood", ["busy", "html", "truncated", "unavailable"])
def test_passing_faults_are_survived(instance: Instance, site: Installation, mood: str) -> None:
    site.put(TABLE, zipped("a\n1\n"))
    site.moods = [mood, mood]
    assert land_source(instance, at(site)).connector_failures == ()
    assert inbox(instance) == {f"{TABLE}_de_flat.zip": site.tables[TABLE]}


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        ("busy", "zu viele Abfragen"),
        ("html", "Internetseite statt einer Antwort"),
        ("truncated", "unvollständige Antwort"),
        ("unavailable", "Internetseite statt einer Antwort"),
        ("error", "meldet: Es ist ein Systemfehler aufgetreten. (Code -1)"),
    ],
)
def test_lasting_faults_are_one_line_and_no_file(
    instance: Instance, site: Installation, mood: str, said: str
) -> None:
    site.put(TABLE, zipped("a\n1\n"))
    site.moods = [mood] * 9
    report = land_source(instance, at(site))
    assert len(report.connector_failures) == 1 and said in report.connector_failures[0]
    assert inbox(instance) == {}


def test_one_refused_table_does_not_stop_the_others(instance: Instance, site: Installation) -> None:
    site.put("11111-0001", zipped("a\n1\n"))
    site.put("22222-0001", zipped("a\n2\n"))
    site.forbidden = {"22222-0001"}
    tables = [{"name": name} for name in ("22222-0001", "33333-0001", "11111-0001")]
    report = land_source(instance, at(site, tables))
    assert report.connector_failures == (
        "Tabelle 22222-0001: 127.0.0.1: Der Zugang ist für diese Tabelle nicht berechtigt (Code 15).",
        "Tabelle 33333-0001: 127.0.0.1 kennt diese Tabelle oder Auswahl nicht (Code 90).",
    )
    assert list(inbox(instance)) == ["11111-0001_de_flat.zip"]


def test_wrong_password_is_one_line_for_all_tables(
    instance: Instance, site: Installation, var: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret(var, "genesis_password", "Falsch0815")
    report = land_source(instance, at(site, [{"name": "1-1"}, {"name": "1-2"}]))
    assert report.connector_failures == (
        "127.0.0.1 lehnt die Anmeldung ab. Bitte Kennung und Kennwort prüfen.",
    )
    assert [method for method, _ in site.calls] == ["helloworld/logincheck"]
    assert "Falsch0815" not in caplog.text


def test_token_takes_the_place_of_user_and_password(
    instance: Instance, site: Installation, var: Path
) -> None:
    secret(var, "genesis_user", "token0123456789")
    site.user, site.password = "token0123456789", ""
    site.put(TABLE, zipped("a\n1\n"))
    assert land_source(instance, at(site, password_secret="")).connector_failures == ()


def test_selection_longer_than_a_page_is_split(instance: Instance, site: Installation) -> None:
    codes = [f"12411-0{number:02d}-4" for number in range(12)] + ["12411-4"]
    for code in codes:
        site.put(code, zipped(f"a\n{code}\n"))
    site.put("99999-0001", zipped("a\n"))
    report = land_source(instance, at(site, [], selection="12411-*-4", page_length=5))
    assert report.connector_failures == ()
    assert set(inbox(instance)) == {f"{code}_de_flat.zip" for code in codes[:-1]}
    found = at(site, [], selection="12411-*", page_length=5, files="${INBOX}/spielplaetze/*")
    land_source(instance, found)
    assert set(inbox(instance)) == {f"{code}_de_flat.zip" for code in codes}


def test_calls_keep_their_distance(instance: Instance, site: Installation) -> None:
    site.put(TABLE, zipped("a\n1\n"))
    begin = time.monotonic()
    land_source(instance, at(site, pause_s=0.1))
    assert time.monotonic() - begin >= 0.2  # three calls, two pauses


def test_moved_service_is_said(instance: Instance, var: Path) -> None:
    from tests.running_http import running_site

    with running_site() as other:
        site = Installation(url=other.url + "/rest/2020")
        report = land_source(instance, at(site))
    assert len(report.connector_failures) == 1
    assert "127.0.0.1" in report.connector_failures[0]


@pytest.mark.real
@pytest.mark.parametrize(
    ("source_id", "job"),
    [("genesis_11111_02_01_4", False), ("genesis_12211_0001", True)],
)
def test_original_table_lands_like_the_file_of_the_same_source(
    instance: Instance, site: Installation, source_id: str, job: bool
) -> None:
    site.load(data_dir() / "genesis-ffcsv")
    country = Instance("deutschland")
    in_place = country.sources[source_id]
    table = in_place.options["table"]
    if job:
        site.too_large = {table}
    connector = at(site, [{"name": table}]).connector
    fetched = SourceConfig.model_validate(
        in_place.model_dump(exclude={"files", "connector"})
        | {"files": f"${{INBOX}}/{source_id}/*_de_flat.zip", "connector": connector}
    )
    assert land_source(country, fetched).connector_failures == ()
    (delivery,) = manifests(country)
    assert (delivery.status, delivery.file_name) == ("landed", f"{table}_de_flat.zip")
    rows = delivery.rows
    assert rows["observation"] > 0
    # The same content read in place is the same delivery.
    report = land_source(country, in_place)
    assert (report.landed, report.duplicate) == (0, 1)
