"""Charts and maps as SVG: specifications in altair, drawn by vl-convert without a browser.

Belongs here: from values to a `Chart` block with alternative text and table. Does not belong here: queries.
Every function is pure; the same values give the same drawing.
"""
