"""Which measures an attacker can add up and subtract against one another: table groups, cliques and links.

Belongs here: what follows from catalogue and measures of an instance alone. Does not belong here: figures, areas and
periods (dbt instantiates all this per table), thresholds.

A measure with several breakdowns is published as margins of one table nobody sees. Its *cliques* are the maximal
breakdowns; their cells are the variables of disclosure control, and a link says that two cliques have the same margin.
That loses nothing exactly when the cliques form an acyclic hypergraph: then whole-number margins that agree pairwise
always come from one whole-number table (Beeri, Fagin, Maier, Yannakakis 1983; Lauritzen 1996, ch. 4.4). Acyclicity is
decided by GYO reduction (Graham 1979; Yu, Özsoyoğlu 1979).

A part of a whole adds the virtual measure `<part>~rest`, whole minus part: never tabulated, but computable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lagebild.instance import DisclosureRule, InstanceMeasure
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.hypergraph import Breakdown, is_cyclic, join_tree, maximal, text
from semantic_layer.catalogue.model import UNKNOWN, AgeRange
from semantic_layer.catalogue.resolve import Supply

ONE_DIMENSION = 1
_ALL_AGES: AgeRange = (0, None)


@dataclass(frozen=True)
class Member:
    """A measure of a table group; `part` and `whole` name what a rest is the difference of."""

    table_group: str
    measure: str
    part: str = ""
    whole: str = ""


@dataclass(frozen=True)
class Home:
    """The one clique whose atoms the cells of a breakdown add up."""

    table_group: str
    measure: str
    breakdown: str
    clique: str


@dataclass(frozen=True)
class Term:
    """A summand of a link: all atoms of a clique with the same members of `margin` form one sum.

    Per link, per member of the margin and per area, coefficient x sum over all terms is 0. `only` limits the atoms to
    those with one of these members (joined by `|`, e.g. `age=65-74|age=75+`); empty: all.
    """

    table_group: str
    link: str
    measure: str
    clique: str
    margin: str
    only: str
    coefficient: int


@dataclass(frozen=True)
class Linked:
    """Everything disclosure control has to know about how the measures of an instance hang together."""

    members: tuple[Member, ...]
    homes: tuple[Home, ...]
    terms: tuple[Term, ...]
    refinements: Mapping[str, str]
    """Measure to the whole in another area system: counted by the pair of leaf areas."""


@dataclass(frozen=True)
class _Relation:
    part: InstanceMeasure
    whole: InstanceMeasure
    is_equal: bool
    """The part repeats the whole for certain ages (`restricts`): nothing is left over."""
    only: tuple[str, ...]
    """Groups of the whole's age bands the part lies in; empty: anywhere."""
    age: str
    """The age dimension `only` belongs to."""


def linked(supply: Supply, rules: Mapping[str, DisclosureRule]) -> Linked:
    """Groups, homes and links of an instance, in a fixed order."""
    evaluated = _evaluated(supply, rules)
    relations = [item for item in _relations(evaluated, supply) if _is_joined(item, supply)]
    group_of = _components(evaluated, relations)
    members = [Member(group_of[item.measure], item.measure) for item in evaluated]
    homes = [
        Home(group_of[item.measure], item.measure, text(breakdown), _home(atoms_of, _cliques(item, supply)))
        for item in evaluated
        for breakdown, atoms_of in _breakdowns(item, supply).items()
    ]
    terms = [
        term
        for item in evaluated
        for term in _own_links(group_of[item.measure], item.measure, _cliques(item, supply))
    ]
    for relation in relations:
        group = group_of[relation.part.measure]
        rest = "" if relation.is_equal else _rest_name(relation, relations)
        shared = _shared(relation, supply)
        terms += _part_links(group, relation, rest, shared)
        if rest:
            cliques = maximal(margin for margin, _, _ in shared)
            members.append(Member(group, rest, relation.part.measure, relation.whole.measure))
            common = _breakdowns(relation.part, supply).items() & _breakdowns(relation.whole, supply).items()
            homes += [
                Home(group, rest, text(breakdown), _home(atoms_of, cliques))
                for breakdown, atoms_of in sorted(common, key=lambda item: text(item[0]))
                if any(atoms_of <= clique for clique in cliques)
            ]
            terms += _own_links(group, rest, cliques)
    refinements = {
        item.part.measure: item.whole.measure
        for item in relations
        if item.part.area_system != item.whole.area_system
    }
    return Linked(tuple(members), tuple(homes), tuple(terms), refinements)


