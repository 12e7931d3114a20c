"""Great Expectations suites and gates: the landing gate. Rules that dbt already tests do not belong here."""
