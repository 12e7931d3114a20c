"""Everything generated from the catalogue. Each module writes for one consumer; none of them holds a definition."""