def linked_findings(supply: Supply, rules: Mapping[str, DisclosureRule]) -> list[tuple[str, str, str]]:
    """What cannot be protected as configured: (measure, rule, message in German)."""
    evaluated = _evaluated(supply, rules)
    found = []
    for item in evaluated:
        scales = {
            name
            for breakdown in item.all_breakdowns
            for name in breakdown
            if name in supply.config.dimensions
        }
        if len(scales) > ONE_DIMENSION:
            found.append(
                (
                    item.measure,
                    "Mehrere Altersgliederungen",
                    f"Die Gliederungen {', '.join(sorted(scales))} zerschneiden einander; "
                    "bitte nur eine davon angeben.",
                )
            )
        if is_cyclic(_cliques(item, supply)):
            found.append((item.measure, "Gliederungen im Kreis", _CYCLIC))
    relations = _relations(evaluated, supply)
    for relation in relations:
        if not _is_joined(relation, supply) and _is_below_root(relation.part, supply):
            found.append(
                (
                    relation.part.measure,
                    "Gebietsgliederungen überschneiden sich",
                    f"Dieselben Fälle stehen bei „{supply.label(relation.whole.measure)}“ in einer anderen "
                    "Gebietsgliederung, und ihre gemeinsame Verteilung wird nicht geliefert; "
                    "bitte nur für das ganze Gebiet ausweisen.",
                )
            )
    joined = [item for item in relations if _is_joined(item, supply)]
    for name, measures in _by_component(evaluated, joined).items():
        own_cycle = any(is_cyclic(_cliques(item, supply)) for item in measures)
        if not own_cycle and is_cyclic(_marked(measures, joined, supply)):
            found.append((name, "Gliederungen im Kreis", _CYCLIC))
    return found


_CYCLIC = (
    "Die Gliederungen überlappen sich im Kreis (zum Beispiel A×B, B×C und C×A). Was sich daraus errechnen lässt, "
    "ist nicht exakt zu bestimmen; bitte eine Gliederung weglassen oder alle zu einer Kreuztabelle zusammenfassen."
)


def _evaluated(supply: Supply, rules: Mapping[str, DisclosureRule]) -> tuple[InstanceMeasure, ...]:
    found = (item for item in supply.measures if rules[item.rule].policy == "evaluate")
    return tuple(sorted(found, key=lambda item: item.measure))


def _breakdowns(item: InstanceMeasure, supply: Supply) -> dict[Breakdown, Breakdown]:
    """The total and everything planned, under the names the group ids carry, each with the breakdown whose atoms it
    adds up: itself, or the fine one a coarser scale merges."""
    planned = ((), *item.all_breakdowns)
    named = {frozenset(breakdown): _named(breakdown, item, supply) for breakdown in planned}
    found = {}
    for breakdown in planned:
        finer = frozenset(groups.finer_breakdown(breakdown, supply.config))
        found[_named(breakdown, item, supply)] = named.get(finer, _named(breakdown, item, supply))
    return found


def _named(breakdown: Sequence[str], item: InstanceMeasure, supply: Supply) -> Breakdown:
    return frozenset(groups.id_dimension(name, item, supply.config) for name in breakdown)


def _cliques(item: InstanceMeasure, supply: Supply) -> tuple[Breakdown, ...]:
    return maximal(_breakdowns(item, supply).values())


def _home(atoms_of: Breakdown, cliques: Sequence[Breakdown]) -> str:
    return text(next(clique for clique in cliques if atoms_of <= clique))


def _relations(evaluated: Sequence[InstanceMeasure], supply: Supply) -> list[_Relation]:
    """Parts and wholes of one source and period type: only those count the same cases on the same day."""
    by_id = {item.measure: item for item in evaluated}
    found = []
    for part in evaluated:
        definition = supply.catalogue.measure_by_id[part.measure]
        for name in dict.fromkeys((*definition.part_of, definition.restricts)):
            whole = by_id.get(name)
            if whole is None or (whole.source, whole.period_type) != (part.source, part.period_type):
                continue
            age, bands, fits = _age_bands(whole, definition.covers, supply)
            restricts = name == definition.restricts
            is_equal = restricts and (definition.covers in (None, _ALL_AGES) or fits)
            only = bands if restricts or not bands else (*bands, f"{age}={UNKNOWN}")
            found.append(_Relation(part, whole, is_equal, only, age))
    return found


def _age_bands(
    whole: InstanceMeasure, covers: AgeRange | None, supply: Supply
) -> tuple[str, tuple[str, ...], bool]:
    """Age dimension of the whole, its bands that meet `covers`, and whether they add up to it exactly."""
    names = [
        name for breakdown in whole.all_breakdowns for name in breakdown if name in supply.config.dimensions
    ]
    if covers is None or not names:
        return "", (), False
    bands = groups.age_bands(names[0], supply.config.dimensions[names[0]])
    low, high = covers[0], _open(covers[1])
    met = [band for band in bands if band.age and band.age[0] <= high and low <= _open(band.age[1])]
    dimension = groups.id_dimension(names[0], whole, supply.config)
    if not met or len(met) == len(bands):
        return "", (), False
    first, last = met[0].age, met[-1].age
    fits = first is not None and last is not None and first[0] == low and _open(last[1]) == high
    return dimension, tuple(f"{dimension}={band.code}" for band in met), fits


