"""What happens to personal data at the gate: the section `protection:` of `instances/<name>/sources/<id>.yml`.

Belongs here: what a source may say about it. Does not belong here: how it is done (`ingestion/anonymise/`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Originals = Literal["keep", "encrypt", "delete"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AddressRule(_Strict):
    """The delivery names street and house number; the address register turns them into a block.

    The mapping in `options` reads them as columns `street` and `house_number` (one field with both: `street` alone).
    """

    max_unmatched_share: float = Field(default=0.03, ge=0, le=1)
    """Share of rows without a block from which on the delivery is reported."""
    on_excess: Literal["warning", "refusal"] = "warning"
    review_persons: int = Field(default=5, ge=3)
    """The review list names a street only from this number of rows on; below it would point at a household."""
    review_houses: int = Field(default=3, ge=2)
    """… and only with this number of house numbers: a family name in the street field has one or none."""


class Protection(_Strict):
    """Anonymisation at source and fate of the original."""

    originals: Originals | None = None
    """`keep` as delivered, `encrypt` (age, key in the protected zone) or `delete` once landed; without a statement
    `encrypt` for personal sources and `keep` for all others."""
    pseudonymise: tuple[str, ...] = ()
    """Landing columns whose values are replaced by keyed pseudonyms, e.g. `[person_key, household_key]`."""
    scope: str = Field(default="", pattern=r"^[a-z0-9_]*$")
    """Sources of the same scope give the same person the same pseudonym; default: the source alone."""
    address: AddressRule | None = None
    refuse_columns: tuple[str, ...] = ()
    """Further headers (beside names, contact data and free text, see `ingestion.anonymise.columns`) with which a
    delivery of this source is refused. What a part lists under `ignored` is tolerated and never read."""

    def fate(self, personal: bool) -> Originals:
        """What happens to the original of a source."""
        return self.originals or ("encrypt" if personal else "keep")
