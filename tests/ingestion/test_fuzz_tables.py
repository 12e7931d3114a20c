"""Damaged tables: whatever the bytes, an adapter answers with German issues or observations, never with an exception.

Bounded: a few hundred examples. Real files are mutated where the data folder is there, made-up ones always.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.formats import detect
from ingestion.formats.base import ParsedDelivery
from ingestion.formats.ffcsv import FfcsvAdapter, FfcsvOptions, read_ffcsv
from ingestion.formats.nrw_table import NrwOptions, NrwTableAdapter, read_nrw
from ingestion.formats.rows import landing_schema
from lagebild.paths import data_dir
from tests.ingestion.tables import flat, flat_row, printed, source, zipped

BOUNDED = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

FLAT = flat(
    [
        flat_row("12,5", mark="e"),
        flat_row("-", member="GES;Geschlecht;GESW;weiblich"),
        flat_row(".", area="DLAND;Länder;01;Schleswig-Holstein"),
        flat_row("(3)", time="JAHR;Jahr;2023", member="ALT068;Alter;ALT000B15;unter 15 Jahre"),
        flat_row("/", time="SEMEST;Semester;2023-10P6M", member=";;;"),
    ]
)
SPICE = [
    b"\x00", b"\xff", b'"', b";", b"\n", b"\r\n", b"\t", b"'", b"-", b"...", b"1.234,5", b"1e999", b"nan", b"inf",
    b"99999999999999999999", b"_____\n", b"Tabelle: ", b"\xef\xbb\xbf", b"=1+1", b"\xc3", b"2024-13-45", b"0000",
    b"9999/00", b"ALT999B000", b"9999-12P1M", b"\xe2\x80\xa6", b"\xc2\xb2", b"\xd9\xa3", b"MONAT99",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A few cuts, insertions and exchanges of bytes or of whole lines."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        if not found:
            break
        start = draw(st.integers(0, len(found) - 1))
        end = min(len(found), start + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(("cut", "spice", "bytes", "repeat", "truncate", "lines")))
        if kind == "cut":
            del found[start:end]
        elif kind == "spice":
            found[start:start] = draw(st.sampled_from(SPICE))
        elif kind == "bytes":
            found[start:end] = draw(st.binary(max_size=20))
        elif kind == "repeat":
            found[start:start] = found[start:end] * 2
        elif kind == "truncate":
            del found[start:]
        else:
            lines = bytes(found).split(b"\n")
            found = bytearray(b"\n".join(draw(st.permutations(lines)) if len(lines) < 60 else lines[::-1]))
    return bytes(found)


def check(parsed: ParsedDelivery) -> None:
    """Either refused with words, or complete observations."""
    if parsed.refused:
        assert not parsed.tables and all(issue.message for issue in parsed.issues)
        return
    table = parsed.tables["observation"]
    assert table.schema.equals(landing_schema("observation")) and table.num_rows
    for field in table.schema:
        assert field.nullable or table.column(field.name).null_count == 0
    for value, obs, conf in zip(
        *(table.column(name).to_pylist() for name in ("value", "obs_status", "conf_status")), strict=True
    ):
        assert (value is None) == (conf == "C" or obs in ("O", "L", "M"))
        assert value is None or value == value


@BOUNDED
@given(damaged(FLAT))
def test_damaged_flat_file(content: bytes) -> None:
    check(read_ffcsv(content, FfcsvOptions()))


@BOUNDED
@given(damaged(printed()))
def test_damaged_printed_table(content: bytes) -> None:
    check(read_nrw(content, NrwOptions()))


@BOUNDED
@given(damaged(zipped({"a.csv": FLAT})))
def test_damaged_archive(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(content)
        check(FfcsvAdapter().parse(path, source("ffcsv")))
        check(NrwTableAdapter().parse(path, source("nrw_table")))


@BOUNDED
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "cp1252", "utf-16", "cp850"]))
def test_any_bytes(content: bytes, encoding: str) -> None:
    check(read_ffcsv(content, FfcsvOptions(encoding=encoding)))
    check(read_nrw(content, NrwOptions(encoding=encoding)))
    detect.encoding_of(content, complete=False)


@BOUNDED
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    check(read_nrw(b"Tabelle: 1-2\n" + text.encode("utf-8", "replace"), NrwOptions(encoding="utf-8")))
    detect.delimiter_of(text)
    detect.decimal_of(text.split())
    detect.dates_of(text.split())


@cache
def real(pattern: str) -> bytes:
    found = sorted(data_dir().glob(pattern))
    if not found:
        pytest.skip(f"Echte Daten fehlen: {data_dir() / pattern} (LAGEBILD_DATA setzen)")
    return found[0].read_bytes()


@pytest.mark.real
@settings(BOUNDED, max_examples=40)
@given(st.data())
def test_damaged_real_archive(data: st.DataObject) -> None:
    content = data.draw(damaged(real("genesis-ffcsv/12211-0001_*.zip")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(content)
        check(FfcsvAdapter().parse(path, source("ffcsv")))


@pytest.mark.real
@settings(BOUNDED, max_examples=40)
@given(st.data())
def test_damaged_real_printed_table(data: st.DataObject) -> None:
    check(read_nrw(data.draw(damaged(real("nrw-itnrw/22811-01i_*.csv"))), NrwOptions()))
