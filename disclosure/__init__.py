"""Which figures may be published: pure functions on arrays, no I/O (method: `docs/disclosure.md`).

Belongs here: atoms, attacker, suppression, witnesses, audit. Does not belong here: files, dbt, Dagster.
The decision itself is made by dbt (macros of `dbt_project/macros/disclosure`); this room checks it with other code.
"""
