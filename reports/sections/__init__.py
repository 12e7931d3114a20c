"""Sections that several reports share: each reads its own tables and is empty where the release has none.

Belongs here: blocks of a document from a reader. Does not belong here: the order of a report (dossier.py, profile.py).
"""
