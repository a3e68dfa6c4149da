"""Proofs that all values of one schema fit another, or that none do."""

from collections.abc import Callable, Mapping
from typing import Any

from microagent.compat.forms import Form, forms, simplified
from microagent.compat.members import (
    exactly,
    extra,
    finite,
    has_more_names,
    is_silent,
    item,
    longest_prefix,
    member,
    names_in,
    of_name,
    of_pattern,
    patterns,
    range_in,
    range_of,
    speaks_of_others,
    speaks_of_patterns,
    steps,
)
from microagent.compat.scopes import Scope, Undecidable, together
from microagent.schemas.words import Schema

MOST_STEPS = 20_000
MOST_SPLITS = 16
MOST_PIECES = 500

_RANGES = {
    "minimum": "number", "maximum": "number", "exclusiveMinimum": "number", "exclusiveMaximum": "number",
    "minLength": "string", "maxLength": "string", "minItems": "array", "maxItems": "array",
    "minProperties": "object", "maxProperties": "object",
}  # fmt: skip


class Proof:
    """
    Searches proofs about two schemas.

    True is certain; False only means that no proof was found, and takes a counterexample to be certain. The proofs are
    coinductive: a claim may be used in its own proof, because there it is about smaller values.

    :param good_faith: assume that nobody sends a property that ``one`` does not mention and the ``other`` declares
    """

    def __init__(self, one: Scope, other: Scope, *, good_faith: bool = False) -> None:
        self._one = one
        self._other = other
        self._good_faith = good_faith
        self._open: set[tuple[str, str, str]] = set()
        self._proved: dict[tuple[str, str, str], None] = {}
        self._refused: set[tuple[str, str, str]] = set()
        self._steps = 0

    def included(self, one: Schema, other: Schema) -> bool:
        """Whether all values of one schema fit the other."""
        if other is True or other == {} or one is False:
            return True
        if self._one.text(one) == self._other.text(other):
            return True
        return self._claim("in", one, other, self.fits)

    def apart(self, one: Schema, other: Schema) -> bool:
        """Whether no value fits both."""
        return self._claim("apart", one, other, self._avoids)

    def _claim(self, kind: str, one: Schema, other: Schema, prove: Callable[[Form, Schema], bool]) -> bool:
        claim = (kind, self._one.text(one), self._other.text(other))
        if claim in self._open or claim in self._proved:
            return True
        if claim in self._refused:
            return False
        self._open.add(claim)
        before = len(self._proved)
        try:
            is_proved = all(prove(form, other) for form in forms(one, self._one))
        except (Undecidable, RecursionError):
            is_proved = False
        self._open.remove(claim)
        if is_proved:
            self._proved[claim] = None
        else:
            self._refused.add(claim)
            for dependent in list(self._proved)[before:]:
                del self._proved[dependent]
        return is_proved

    def _is_exhausted(self) -> bool:
        """Count a step; whether there have been so many that the search gives up."""
        self._steps += 1
        return self._steps > MOST_STEPS

    # -- inclusion

    def fits(self, form: Form, other: Schema) -> bool:
        """Whether all values of a form fit the schema."""
        if self._is_exhausted():
            return False
        if other is True or other == {}:
            return True
        if (values := finite(form)) is not None:
            return all(self._other.accepts(other, value) for value in values)
        if self._is_empty(form):
            return True
        if isinstance(other, bool):
            return False
        other = simplified(other)
        return self._is_known(form, other) or all(self._fulfils(form, word, other) for word in other)

    def _is_known(self, form: Form, other: Schema) -> bool:
        return bool(form.texts) and self._other.text(other) in form.texts

    def _is_empty(self, form: Form) -> bool:
        """Whether it certainly has no values."""
        if range_of(form).is_empty:
            return True
        if form.kind == "object":
            return any(self.included(member(form, name), False) for name in form.required)
        if form.kind == "array":
            return any(self.included(item(form, index), False) for index in range(_least_items(form)))
        return False

    def _fulfils(self, form: Form, word: str, other: Mapping[str, Any]) -> bool:
        if word in _RANGES:
            return form.kind != _RANGES[word] or range_of(form).is_within(range_in(other, form.kind))
        if (prove := _OF_KIND.get(word)) is not None:
            return prove[0] != form.kind or prove[1](self, form, other)
        if (prove_in_place := _IN_PLACE.get(word)) is not None:
            return prove_in_place(self, form, other)
        return True

    # -- keywords about the value itself

    def _type(self, form: Form, other: Mapping[str, Any]) -> bool:
        kinds = [other["type"]] if isinstance(other["type"], str) else other["type"]
        return form.kind in kinds or ("integer" in kinds and form.kind == "number" and 1 in _whole(form))

    def _listed(self, _form: Form, _other: Mapping[str, Any]) -> bool:
        return False

    def _reference(self, form: Form, other: Mapping[str, Any]) -> bool:
        return self.fits(form, self._other.target(str(other["$ref"])))

    def _all(self, form: Form, other: Mapping[str, Any]) -> bool:
        return all(self.fits(form, part) for part in other["allOf"])

    def _any(self, form: Form, other: Mapping[str, Any]) -> bool:
        return self._piecewise(form, lambda piece: any(self.fits(piece, part) for part in other["anyOf"]))

    def _one_of(self, form: Form, other: Mapping[str, Any]) -> bool:
        parts: list[Schema] = other["oneOf"]

        def fits_one(piece: Form) -> bool:
            return any(
                self.fits(piece, part)
                and all(self._avoids(piece, rest) for place, rest in enumerate(parts) if place != index)
                for index, part in enumerate(parts)
            )

        return self._is_known(form, {"oneOf": parts}) or self._piecewise(form, fits_one)

    def _piecewise(self, form: Form, prove: Callable[[Form], bool]) -> bool:
        """Whether something can be proved of the form, or of each piece after a case distinction by its properties."""
        left = iter(range(MOST_PIECES))

        def is_proved(piece: Form, names: list[str]) -> bool:
            if next(left, None) is None:
                return False
            return prove(piece) or any(
                all(is_proved(each, names[at:]) for each in pieces)
                for at, name in enumerate(names, 1)
                if (pieces := self._pieces(piece, name))
            )

        return is_proved(form, sorted(form.required) if form.kind == "object" else [])

    def _pieces(self, form: Form, name: str) -> list[Form]:
        """A case distinction by the values of a property: a form for each value; none if there are too many."""
        values = [finite(each) for each in forms(member(form, name), self._one)]
        listed = [value for some in values for value in some or ()]
        if None in values or not 1 < len(listed) <= MOST_SPLITS:
            return []
        return [form.also({"properties": {name: {"const": value}}}) for value in listed]

    def _not(self, form: Form, other: Mapping[str, Any]) -> bool:
        return self._is_known(form, {"not": other["not"]}) or self._avoids(form, other["not"])

    def _if(self, form: Form, other: Mapping[str, Any]) -> bool:
        if self._is_known(form, {word: other[word] for word in ("if", "then", "else") if word in other}):
            return True
        then, otherwise = other.get("then", True), other.get("else", True)
        return (self._avoids(form, other["if"]) or self.fits(form, then)) and (
            self.fits(form, other["if"]) or self.fits(form, otherwise)
        )

    def _dependent_schemas(self, form: Form, other: Mapping[str, Any]) -> bool:
        if form.kind != "object" or self._is_known(form, {"dependentSchemas": other["dependentSchemas"]}):
            return True
        return all(
            self._is_absent(form, name) or self.fits(form, schema) for name, schema in other["dependentSchemas"].items()
        )

    # -- keywords about parts of the value

    def _pattern(self, form: Form, other: Mapping[str, Any]) -> bool:
        return other["pattern"] in form.all_of("pattern")

    def _format(self, form: Form, other: Mapping[str, Any]) -> bool:
        wanted = other["format"]
        return any(name == wanted or wanted == WIDER.get(name) for name in form.all_of("format"))

    def _multiple(self, form: Form, other: Mapping[str, Any]) -> bool:
        return any((step / exactly(other["multipleOf"])).denominator == 1 for step in steps(form))

    def _items(self, form: Form, other: Mapping[str, Any]) -> bool:
        prefix: list[Schema] = other.get("prefixItems", [])
        end = max(longest_prefix(form), len(prefix))
        most = range_of(form).high
        for index in range(end + 1):
            wanted = prefix[index] if index < len(prefix) else other.get("items", True)
            if (most is None or index < most) and not self.included(item(form, index), wanted):
                return False
        return True

    def _unique(self, form: Form, other: Mapping[str, Any]) -> bool:
        most = range_of(form).high
        return not other["uniqueItems"] or True in form.all_of("uniqueItems") or (most is not None and most <= 1)

    def _contains(self, form: Form, other: Mapping[str, Any]) -> bool:
        least, most = other.get("minContains", 1), other.get("maxContains")
        if any(self._has_contained(flat, other, least, most) for flat in form.flats):
            return True
        lengths = range_of(form)
        every = range(max(longest_prefix(form), least) + 1)
        is_enough = least == 0 or (
            (lengths.low or 0) >= least and all(self.included(item(form, at), other["contains"]) for at in every)
        )
        return is_enough and (most is None or (lengths.high is not None and lengths.high <= most))

    def _has_contained(self, flat: Mapping[str, Any], other: Mapping[str, Any], least: int, most: int | None) -> bool:
        if "contains" not in flat or flat.get("minContains", 1) < least:
            return False
        own = flat.get("maxContains")
        is_few = most is None or (own is not None and own <= most)
        return is_few and self._one.text(flat["contains"]) == self._other.text(other["contains"])

    def _properties(self, form: Form, other: Mapping[str, Any]) -> bool:
        conditional = (name for flat in form.conditions for name in names_in(flat))
        for name in dict.fromkeys([*form.names, *conditional, *other.get("properties", ())]):
            if self._good_faith and is_silent(form, name):
                continue
            if not self.included(member(form, name), together(of_name(other, name))):
                return False
        return self._pattern_properties(form, other) and self._additional(form, other)

    def _pattern_properties(self, form: Form, other: Mapping[str, Any]) -> bool:
        for pattern, wanted in other.get("patternProperties", {}).items():
            own = patterns(form)
            if pattern in own:
                found = [of_pattern(form, pattern)]
            else:
                is_silent_of_it = self._good_faith and not speaks_of_others(form) and not speaks_of_patterns(form)
                found = [] if is_silent_of_it else [extra(form), *(of_pattern(form, each) for each in own)]
            if not all(self.included(schema, wanted) for schema in found):
                return False
        return True

    def _additional(self, form: Form, other: Mapping[str, Any]) -> bool:
        wanted = other.get("additionalProperties", True)
        foreign = [each for each in patterns(form) if each not in other.get("patternProperties", {})]
        return all(self.included(found, wanted) for found in (extra(form), *(of_pattern(form, p) for p in foreign)))

    def _required(self, form: Form, other: Mapping[str, Any]) -> bool:
        return form.required.issuperset(other["required"])

    def _property_names(self, form: Form, other: Mapping[str, Any]) -> bool:
        wanted: Schema = other["propertyNames"]
        if any(self.included(each, wanted) for each in form.all_of("propertyNames")):
            return True
        known = [name for name in form.names if not self._is_absent(form, name)]
        return not has_more_names(form) and all(self._other.accepts(wanted, name) for name in known)

    def _dependent_required(self, form: Form, other: Mapping[str, Any]) -> bool:
        for name, needed in other["dependentRequired"].items():
            own = {each for flat in form.all_of("dependentRequired") for each in flat.get(name, ())}
            if not (form.required | own).issuperset(needed) and not self._is_absent(form, name):
                return False
        return True

    def _is_absent(self, form: Form, name: str) -> bool:
        return (self._good_faith and is_silent(form, name)) or self.included(member(form, name), False)

    # -- disjointness

    def _avoids(self, form: Form, other: Schema) -> bool:
        """Whether no value of a form fits the schema."""
        if self._is_exhausted():
            return False
        if other is False:
            return True
        if (values := finite(form)) is not None:
            return not any(self._other.accepts(other, value) for value in values)
        if self._is_empty(form):
            return True
        if isinstance(other, bool):
            return False
        return any(self._contradicts(form, word, other) for word in simplified(other))

    def _contradicts(self, form: Form, word: str, other: Mapping[str, Any]) -> bool:
        if word in _RANGES:
            return form.kind == _RANGES[word] and range_of(form).both(range_in(other, form.kind)).is_empty
        if word in {"properties", "required"}:
            return form.kind == "object" and self._members_contradict(form, other)
        return self._contradicts_in_place(form, word, other)

    def _contradicts_in_place(self, form: Form, word: str, other: Mapping[str, Any]) -> bool:
        match word:
            case "$ref":
                return self._avoids(form, self._other.target(str(other["$ref"])))
            case "allOf":
                return any(self._avoids(form, part) for part in other["allOf"])
            case "anyOf" | "oneOf":
                return all(self._avoids(form, part) for part in other[word])
            case "not":
                return self.fits(form, other["not"])
            case "type":
                kinds = [other["type"]] if isinstance(other["type"], str) else other["type"]
                return form.kind not in kinds and not (form.kind == "number" and "integer" in kinds)
            case "enum" | "const":
                values = other["enum"] if word == "enum" else [other["const"]]
                return not any(self._one.accepts(form.schema, value) for value in values)
            case _:
                return False

    def _members_contradict(self, form: Form, other: Mapping[str, Any]) -> bool:
        """Whether a required property can never fit both."""
        there = form.required.union(other.get("required", ()))
        return any(self.apart(member(form, name), together(of_name(other, name))) for name in sorted(there))


