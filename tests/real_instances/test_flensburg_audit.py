"""What the Sozialatlas of Flensburg tells about the cells it hides: the figures of docs/geheimhaltung-pruefen.md."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lagebild.instance import Instance
from orchestration.cli import app
from orchestration.pruefung.landed import audit_instance
from orchestration.pruefung.landed_rates import NOT_PRINTED
from orchestration.pruefung.verdict import HiddenCell, TableAudit, Verdict

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def audits() -> list[TableAudit]:
    from tests.real_instances.conftest import _require

    _require("flensburg-sozialatlas")
    return audit_instance(Instance("flensburg"))


def cells(audits: list[TableAudit], sign: str) -> list[HiddenCell]:
    return [cell for audit in audits for cell in audit.cells if cell.sign == sign]


def test_hidden_cells_are_known_as_stated_and_no_better(audits: list[TableAudit]) -> None:
    """94 stars in tables 15 and 16, each 0 to 3: the sums beside them narrow none of them."""
    stars = cells(audits, "*")
    assert len(stars) == 94
    assert Counter(cell.verdict for cell in stars) == {Verdict.AS_STATED: 94}
    assert {(cell.lower, cell.upper) for cell in stars} == {(0, 3)}


def test_one_empty_cell_follows_from_a_total_printed_elsewhere(audits: list[TableAudit]) -> None:
    empty = cells(audits, "leer")
    assert len(empty) == 3
    (known,) = [cell for cell in empty if cell.verdict is Verdict.EXACT]
    assert (known.lower, known.upper) == (3, 3) and "§ 29" in known.label and "2021" in known.label
    assert known.reason.endswith("= 3") and "630" in known.reason


def test_the_total_of_2019_contradicts_its_stars(audits: list[TableAudit]) -> None:
    said = [item for audit in audits for item in audit.contradictions]
    assert len([item for item in said if "2019" in item and "zusammen 21 ergeben" in item]) == 1


def test_rates_give_away_what_is_printed_nowhere(audits: list[TableAudit]) -> None:
    """One decimal over bases below 1,000: nearly every numerator; and a misprinted base is computed from its rates."""
    derived = cells(audits, NOT_PRINTED)
    assert len(derived) == 211
    assert sum(cell.lower == cell.upper for cell in derived) == 209
    (small,) = [cell for cell in derived if cell.verdict.is_disclosure]
    assert (small.lower, small.upper) == (2, 2) and "von 69" in small.reason
    said = [item for audit in audits for item in audit.contradictions]
    assert len([item for item in said if "Nenner 64" in item and "wohl aber zu 69" in item]) == 1


def test_the_command_says_it_and_writes_a_report(audits: list[TableAudit], tmp_path: Path) -> None:
    report = tmp_path / "flensburg.xlsx"
    done = CliRunner().invoke(
        app, ["geheimhaltung", "pruefen", "--instanz", "flensburg", "--bericht", str(report)]
    )
    assert done.exit_code == 1, done.output
    assert "Über 1 von 97 gesperrten Zellen" in done.output
    assert report.stat().st_mode & 0o077 == 0
