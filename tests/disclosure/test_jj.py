"""JJ: the layout of the manual is read and written, tables survive the round trip, faults name their line."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from disclosure.jj import JJCell, JJEquation, JJError, JJTable, format_jj, from_linked, parse_jj, to_linked
from disclosure.table import UNLIMITED, Knowledge, LinkedTable

EXAMPLE = """0
5
0 24 24 s 0 48 0 0 0
1 4 4 u 0 48 1.500 2.000 0
2 7 7 m 0 48 0.000 0.000 0
3 9 9 z 0 48 0 0 0
4 4 4 s 0 48 0 0 0
1
0 5 : 0 (-1) 1 (1) 2 (1) 3 (1) 4 (1)
"""


def test_example_is_read() -> None:
    table = parse_jj(EXAMPLE)
    assert [cell.status for cell in table.cells] == ["s", "u", "m", "z", "s"]
    assert table.cells[1].upper_protection == 2 and table.cells[1].lower_protection == Decimal("1.5")
    assert table.equations == (JJEquation(Decimal(0), ((0, -1), (1, 1), (2, 1), (3, 1), (4, 1))),)
    assert table.contradictions() == []
    assert parse_jj(format_jj(table)) == table


def test_the_way_sdctable_writes_is_read_too() -> None:
    other = EXAMPLE.replace("0 5 : 0 (-1) 1 (1) 2 (1) 3 (1) 4 (1)", "0.0 5 : 0(-1) 1(1) 2(1) 3(1) 4(1)")
    assert parse_jj(other) == parse_jj(EXAMPLE)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0\n5\n", "1\n5\n", "Zeile 1: Eine JJ-Datei beginnt mit »0«"),
        ("0\n5\n", "0\nfünf\n", "Zeile 2: Hier muss die Anzahl der Zellen stehen"),
        ("2 7 7 m", "2 7 7 q", "Zeile 5: Der Status »q« ist unbekannt"),
        ("2 7 7 m", "2 sieben 7 m", "Zeile 5: »sieben« ist keine Zahl"),
        ("3 9 9 z 0 48 0 0 0", "3 9 9 z 0 48", "Zeile 6: Eine Zelle hat neun Angaben"),
        ("3 9 9 z", "7 9 9 z", "Zeile 6: Erwartet wurde die Zelle 3"),
        ("4 (1)", "9 (1)", "Zeile 9: Die Zelle 9 gibt es nicht"),
        ("4 (1)", "4 (0.5)", "Zeile 9: Die Faktoren müssen ganze Zahlen sein"),
        (" 4 (1)", "", "Zeile 9: Angekündigt sind 5 Summanden, gelesen wurden 4"),
        ("1\n0 5 :", "2\n0 5 :", "Die Datei endet nach Zeile 9"),
        ("4 (1)\n", "4 (1)\nnoch etwas\n", "Zeile 10: Nach der letzten Gleichung"),
    ],
)
def test_faults_name_their_line(old: str, new: str, said: str) -> None:
    with pytest.raises(JJError, match=r"^" + said.replace("(", r"\(").replace(")", r"\)")):
        parse_jj(EXAMPLE.replace(old, new))


def test_values_that_contradict_the_equations_are_refused() -> None:
    with pytest.raises(JJError, match="Gleichung 1"):
        to_linked(parse_jj(EXAMPLE.replace("3 9 9 z", "3 8 9 z")), "wrong")
    with pytest.raises(JJError, match="Zelle 3"):
        to_linked(parse_jj(EXAMPLE.replace("3 9 9 z 0 48", "3 9 9 z 0 8")), "outside")


def test_a_read_table_knows_goals_bounds_and_decimals() -> None:
    text = EXAMPLE.replace("4 4 4 s 0 48", "4 4 4 s 3 48").replace("3 9 9 z 0 48", "3 9 9 z -2 48")
    read = to_linked(parse_jj(text), "example")
    read.table.check()
    assert read.decimals == 0 and read.is_hidden.tolist() == [False, True, True, False, False]
    assert read.table.is_primary.tolist() == [False, True, False, False, False]
    # Whole numbers: 4 − 1.5 is reached by 2 only, 4 + 2 by 6.
    assert (read.table.lower_goal[1], read.table.upper_goal[1]) == (2, 6)
    assert read.offset.tolist() == [0, 0, 0, -2, 0] and read.table.base[3] == 11
    assert read.table.knowledge.lower.tolist() == [2, 3]
    money = to_linked(parse_jj(EXAMPLE.replace("0 24 24", "0 24.00 24").replace("1 4 4", "1 4.0 4")), "euro")
    assert money.decimals == 0
    cents = JJTable(
        tuple(
            JJCell(number, Decimal(value), Decimal(1), "s", Decimal(0), Decimal("99.99"))
            for number, value in enumerate(("1.25", "0.75", "0.50"))
        ),
        (JJEquation(Decimal(0), ((0, -1), (1, 1), (2, 1))),),
    )
    assert to_linked(cents, "cents").table.base.tolist() == [125, 75, 50]


@st.composite
def linked_tables(draw: st.DrawFn) -> LinkedTable:
    atoms = draw(st.integers(2, 5))
    base = np.array(draw(st.lists(st.integers(0, 9), min_size=atoms, max_size=atoms)), dtype=np.int64)
    flags = st.lists(st.booleans(), min_size=atoms, max_size=atoms).filter(any)
    rows = np.array(draw(st.lists(flags, min_size=1, max_size=4)), dtype=np.int64)
    cells = rows.shape[0]
    values = rows @ base
    primary = np.array([value in (1, 2) for value in values], dtype=np.bool_)
    slack = draw(st.integers(0, 2))
    known = np.zeros((1, atoms), dtype=np.int64)
    known[0, :2] = (1, -1)
    start = int(known[0] @ base)
    return LinkedTable(
        name="drawn",
        base=base,
        ceiling=np.where(base > 5, UNLIMITED, base + 3),
        membership=csr_matrix(rows),
        is_primary=primary,
        lower_goal=np.where(primary, 0, values),
        upper_goal=np.where(primary, 3, values),
        may_hide=np.ones(cells, dtype=np.bool_),
        may_publish=np.ones(cells, dtype=np.bool_),
        weight=np.log1p(values) + 1,
        knowledge=Knowledge(csr_matrix(known), np.array([start - slack]), np.array([start + slack])),
    )


@settings(max_examples=80, deadline=None)
@given(table=linked_tables(), delta=st.lists(st.integers(-3, 3), min_size=5, max_size=5))
def test_linked_tables_survive_the_round_trip(table: LinkedTable, delta: list[int]) -> None:
    """Text and back is the same table, its own values keep it, and it allows the same worlds as the original."""
    table.check()
    jj = from_linked(table)
    assert parse_jj(format_jj(jj)) == jj
    assert jj.contradictions() == []
    read = to_linked(jj, table.name)
    read.table.check()
    assert read.table.is_primary[: table.cells].tolist() == table.is_primary.tolist()
    assert (read.table.value + read.offset)[: table.cells].tolist() == table.value.tolist()
    goals = read.table.upper_goal + read.offset
    assert goals[: table.cells][table.is_primary].tolist() == table.upper_goal[table.is_primary].tolist()

    # Another world of the original, carried over cell by cell, keeps equations and bounds exactly when it is allowed.
    world = table.base + np.array(delta[: table.atoms])
    row = int((table.knowledge.rows @ world)[0])
    finite = table.ceiling != UNLIMITED
    allowed = bool(
        (world >= 0).all()
        and (world <= table.ceiling).all()
        and table.knowledge.lower[0] <= row <= table.knowledge.upper[0]
    )
    single = {
        int(table.membership[cell].indices[0]): cell
        for cell in reversed(range(table.cells))
        if table.membership[cell].nnz == 1
    }
    extra = [atom for atom in range(table.atoms) if atom not in single]
    figures = [*(table.membership @ world).tolist(), *world[extra].tolist()]
    if len(jj.cells) > len(figures):
        figures.append(row)
    moved = replace(
        jj,
        cells=tuple(
            replace(cell, value=Decimal(int(figure))) for cell, figure in zip(jj.cells, figures, strict=True)
        ),
    )
    inside = all(cell.lower <= cell.value <= cell.upper for cell in moved.cells)
    assert finite.size and (not moved.contradictions() and inside) == allowed
