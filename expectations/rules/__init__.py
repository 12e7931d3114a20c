"""Rules that need more than one cell: each module turns a delivery (and what is known beside it) into comparisons.

A comparison is one row of a frame with a number `excess`; what is above zero offends. Great Expectations judges the
frames (`expectations.suites.comparison_suite`), the gate words the findings. Pure functions, no I/O.
"""
