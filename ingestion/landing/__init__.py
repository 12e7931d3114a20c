"""Landing: from a delivered file to untouched original, Parquet and manifest. No mapping rules, no indicators."""
