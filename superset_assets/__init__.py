"""Superset on the released files: assets as YAML, rendering, lint, sync, server and screenshots.

Belongs here: everything Superset shows and who may see it. Does not belong here: indicator logic (it is in the
release already), orchestration of processes, anything that opens a protected file.
Reads releases only through `lagebild.paths.InstancePaths.current_release`.
"""
