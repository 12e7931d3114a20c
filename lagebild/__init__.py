"""Shared kernel: where things lie (`paths`), what an instance is (`instance`), generated secrets (`secrets`).

Belongs here: configuration that every room reads. Does not belong here: transformations, I/O on deliveries,
anything that imports another room.
"""
