"""Reports for print and screen: Dossier, profile of an area, one-pagers, slides, all from one released file.

Belongs here: text from numbers, charts as specifications, page templates. Does not belong here: indicator arithmetic
(dbt), statistics (`analysis`), anything outside the published zone.
"""
