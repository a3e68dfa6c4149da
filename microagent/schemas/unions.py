"""Which alternatives of a conjunction become a union of types, and which are left to the runtime."""

import math

from microagent.schemas.conjunctions import SHAPING, Conjunctions, Source, alternatives, visible
from microagent.schemas.jsonvalues import KINDS, common_kinds

MOST_OPTIONS = 100
"""Alternatives that a union lists; where several choices multiply to more, the largest are left to the runtime."""

DEEPEST = 40
"""Levels of arrays, mappings and alternatives without a named type in between; what is deeper is anything."""


def distinguishable(conjunction: list[Source], conjunctions: Conjunctions) -> list[list[Source]]:
    """The lists of alternatives that become unions: each alternative shapes the type, and they are not too many."""
    kinds = common_kinds(each.keywords for each in conjunction)
    groups = [
        group
        for each in conjunction
        for group in alternatives(each)
        if all(_narrows(option, kinds, conjunctions) for option in group)
    ]
    while groups and math.prod(map(len, groups)) > MOST_OPTIONS:
        groups.remove(max(groups, key=len))
    return groups


def stands_alone(option: Source, common: list[Source], conjunctions: Conjunctions) -> bool:
    """Whether ``common``, the conjunction without its alternatives, does not constrain this one of them."""
    if visible(common):
        return False
    kinds = common_kinds(each.keywords for each in conjunctions.of([option]))
    allowed = common_kinds(each.keywords for each in common)
    return allowed is None or (kinds is not None and common_kinds([{"type": kinds}, {"type": allowed}]) == kinds)


def label(option: Source, conjunctions: Conjunctions) -> tuple[str, ...]:
    """The steps that an alternative adds to the name of a type that it is combined into."""
    found = visible(conjunctions.of([option]))
    type_name = found[0].type_name if found else option.type_name
    return ("|", type_name.anchor[-1]) if type_name.anchor and not type_name.path else type_name.path[-2:]


def _narrows(option: Source, kinds: tuple[str, ...] | None, conjunctions: Conjunctions, depth: int = 0) -> bool:
    """Whether an alternative constrains the type further than to these kinds."""
    if option.schema is False:
        return True
    for each in conjunctions.of([option]):
        words = (SHAPING - {"required"}) & each.keywords.keys()
        if words - {"type"} or ("type" in words and common_kinds([{"type": kinds or KINDS}, each.keywords]) != kinds):
            return True
        nested = alternatives(each) if depth < DEEPEST else ()
        if any(all(_narrows(inner, kinds, conjunctions, depth + 1) for inner in group) for group in nested):
            return True
    return False
