"""Between the two halves of dbt: tables out of the warehouse, through the solver, into the proof.

Belongs here: reading and writing, what is solved again and what is not, worker processes. Does not belong here:
arithmetic on tables (`disclosure`), primary rules and what follows from a decision (dbt).
"""
