"""Audit of published tables, ours or foreign: what somebody who can add and subtract reads out of the hidden cells.

Belongs here: reading tables (CSV, workbooks, JJ), recognising their sums, the report. Does not belong here: the attack
itself and the arithmetic of rates (`disclosure`).
    grid → layout → published (figures, sums, rates) → system (linked table) → verdict → report
"""