def _least_items(form: Form) -> int:
    return min(int(range_of(form).low or 0), longest_prefix(form) + 1)


def _whole(form: Form) -> list[int]:
    return [1 for step in steps(form) if step.denominator == 1]


def _only_known(proof: Proof, form: Form, other: Mapping[str, Any]) -> bool:
    """A keyword about which nothing can be proved unless both schemas have it."""
    del proof, form, other
    return False


WIDER = {"email": "idn-email", "hostname": "idn-hostname", "uri": "uri-reference"}
"""Formats that are special cases of another one."""

_Rule = Callable[[Proof, Form, Mapping[str, Any]], bool]

_IN_PLACE: dict[str, _Rule] = {
    "type": Proof._type,
    "enum": Proof._listed,
    "const": Proof._listed,
    "$ref": Proof._reference,
    "allOf": Proof._all,
    "anyOf": Proof._any,
    "oneOf": Proof._one_of,
    "not": Proof._not,
    "if": Proof._if,
    "dependentSchemas": Proof._dependent_schemas,
    "$dynamicRef": _only_known,
    "unevaluatedProperties": _only_known,
    "unevaluatedItems": _only_known,
}
_OF_KIND: dict[str, tuple[str, _Rule]] = {
    "pattern": ("string", Proof._pattern),
    "format": ("string", Proof._format),
    "multipleOf": ("number", Proof._multiple),
    "items": ("array", Proof._items),
    "prefixItems": ("array", Proof._items),
    "uniqueItems": ("array", Proof._unique),
    "contains": ("array", Proof._contains),
    "properties": ("object", Proof._properties),
    "patternProperties": ("object", Proof._properties),
    "additionalProperties": ("object", Proof._properties),
    "required": ("object", Proof._required),
    "propertyNames": ("object", Proof._property_names),
    "dependentRequired": ("object", Proof._dependent_required),
}
