"""Free cross tables for the statistics office, overlaid by the Cell-Key-Methode (docs/cell-key.md).

Modules: `request` (what may be asked), `records` (records and their keys), `tabulate` (counting and overlay in the
warehouse), `workbook` (the file), `journal` (which tables were made).
"""
