"""What a product of the Haushalt pays for (`haushalt.yml`): cases, spending by area, indicators.

Belongs here: the shape of these settings. Does not belong here: amounts (deliveries) or values (dbt).
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

FILE_NAME: Final = "haushalt.yml"


class BudgetLink(BaseModel):
    """One product and what it is told together with. Amounts stay those of the Haushalt: a link explains, it never
    moves money."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str = Field(min_length=1)
    """Code of the product as the Kämmerei writes it, e.g. "3.6.3.01"."""
    cases: str = ""
    """Measure that counts the cases paid from the product; the result of a year is divided by it."""
    case_group: str = "total"
    """Member of a breakdown of that measure, e.g. `hilfeart=34`; `total` for all."""
    spending: str = ""
    """Measure that holds the spending by area, where a Fachverfahren knows it."""
    indicators: tuple[str, ...] = ()
    """Indicators a reader looks at beside the product, the most telling one first."""
    note: str = ""
    """What has to be said about the link, in German."""

    @model_validator(mode="after")
    def _links_something(self) -> BudgetLink:
        if not (self.cases or self.spending or self.indicators):
            raise ValueError(f"{self.product}: neither cases nor spending nor indicators")
        return self


__all__ = ["FILE_NAME", "BudgetLink"]
