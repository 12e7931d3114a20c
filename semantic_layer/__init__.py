"""Semantic layer: what every figure means, defined once.

Belongs here: the catalogue of measures and indicators (`catalogue/`), the rules that check it and resolve it for an
instance, and everything generated from it (`export/`). Does not belong here: transformations of data, thresholds of
disclosure control, access to the protected zone beyond the catalogue tables this room writes for dbt.
"""
