"""Wires the rooms together: Dagster definitions, the refresh, publishing a release, services, the command line.

Belongs here: what runs after what, when, under which process, and how that is shown to whoever started it.
Does not belong here: transformations, thresholds, indicator logic; this room calls the others and none calls it.
"""
