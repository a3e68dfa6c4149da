"""Documents of declarations that hypothesis makes up: whatever may stand in a file."""

import json
from typing import Any

from hypothesis import strategies as st

from microagent.declarations import Declarations
from microagent.errors import DeclarationError
from microagent.sources.parsing import parse

_KEYS = st.sampled_from(["a", "b", "the key", "ü", "a~b/c", "$ref", "schema", "%20"])
_ARGUMENTS = st.sampled_from(["a", "b", "user_id", "description"])
_DEFINITIONS = st.sampled_from(["Order", "Z z", "a/b~c", "Item", "ü", "properties"])
_TEXTS = st.sampled_from(["", "Text.", "Zwei\nZeilen, ü", "\ud83d\ude00 */ ''' \"\"\""])
_NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta_1"])
_VALUES = st.sampled_from([None, True, 0, 1.5, "x", [], {"a": 1}])
_TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])


def references(own: bool) -> st.SearchStrategy[str]:
    quoted = {"Z z": "Z%20z", "a/b~c": "a~1b~0c", "ü": "%C3%BC"}
    shared = _DEFINITIONS.map(lambda name: f"#/$defs/{quoted.get(name, name)}")
    inside = st.sampled_from(["#", "#/properties/a", "#/$defs/Own"])
    return st.one_of(shared, inside) if own else shared


def schemas(own: bool) -> st.SearchStrategy[Any]:
    """Schemas in the words of 2020-12, those that draft 7 has too and others."""
    leaves = st.one_of(
        st.booleans(),
        st.builds(lambda kind, text: {"type": kind, "description": text}, _TYPES, _TEXTS),
        st.builds(lambda kinds: {"type": kinds}, st.lists(_TYPES, min_size=1, max_size=3, unique=True)),
        st.builds(lambda values: {"enum": values}, st.lists(_VALUES, min_size=1, max_size=3, unique_by=repr)),
        st.builds(lambda value: {"const": value, "examples": [value], "x-owner": "me"}, _VALUES),
        references(own).map(lambda reference: {"properties": {"r": {"$ref": reference}}}),
        references(own).map(lambda reference: {"items": {"$ref": reference, "title": "T", "minItems": 1}}),
        references(own).map(lambda reference: {"additionalProperties": {"$ref": reference}}),
        st.just({"type": "string", "format": "date-time", "minLength": 1, "pattern": "^a"}),
    )
    return st.recursive(leaves, _around, max_leaves=4)


def _around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(lambda found: {"type": "object", "properties": found}, st.dictionaries(_KEYS, inner, max_size=3)),
        st.builds(lambda found: {"type": "array", "items": found, "maxItems": 3}, inner),
        st.builds(lambda found: {"prefixItems": [found], "items": False}, inner),
        st.builds(lambda found: {"anyOf": found}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda found: {"dependentSchemas": {"a": found}}, inner),
        st.builds(lambda found: {"patternProperties": {"^x": found}, "unevaluatedProperties": False}, inner),
        st.builds(lambda found: {"not": {"not": found}}, inner),
        st.builds(lambda found: {"if": found, "then": {"maxProperties": 3}}, inner),
    )


def payloads(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Of objects, some with definitions of their own."""
    properties = st.dictionaries(names, schemas(own=True), max_size=3)
    more = st.sampled_from([{}, {"additionalProperties": False}, {"minProperties": 1}, {"title": "T"}])
    own = st.one_of(st.just({}), st.builds(lambda found: {"$defs": {"Own": found}}, schemas(own=True)))
    return st.builds(lambda a, b, c: {"type": "object", "properties": a, **b, **c}, properties, more, own)


def _entry(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    compat = st.just({"allow": {"ARG_NO_REMOVE": "nobody has it"}, "reserved": ["old"]})
    told = {"description": _TEXTS, "deprecated": st.booleans(), "compat": compat}
    return st.fixed_dictionaries({"name": _NAMES, **parts}, optional=told)


SIGNALS = st.one_of(
    _entry(providing_args=st.dictionaries(_ARGUMENTS, _TYPES, max_size=3)),
    _entry(providing_args=st.lists(_ARGUMENTS, max_size=3, unique=True), returns=_TYPES),
    _entry(payload=payloads(_ARGUMENTS)),
    _entry(payload=payloads(_ARGUMENTS), returns=schemas(own=True)),
)
QUEUES = st.one_of(
    _entry(),
    _entry(payload=payloads(_KEYS), quorum=st.booleans()),
    _entry(payload=st.just(True), exchange=st.just("events")),
    _entry(payload=payloads(_KEYS), exchange=st.just("events"), topics=st.just(["a.*", "#"])),
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "signals": st.lists(SIGNALS, max_size=3, unique_by=lambda entry: entry["name"]),
        "queues": st.lists(QUEUES, max_size=3, unique_by=lambda entry: entry["name"]),
        "compat": st.just({"reserved": {"signals": ["gone"]}}),
        "$defs": st.dictionaries(_DEFINITIONS, schemas(own=False), min_size=3, max_size=6),
    }
)


def declared(document: dict[str, Any]) -> Declarations | None:
    """What a document declares; None if it is one of those that are wrong."""
    try:
        return parse(json.dumps(document))
    except DeclarationError:
        return None
