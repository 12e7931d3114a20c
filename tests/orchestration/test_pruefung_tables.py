"""Foreign tables: layouts, sums and rates are recognised, intervals are brute force's, faults name their place."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from orchestration.pruefung.audit_file import audit_file
from orchestration.pruefung.description import Description, Hierarchy, RateColumn, read_description
from orchestration.pruefung.published import Assumptions, Dimension, Figure, Group, PublishedTable, Unreadable
from orchestration.pruefung.verdict import HiddenCell, TableAudit, Verdict, judge


def audited(folder: Path, text: str, **fields: object) -> TableAudit:
    path = folder / "tabelle.csv"
    path.write_text(text, encoding="utf-8")
    (audit,) = audit_file(path, Description.model_validate(fields), folder)
    return audit


def by_label(audit: TableAudit) -> dict[str, HiddenCell]:
    return {cell.label: cell for cell in audit.cells}


def ends(cell: HiddenCell) -> tuple[float, float | None]:
    return cell.lower, cell.upper


def test_a_cross_table_with_totals_needs_no_description(tmp_path: Path) -> None:
    audit = audited(
        tmp_path,
        "Wohngeld 2023 nach Stadtteilen;;;\n"
        "Stadtteil;männlich;weiblich;Insgesamt\n"
        "Altstadt;12;*;14\n"
        "Neustadt;20;18;38\n"
        "Nordstadt;*;*;9\n"
        "Stadt insgesamt;1.036;25;1.061\n"
        "* Werte unter 3;;;\n".replace("1.036;25;1.061", "36;25;61"),
    )
    cells = by_label(audit)
    assert ends(cells["Altstadt · weiblich"]) == (2, 2)
    assert cells["Altstadt · weiblich"].verdict is Verdict.EXACT
    assert cells["Altstadt · weiblich"].reason == ("Altstadt · weiblich = Insgesamt − männlich = 14 − 12 = 2")
    assert cells["Altstadt · weiblich"].place == "Zeile 3, Spalte 3"
    # 36 − 12 − 20: exactly known, too, but no small count.
    assert ends(cells["Nordstadt · männlich"]) == (4, 4)
    assert cells["Nordstadt · männlich"].verdict is Verdict.UNCRITICAL
    assert any("»Stadt insgesamt« als Summe von »Altstadt«" in note for note in audit.notes)


def test_a_protected_table_is_said_to_be_protected(tmp_path: Path) -> None:
    audit = audited(tmp_path, "Ort,m,w,Summe\nA,x,x,20\nB,x,x,20\nC,10,10,20\nInsgesamt,30,30,60\n")
    assert set(audit.counts) == {Verdict.PROTECTED} and not audit.is_disclosing
    assert all(ends(cell) == (0, 20) for cell in audit.cells)


def test_two_header_rows_and_subtotals_in_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Hilfen"
    for line in (
        ["Hilfen zur Erziehung", None, None, None, None, None, None],
        [None, "2022", None, None, "2023", None, None],
        ["Gemeinde", "ambulant", "stationär", "zusammen", "ambulant", "stationär", "zusammen"],
        ["Adorf", 5, ".", 7, 4, 3, 7],
        ["Bdorf", 8, ".", 12, 6, ".", 8],
        ["Amt Süd zusammen", 13, 6, 19, 10, 5, 15],
        ["Cdorf", 9, 3, 12, 7, 3, 10],
        ["Kreis insgesamt", 22, 9, 31, 17, 8, 25],
    ):
        sheet.append(line)
    sheet.merge_cells("B2:D2")
    sheet.merge_cells("E2:G2")
    path = tmp_path / "hilfen.xlsx"
    book.save(path)
    (audit,) = audit_file(path, Description(), tmp_path)
    cells = by_label(audit)
    assert set(cells) == {"Adorf · 2022 · stationär", "Bdorf · 2022 · stationär", "Bdorf · 2023 · stationär"}
    assert {ends(cell) for cell in cells.values()} == {(2, 2), (4, 4)}
    assert cells["Adorf · 2022 · stationär"].place == "Blatt »Hilfen«, Zelle C4"
    assert any("»Amt Süd zusammen« als Summe von »Adorf«, »Bdorf«" in note for note in audit.notes)
    assert any("»Kreis insgesamt« als Summe von »Amt Süd zusammen«, »Cdorf«" in note for note in audit.notes)


def test_a_list_with_nested_areas_and_crossed_sex(tmp_path: Path) -> None:
    rows = ["Gemeinde;Sozialraum;Geschlecht;Anzahl"]
    values = {"A1": (4, "x"), "A2": (10, 9), "B1": (5, 6), "B2": ("x", 8)}
    for place, (male, female) in values.items():
        total = {"A1": 6, "A2": 19, "B1": 11, "B2": 10}[place]
        for sex, value in (("m", male), ("w", female), ("insgesamt", total)):
            rows.append(f"Gemeinde {place[0]};{place};{sex};{value}")
    cells = by_label(audited(tmp_path, "\n".join(rows) + "\n"))
    assert {label: ends(cell) for label, cell in cells.items()} == {
        "Gemeinde A · A1 · w": (2, 2),
        "Gemeinde B · B2 · m": (2, 2),
    }


def test_two_divisions_of_one_total_are_both_used(tmp_path: Path) -> None:
    """Neither sex nor age alone says it: 20 = 11 + x, and both hold for every row."""
    audit = audited(
        tmp_path,
        "Ort;Insgesamt;männlich;weiblich;unter 18;ab 18\nA;20;11;9;15;5\nB;30;12;18;10;20\nC;9;*;7;*;8\n",
    )
    assert {label: ends(cell) for label, cell in by_label(audit).items()} == {
        "C · männlich": (2, 2),
        "C · unter 18": (1, 1),
    }


def test_a_total_without_a_word_is_found_by_the_figures(tmp_path: Path) -> None:
    audit = audited(tmp_path, "Ort;2022;2023\nA;10;11\nB;20;*\nC;30;30\nBergkreis;60;43\n")
    assert ends(audit.cells[0]) == (2, 2)


def test_parts_that_do_not_make_up_the_total_leave_a_rest(tmp_path: Path) -> None:
    audit = audited(tmp_path, "Ort;2021;2022\nA;10;11\nB;20;*\nC;30;30\nInsgesamt;65;46\n")
    assert ends(audit.cells[0]) == (0, 5)
    assert any("mit ungenanntem Rest" in note for note in audit.notes)


def test_contradicting_sums_are_named_and_left_out(tmp_path: Path) -> None:
    audit = audited(
        tmp_path, "Ort;m;w;Insgesamt\nA;10;11;21\nB;20;21;41\nC;*;9;5\nD;7;*;9\nInsgesamt;41;43;84\n"
    )
    assert any("C" in item for item in audit.contradictions)
    assert ends(by_label(audit)["D · w"]) == (2, 2)


def test_darunter_is_a_part_and_no_complement(tmp_path: Path) -> None:
    audit = audited(tmp_path, "Ort;Fälle;darunter Kinder\nA;10;4\nB;12;*\nC;9;3\n")
    assert ends(audit.cells[0]) == (0, 12)


def test_signs_bounds_and_money(tmp_path: Path) -> None:
    audit = audited(tmp_path, "Ort;m;w;Insgesamt\nA;<4;6;9\nB;-;5;5\nC;<4;<4;…\nD;3;3;6\n", schwelle=4)
    cells = by_label(audit)
    assert ends(cells["A · m"]) == (3, 3) and cells["A · m"].verdict is Verdict.EXACT
    assert ends(cells["C · m"]) == (0, 3) and cells["C · m"].verdict is Verdict.AS_STATED
    money = audited(tmp_path, "Ort;Miete;Heizung;Summe\nA;100,50;.;120,25\nB;90,00;10,75;100,75\n")
    assert ends(money.cells[0]) == (19.75, 19.75)


def test_zeros_shown_raise_the_lower_end(tmp_path: Path) -> None:
    text = "Ort;a;b;c;Summe\nA;*;*;5;7\nB;3;4;5;12\nC;0;4;3;7\n"
    assert {ends(cell) for cell in audited(tmp_path, text).cells} == {(0, 2)}
    assert {ends(cell) for cell in audited(tmp_path, text, nullen_gezeigt=True).cells} == {(1, 1)}


def test_rates_give_numerators_away(tmp_path: Path) -> None:
    """No sum anywhere: the rate alone says 2 of 85, and it is recognised from the other rows."""
    text = (
        "Ort;Leistungsberechtigte;Einwohner;Quote in %\n"
        "A;12;240;5,0\nB;31;410;7,6\nC;55;712;7,7\nD;*;85;2,4\nE;*;2000;0,1\n"
    )
    audit = audited(tmp_path, text)
    cells = by_label(audit)
    assert ends(cells["D · Leistungsberechtigte"]) == (2, 2)
    assert "Quote 2,4 (Zeile 5, Spalte 4)" in cells["D · Leistungsberechtigte"].reason
    # 0,1 % of 2,000 is 1 or 2 people: below the threshold, but not one number.
    assert ends(cells["E · Leistungsberechtigte"]) == (1, 2)
    assert cells["E · Leistungsberechtigte"].verdict is Verdict.BELOW
    assert any("aus den Zahlen erkannt" in note for note in audit.notes)


def test_a_share_of_the_total_row_is_described(tmp_path: Path) -> None:
    described = {
        "quoten": [
            RateColumn(
                quote="Anteil an der Stadt in %",
                zaehler="Fälle",
                nenner="Fälle",
                nenner_bei={"Ort": "Stadt insgesamt"},
            ).model_dump()
        ]
    }
    text = "Ort;Fälle;Anteil an der Stadt in %\nA;*;10\nB;*;20\nC;*;70\nStadt insgesamt;20;100\n"
    assert {label: ends(cell) for label, cell in by_label(audited(tmp_path, text, **described)).items()} == {
        "A": (2, 2),
        "B": (4, 4),
        "C": (14, 14),
    }


def test_a_hierarchy_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "gebiete.csv").write_text("Teil;Ganzes\nA;Nord\nB;Nord\nC;Süd\nD;Süd\n", encoding="utf-8")
    text = "Ort;Fälle\nA;7\nB;*\nC;5\nD;*\nNord;9\nSüd;11\n"
    described = {"hierarchien": {"Ort": Hierarchy(datei="gebiete.csv").model_dump()}}
    assert {label: ends(cell) for label, cell in by_label(audited(tmp_path, text, **described)).items()} == {
        "B": (2, 2),
        "D": (6, 6),
    }


def test_sections_become_a_feature(tmp_path: Path) -> None:
    text = "Ort;m;w;Insgesamt\n2022;;;\nA;5;*;7\nB;3;3;6\n2023;;;\nA;6;3;9\nB;4;*;8\n"
    cells = by_label(audited(tmp_path, text))
    assert {label: ends(cell) for label, cell in cells.items()} == {
        "2022 · A · w": (2, 2),
        "2023 · B · w": (4, 4),
    }


def test_an_official_table_with_codes_indentation_and_a_name_twice(tmp_path: Path) -> None:
    """Codes beside the names say nothing of their own, though two rows share a name; depth is shown by blanks."""
    text = (
        "Tabelle 22\n;;;Fälle;Fälle\n;;;2022;2023\n2024;05;Land;60;70\n2024;051;  Nord;30;35\n"
        "2024;05101;    Mitte;12;.\n2024;05102;    Berg;18;33\n2024;052;  Süd;30;35\n2024;05201;    Mitte;10;15\n"
        "2024;05202;    Tal;20;20\n"
    )
    (cell,) = audited(tmp_path, text).cells
    assert cell.label == "Mitte (05101) · 2023" and ends(cell) == (2, 2)


def test_cells_in_no_sum_are_told(tmp_path: Path) -> None:
    audit = audited(tmp_path, "Ort;Fälle;Plätze\nA;10;*\nB;12;7\n")
    assert any("1 gesperrte Zellen stehen in keiner erkannten Summe" in note for note in audit.notes)
    assert audit.cells[0].upper is None and audit.cells[0].verdict is Verdict.PROTECTED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ort;m;w\nA;5;6\nB;7;8\n", "ist keine Zelle gesperrt"),
        ("Ort;m;w\nA;5;geheim\nB;*;8\nC;3;3\n", "Zeile 2, Spalte 3: »geheim« ist weder eine Zahl"),
        ("nur ein Satz\nund noch einer\n", "kein Trennzeichen"),
        ("Ort;Bemerkung\nA;schön\nB;laut\n", "keine Zeile mit Zahlen"),
        ("Ort;m;w\nA;5;*\nB;-3;8\n", "Negative Zahlen"),
        ("A;5;*\nB;3;8\n", "fehlt eine Kopfzeile"),
    ],
)
def test_unreadable_tables_say_why_and_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        audited(tmp_path, text)


def test_unreadable_files_and_descriptions(tmp_path: Path) -> None:
    (tmp_path / "kaputt.xlsx").write_bytes(b"PK no workbook")
    with pytest.raises(Unreadable, match=r"kaputt\.xlsx: .*Arbeitsmappe"):
        audit_file(tmp_path / "kaputt.xlsx", Description(), tmp_path)
    book = Workbook()
    book.save(tmp_path / "leer.xlsx")
    with pytest.raises(Unreadable, match="enthält keine Tabelle"):
        audit_file(tmp_path / "leer.xlsx", Description(), tmp_path)
    with pytest.raises(Unreadable, match="Das Blatt »Tab« gibt es nicht"):
        audit_file(tmp_path / "leer.xlsx", Description(blatt="Tab"), tmp_path)
    (tmp_path / "b.yml").write_text("schwelle: drei\nfarbe: rot\n", encoding="utf-8")
    with pytest.raises(Unreadable, match="schwelle, farbe"):
        read_description(tmp_path / "b.yml")
    (tmp_path / "b.yml").write_text("a: [1\n", encoding="utf-8")
    with pytest.raises(Unreadable, match=r"b\.yml, Zeile 2"):
        read_description(tmp_path / "b.yml")


KEYS = tuple((row, column) for row in ("r1", "r2", "t") for column in ("c1", "c2", "s"))


def _sums(inner: tuple[int, ...]) -> dict[tuple[str, str], int]:
    """2 × 2 cells with row totals (s), column totals (t) and the grand total."""
    a, b, c, d = inner
    return dict(zip(KEYS, (a, b, a + b, c, d, c + d, a + c, b + d, a + b + c + d), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    inner=st.tuples(*[st.integers(0, 3)] * 4),
    hidden=st.sets(st.sampled_from(KEYS[:-1]), min_size=1),
)
def test_intervals_agree_with_brute_force(inner: tuple[int, ...], hidden: set[tuple[str, str]]) -> None:
    """Every table of whole numbers with the printed figures, counted one by one (the grand total is printed)."""
    truth = _sums(inner)
    table = PublishedTable(
        "2x2",
        (
            Dimension("Zeile", ("r1", "r2", "t"), (Group("t", ("r1", "r2")),)),
            Dimension("Spalte", ("c1", "c2", "s"), (Group("s", ("c1", "c2")),)),
        ),
        tuple(Figure(key, None if key in hidden else truth[key], " ".join(key)) for key in KEYS),
    )
    spans: dict[str, list[int]] = {}
    size = sum(inner)
    for a, b, c in itertools.product(range(size + 1), repeat=3):
        if a + b + c > size:
            continue
        world = _sums((a, b, c, size - a - b - c))
        if all(world[key] == truth[key] for key in KEYS if key not in hidden):
            for key in hidden:
                spans.setdefault(" ".join(key), []).append(world[key])
    audit = judge(table, Assumptions(threshold=3))
    assert {cell.place: ends(cell) for cell in audit.cells} == {
        place: (min(seen), max(seen)) for place, seen in spans.items()
    }
    for cell in audit.cells:
        assert cell.real_lower <= cell.lower and (cell.real_upper or 0) >= (cell.upper or 0)
        assert bool(cell.reason) == cell.verdict.is_disclosure
