"""Breakdowns as edges of a hypergraph over dimensions. Pure; knows no measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from semantic_layer.catalogue.groups import TOTAL

Breakdown = frozenset[str]
"""Dimensions a figure is broken down by; empty for a total."""


def text(breakdown: Iterable[str]) -> str:
    """`total`, or the dimensions in alphabetical order joined by `;`."""
    return ";".join(sorted(breakdown)) or TOTAL


def maximal(breakdowns: Iterable[Breakdown]) -> tuple[Breakdown, ...]:
    """Those that are contained in no other, in alphabetical order."""
    found = set(breakdowns)
    return tuple(sorted((item for item in found if not any(item < other for other in found)), key=text))


def is_cyclic(edges: Iterable[Breakdown]) -> bool:
    """GYO reduction: drop vertices of a single edge and edges inside others until nothing moves.

    Cyclic if anything is left.
    """
    left = set(edges)
    while True:
        count = {name: sum(name in edge for edge in left) for edge in left for name in edge}
        smaller = set(maximal(frozenset(name for name in edge if count[name] > 1) for edge in left))
        if smaller == left:
            return bool(smaller - {frozenset()})
        left = smaller


def join_tree(edges: Sequence[Breakdown]) -> list[tuple[Breakdown, Breakdown]]:
    """Pairs of edges that form a tree: a maximum spanning tree of the intersections.

    For an acyclic set it is a join tree (Bernstein & Goodman 1981): edges that agree along it agree altogether.
    """
    pairs = sorted(combinations(edges, 2), key=lambda pair: (-len(pair[0] & pair[1]), *map(text, pair)))
    part_of = {edge: {edge} for edge in edges}
    tree = []
    for first, second in pairs:
        if second not in part_of[first]:
            joined = part_of[first] | part_of[second]
            part_of.update(dict.fromkeys(joined, joined))
            tree.append((first, second))
    return tree


__all__ = ["Breakdown", "is_cyclic", "join_tree", "maximal", "text"]
