"""How a file is written, seen in its bytes, against what the registry says; and the one table of signs."""

from __future__ import annotations

import pytest

from ingestion.formats import signs
from ingestion.formats.base import Issue
from ingestion.formats.detect import (
    Agreed,
    dates_issue,
    dates_of,
    decimal_issue,
    decimal_of,
    decode,
    delimiter_issue,
    delimiter_of,
    encoding_of,
)
from ingestion.formats.spec import Signs

TEXT = "Größe;Straße;Köln\nÄpfel;Öl;über\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "cp850", "mac_roman"])
def test_encoding_of_german_text(encoding: str) -> None:
    assert encoding_of(TEXT.encode(encoding)) == encoding
    assert decode(TEXT.encode(encoding), Agreed(encoding)) == TEXT


def test_encoding_of_other_bytes() -> None:
    assert encoding_of(b"a;b\n1;2\n") == "ascii"
    assert encoding_of(b"\xef\xbb\xbfa;b") == "utf-8"
    assert encoding_of(bytes(range(256))) is None
    assert (
        encoding_of("ä".encode()[:1] + b"", complete=False) == "utf-8"
    )  # a sample may end inside a character
    assert encoding_of("© 2025".encode("cp1252"), prefer="cp1252") == "cp1252"


@pytest.mark.parametrize(
    ("agreed", "written"), [("utf-8", "cp1252"), ("cp1252", "utf-8"), ("cp1252", "cp850")]
)
def test_other_encoding_than_agreed_names_both(agreed: str, written: str) -> None:
    issue = decode(TEXT.encode(written), Agreed(agreed))
    assert isinstance(issue, Issue) and issue.severity == "refusal"
    assert agreed in issue.message and written in issue.message


def test_latin_1_and_cp1252_are_one_family_and_ascii_fits_all() -> None:
    assert decode(TEXT.encode("latin-1"), Agreed("cp1252")) == TEXT
    assert decode(b"a;b", Agreed("utf-16")) != ""
    assert decode(b"a;b", Agreed("cp1252")) == "a;b"
    assert decode(TEXT.encode(), Agreed(None)) == TEXT


def test_umlauts_converted_twice_are_refused() -> None:
    issue = decode(TEXT.encode().decode("cp1252").encode(), Agreed())
    assert isinstance(issue, Issue) and "doppelt" in issue.message


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiter(delimiter: str) -> None:
    text = "Titel, mit Komma\n" + "\n".join(
        delimiter.join(("05111", "Stadt", str(number))) for number in range(9)
    )
    assert delimiter_of(text) == delimiter
    assert (delimiter_issue(text, Agreed(delimiter=delimiter))) is None
    other = delimiter_issue(text, Agreed(delimiter=";" if delimiter != ";" else ","))
    assert other is not None and "Semikolon" in other.message


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["1,5", "2"], ","),
        (["1.5"], "."),
        (["1.234,5"], ","),
        (["1,234.5"], "."),
        (["1.234"], None),
        (["1.234.567"], ","),
        (["0,125"], ","),
        (["1,5", "1.5"], "mixed"),
        (["12", "-", "."], None),
    ],
)
def test_decimal_sign(cells: list[str], found: str | None) -> None:
    assert decimal_of(cells) == found
    assert (decimal_issue(cells, Agreed(decimal=",")) is None) == (found in (",", None))


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["31.12.2024", "1.1.2024"], "TT.MM.JJJJ"),
        (["2024-12-31"], "JJJJ-MM-TT"),
        (["12/31/2024", "01/02/2024"], "MM/TT/JJJJ"),
        (["31/12/2024"], "TT/MM/JJJJ"),
        (["03/04/2024"], None),
        (["45657"], "Zahl"),
        (["31.12.2024", "2024-12-31"], "mixed"),
        (["2024"], None),
    ],
)
def test_dates(cells: list[str], found: str | None) -> None:
    assert dates_of(cells) == found
    issue = dates_issue(cells, Agreed(dates="TT.MM.JJJJ"))
    assert (issue is None) == (found in (None, "TT.MM.JJJJ"))


def test_one_table_of_signs_serves_workbooks_too() -> None:
    official = Signs(official=True, hidden=("*",)).cells
    assert official["-"] == signs.ZERO and official["."] == signs.HIDDEN == official["*"]
    assert official["/"].value is None and official["/"].obs_status == "L"
    assert set(Signs().cells) == {"...", "…"}


@pytest.mark.parametrize(
    ("written", "mark"), [("12)", ""), ("(12", ""), ("a", ""), ("", ""), ("12", "?"), ("12q", "")]
)
def test_unknown_sign_is_no_figure(written: str, mark: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        signs.read(written, ",", mark)
