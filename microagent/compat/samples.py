"""Sample values of one schema, chosen such that another one may refuse them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, cast

from microagent.compat.finders import Finder
from microagent.compat.forms import Form, forms
from microagent.compat.members import (
    exactly,
    extra,
    is_silent,
    item,
    member,
    mentions,
    of_index,
    of_name,
    of_pattern,
    patterns,
    range_of,
)
from microagent.compat.scopes import Scope, Undecidable
from microagent.schemas.words import Schema

DEEPEST = 12
LONGEST = 2_000
LONGEST_MATCHED = 16  # characters of a text for patterns, some of which take exponential time
MOST_OF_PART = 40
LOOKS = 20
"""Values that may be generated, including parts and rejected ones, for each one that is tried."""

_NUMBERS = (0, 1, -1, 2, 0.5, 1.5, -0.5, 10, 1_000_003)
_TEXTS = ("", "a", "A", "0", "ab", "a b", "2020-01-01", "2020-01-01T00:00:00Z", "a@example.org", "é")
_OF_FORMATS = {
    "date": "2020-01-01", "date-time": "2020-01-01T00:00:00Z", "time": "00:00:00Z", "duration": "P1D",
    "email": "a@example.org", "idn-email": "\xe9@example.org", "hostname": "example.org", "idn-hostname": "\xe9.org",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "uri": "https://example.org/a", "uri-reference": "a/b",
    "uri-template": "a/{b}", "uuid": "00000000-0000-4000-8000-000000000000", "json-pointer": "/a",
    "relative-json-pointer": "1/a", "regex": "^a$",
}  # fmt: skip
"""A text for each format."""

_NEW_NAMES = ("other", "a", "A", "other_", "0", "x-y", *(f"other_{number}" for number in range(40)))

Hints = list[Mapping[str, Any]]


class Samples:
    """
    Generates values of ``one`` schema near the limits of the ``other``.

    :param finder: the source of texts for patterns
    :param good_faith: as in ``Proof``
    """

    def __init__(self, one: Scope, other: Scope, finder: Finder, *, good_faith: bool = False) -> None:
        self._one = one
        self._other = other
        self._finder = finder
        self._good_faith = good_faith
        self._left = iter(range(LOOKS * finder.tries))

    def of(self, one: Schema, other: Schema) -> Iterator[object]:
        """Values that fit ``one``, simple ones first."""
        return self._of(one, self._other.in_place([other]), 0)

    def are_sent(self, one: Schema, other: Schema, value: object) -> bool:
        """Whether a value that fits ``one`` is sent in good faith, if that is assumed."""
        return not self._good_faith or self._are_sent(one, self._other.in_place([other]), value)

    def _are_sent(self, one: Schema, foreign: Hints, value: Any) -> bool:
        if not isinstance(value, (dict, list)):
            return True
        fitting = [form for form in forms(one, self._one) if form.scope.accepts(form.schema, cast("object", value))]
        return any(all(self._parts_are_sent(form, foreign, value)) for form in fitting)

    def _parts_are_sent(self, form: Form, foreign: Hints, value: Any) -> Iterator[bool]:
        for index, each in enumerate(cast("list[object]", value) if form.kind == "array" else ()):
            further = self._other.in_place([of_index(flat, index) for flat in foreign])
            yield self._are_sent(item(form, index), further, each)
        for name, each in cast("dict[str, object]", value).items() if form.kind == "object" else ():
            yield not is_silent(form, name) or not any(mentions(flat, name) for flat in foreign)
            further = self._other.in_place([schema for flat in foreign for schema in of_name(flat, name)])
            yield self._are_sent(member(form, name), further, each)

    def _of(self, schema: Schema, foreign: Hints, depth: int) -> Iterator[object]:
        if depth > DEEPEST:
            return
        hints = self._one.in_place([schema]) + foreign
        lists = [self._of_form(form, hints, foreign, depth) for form in forms(schema, self._one)]
        yield from chain(*(islice(each, 1) for each in lists))
        yield from chain(*lists)

    def _of_form(self, form: Form, hints: Hints, foreign: Hints, depth: int) -> Iterator[object]:
        if form.values is not None:
            yield from form.values
            return
        match form.kind:
            case "number":
                found = _numbers(form, hints)
            case "string":
                found = _texts(form, hints, self._finder)
            case "array":
                found = self._arrays(form, hints, foreign, depth)
            case _:
                found = self._objects(form, foreign, depth)
        yield from (value for value in found if self._accepts(form, value))

    def _accepts(self, form: Form, value: object) -> bool:
        """
        Whether a value fits the form.

        :raises Undecidable: if too many values have been generated
        """
        if next(self._left, None) is None:
            raise Undecidable("too many values had to be generated")
        return form.scope.accepts(form.schema, value)

    def _first(self, schema: Schema, depth: int) -> list[object]:
        """One value, if there is one."""
        return list(islice(self._of(schema, [], depth), 1))

    def _some(self, schema: Schema, foreign: Iterable[Schema], depth: int) -> Iterator[object]:
        return islice(self._of(schema, self._other.in_place(foreign), depth), MOST_OF_PART)

    # -- arrays

    def _arrays(self, form: Form, hints: Hints, foreign: Hints, depth: int) -> Iterator[list[object]]:
        least = int(range_of(form).low or 0)
        base = [value for index in range(least) for value in self._first(item(form, index), depth + 1)]
        yield base
        for count in sorted(
            _near(hints, "minItems", "maxItems", "minContains", "maxContains") | {least + 1, least + 2}
        ):
            yield [value for index in range(count) for value in self._first(item(form, index), depth + 1)]
        longest = max((len(flat.get("prefixItems", ())) for flat in hints), default=0)
        for index in range(max(longest, least) + 1):
            wanted = [of_index(flat, index) for flat in foreign] + [flat.get("contains", True) for flat in foreign]
            before = [value for at in range(index) for value in self._first(item(form, at), depth + 1)]
            for value in self._some(item(form, index), wanted, depth + 1):
                yield [*before, value, *base[index + 1 :]]
        several = list(islice(self._some(item(form, longest), (), depth + 1), 12))
        yield [*base, *several]
        yield from ([*base, value, value] for value in several)

    # -- objects

    def _objects(self, form: Form, foreign: Hints, depth: int) -> Iterator[dict[str, object]]:
        base = {name: value for name in sorted(form.required) for value in self._first(member(form, name), depth + 1)}
        if len(base) < len(form.required):
            return
        yield base
        known = self._known(form, foreign)
        full = dict(base)
        for name in known:
            for value in self._first(member(form, name), depth + 1) if name not in base else ():
                full[name] = value
                yield {**base, name: value}
        yield full
        for name in known:
            yield {key: value for key, value in full.items() if key != name}
            wanted = [schema for flat in foreign for schema in of_name(flat, name)]
            for value in self._some(member(form, name), wanted, depth + 1):
                yield {**base, name: value}
                yield {**full, name: value}
        yield from self._others(form, foreign, base, depth)

    def _known(self, form: Form, foreign: Hints) -> list[str]:
        """The possible names that either side mentions."""
        there = [
            *form.names,
            *(name for flat in foreign for name in [*flat.get("properties", ()), *flat.get("required", ())]),
        ]
        for flat in foreign:
            there += [*flat.get("dependentRequired", ()), *flat.get("dependentSchemas", ())]
        return [
            name
            for name in dict.fromkeys(there)
            if member(form, name) is not False and not (self._good_faith and is_silent(form, name))
        ]

    def _others(self, form: Form, foreign: Hints, base: dict[str, object], depth: int) -> Iterator[dict[str, object]]:
        """Objects with properties that neither side names."""
        wanted = [flat.get("additionalProperties", True) for flat in foreign]
        for pattern in dict.fromkeys(chain(patterns(form), *(flat.get("patternProperties", ()) for flat in foreign))):
            also = [flat.get("patternProperties", {}).get(pattern, True) for flat in foreign]
            for name in self._finder.texts(pattern):
                if self._good_faith and is_silent(form, name):
                    continue
                schema = of_pattern(form, pattern) if pattern in patterns(form) else member(form, name)
                for value in self._some(schema, also + wanted, depth + 1):
                    yield {**base, name: value}
        taken = {name for flat in [*form.flats, *foreign] for name in flat.get("properties", ())}
        new = [name for name in _NEW_NAMES if name not in taken]
        for name in new[:6]:
            for value in self._some(extra(form), wanted, depth + 1):
                yield {**base, name: value}
        filler = self._first(extra(form), depth + 1)
        for count in sorted(_near([*form.flats, *foreign], "minProperties", "maxProperties")):
            if filler and len(base) < count <= len(base) + len(new):
                yield {**base, **dict.fromkeys(new[: count - len(base)], filler[0])}


def _near(hints: Hints, *words: str) -> set[int]:
    """Lengths at and next to every bound."""
    bounds = [int(flat[word]) for flat in hints for word in words if word in flat]
    return {near for bound in bounds for near in (bound - 1, bound, bound + 1) if 0 <= near <= LONGEST}


def _numbers(form: Form, hints: Hints) -> Iterator[object]:
    bounds = [flat[word] for flat in hints for word in _BOUNDS if word in flat]
    listed = [value for value in _listed(hints) if isinstance(value, int | float) and not isinstance(value, bool)]
    near = [found for value in (*bounds, *listed) for found in (value, value + 1, value - 1, value + 0.5, value - 0.5)]
    steps = [flat["multipleOf"] for flat in hints if "multipleOf" in flat]
    multiples = [step * factor for step in steps for factor in (1, -1, 2, 3, 5, 0.5, 7)]
    low = range_of(form).low
    above = [_number(exactly(step) * (low // exactly(step) + n)) for step in steps for n in (1, 2)] if low else []
    found = [*_NUMBERS, *near, *multiples, *above]
    yield from dict.fromkeys(
        int(value) if isinstance(value, float) and value.is_integer() else value for value in found
    )


def _number(value: Any) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _texts(form: Form, hints: Hints, finder: Finder) -> Iterator[object]:
    yield from _TEXTS
    yield from (value for value in _listed(hints) if isinstance(value, str))
    yield from (_OF_FORMATS[flat["format"]] for flat in [*form.flats, *hints] if flat.get("format") in _OF_FORMATS)
    patterns = list(dict.fromkeys(flat["pattern"] for flat in [*form.flats, *hints] if "pattern" in flat))
    lengths = sorted(_near(hints, "minLength", "maxLength"))
    yield from ("a" * length for length in lengths if length <= LONGEST_MATCHED or not patterns)
    for pattern in patterns:
        yield from finder.texts(pattern)


def _listed(hints: Hints) -> Iterator[object]:
    for flat in hints:
        yield from flat.get("enum", ())
        if "const" in flat:
            yield flat["const"]
