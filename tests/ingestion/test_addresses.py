"""Addresses: spellings of one address are one address, and blocks are never guessed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.anonymise.addresses import house_number, split_address, street_key
from ingestion.anonymise.register import AddressIndex, Outcome
from ingestion.anonymise.review import OTHERS, AddressTally
from lagebild.protection import AddressRule

HEADS = (
    "Linden",
    "Mühlen",
    "Bürgermeister-Groß-",
    "Am Großen ",
    "St.-Annen-",
    "Dr.-Külz-",
    "Käthe-Kollwitz-",
    "Öhl",
)
TAILS = ("straße", "weg", "platz", "allee", "gasse")
STREETS = [
    head + (tail.capitalize() if head.endswith(("-", " ")) else tail) for head in HEADS for tail in TAILS
]


@given(st.text(max_size=40))
def test_street_key_is_idempotent(text: str) -> None:
    assert street_key(street_key(text)) == street_key(text)


@given(st.from_regex(r"\A0{0,2}[1-9]\d{0,3} ?[a-zA-Z]?( ?[-–/] ?[1-9]\d{0,3} ?[a-z]?)?\Z"))
def test_house_number_key_is_idempotent(text: str) -> None:
    number = house_number(text)
    assert number is not None
    again = house_number(number.key)
    assert again is not None and again.key == number.key


def spellings(street: str) -> st.SearchStrategy[str]:
    """The ways offices write a street."""
    steps = [
        lambda s: s.replace("straße", "str.").replace("Straße", "Str."),
        lambda s: s.replace("straße", "strasse").replace("Straße", "Strasse"),
        lambda s: s.replace("straße", " Straße").replace("platz", "-Platz"),
        lambda s: s.replace("platz", "pl.").replace("Platz", "Pl.").replace("weg", "w.").replace("Weg", "W."),
        lambda s: s.replace("St.-", "Sankt ").replace("Dr.-", "Doktor-"),
        lambda s: s.replace("-", " "),
        lambda s: s.replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss"),
        lambda s: s.replace("Großen", "Gr."),
        str.upper,
        str.lower,
        lambda s: f"  {s} ",
    ]

    def apply(chosen: list[int]) -> str:
        text = street
        for position in chosen:
            text = steps[position](text)
        return text

    return st.lists(st.integers(0, len(steps) - 1), max_size=4).map(apply)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STREETS).flatmap(lambda street: st.tuples(st.just(street), spellings(street))))
def test_any_spelling_of_a_register_street_matches(pair: tuple[str, str]) -> None:
    street, written = pair
    assert street_key(written) == street_key(street)


def test_different_streets_stay_different() -> None:
    assert len({street_key(street) for street in STREETS}) == len(STREETS)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("12", "12"),
        ("012 A", "12a"),
        ("Nr. 7a", "7a"),
        ("7 1/2", "7½"),
        ("7½", "7½"),
        ("12-16", "12-16"),
        ("12 – 14 a", "12-14a"),
        ("12 bis 16", "12-16"),
        ("12 Hinterhaus", "12"),
        ("12, 3. OG links", "12"),
        ("12a-c", "12a"),
        ("12/1", "12"),
        ("12-1214", "12"),
        ("", None),
        ("0", None),
        ("ohne", None),
    ],
)
def test_house_numbers(written: str, key: str | None) -> None:
    number = house_number(written)
    assert (number and number.key) == key


def test_ranges_keep_to_their_side_of_the_street() -> None:
    number = house_number("12-16")
    assert number is not None and list(number.numbers()) == [12, 14, 16]
    number = house_number("12-15")
    assert number is not None and list(number.numbers()) == [12, 13, 14, 15]


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("Am Markt 7 a", ("Am Markt", "7 a")),
        ("Straße des 17. Juni 3", ("Straße des 17. Juni", "3")),
        ("Hauptstr.12a", ("Hauptstr.", "12a")),
        ("Hauptstr. 12-16", ("Hauptstr.", "12-16")),
        ("Dorf", ("Dorf", "")),
    ],
)
def test_one_field_with_street_and_number(written: str, parts: tuple[str, str]) -> None:
    assert split_address(written) == parts


REGISTER = [
    ("001", "Lindenstraße", "1", "B1"),
    ("001", "Lindenstraße", "7", "B1"),
    ("001", "Lindenstraße", "9 a", "B1"),
    ("001", "Lindenstraße", "9 b", "B2"),
    ("001", "Lindenstraße", "12-16", "B3"),
    ("001", "Lindenstraße", "18", "B4"),
    ("001", "Lindenstraße", "20", "B4"),
    ("001", "Lindenstraße", "22", "B5"),
    ("002", "Lindenstraße", "1", "C1"),
]
NAMES = ("gemeinde_code", "street", "house_number", "block_code")


def index(rows: list[tuple[str, str, str, str]] = REGISTER) -> AddressIndex:
    return AddressIndex.of([pa.table(dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True)))])


@pytest.mark.parametrize(
    ("gemeinde", "street", "house", "block", "outcome"),
    [
        ("001", "Lindenstr.", "1", "B1", Outcome.MATCHED),
        ("002", "Lindenstr.", "1", "C1", Outcome.MATCHED),
        ("001", "LINDENSTRASSE", "7 c", "B1", Outcome.MATCHED),  # the suffix is newer than the register
        ("001", "Lindenstraße", "9a", "B1", Outcome.MATCHED),
        ("001", "Lindenstraße", "9", None, Outcome.AMBIGUOUS),  # 9 a and 9 b lie in two blocks
        ("001", "Lindenstraße", "14", "B3", Outcome.MATCHED),  # inside a range of the register
        ("001", "Lindenstraße", "13", None, Outcome.HOUSE_UNKNOWN),  # the other side of the street
        ("001", "Lindenstraße", "12-16", "B3", Outcome.MATCHED),
        ("001", "Lindenstraße", "18-20", "B4", Outcome.MATCHED),
        ("001", "Lindenstraße", "20-22", None, Outcome.AMBIGUOUS),
        ("001", "Lindenstraße", "500", None, Outcome.HOUSE_UNKNOWN),
        ("001", "Neue Straße", "1", None, Outcome.STREET_UNKNOWN),
        ("003", "Lindenstraße", "1", None, Outcome.STREET_UNKNOWN),
        ("001", "Lindenstraße", None, None, Outcome.NO_ADDRESS),
        ("001", None, "1", None, Outcome.NO_ADDRESS),
        ("001", "…", "1", None, Outcome.NO_ADDRESS),
    ],
)
def test_blocks(
    gemeinde: str, street: str | None, house: str | None, block: str | None, outcome: Outcome
) -> None:
    columns = [pa.chunked_array([pa.array([cell], pa.string())]) for cell in (gemeinde, street, house)]
    located = index().locate(*columns)
    assert located.blocks.to_pylist() == [block]
    assert Outcome(located.outcome[0]) is outcome


def test_one_field_is_split_and_an_empty_register_matches_nothing() -> None:
    places = pa.chunked_array([["001", "001", "001"]])
    street = pa.chunked_array([["Lindenstr. 7", "Lindenstr. 12-16", None]])
    assert index().locate(places, street, None).blocks.to_pylist() == ["B1", "B3", None]
    nothing = AddressIndex.of([]).locate(places, street, None)
    assert nothing.blocks.to_pylist() == [None, None, None]
    assert len(AddressIndex.of([])) == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(REGISTER), st.integers(0, 3)), min_size=1, max_size=30))
def test_many_rows_are_located_like_each_alone(entries: list[tuple[tuple[str, str, str, str], int]]) -> None:
    forms = [str, str.upper, lambda s: s.replace("straße", "str."), lambda s: s + "x"]
    rows = [(g, forms[form](s), h) for (g, s, h, _), form in entries]
    columns = [pa.chunked_array([pa.array(list(cells))]) for cells in zip(*rows, strict=True)]
    whole = index().locate(*columns).blocks.to_pylist()
    alone = [
        index().locate(*[pa.chunked_array([[cell]]) for cell in row]).blocks.to_pylist()[0] for row in rows
    ]
    assert whole == alone


def tally(rows: list[tuple[str, str, str]], **rule: object) -> AddressTally:
    found = AddressTally(AddressRule.model_validate(rule))
    columns = [pa.chunked_array([pa.array(list(cells))]) for cells in zip(*rows, strict=True)]
    located = index()
    # In two pieces, as a large file comes.
    for part in (slice(0, 3), slice(3, None)):
        found.add(located.locate(*[column.slice(part.start, len(column[part])) for column in columns]))
    return found


def test_review_list_passes_on_no_cell_it_does_not_know() -> None:
    """Neither a formula nor a name that slipped into the column of the Gemeinde."""
    wrong = [("=1+1", "Neubauring", str(number)) for number in range(1, 9)]
    assert tally(wrong).listing() == [("", "Straße fehlt im Adressregister", "neubauring", 8)]


def test_review_list_names_streets_but_no_household() -> None:
    new = [("001", "Neubauring", str(number)) for number in (1, 1, 2, 3, 4)]
    family = [("001", "Familie Kanarienvogel", "5")] * 9  # a name in the street field: many rows, one number
    lonely = [("002", "Einsamer Pfad", "8")]
    found = tally([*new, *family, *lonely, ("001", "Lindenstr.", "1")])
    assert found.counts()["matched"] == 1 and found.unmatched == 15
    listing = found.listing()
    assert ("001", "Straße fehlt im Adressregister", "neubauring", 5) in listing
    assert ("001", "Straße fehlt im Adressregister", OTHERS, 9) in listing
    assert ("", "Straße fehlt im Adressregister", OTHERS, 1) in listing
    assert sum(entry[3] for entry in listing) == 15
    assert not {"familiekanarienvogel", "einsamerpfad"} & {entry[2] for entry in listing}


@pytest.mark.parametrize(("limit", "kind"), [(0.5, None), (0.2, "warning"), (0.2, "refusal")])
def test_rate_is_checked(limit: float, kind: str | None) -> None:
    rows = [("001", "Lindenstr.", "1")] * 6 + [("001", "Nirgends", "1")] * 4
    issues = tally(rows, max_unmatched_share=limit, on_excess=kind or "warning").issues()
    assert [issue.severity for issue in issues] == ([kind] if kind else [])
    if kind:
        assert "40,0 %" in issues[0].message and "Nirgends" not in issues[0].message