def _open(upper: int | None) -> float:
    return float("inf") if upper is None else upper


def _is_joined(relation: _Relation, supply: Supply) -> bool:
    """False where part and whole stand in different area systems and their joint distribution is unknown."""
    part, whole = relation.part, relation.whole
    if part.area_system == whole.area_system:
        return True
    counted = part.input == whole.input and part.input in ("person", "case")
    return counted and _is_below_root(part, supply) and _is_below_root(whole, supply)


def _is_below_root(item: InstanceMeasure, supply: Supply) -> bool:
    return supply.config.area_system(item.area_system).rank(item.lowest_level) > 0


def _components(evaluated: Sequence[InstanceMeasure], relations: Sequence[_Relation]) -> dict[str, str]:
    """Measure to table group: the connected component, named by its alphabetically first measure that is no part."""
    component = {item.measure: {item.measure} for item in evaluated}
    for relation in relations:
        joined = component[relation.part.measure] | component[relation.whole.measure]
        for name in joined:
            component[name] = joined
    parts = {relation.part.measure for relation in relations}
    return {name: min(members - parts or members) for name, members in component.items()}


def _by_component(
    evaluated: Sequence[InstanceMeasure], relations: Sequence[_Relation]
) -> dict[str, list[InstanceMeasure]]:
    group_of = _components(evaluated, relations)
    found: dict[str, list[InstanceMeasure]] = {}
    for item in evaluated:
        found.setdefault(group_of[item.measure], []).append(item)
    return found


def _marked(
    measures: Sequence[InstanceMeasure], relations: Sequence[_Relation], supply: Supply
) -> list[Breakdown]:
    """Cliques of a whole group in one hypergraph: belonging to a part is a dimension of the whole."""
    wholes: dict[str, set[str]] = {item.measure: {item.measure} for item in measures}
    for _ in measures:
        for relation in relations:
            if relation.part.measure in wholes:
                wholes[relation.part.measure] |= wholes[relation.whole.measure]
    return [
        clique | {f"~{name}" for name in wholes[item.measure]}
        for item in measures
        for clique in _cliques(item, supply)
    ]


def _own_links(group: str, measure: str, cliques: Sequence[Breakdown]) -> list[Term]:
    """Cliques of one measure agree on what they have in common."""
    terms = []
    for first, second in join_tree(cliques):
        margin = text(first & second)
        link = f"{measure}: {text(first)} = {text(second)}"
        terms += [
            Term(group, link, measure, text(first), margin, "", 1),
            Term(group, link, measure, text(second), margin, "", -1),
        ]
    return terms


def _shared(relation: _Relation, supply: Supply) -> list[tuple[Breakdown, Breakdown, Breakdown]]:
    """Margins part and whole have in common, the largest ones only, each with a clique of either."""
    wholes = _cliques(relation.whole, supply)
    found: dict[Breakdown, tuple[Breakdown, Breakdown]] = {}
    for own in _cliques(relation.part, supply):
        for other in wholes:
            best = found.get(own & other)
            # The age limit of the part can be used where the whole's clique knows the age.
            if best is None or (relation.age in other and relation.age not in best[1]):
                found[own & other] = (own, other)
    return [(margin, *found[margin]) for margin in maximal(found)]


def _part_links(
    group: str,
    relation: _Relation,
    rest: str,
    shared: Sequence[tuple[Breakdown, Breakdown, Breakdown]],
) -> list[Term]:
    # One whole for all margins: the age limit holds for all of them or is left out (a weaker, still true statement).
    limited = all(relation.age in other for _, _, other in shared)
    terms = []
    for margin, own, other in shared:
        part, whole = relation.part.measure, relation.whole.measure
        link = f"{part} in {whole}: {text(margin)}"
        only = "|".join(relation.only) if limited and relation.age not in margin else ""
        terms.append(Term(group, link, part, text(own), text(margin), "", 1))
        if rest:
            terms.append(Term(group, link, rest, text(margin), text(margin), "", 1))
        terms.append(Term(group, link, whole, text(other), text(margin), only, -1))
    return terms


def _rest_name(relation: _Relation, relations: Sequence[_Relation]) -> str:
    wholes = [item for item in relations if item.part.measure == relation.part.measure]
    name = f"{relation.part.measure}~rest"
    return name if len(wholes) == 1 else f"{name}~{relation.whole.measure}"


__all__ = ["Home", "Linked", "Member", "Term", "linked", "linked_findings"]
