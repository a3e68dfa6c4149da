"""What msgspec checks of texts and numbers, of the length of anything, and of values that are listed."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from microagent.schemas.choices import WITHOUT_PATTERN
from microagent.schemas.claims import Claims, Said
from microagent.schemas.jsonvalues import is_of, kinds_of, listed_values, without_fraction
from microagent.schemas.limits import BOUNDS, INT64, OF_STRINGS, broken_limits, is_literal, whole_limits
from microagent.schemas.patterns import is_pattern, translated
from microagent.schemas.runtime_types import Plain, Values

_LONGEST = 2**31


def text(said: Said, claims: Claims) -> Plain:
    limits = lengths(said, OF_STRINGS, claims)
    pattern = said.left.get("pattern")
    is_alone = not WITHOUT_PATTERN & {*kinds_of(said.schema)}
    if isinstance(pattern, str) and is_alone and is_pattern(pattern):
        limits = (*limits, ("pattern", translated(pattern)))
        claims.claim(said, "pattern")
    return Plain("string", limits)


def lengths(said: Said, words: Mapping[str, str], claims: Claims) -> tuple[tuple[str, Any], ...]:
    """The limits of a length, each as msgspec calls it."""
    found: list[tuple[str, Any]] = []
    for word, limit in words.items():
        value = without_fraction(said.left.get(word))
        if isinstance(value, int) and value < _LONGEST:
            found.append((limit, value))
            claims.claim(said, word)
    return tuple(found)


def number(kind: Literal["integer", "number"], said: Said, claims: Claims) -> Plain:
    bounds = {word: said.left[word] for word in BOUNDS if word in said.left}
    whole = whole_limits(bounds)
    broken = broken_limits(bounds)
    if whole is None or (kind == "number" and broken is None):
        return Plain(kind)
    claims.claim(said, *bounds)
    if kind == "number":
        return Plain("number", (*((f"int {name}", value) for name, value in whole), *(broken or ())))
    factor = without_fraction(said.left.get("multipleOf"))
    if isinstance(factor, int) and factor < INT64:
        claims.claim(said, "multipleOf")
        whole = (*whole, ("multiple_of", factor))
    return Plain("integer", whole)


def values(said: Said, claims: Claims) -> Values | None:
    """Values that are listed; None where there is no list, or one that msgspec cannot hold."""
    listed = listed_values([said.left])
    if listed is None:
        return None
    kinds = kinds_of(said.schema)
    fitting = [without_fraction(value) for value in listed if any(is_of(value, kind) for kind in kinds)]
    if not fitting or not all(map(is_literal, fitting)):
        return None
    claims.claim(said, "const", "enum", "type")
    return Values(tuple(cast("list[str | int | None]", fitting)))
