"""Record keys: one number per record, the same on every day and in every table of this installation.

Belongs here: what identifies a record, and its keyed hash. Does not belong here: sums of keys (SQL), the noise.

The hash is keyed (HMAC-SHA256) with a secret of the protected zone; neither keys nor their sums leave it. Whoever knew
them could take the noise off.
"""

from __future__ import annotations

import secrets as random_source
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from disclosure.cell_key import KEY_BITS
from ingestion.anonymise.keys import keys_dir
from ingestion.anonymise.pseudonyms import Pseudonyms
from lagebild.instance import Instance, InstanceMeasure
from lagebild.secrets import stored_secret

_HEX_DIGITS = KEY_BITS // 4
_WHERE_FROM = ("delivery_id", "source_row")
"""Says where a record stands, not what it is: a new delivery of the same records must give the same keys."""


def record_secret(instance: Instance) -> bytes:
    """256 random bits, generated once. Another secret gives every cell another noise: it belongs into the backup."""
    text = stored_secret(keys_dir(instance), "record_key", lambda: random_source.token_hex(32))
    return bytes.fromhex(text)


def record_keys(
    connection: duckdb.DuckDBPyConnection, measure: InstanceMeasure, day: date, secret: bytes
) -> pa.Table:
    """Columns delivery_id, source_row, record_key (0 … 2^32-1): all records of the source at the period's end.

    A person is known by the pseudonym, whatever the day: a cell whose persons stay the same keeps its noise over time,
    so that nothing is gained by averaging over half-years. A case has no pseudonym; it is known by its whole content
    and, among equal ones, a running number. Equal records are in the same cells, so it does not matter which has which.
    """
    is_person = measure.input == "person"
    relation = "staging.stg_landing__person" if is_person else "staging.stg_landing__case"
    columns = [row[0] for row in connection.sql(f"describe {relation}").fetchall()]
    content = ", ".join(f"'{name}': {name}" for name in columns if name not in _WHERE_FROM)
    rows = connection.execute(
        f"""
        with
            record as (
                select delivery_id, source_row, {"person_key" if is_person else "cast(null as varchar)"} as person_key,
                    cast(to_json({{{content}}}) as varchar) as content
                from {relation}
                where source_id = $source and {period_column(measure)} = $day
            )
        select delivery_id, source_row,
            coalesce(
                'person ' || person_key,
                'record ' || row_number() over (partition by content order by delivery_id, source_row) || ' ' || content
            ) as identity
        from record
        """,
        {"source": measure.source, "day": day},
    ).to_arrow_table()
    places = rows.select(list(_WHERE_FROM)).group_by(list(_WHERE_FROM)).aggregate([])
    if len(places) < len(rows) or any(rows[name].null_count for name in _WHERE_FROM):
        # Keys are joined back by place: a record counted twice or lost would be a wrong figure nobody notices.
        raise RuntimeError(f"records of {measure.source} on {day} are not told apart by {_WHERE_FROM}")
    hashed = Pseudonyms(secret, "cell_key", measure.source).of(rows["identity"])
    keys = np.fromiter((int(text[:_HEX_DIGITS], 16) for text in hashed.to_pylist()), np.int64, len(hashed))
    return rows.drop_columns(["identity"]).append_column("record_key", pa.array(keys))


def period_column(measure: InstanceMeasure) -> str:
    """Column of the staging relation that holds the last day of a record's period."""
    return "reference_date" if measure.input == "person" else "period_end"


__all__ = ["period_column", "record_keys", "record_secret"]
