"""Tables in, tables out: what the Python models of dbt call. pandas is allowed here, files and databases are not."""
