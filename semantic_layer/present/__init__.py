"""Answers in the forms their readers use: German CSV and workbooks, plain CSV, JSON, Arrow, GeoJSON. No queries."""
