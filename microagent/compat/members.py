"""The constraints of a form: ranges of numbers and lengths, items and properties."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import ceil, floor
from typing import Any

from microagent.compat.forms import Flat, Form
from microagent.compat.scopes import Undecidable, together
from microagent.schemas import jsonvalues
from microagent.schemas.patterns import finds
from microagent.schemas.words import Schema


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, None for no bound; ``low_open`` and ``high_open`` exclude the bound itself."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def is_within(self, other: "Range") -> bool:
        return self._starts_in(other) and self._ends_in(other)

    def _starts_in(self, other: "Range") -> bool:
        if other.low is None:
            return True
        return self.low is not None and (
            self.low > other.low or (self.low == other.low and self.low_open >= other.low_open)
        )

    def _ends_in(self, other: "Range") -> bool:
        if other.high is None:
            return True
        return self.high is not None and (
            self.high < other.high or (self.high == other.high and self.high_open >= other.high_open)
        )

    def both(self, other: "Range") -> "Range":
        """The intersection."""
        low, low_open = max(self._lower(), other._lower())
        high, high_open = min(self._upper(), other._upper())
        return Range(
            None if low == -_ENDLESS else Fraction(low),
            None if high == _ENDLESS else Fraction(high),
            bool(low_open),
            not high_open,
        )

    def _lower(self) -> tuple[Fraction | float, bool]:
        return (-_ENDLESS if self.low is None else self.low), self.low_open

    def _upper(self) -> tuple[Fraction | float, bool]:
        return (_ENDLESS if self.high is None else self.high), not self.high_open


_ENDLESS = float("inf")
MOST_LISTED = 64
"""The largest range of integers that is listed."""


def exactly(number: float) -> Fraction:
    """
    The exact value of the number as JSON writes it: 0.1 is one tenth.

    :raises Undecidable: if it is infinite
    """
    try:
        return jsonvalues.exactly(number)
    except ValueError:
        raise Undecidable(f"{number} is not a number to compare with") from None


def numbers(flat: Flat) -> Range:
    """The range of ``minimum``, ``maximum`` and their exclusive variants."""
    found = Range()
    for word, value in flat.items():
        if word in {"minimum", "exclusiveMinimum"}:
            found = found.both(Range(low=exactly(value), low_open=word != "minimum"))
        if word in {"maximum", "exclusiveMaximum"}:
            found = found.both(Range(high=exactly(value), high_open=word != "maximum"))
    return found


def lengths(flat: Flat, least: str, most: str) -> Range:
    """The range of two keywords, such as ``minLength`` and ``maxLength``."""
    high = flat.get(most)
    return Range(Fraction(flat.get(least, 0)), None if high is None else Fraction(high))


LENGTHS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def range_of(form: Form) -> Range:
    """The range of the values of a form of numbers, or of the lengths of other values."""
    found = Range()
    for flat in form.flats:
        found = found.both(range_in(flat, form.kind))
    return found.both(_implied(form))


def range_in(flat: Flat, kind: str) -> Range:
    """The range that a schema allows for values of this kind."""
    return numbers(flat) if kind == "number" else lengths(flat, *LENGTHS[kind])


def _implied(form: Form) -> Range:
    """The range of lengths that other keywords imply."""
    if form.kind == "array":
        ends = (at for at in range(longest_prefix(form) + 1) if item(form, at) is False)
        end = next(ends, None)
        return Range(high=None if end is None else Fraction(end))
    if form.kind == "object":
        known = None if has_more_names(form) else Fraction(len(form.names))
        return Range(Fraction(len(form.required)), known)
    return Range()


def finite(form: Form) -> list[object] | None:
    """All values of the form if they are few; otherwise None."""
    if form.values is not None or form.kind not in {"number", "string"}:
        return form.values
    found = range_of(form)
    if form.kind == "string":
        return [""] if found.high == 0 else None
    if not is_integer(form) or found.low is None or found.high is None or found.high - found.low > MOST_LISTED:
        return None
    whole = range(ceil(found.low), floor(found.high) + 1)
    return [number for number in whole if form.scope.accepts(form.schema, number)]


def is_integer(form: Form) -> bool:
    """Whether all numbers of the form are integers."""
    is_typed = any("integer" in kinds and "number" not in kinds for kinds in map(_kinds, form.all_of("type")))
    return is_typed or any(exactly(step).denominator == 1 for step in form.all_of("multipleOf"))


def _kinds(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def steps(form: Form) -> list[Fraction]:
    """Numbers that all numbers of the form are multiples of."""
    return [*map(exactly, form.all_of("multipleOf")), *([Fraction(1)] if is_integer(form) else [])]


# -- arrays


def longest_prefix(form: Form) -> int:
    """The number of positions that may have a schema of their own."""
    return max(map(len, form.all_of("prefixItems")), default=0)


def item(form: Form, index: int) -> Schema:
    """The schema of the item at this position."""
    return together(of_index(flat, index) for flat in form.flats)


def of_index(flat: Flat, index: int) -> Schema:
    """The schema of the item at this position in a flat schema."""
    prefix: list[Schema] = flat.get("prefixItems", [])
    return prefix[index] if index < len(prefix) else flat.get("items", True)


# -- objects


def patterns(form: Form) -> list[str]:
    """The patterns of ``patternProperties``."""
    return list(dict.fromkeys(chain(*form.all_of("patternProperties"))))


def has_more_names(form: Form) -> bool:
    """Whether other properties than ``names`` are possible."""
    return bool(patterns(form)) or extra(form) is not False


def is_silent(form: Form, name: str) -> bool:
    """Whether the form does not mention a property in any way."""
    return not (speaks_of_others(form) or any(mentions(flat, name) for flat in form.conditions))


def speaks_of_others(form: Form) -> bool:
    """Whether the form mentions all other properties, allowing or refusing them."""
    return any("additionalProperties" in flat for flat in form.conditions) or any(
        isinstance(each, Mapping) and each.get("unevaluatedProperties", False) is not False for each in form.opaque
    )


def speaks_of_patterns(form: Form) -> bool:
    """Whether the form mentions properties by patterns."""
    return any("patternProperties" in flat for flat in form.conditions)


def mentions(flat: Flat, name: str) -> bool:
    """Whether a schema names a property, or has a pattern for it."""
    return name in names_in(flat) or bool(_matching(flat, name))


def names_in(flat: Flat) -> Iterator[str]:
    """The names of properties in a flat schema."""
    for word in ("properties", "required", "dependentRequired", "dependentSchemas"):
        yield from flat.get(word, ())
    yield from chain.from_iterable(flat.get("dependentRequired", {}).values())
    wanted: Schema = flat.get("propertyNames", True)
    listed = None if isinstance(wanted, bool) else jsonvalues.listed_values([wanted])
    yield from (name for name in listed or () if isinstance(name, str))


def member(form: Form, name: str) -> Schema:
    """The schema of a property of this name; False if there can be none."""
    if any(not form.scope.accepts(schema, name) for schema in form.all_of("propertyNames")):
        return False
    return together(found for flat in form.flats for found in of_name(flat, name))


def of_name(flat: Flat, name: str) -> Iterator[Schema]:
    """The schemas of a property of this name."""
    properties: Mapping[str, Schema] = flat.get("properties", {})
    matching = _matching(flat, name)
    if name in properties:
        yield properties[name]
    yield from matching
    if name not in properties and not matching:
        yield flat.get("additionalProperties", True)


def of_pattern(form: Form, pattern: str) -> Schema:
    """The schema of all properties whose names match; some may have further schemas."""
    return together(schemas[pattern] for schemas in form.all_of("patternProperties") if pattern in schemas)


def extra(form: Form) -> Schema:
    """The schema of properties without one of their own."""
    return together(flat.get("additionalProperties", True) for flat in form.flats)


def _matching(flat: Flat, name: str) -> list[Schema]:
    schemas: Mapping[str, Any] = flat.get("patternProperties", {})
    return [schema for pattern, schema in schemas.items() if finds(pattern, name)]
