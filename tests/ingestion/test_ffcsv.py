"""ffcsv: both layouts, areas, times, groups, signs, archives and what a supplier is told about faults."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ingestion.formats.base import ParsedDelivery
from ingestion.formats.ffcsv import FfcsvAdapter, FfcsvOptions, read_ffcsv
from ingestion.landing.deliveries import succession
from ingestion.landing.manifest import Manifest
from tests.ingestion.tables import NEW_HEADER, flat, flat_row, rows_of, source, write, zipped


def read(rows: list[str], header: str = NEW_HEADER, **options: object) -> ParsedDelivery:
    return read_ffcsv(flat(rows, header), FfcsvOptions.model_validate(options))


def one(row: str, **options: object) -> dict[str, object]:
    return rows_of(read([row], **options))[0]


def refusal(parsed: ParsedDelivery) -> str:
    assert parsed.refused and not parsed.tables
    return next(issue.rule for issue in parsed.issues if issue.severity == "refusal")


@pytest.mark.parametrize(
    ("written", "mark", "value", "obs", "conf"),
    [
        ("1234", "", 1234.0, "A", "F"),
        ("-0,3", "", -0.3, "A", "F"),
        ("0", "", 0.0, "A", "F"),
        (".", "", None, "A", "C"),
        ("...", "", None, "O", "F"),
        ("/", "", None, "L", "F"),
        ("x", "", None, "M", "F"),
        ("12", "()", 12.0, "E", "F"),
        ("(12)", "", 12.0, "E", "F"),
        ("12", "p", 12.0, "P", "F"),
        ("12p", "", 12.0, "P", "F"),
        ("12", "r", 12.0, "A", "F"),
        ("12 s", "", 12.0, "E", "F"),
        ("12", "e", 12.0, "A", "F"),
        ("12", "e ()", 12.0, "E", "F"),
    ],
)
def test_sign(written: str, mark: str, value: float | None, obs: str, conf: str) -> None:
    row = one(flat_row(written, mark=mark))
    assert (row["value"], row["obs_status"], row["conf_status"]) == (value, obs, conf)


def test_dash_is_a_true_zero_beside_figures() -> None:
    rows = rows_of(read([flat_row("7"), flat_row("-", member="GES;Geschlecht;GESM;männlich")]))
    assert [(row["value"], row["obs_status"]) for row in rows] == [(7.0, "A"), (0.0, "A")]


@pytest.mark.parametrize(
    ("agreed", "value", "status", "warnings"),
    [
        (None, None, "L", 1),
        ("zero", 0.0, "A", 0),
        ("not_applicable", None, "M", 0),
        ("not_collected", None, "L", 0),
    ],
)
def test_area_of_dashes_is_zero_only_where_the_registry_says_so(
    agreed: str | None, value: float | None, status: str, warnings: int
) -> None:
    gone = "KREISE;Kreise;05354;Aachen, Kreis"
    parsed = read([flat_row("7"), flat_row("-", area=gone)], nothing={"areas": agreed})
    row = next(row for row in rows_of(parsed) if row["area_code"] == "05354")
    assert (row["value"], row["obs_status"], len(parsed.issues)) == (value, status, warnings)


def test_mean_of_nothing_is_not_applicable() -> None:
    price = "EUR;BAU004;Kaufwert je qm"
    parsed = read([flat_row("-", measure=price), flat_row("3")], nothing={"not_applicable": ["bau004"]})
    assert [(row["value"], row["obs_status"]) for row in rows_of(parsed)] == [(None, "M"), (3.0, "A")]


@pytest.mark.parametrize(
    ("area", "level", "code"),
    [
        ("DINSG;Deutschland;DG;Deutschland", "bund", "DG"),
        ("GEODL1;Deutschland;DG;Deutschland", "bund", "DG"),
        ("DLAND;Bundesländer;01;Schleswig-Holstein", "land", "01"),
        ("REGBEZ;Regierungsbezirke;053;Köln", "regierungsbezirk", "053"),
        ("KREISE;Kreise;01056;Pinneberg", "kreis", "01056"),
        ("KREISE;Kreise;03241001;Hannover", "gemeinde", "03241001"),
        ("KREISE;Kreise;11003003;Berlin-Pankow", "bezirk", "11003003"),
        ("GEMEIN;Gemeinden;01056015;Elmshorn", "gemeinde", "01056015"),
        ("GEMEIN;Gemeinden;11000000;Berlin, Stadt", "gemeinde", "11000000"),
        ("GEOGM4;Gemeinden;010560015015;Elmshorn", "gemeinde", "01056015"),
    ],
)
def test_area(area: str, level: str, code: str) -> None:
    row = one(flat_row("1", area=area))
    assert (row["area_system"], row["area_level"], row["area_code"]) == ("amtlich", level, code)


def test_area_variable_need_not_be_the_first() -> None:
    row = one(flat_row("1", area="GES;Geschlecht;GESW;weiblich", member="KREISE;Kreise;01056;Pinneberg"))
    assert (row["area_code"], row["group_id"]) == ("01056", "sex=f")


@pytest.mark.parametrize(
    "area", ["KREISE;Kreise;1056;Pinneberg", "DLAND;Länder;17;Neuland", "KREISE;Kreise;05;NRW"]
)
def test_unknown_area_is_refused(area: str) -> None:
    assert refusal(read([flat_row("1", area=area)])) == "Unbekanntes Gebiet"


def test_level_that_is_not_agreed_is_refused() -> None:
    parsed = read([flat_row("1")], area={"levels": ["land"]})
    assert refusal(parsed) == "Unbekanntes Gebiet" and "land" in parsed.issues[0].message


def test_table_without_area_needs_the_registry() -> None:
    row = flat_row("1", area="NAT;Nationalität;NATA;ausländisch")
    assert refusal(read([row])) == "Gebiet fehlt"
    assert one(row, area={"constant": "DG"})["area_code"] == "DG"


def test_two_areas_per_figure_are_refused() -> None:
    row = flat_row("1", member="KREISE;Zielkreis;01002;Kiel")
    assert refusal(read([row])) == "Zwei Gebietsangaben"


@pytest.mark.parametrize(
    ("time", "kind", "start", "end", "group"),
    [
        ("STAG;Stichtag;2024-12-31", "stichtag", date(2024, 12, 31), date(2024, 12, 31), "total"),
        ("JAHR;Jahr;2024", "jahr", date(2024, 1, 1), date(2024, 12, 31), "total"),
        ("SMONAT;Monat;2024-02P1M", "monat", date(2024, 2, 1), date(2024, 2, 29), "total"),
        ("SQUART;Quartal;2015-04P3M", "jahr", date(2015, 1, 1), date(2015, 12, 31), "quarter=2"),
        ("SEMEST;Semester;2023-10P6M", "schuljahr", date(2023, 8, 1), date(2024, 7, 31), "semester=winter"),
        ("SEMEST;Semester;2024-04P6M", "schuljahr", date(2023, 8, 1), date(2024, 7, 31), "semester=summer"),
        ("SEMEST;Semester;WS 2023/24", "schuljahr", date(2023, 8, 1), date(2024, 7, 31), "semester=winter"),
        ("SLJAHR;Schuljahr;2022-P1Y", "schuljahr", date(2022, 8, 1), date(2023, 7, 31), "total"),
        ("SCHULJ;Schuljahr;2022/23", "schuljahr", date(2022, 8, 1), date(2023, 7, 31), "total"),
    ],
)
def test_time(time: str, kind: str, start: date, end: date, group: str) -> None:
    row = one(flat_row("1", time=time))
    assert (row["period_type"], row["period_start"], row["period_end"]) == (kind, start, end)
    assert row["group_id"] == group


def test_month_stands_in_a_variable() -> None:
    row = one(flat_row("1", time="JAHR;Jahr;2024", member="MONAT;Monate;MONAT02;Februar"))
    assert (row["period_type"], row["period_end"], row["group_id"]) == ("monat", date(2024, 2, 29), "total")


@pytest.mark.parametrize("time", ["2024-13-01", "irgendwann", "2024-02-30", "2022/24", "0000"])
def test_unreadable_time_is_refused(time: str) -> None:
    assert refusal(read([flat_row("1", time=f"STAG;Stichtag;{time}")])) == "Zeitangabe"


@pytest.mark.parametrize(
    ("member", "group"),
    [
        ("GES;Geschlecht;GESM;männlich", "sex=m"),
        ("NAT;Nationalität;NATD;deutsch", "nationality=de"),
        ("ALT068;Altersgruppen;ALT000B15;unter 15 Jahre", "age=0-14"),
        ("ALT068;Altersgruppen;ALT075UM;75 Jahre und mehr", "age=75+"),
        ("ALTVOL;Alter;ALT005;5 Jahre", "age=5-5"),
        ("TIEA05;Tierarten;AGRVART11;Milchkühe", "tiea05=AGRVART11"),
        ("LBFORM01;Lebensform;LB-INS;Insgesamt", "total"),
        (";;;", "total"),
    ],
)
def test_group(member: str, group: str) -> None:
    assert one(flat_row("1", member=member))["group_id"] == group


def test_registry_names_measures_dimensions_and_members() -> None:
    row = one(
        flat_row("1", member="LBFORM01;Lebensform;FAMILIEN;Familien"),
        measures={"BEVSTD": "population"},
        dimensions={"LBFORM01": "lebensform"},
        members={"LBFORM01": {"FAMILIEN": "familie"}},
    )
    assert (row["measure_id"], row["group_id"]) == ("population", "lebensform=familie")


def test_code_with_two_units_is_two_measures() -> None:
    rows = [flat_row("53,9", measure="%;GEB001;Gebäude"), flat_row("107", measure="Anzahl;GEB001;Gebäude")]
    assert [row["measure_id"] for row in rows_of(read(rows))] == ["geb001_pct", "geb001"]
    parsed = read(rows, measures={"GEB001": {"%": "share", "Anzahl": "buildings"}})
    assert [row["measure_id"] for row in rows_of(parsed)] == ["share", "buildings"]


def test_attribute_without_code_is_refused() -> None:
    assert refusal(read([flat_row("1", member="GES;Geschlecht;;männlich")])) == "Ausprägung ohne Schlüssel"


def test_same_statement_twice_counts_once_and_contradiction_is_refused() -> None:
    assert len(rows_of(read([flat_row("5"), flat_row("5")]))) == 1
    parsed = read([flat_row("5"), flat_row("6")])
    assert (
        refusal(parsed) == "Widersprüchliche Angaben" and "Zeile 2 und in Zeile 3" in parsed.issues[0].message
    )


def test_delivery_has_the_period_of_its_rows_or_none() -> None:
    single = read([flat_row("5")], table="12411-01")
    assert single.period is not None and single.period.end == date(2024, 12, 31)
    assert single.part == "12411-01"
    assert read([flat_row("5"), flat_row("5", time="STAG;Stichtag;2023-12-31")]).period is None


def test_order_of_columns_does_not_matter() -> None:
    names, cells = NEW_HEADER.split(";"), flat_row("5").split(";")
    turned = read([";".join(reversed(cells))], ";".join(reversed(names)))
    expected, found = one(flat_row("5")), rows_of(turned)[0]
    assert found == expected


def test_renamed_column_is_refused_with_its_name() -> None:
    parsed = read([flat_row("5")], NEW_HEADER.replace("value_unit", "einheit"))
    assert refusal(parsed) == "Spalte fehlt" and "value_unit" in parsed.issues[0].message


def test_unknown_column_is_a_warning() -> None:
    parsed = read([flat_row("5") + ";x"], NEW_HEADER + ";bemerkung")
    assert [(issue.severity, issue.column) for issue in parsed.issues] == [("warning", "bemerkung")]


def test_truncated_line_is_refused() -> None:
    parsed = read([flat_row("5"), flat_row("6", area="KREISE;Kreise;01002;Kiel")[:60]])
    assert refusal(parsed) == "Zeile unvollständig"


def test_other_statistic_is_refused() -> None:
    assert refusal(read([flat_row("5")], statistic="11111")) == "Andere Statistik"


@pytest.mark.parametrize("written", ["", "viel", "1,5,6", "(3"])
def test_cell_that_is_neither_figure_nor_sign_is_refused(written: str) -> None:
    assert refusal(read([flat_row(written)])) in ("Keine Zahl", "Wert fehlt")


def test_decimal_point_is_refused_under_a_comma_and_read_when_agreed() -> None:
    parsed = read([flat_row("53.9")])
    assert refusal(parsed) == "Dezimalzeichen"
    assert "Dezimalkomma" in parsed.issues[0].message and "Dezimalpunkt" in parsed.issues[0].message
    assert one(flat_row("53.9"), decimal=".")["value"] == 53.9
    # Never grouped: three decimals of an English file must not become thousands.
    assert refusal(read([flat_row("1.234")])) == "Dezimalzeichen"
    assert refusal(read([flat_row("1,234")], decimal=".")) == "Dezimalzeichen"
    assert one(flat_row("3391,228"))["value"] == 3391.228


def test_other_encoding_and_delimiter_are_refused() -> None:
    text = flat([flat_row("5")]).decode("utf-8-sig")
    assert refusal(read_ffcsv(text.encode("cp1252"), FfcsvOptions())) == "Zeichensatz"
    assert refusal(read_ffcsv(text.replace(";", ",").encode(), FfcsvOptions())) == "Trennzeichen"
    assert refusal(read_ffcsv(text.replace("Kreise", "KreiseÃ¤").encode(), FfcsvOptions())) == "Zeichensatz"


OLD = (
    "Statistik_Code;Statistik_Label;Zeit_Code;Zeit_Label;Zeit;1_Merkmal_Code;1_Merkmal_Label;1_Auspraegung_Code;"
    "1_Auspraegung_Label;BEVSTD__Bevoelkerungsstand__Anzahl;BEVSTD__Bevoelkerungsstand__q;Bevoelkerungsstand__CH0004\n"
    "12411;Fortschreibung;STAG;Stichtag;31.12.2023;DLAND;Bundesländer;01;Schleswig-Holstein;2950000;e;0,3\n"
    "12411;Fortschreibung;STAG;Stichtag;31.12.2023;DLAND;Bundesländer;02;Hamburg;1900000;p;/\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_old_layout(encoding: str) -> None:
    parsed = read_ffcsv(OLD.encode(encoding), FfcsvOptions(encoding=encoding))
    found = {
        (row["area_code"], row["measure_id"]): (row["value"], row["obs_status"]) for row in rows_of(parsed)
    }
    assert found == {
        ("01", "bevstd"): (2950000.0, "A"),
        ("02", "bevstd"): (1900000.0, "P"),
        ("01", "ch0004"): (0.3, "A"),
        ("02", "ch0004"): (None, "L"),
    }
    assert parsed.period is not None and parsed.period.end == date(2023, 12, 31)


def test_old_layout_with_iso_dates_is_refused() -> None:
    assert (
        refusal(read_ffcsv(OLD.replace("31.12.2023", "2023-12-31").encode(), FfcsvOptions()))
        == "Datumsformat"
    )


GOOD = flat([flat_row("5")])


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (zipped({"a.csv": GOOD})[:-30], "Archiv beschädigt"),
        (zipped({"a.csv": GOOD})[:40], "Archiv beschädigt"),
        (zipped({}), "Inhalt des Archivs"),
        (zipped({"a.txt": GOOD}), "Inhalt des Archivs"),
        (zipped({"a.csv": GOOD, "b.CSV": GOOD}), "Inhalt des Archivs"),
        (zipped({"../../etc/a.csv": GOOD}), "Unzulässiger Name im Archiv"),
        (zipped({"/a.csv": GOOD}), "Unzulässiger Name im Archiv"),
        (zipped({"C:\\a.csv": GOOD}), "Unzulässiger Name im Archiv"),
        (zipped({"a.csv": b""}), "Leere Datei"),
        (b"", "Leere Datei"),
        (b'{"Status":{"Code":98,"Content":"Die Tabelle ist zu gross"}}', "Meldung statt Tabelle"),
        (b"\x00\x01\x02\xff" * 50, "Keine Textdatei"),
        (flat([]), "Keine Daten"),
    ],
    # Without the content: an archive holds the second it was made in, and two processes must name the cases alike.
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_bad_file_is_refused_in_german(tmp_path: Path, content: bytes, rule: str) -> None:
    path = write(tmp_path, "12411-01.zip", content)
    assert refusal(FfcsvAdapter().parse(path, source("ffcsv"))) == rule
    assert [item.name for item in tmp_path.iterdir()] == ["12411-01.zip"]  # nothing is unpacked


def test_damaged_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": flat([flat_row(str(number)) for number in range(50)])}))
    content[60:80] = bytes(20)
    parsed = FfcsvAdapter().parse(write(tmp_path, "x.zip", bytes(content)), source("ffcsv"))
    assert refusal(parsed) == "Archiv beschädigt"


def test_zip_and_csv_say_the_same_and_other_members_are_named(tmp_path: Path) -> None:
    plain = FfcsvAdapter().parse(write(tmp_path, "a.csv", GOOD), source("ffcsv"))
    packed = zipped({"a.csv": GOOD, "hinweis.txt": b"x"})
    unpacked = FfcsvAdapter().parse(write(tmp_path, "a.zip", packed), source("ffcsv"))
    assert rows_of(plain) == rows_of(unpacked)
    assert ["hinweis.txt" in issue.message for issue in unpacked.issues] == [True]


def test_file_of_another_table_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "99999-01_de_flat.csv", GOOD)
    assert refusal(FfcsvAdapter().parse(path, source("ffcsv", table="12411-01"))) == "Andere Tabelle"


def test_newer_download_of_a_table_of_many_periods_replaces_the_older() -> None:
    def manifest(name: str, day: int) -> Manifest:
        return Manifest(
            delivery_id=name,
            source_id="tabelle",
            instance="probe",
            status="landed",
            received_at=datetime(2026, 3, day, tzinfo=UTC),
            file_name=f"12411-01_{name}_de_flat.zip",
            file_modified_at=datetime(2026, 3, day, tzinfo=UTC),
            sha256=name,
            size_bytes=1,
            part="12411-01",
            adapter="ffcsv",
            config_fingerprint="",
        )

    outcome = succession([manifest("alt", 1), manifest("neu", 2)])
    assert outcome["alt"][0] == "superseded" and outcome["neu"] == ("current", "alt")
