"""German from numbers: grammar and sentences, for given cases and for any figure."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.facts import Area, Figure, Indicator
from reports.wording import grammar, sentences

KREIS = Area("k", "1", "Musterkreis", "kreis", "Kreis", 0, "", "")


def indicator(
    label: str = "SGB-II-Quote",
    unit: str = "%",
    kind: str = "rate",
    decimals: int = 1,
    polarity: str = "lower_better",
) -> Indicator:
    return Indicator(
        "x", label, label, "", "t", "T", kind, unit, decimals, polarity, "", "", "", "", kind == "count"
    )


def figure(
    value: float | None, previous: float | None = None, tendency: str = "", reason: str = ""
) -> Figure:
    change = None if value is None or previous is None else value - previous
    label = "" if value is None else str(value)
    return Figure(
        "x", "k", "Musterkreis", "31.12.2024", "stichtag", date(2024, 12, 31), 2024, value, label, reason, None,
        previous, change, "", tendency,
    )  # fmt: skip


def area(name: str, level: str = "Gemeinde", rank: int = 2) -> Area:
    return Area("a", "2", name, level.lower(), level, rank, "k", "Musterkreis")


@pytest.mark.parametrize(
    ("label", "nominative", "dative"),
    [
        ("SGB-II-Quote", "die SGB-II-Quote", "der SGB-II-Quote"),
        ("Anteil der Minderjährigen", "der Anteil der Minderjährigen", "dem Anteil der Minderjährigen"),
        ("Natürlicher Saldo", "der natürliche Saldo", "dem natürlichen Saldo"),
        ("Mittlere Haushaltsgröße", "die mittlere Haushaltsgröße", "der mittleren Haushaltsgröße"),
        ("Durchschnittsalter", "das Durchschnittsalter", "dem Durchschnittsalter"),
        ("Sozialausgaben je Einwohner", "die Sozialausgaben je Einwohner", "den Sozialausgaben je Einwohner"),
        ("Langzeitarbeitslose", "die Kennzahl „Langzeitarbeitslose“", "der Kennzahl „Langzeitarbeitslose“"),
        ("Hilfen: Heim", "die Kennzahl „Hilfen: Heim“", "der Kennzahl „Hilfen: Heim“"),
    ],
)  # fmt: skip
def test_indicators_take_their_article(label: str, nominative: str, dative: str) -> None:
    found = grammar.subject(indicator(label))
    assert (found.nominative, found.dative) == (nominative, dative)


@pytest.mark.parametrize(
    ("place", "phrase"),
    [
        (KREIS, "im Musterkreis"),
        (area("Elmstade"), "in Elmstade"),
        (area("Amt Marschlande", "Amt oder amtsfreie Gemeinde", 1), "im Amt Marschlande"),
        (area("Elmstade Hafen", "Sozialraum", 3), "im Sozialraum Elmstade Hafen"),
        (area("Adlershof", "Bezirksregion", 3), "in der Bezirksregion Adlershof"),
        (area("Main-Taunus-Kreis", "Kreis oder kreisfreie Stadt", 3), "im Main-Taunus-Kreis"),
        (area("Kita-Bezirk Barlebrück 1", "Kita-Bezirk", 1), "im Kita-Bezirk Barlebrück 1"),
        (area("Deutschland", "Bund", 0), "in Deutschland"),
    ],
)
def test_areas_take_their_preposition(place: Area, phrase: str) -> None:
    assert grammar.where(place) == phrase


@pytest.mark.parametrize(
    ("plural", "dative"),
    [
        ("Sozialräume", "Sozialräumen"),
        ("Gemeinden", "Gemeinden"),
        ("Ämter und amtsfreie Gemeinden", "Ämtern und amtsfreien Gemeinden"),
        ("Bezirke", "Bezirken"),
        ("Länder", "Ländern"),
    ],
)
def test_plurals_behind_von_take_the_dative(plural: str, dative: str) -> None:
    assert grammar.dative_plural(plural) == dative


def test_numbers_and_differences() -> None:
    share, count = indicator(), indicator("Einwohner", "Personen", "count", 0)
    assert grammar.measured(1234.5, indicator(unit="je 1.000")) == "1.234,5\u00a0je\u00a01.000"
    assert grammar.measured(-0.4, share) == "−0,4\u00a0%"
    assert grammar.measured(1, count) == "1\u00a0Person"
    assert grammar.difference(-1.0, share) == "1,0\u00a0Prozentpunkt"
    assert grammar.difference(0.4, share) == "0,4\u00a0Prozentpunkte"
    assert grammar.signed(-1.25, 1) in {"−1,2", "−1,3"}
    assert grammar.signed(0.01, 1) == "±0,0"
    assert grammar.signed(12, 0) == "+12"


def test_a_level_is_one_german_sentence() -> None:
    said = sentences.level(indicator(), figure(8.7), KREIS)
    assert said == "Die SGB-II-Quote liegt im Musterkreis am 31.12.2024 bei 8,7\u00a0%."
    people = indicator("Pflegebedürftige Menschen", "Personen", "count", 0)
    assert sentences.level(people, figure(1736.0), KREIS) == (
        "Im Musterkreis gibt es am 31.12.2024 1.736\u00a0pflegebedürftige Menschen."
    )
    assert sentences.level(people, figure(0.0), KREIS) == (
        "Im Musterkreis gibt es am 31.12.2024 keine\u00a0pflegebedürftigen Menschen."
    )
    dwellings = indicator("Wohnungen", "Wohnungen", "count", 0)
    assert sentences.level(dwellings, figure(0.0), KREIS) == (
        "Im Musterkreis gibt es am 31.12.2024 keine\u00a0Wohnungen."
    )
    money = indicator("Sozialausgaben je Einwohner", "EUR", "money", 0)
    assert sentences.level(money, figure(1560.0), KREIS) == (
        "Die Sozialausgaben je Einwohner betragen im Musterkreis am 31.12.2024 1.560\u00a0Euro."
    )


def test_a_change_names_both_values_and_the_assessment_of_the_release() -> None:
    said = sentences.change(indicator(), figure(8.7, 9.0, "günstig"), figure(9.0))
    assert said == (
        "Gegenüber dem Stand vom 31.12.2024 (9,0\u00a0%) ist das ein Rückgang um 0,3\u00a0Prozentpunkte; "
        "die Veränderung gilt als günstig."
    )


def test_a_comparison_needs_a_value_and_is_not_made_for_counts() -> None:
    assert sentences.against(indicator(), figure(9.9), KREIS, 8.7) == (
        "Das sind 1,2\u00a0Prozentpunkte mehr als im Musterkreis (8,7\u00a0%)."
    )
    assert sentences.against(indicator(), figure(9.7), KREIS, 8.7) == (
        "Das ist 1,0\u00a0Prozentpunkt mehr als im Musterkreis (8,7\u00a0%)."
    )
    assert sentences.against(indicator(), figure(None, reason="gesperrt"), KREIS, 8.7) is None
    assert sentences.against(indicator("Einwohner", "Personen", "count", 0), figure(5), KREIS, 9) is None


def test_a_ranking_that_noise_could_turn_names_no_area() -> None:
    several = [
        (area(name), figure(value))
        for name, value in (("Elmstade", 3.0), ("Rellbeck", 5.0), ("Hallstede", 4.0))
    ]
    named = sentences.spread(indicator(), several, "Gemeinden", True)
    assert (
        named
        == "Unter den 3 Gemeinden reicht die Spanne von 3,0\u00a0% (Elmstade) bis 5,0\u00a0% (Rellbeck)."
    )
    silent = sentences.spread(
        indicator(), several, "Gemeinden", False, "Die Werte liegen zu nah beieinander."
    )
    assert silent is not None and not any(name in silent for name in ("Elmstade", "Rellbeck", "Hallstede"))
    assert "3,0\u00a0% bis 5,0\u00a0%" in silent


def test_gaps_say_how_many_and_why() -> None:
    several = [(area("a"), figure(None, reason="gesperrt"))] * 2 + [
        (area("b"), None),
        (area("c"), figure(2.0)),
    ]
    assert sentences.gaps(several, "Gemeinde", "Gemeinden") == (
        "Für 2\u00a0Gemeinden ist der Wert aus Gründen der Geheimhaltung gesperrt und "
        "für 1\u00a0Gemeinde liegt keine Angabe vor."
    )


_VALUES = st.one_of(st.none(), st.floats(-99999, 9999999, allow_nan=False).map(lambda value: round(value, 1)))


@given(
    value=_VALUES,
    previous=_VALUES,
    there=_VALUES,
    tendency=st.sampled_from(["günstig", "ungünstig", "stabil", "ohne Bewertung", ""]),
    unit=st.sampled_from(["%", "je 1.000", "Personen", "EUR", "Jahre"]),
    kind=st.sampled_from(["rate", "count", "money", "mean"]),
    label=st.sampled_from(
        ["SGB-II-Quote", "Natürlicher Saldo", "Alleinerziehende", "Sozialausgaben je Einwohner"]
    ),
    decimals=st.integers(0, 2),
)
def test_any_figure_gives_clean_german(
    value: float | None,
    previous: float | None,
    there: float | None,
    tendency: str,
    unit: str,
    kind: str,
    label: str,
    decimals: int,
) -> None:
    chosen = indicator(label, unit, kind, decimals)
    own = figure(value, previous, tendency)
    said = [
        sentences.level(chosen, own, KREIS),
        sentences.change(chosen, own, figure(previous) if previous is not None else None),
        sentences.against(chosen, own, KREIS, there),
    ]
    for text in said:
        if text is None:
            continue
        assert text[0].isupper() and text.endswith("."), text
        assert not re.search(r"  |\bnan\b|\bNone\b|\binf\b|\s[.,;]|\(\)|EUR", text), text
        # A point never stands where German has a comma, and no hyphen stands for a minus sign.
        assert not re.search(r"\d\.\d{1,2}(?!\d)(?!\.\d)", text.replace("31.12.2024", "")), text
        assert not re.search(r"(?<!\w)-\d", text), text
    if said[1] is not None and own.change is not None and round(own.change, decimals) != 0:
        assert ("Anstieg" in said[1]) == (own.change > 0)
        assert ("Rückgang" in said[1]) == (own.change < 0)
    if said[2] is not None and value is not None and there is not None:
        assert ("mehr" in said[2]) == (round(round(value, decimals) - round(there, decimals), decimals) > 0)
