"""Schemas and values that hypothesis makes up, small ones that meet each other often."""

from typing import Any

from hypothesis import strategies as st

INTEGER, NUMBER, STRING = {"type": "integer"}, {"type": "number"}, {"type": "string"}
DEFS = {
    "Tree": {
        "type": "object",
        "properties": {"more": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}, "n": INTEGER},
    },
    "Wide": {
        "type": "object",
        "properties": {"more": {"type": "array", "items": {"$ref": "#/$defs/Wide"}}, "n": NUMBER},
    },
    "Count": {"type": "integer", "minimum": 0},
}
TREE, WIDE = {"$ref": "#/$defs/Tree"}, {"$ref": "#/$defs/Wide"}

NAMES = ("a", "b", "c")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.sampled_from([0.5, 1.5, "", "a", "b", "ab", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
COUNTS = st.integers(0, 3)
SCALARS = st.one_of(
    st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"]).map(
        lambda kind: {"type": kind}
    ),
    st.lists(st.sampled_from(["null", "integer", "string"]), min_size=1, unique=True).map(
        lambda kinds: {"type": kinds}
    ),
    st.lists(st.sampled_from([None, 1, 2, "a", "b", True]), min_size=1, max_size=3).map(
        lambda values: {"enum": values}
    ),
    st.sampled_from([0, 1, "a", [], {}]).map(lambda value: {"const": value}),
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), COUNTS)
    ),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), COUNTS)),
    st.sampled_from([1, 2, 0.5, 1.5]).map(lambda step: {"multipleOf": step}),
    st.sampled_from([True, False, {}, {"pattern": "^a"}, {"uniqueItems": True}, TREE, WIDE]),
)


def composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    arrays = {
        "items": inner,
        "prefixItems": several,
        "contains": inner,
        "minContains": COUNTS,
        "unevaluatedItems": inner,
    }
    objects = {
        "type": st.just("object"),
        "properties": named,
        "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b|c"]), inner, max_size=1),
        "propertyNames": st.sampled_from([{"enum": ["a", "b"]}, {"maxLength": 0}, {"pattern": "^a"}]),
        "minProperties": COUNTS,
        "maxProperties": COUNTS,
        "dependentRequired": st.sampled_from([{"a": ["b"]}, {"b": ["a", "c"]}]),
        "dependentSchemas": st.dictionaries(st.sampled_from(NAMES), inner, max_size=1),
        "unevaluatedProperties": inner,
    }
    choices = [several.map(lambda parts, word=word: {word: parts}) for word in ("allOf", "anyOf", "oneOf")]
    return st.one_of(
        st.fixed_dictionaries({}, optional=objects),
        st.fixed_dictionaries({"properties": named}, optional={"required": objects["required"]}),
        st.fixed_dictionaries({}, optional=arrays),
        *choices,
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
        inner.map(lambda schema: {"not": schema}),
    )


SCHEMAS = st.recursive(SCALARS, composed, max_leaves=8)

NUMBERS = (
    0,
    1,
    -0.0,
    1.0,
    0.5,
    0.3,
    2**53 + 1,
    float(2**63),
    2**63 - 1,
    2**63,
    2**64,
    -(2**63) - 1,
    2**70,
    1e308,
    5e-324,
)
TEXTS = ("", "a", "ab", "a\n", "é", "e\u0301", "\U0001f600", "\u0663")
EDGY_VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([*NUMBERS, *TEXTS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "", "é"]), inner, max_size=3),
    max_leaves=6,
)
"""Values where one reader of JSON and another may not see the same."""

_LIMITS = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), st.sampled_from(NUMBERS))
_LENGTHS = st.sampled_from([0, 1, 2.0, 2**31, 2**63, 1e20])
_TAGGED = st.lists(
    st.tuples(st.sampled_from(["a", "b", 1, True, None]), st.dictionaries(st.sampled_from(NAMES), SCALARS, max_size=2)),
    min_size=1,
    max_size=3,
).map(lambda options: [_tagged(*option) for option in options])


def _tagged(tag: object, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {**properties, "a": {"const": tag}}, "required": ["a"]}


EDGES = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number", ["integer", "null"], ["string", "number"]])},
        optional={**_LIMITS, "multipleOf": st.sampled_from([1, 2.0, 0.1, 2**63, 2**70, 1e308])},
    ),
    st.fixed_dictionaries({}, optional=_LIMITS),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", ["string", "null"], ["array", "string"]])},
        optional={
            "minLength": _LENGTHS,
            "maxLength": _LENGTHS,
            "minItems": _LENGTHS,
            "pattern": st.sampled_from(["^a", "b$", "^.$", "^[0-9]$"]),
        },
    ),
    st.lists(EDGY_VALUES, min_size=1, max_size=3).map(lambda values: {"enum": values}),
    EDGY_VALUES.map(lambda value: {"const": value}),
    st.fixed_dictionaries({"type": st.just("array"), "uniqueItems": st.booleans()}, optional={"items": SCALARS}),
    _TAGGED.map(lambda options: {"oneOf": options}),
    _TAGGED.map(lambda options: {"anyOf": options}),
)
EDGY_SCHEMAS = st.recursive(SCALARS | EDGES, composed, max_leaves=8)
"""Schemas that look closely at such values."""
