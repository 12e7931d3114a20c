"""Which figures may be published, and the proof of it: pure functions on arrays, no I/O (method: `docs/disclosure.md`).

Belongs here: linked tables (`table`), the solver that decides (`solver`), the worlds that prove it, later audiences,
earlier releases as knowledge, attackers on other code (`attacker`, `audit`, `insiders`), disproofs, the optimum of
small tables (`exact`), other methods to compare with (`alternatives`), noise for free cross tables (`cell_key`).
Does not belong here: primary rules, which figures are linked and the tests of the proof (dbt: `models/disclosure`,
`models/proof`), reading and writing tables and proofs (`orchestration/protection`), Dagster.
"""
