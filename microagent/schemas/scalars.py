"""msgspec types of strings and numbers, of lengths, and of listed values."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from microagent.schemas.choices import WITHOUT_PATTERN
from microagent.schemas.claims import Claims, Keywords
from microagent.schemas.jsonvalues import is_of, kinds_of, listed_values, without_fraction
from microagent.schemas.limits import BOUNDS, INT64, OF_STRINGS, float_limits, int_limits, is_literal
from microagent.schemas.patterns import is_pattern, translated
from microagent.schemas.runtime_types import Plain, Values

_LONGEST = 2**31


def text(keywords: Keywords, claims: Claims) -> Plain:
    """The type of a string, with its limits."""
    limits = lengths(keywords, OF_STRINGS, claims)
    pattern = keywords.left.get("pattern")
    is_alone = not WITHOUT_PATTERN & {*kinds_of(keywords.schema)}
    if isinstance(pattern, str) and is_alone and is_pattern(pattern):
        limits = (*limits, ("pattern", translated(pattern)))
        claims.claim(keywords, "pattern")
    return Plain("string", limits)


def lengths(keywords: Keywords, words: Mapping[str, str], claims: Claims) -> tuple[tuple[str, Any], ...]:
    """The limits of a length, by msgspec's names."""
    found: list[tuple[str, Any]] = []
    for word, limit in words.items():
        value = without_fraction(keywords.left.get(word))
        if isinstance(value, int) and value < _LONGEST:
            found.append((limit, value))
            claims.claim(keywords, word)
    return tuple(found)


def number(kind: Literal["integer", "number"], keywords: Keywords, claims: Claims) -> Plain:
    """The type of a number, with its bounds."""
    bounds = {word: keywords.left[word] for word in BOUNDS if word in keywords.left}
    whole = int_limits(bounds)
    broken = float_limits(bounds)
    if whole is None or (kind == "number" and broken is None):
        return Plain(kind)
    claims.claim(keywords, *bounds)
    if kind == "number":
        return Plain("number", (*((f"int {name}", value) for name, value in whole), *(broken or ())))
    factor = without_fraction(keywords.left.get("multipleOf"))
    if isinstance(factor, int) and factor < INT64:
        claims.claim(keywords, "multipleOf")
        whole = (*whole, ("multiple_of", factor))
    return Plain("integer", whole)


def values(keywords: Keywords, claims: Claims) -> Values | None:
    """The type of ``enum`` and ``const``; None if there is neither, or msgspec cannot express the values."""
    listed = listed_values([keywords.left])
    if listed is None:
        return None
    kinds = kinds_of(keywords.schema)
    fitting = [without_fraction(value) for value in listed if any(is_of(value, kind) for kind in kinds)]
    if not fitting or not all(map(is_literal, fitting)):
        return None
    claims.claim(keywords, "const", "enum", "type")
    return Values(tuple(cast("list[str | int | None]", fitting)))
