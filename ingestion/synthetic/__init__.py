"""The synthetic Musterkreis: a seeded simulation and the deliveries its source systems would write.

Belongs here: areas, geometry, persons, benefits, and one writer per source system (`deliveries`).
Does not belong here: reading deliveries (`ingestion.formats`), indicators, anything an adapter could import.
The written formats are described in `docs/musterkreis.md`; adapters are built from that page, not from this code.
"""
