"""What can be set about the solver. Nothing here changes what "protected" means, only effort and taste."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SolverOptions:
    """Effort of the search. The defaults are for tables of 10 to 100,000 cells on one core."""

    widths: tuple[int, ...] = (6, 14, 64)
    """Partners per direction of a neighbourhood, tried one after the other while a solution is missing or costs."""
    satisfied: float = 1.0
    """A swap that costs at most so many times the cell it protects is taken without a linear program."""
    satisfied_in_large: float = 4.0
    """The same in tables of `large` cells or more, and there also enough to stop widening the neighbourhood."""
    large: int = 3000
    shielded: float = 0.05
    """Cells whose weight is at least this share of the largest in the table (figures of the Kreis) are hidden only for
    an end that cannot be proven otherwise. Prices alone do not keep them: one swap in a margin of the Kreis is the
    shortest way for hundreds of small cells."""
    largest_neighbourhood: int = 300
    """Atoms of a neighbourhood at most; the last attempt takes the whole table if it is not larger than
    `largest_program`."""
    small: int = 2500
    """Atoms of a table up to which every program is over the whole table, and everything hidden is reconsidered."""
    small_work: int = 1_300_000
    """The same for atoms times primary cells: many programs over a whole table cost minutes and gain little."""
    largest_program: int = 6000
    """Atoms of a program over the whole table at most; above, only what must not be hidden is a constraint."""
    suggestion_discount: float = 0.9
    """Cost factor of cells that the suggestion hides: patterns stay similar from release to release."""
    prune_rounds: int = 1
    """How often all secondary cells are looked at again."""
    small_rounds: int = 2
    """The same in `small` tables, as long as a round gains something."""
    prune_ends: int = 6
    """A secondary cell is given up if at most so many ends of ranges have to be proven anew."""
    integer_nodes: int = 60
    """Nodes of the branch and bound where a linear program has a fractional solution (nodes, not seconds: the same
    input has to give the same pattern on every machine)."""
    grace: float = 0.3
    """Share of the time between start and deadline the fallback may take beyond it (at least two seconds)."""
