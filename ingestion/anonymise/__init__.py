"""Anonymisation at source: from what a supplier delivers about a person to what may be kept about it.

Belongs here: reduction of columns, pseudonyms, addresses to blocks, fate of the originals. Not here: formats, the gate.
"""
