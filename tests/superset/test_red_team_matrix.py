"""Everything the red team has, as every role: what is not the role's own stays shut."""

from __future__ import annotations

import pytest

from tests.superset import attacks, mock_tiers
from tests.superset.test_red_team import (
    Siege,
    assert_refused,
    siege,  # noqa: F401 - a fixture
)

pytestmark = [pytest.mark.superset, pytest.mark.thorough]

_OWN = {
    **{reader.user: reader for reader in mock_tiers.READERS if reader.user},
    **dict.fromkeys(("fuehrung", "analyse", "planung"), mock_tiers.READERS[2]),
}
_USERS = ("fuehrung", "analyse", "planung", "datenschutz", "kommune-altensiel", "kommune-brookmuehlen")


@pytest.mark.parametrize("user", _USERS)
def test_no_foreign_file(siege: Siege, user: str) -> None:  # noqa: F811
    own = _OWN.get(user)
    for reader in mock_tiers.READERS:
        if reader is not own:
            assert_refused(siege, user, attacks.foreign_data(siege.target(reader)))


@pytest.mark.parametrize("user", [*_USERS, "admin"])
def test_no_statement_but_reading(siege: Siege, user: str) -> None:  # noqa: F811
    for target in siege.targets.values():
        tries = [attacks.sql_lab(target.database, sql) for sql in attacks.statements(siege.superset.state)]
        assert_refused(siege, user, tries)


@pytest.mark.parametrize("user", _USERS)
def test_no_way_out_of_an_expression(siege: Siege, user: str) -> None:  # noqa: F811
    own = _OWN.get(user)
    assert_refused(siege, user, attacks.smuggled(siege.public.dataset))
    if own is not None:
        assert_refused(siege, user, attacks.smuggled(siege.target(own).dataset), own=own.mark)
        assert_refused(siege, user, attacks.escapes_row_security(siege.target(own).dataset), own=own.mark)


@pytest.mark.parametrize("user", _USERS)
def test_no_connection_and_no_administration(siege: Siege, user: str) -> None:  # noqa: F811
    victim = siege.target(mock_tiers.READERS[1])
    assert_refused(siege, user, attacks.connections(siege.superset.state, siege.public, victim))
    assert_refused(siege, user, attacks.administration(1))
