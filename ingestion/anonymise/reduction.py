"""Reduces the tables of a person-level delivery to what the landing contract holds: pseudonyms, blocks, nothing else.

Belongs here: which step is applied to which column. Does not belong here: how keys, spellings or registers work.
Ages need no step of their own: a birth date is read as an age (`age_from_birth_date`) and never leaves the parser.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.anonymise.keys import pseudonym_key
from ingestion.anonymise.pseudonyms import Pseudonyms
from ingestion.anonymise.register import AddressIndex
from ingestion.anonymise.review import AddressTally
from ingestion.formats.base import Issue
from ingestion.formats.spec import RAW_COLUMNS
from ingestion.landing.contracts import TABLES
from ingestion.landing.deliveries import succession
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance, SourceConfig

ADDRESS_COLUMNS: Final = ("gemeinde_code", "street", "house_number", "block_code")


class NoAddressRegister(Exception):
    """No address register has landed yet: addresses cannot become blocks."""


class Reducer:
    """What the deliveries of one source have in common: keys, pseudonyms seen, address register."""

    def __init__(self, instance: Instance, source: SourceConfig) -> None:
        """Raises ValueError for a configuration that cannot be applied, NoAddressRegister where none has landed."""
        _check(source)
        self.source = source
        rule = source.protection
        scope = rule.scope or source.id
        self.pseudonyms: dict[str, Pseudonyms] = {}
        if rule.pseudonymise:
            key = pseudonym_key(instance)
            self.pseudonyms = {name: Pseudonyms(key, scope, name) for name in rule.pseudonymise}
        self.addresses: AddressIndex | None = None
        if rule.address is not None:
            self.addresses = AddressIndex.of(address_tables(instance))
            if not len(self.addresses):
                raise NoAddressRegister(source.id)


class Reduction:
    """The reduction of one delivery; `table` is called for every piece of it."""

    def __init__(self, reducer: Reducer) -> None:
        self._reducer = reducer
        rule = reducer.source.protection.address
        self.tally = AddressTally(rule) if rule is not None else None

    def table(self, name: str, table: pa.Table) -> pa.Table:
        """`table` without raw columns, with pseudonyms and blocks. Only persons and cases change.

        Raises KeyError where the delivery lacks a column the configuration names.
        """
        for column, pseudonyms in self._reducer.pseudonyms.items():
            if column in table.column_names:
                position = table.column_names.index(column)
                table = table.set_column(position, column, pseudonyms.of(table.column(column)))
        raw = [column for column in RAW_COLUMNS.get(name, ()) if column in table.column_names]
        if not raw:
            return table
        if self._reducer.addresses is not None and self.tally is not None:
            house = table.column("house_number") if "house_number" in raw else None
            located = self._reducer.addresses.locate(
                table.column("gemeinde_code"), table.column("street"), house
            )
            self.tally.add(located)
            if "block_code" in table.column_names:
                table = table.drop_columns(["block_code"])
            table = table.append_column("block_code", located.blocks)
        return table.drop_columns(raw)

    def issues(self) -> list[Issue]:
        """Findings about the delivery as a whole, after its last piece."""
        return self.tally.issues() if self.tally else []

    def counts(self) -> dict[str, int]:
        """Counts for the manifest."""
        return self.tally.counts() if self.tally else {}

    def write_review(self, folder: Path) -> None:
        """The review list into the delivery's folder, where there is something to review."""
        if self.tally:
            self.tally.write(folder)


def _check(source: SourceConfig) -> None:
    parts: list[dict[str, Any]] = source.options.get("parts") or []
    raw = {
        column
        for part in parts
        for column in part.get("columns", {})
        if column in RAW_COLUMNS.get(part.get("table", ""), ())
    }
    if raw and source.protection.address is None:
        raise ValueError(f"{source.id}: reads {', '.join(sorted(raw))} but has no protection.address")
    if source.protection.address is not None and "street" not in raw:
        raise ValueError(f"{source.id}: protection.address needs a column street")
    known = {name for table in source.tables for name in TABLES[table].names}
    if unknown := set(source.protection.pseudonymise) - known:
        raise ValueError(f"{source.id}: protection.pseudonymise names unknown columns {sorted(unknown)}")


def address_tables(instance: Instance) -> Iterator[pa.Table]:
    """The current deliveries of the instance's address registers."""
    for source in instance.sources.values():
        if "address" not in source.tables:
            continue
        status = succession(read_manifests(instance, source.id))
        for delivery_id, (state, _) in sorted(status.items()):
            if state == "current":
                path = instance.paths.landing / source.id / delivery_id / "address.parquet"
                yield pq.read_table(path, columns=list(ADDRESS_COLUMNS), partitioning=None)
