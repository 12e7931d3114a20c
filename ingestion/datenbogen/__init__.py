"""The Excel Datenbogen: a form for Kommunen and Träger without an export. Its writing and its structure.

Reading a filled form is a format adapter like any other: `ingestion/formats/datenbogen.py`.
"""
