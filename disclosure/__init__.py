"""Which figures may be published: pure functions on arrays, no I/O (see `../docs` and the design of disclosure control).

Belongs here: atoms, attacker, suppression, witnesses, audit. Does not belong here: files, dbt, Dagster.
Empty until secondary suppression is built; the primary rules are dbt macros (`dbt_project/macros/disclosure`).
"""
