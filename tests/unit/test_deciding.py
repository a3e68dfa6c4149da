"""Who checks which keyword, msgspec or jsonschema."""

import json
import random
from typing import Any, ClassVar

import pytest
from jsonschema import Draft202012Validator

from microagent.schemas.claims import KEYWORDS
from microagent.schemas.deciding import Decision, decide
from microagent.schemas.runtime_types import AnyValue, Options, Plain, Record, Reference, Tagged, TupleOf
from microagent.schemas.validation import Check

TEXT = {"type": "string"}


def who(schema: Any, definitions: Any = None) -> dict[tuple[str, str], str]:
    """Who checks each keyword, by place and keyword."""
    found = decide(schema, definitions or {}).checked
    return {("/".join(steps), word): "+".join(checkers) for ((_, steps), word), checkers in found.items()}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 1, "maxLength": 2.0, "pattern": "^a"},
        {"type": "integer", "minimum": 0.5, "exclusiveMaximum": 10, "multipleOf": 3},
        {"type": "number", "minimum": 0, "exclusiveMinimum": 0.5, "maximum": 10},
        {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3},
        {"type": "array", "prefixItems": [TEXT, {"type": "null"}], "items": False, "minItems": 2},
        {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
        {"type": ["string", "null"], "enum": ["a", None, 1]},
        {"anyOf": [TEXT, {"type": "null"}, {"type": "array", "items": TEXT}]},
        {"oneOf": [{"type": "integer"}, TEXT]},
        {"minLength": 1},
        {"properties": {"a": TEXT}},
        {"allOf": [{"type": "object", "properties": {"a": TEXT}}]},
        {"title": "T", "format": "date", "x-y": 1, "unknown": 2},
    ],
)
def test_what_types_and_limits_say_is_for_msgspec(schema: Any) -> None:
    """Then nothing is left to jsonschema."""
    found = decide(schema, {})
    assert found.rest is True
    assert set(found.checked.values()) <= {("msgspec",)}


@pytest.mark.parametrize(
    ("schema", "rest"),
    [
        ({"type": "string", "not": {"const": "a"}}, {"not": {"const": "a"}}),
        ({"type": "number", "multipleOf": 0.1}, {"multipleOf": 0.1}),
        ({"type": "integer", "minimum": 2**70}, {"minimum": 2**70}),
        ({"type": "array", "items": {"type": "array", "uniqueItems": True}}, {"items": {"uniqueItems": True}}),
        ({"type": ["string", "array"], "pattern": "a"}, {"pattern": "a"}),
        ({"properties": {"a": {"const": 0.5}, "b": TEXT}, "type": "object"}, {"properties": {"a": {"const": 0.5}}}),
        (
            {"type": "object", "properties": {"a": TEXT}, "additionalProperties": {"type": "null"}},
            {"properties": {"a": True}, "additionalProperties": {"type": "null"}},
        ),
        ({"type": "object", "properties": {'"': TEXT}}, {"properties": {'"': TEXT}}),
        ({"anyOf": [{"minimum": 1}, {"type": "integer"}]}, {"anyOf": [{"minimum": 1}, {"type": "integer"}]}),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, {"oneOf": [{"type": "integer"}, {"type": "number"}]}),
        ({"type": "object", "unevaluatedProperties": False}, {"type": "object", "unevaluatedProperties": False}),
        (False, False),
    ],
)
def test_the_rest_is_for_jsonschema(schema: Any, rest: Any) -> None:
    """Without what msgspec has checked by then."""
    assert decide(schema, {}).rest == rest


def test_alternatives_that_a_property_tells_apart_are_for_msgspec() -> None:
    """Directly and by reference, beside other kinds of values."""
    definitions = {
        name: {"type": "object", "properties": {"kind": {"const": name}, "x": TEXT}, "required": ["kind"]}
        for name in ("a", "b")
    }
    schema = {"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}, {"type": "null"}]}
    found = decide(schema, definitions)
    assert isinstance(found.type, Options)
    assert isinstance(found.type.options[0], Tagged)
    assert found.rest is True
    check = Check(schema, definitions)
    assert check.problem({"kind": "b", "x": "y"}) is check.problem(None) is None
    assert check.problem({"kind": "b", "x": 1}) == "$: fits no alternative of oneOf, or more than one"
    assert check.problem({"kind": "c"}) is not None


def test_recursion_through_objects_is_for_msgspec() -> None:
    """Through other things it is for jsonschema."""
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/N"}, "all": {"items": {"$ref": "#/$defs/N"}, "type": "array"}},
    }
    found = decide({"$ref": "#/$defs/N"}, {"N": node})
    assert (found.rest, found.type) == (True, Reference((True, ("$defs", "N"))))
    lists = {"type": "array", "items": {"$ref": "#/$defs/L"}}
    assert decide({"$ref": "#/$defs/L"}, {"L": lists}).rest != True  # noqa: E712 - a schema may be True
    check = Check({"type": "object", "properties": {"me": {"$ref": "#"}}, "additionalProperties": False})
    assert check.problem({"me": {"me": {}}}) is None
    assert check.problem({"me": {"me": {"you": 1}}}) == "$.me.me: unknown 'you'"


def test_what_a_definition_leaves_is_asked_of_it_alone() -> None:
    """Only the keyword that msgspec cannot check is left of all that is referred to."""
    definitions = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}, "t": TEXT}},
        "B": {
            "type": "object",
            "properties": {"n": {"type": "array", "uniqueItems": True}, "a": {"$ref": "#/$defs/A"}},
        },
    }
    found = decide({"$ref": "#/$defs/A"}, definitions)
    assert isinstance(found.rest, dict)
    left = {name: schema for name, schema in found.definitions.items() if name not in definitions}
    assert json.dumps(left).count("uniqueItems") == 1
    assert "string" not in json.dumps(left)
    check = Check({"$ref": "#/$defs/A"}, definitions)
    assert check.problem({"b": {"a": {"b": {"n": [1, 1]}}}}) == "$.b.a.b.n: the items are not unique"


def test_references_that_depend_on_who_refers_are_left_whole() -> None:
    """A dynamic scope is one piece."""
    schema = {"$dynamicAnchor": "node", "type": "object", "properties": {"next": {"$dynamicRef": "#node"}}}
    found = decide(schema, {})
    assert (found.type, found.rest) == (AnyValue(), schema)
    assert set(found.checked.values()) == {("jsonschema",)}


def test_formats_are_for_jsonschema_when_they_are_asked_for() -> None:
    """Those that it knows."""
    schema = {"type": "string", "format": "email"}
    assert decide(schema, {}).rest is True
    assert decide(schema, {}, formats=True).rest == {"format": "email"}
    assert decide({**schema, "format": "colour"}, {}, formats=True).rest is True


def test_an_abandoned_alternative_leaves_nothing_behind() -> None:
    """A reference in alternatives that are left to jsonschema does not ask for a rest that nobody made."""
    definitions = {"Odd": {"type": "array", "items": TEXT, "uniqueItems": True}}
    schema = {"anyOf": [TEXT, {"$ref": "#/$defs/Odd"}]}
    check = Check(schema, definitions)
    assert check.problem(["a", "b"]) is None
    assert check.problem(["a", "a"]) == "$: fits no alternative of anyOf"
    assert who(schema, definitions)["$defs/Odd", "uniqueItems"] == "jsonschema"


class Schemas:
    """Random schemas and values, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._one = self._random.choice

    def schema(self, depth: int = 0) -> Any:
        if depth > 2 or self._random.random() < 0.1:
            return self._one(
                [True, TEXT, {"type": "null"}, {"const": 1}, {"enum": ["a", 1.0, None]}, {"type": "integer"}]
            )
        found: dict[str, Any] = {}
        for word in self._random.sample(sorted(self._words), self._random.randrange(1, 4)):
            found[word] = self._words[word](self, depth + 1)
        return found

    def _list(self, depth: int) -> list[Any]:
        return [self.schema(depth) for _ in range(self._random.randrange(1, 3))]

    def _named(self, depth: int) -> dict[str, Any]:
        return {name: self.schema(depth) for name in self._random.sample(["a", "b", 'q"'], 2)}

    def _one_of(self, *options: Any) -> Any:
        return self._one(options)

    _words: ClassVar[dict[str, Any]] = {
        "type": lambda self, _: self._one_of("string", "integer", "number", "array", ["object", "null"], ["array"]),
        "minimum": lambda self, _: self._one_of(0, 0.5, 2),
        "exclusiveMaximum": lambda self, _: self._one_of(1, 1.5),
        "multipleOf": lambda self, _: self._one_of(1, 2, 0.5),
        "minLength": lambda self, _: self._one_of(0, 1, 2),
        "pattern": lambda self, _: self._one_of("^a", "b"),
        "items": lambda self, depth: self.schema(depth),
        "prefixItems": lambda self, depth: self._list(depth),
        "minItems": lambda self, _: self._one_of(1, 2),
        "maxItems": lambda self, _: self._one_of(1, 2),
        "properties": lambda self, depth: self._named(depth),
        "required": lambda self, _: self._one_of(["a"], ["b"]),
        "additionalProperties": lambda self, depth: self._one_of(False, self.schema(depth)),
        "patternProperties": lambda self, depth: {"^b": self.schema(depth)},
        "maxProperties": lambda self, _: 1,
        "anyOf": lambda self, depth: self._list(depth),
        "oneOf": lambda self, depth: self._list(depth),
        "allOf": lambda self, depth: self._list(depth),
        "not": lambda self, depth: self.schema(depth),
        "$ref": lambda self, _: self._one_of("#/$defs/A", "#/$defs/B"),
    }  # fmt: skip


VALUES: list[Any] = [
    None, True, 0, 1, 2, 1.0, 0.5, 2**70, "", "a", "ab", "b", [], [1], ["a"], ["a", 1], [[1]], [None, None],
    {}, {"a": 1}, {"a": "a"}, {"b": None}, {"a": {"a": "a"}}, {"b": ["a"], "a": 1}, {'q"': 1},
    {"a": [1], "c": {"a": 1}},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_the_decision_never_changes_the_answer(seed: int) -> None:
    """Of ten random schemas that refer to each other, whoever checks which part of them: JSON Schema's answer."""
    made = Schemas(seed)
    definitions = {"A": {"type": "object", "properties": made._named(1)}, "B": made.schema(1)}
    definitions = json.loads(json.dumps(definitions).replace('"$ref": "#/$defs/B"', '"$ref": "#/$defs/A"'))
    for _ in range(10):
        schema = made.schema()
        whole = {**schema, "$defs": definitions} if isinstance(schema, dict) else schema
        validator, check = Draft202012Validator(whole), Check(schema, definitions)
        for value in VALUES:
            try:
                expected = validator.is_valid(value)
            except RecursionError:  # a definition that is nothing but itself is refused before
                break
            assert (check.problem(value) is None) == expected, (schema, definitions, value)


def test_decisions_say_what_they_decide() -> None:
    """Each part of a type is what it was made from."""
    tuples = {"type": "array", "prefixItems": [TEXT], "minItems": 1, "maxItems": 1}
    found: Decision = decide({"type": "object", "properties": {"t": tuples}}, {})
    assert found.type == Record((("t", TupleOf((Plain("string"),)), False),))


def test_every_keyword_that_jsonschema_checks_is_known() -> None:
    """Or one could be taken for what only tells people something."""
    frames = {"format", "unevaluatedItems", "$recursiveRef"}
    assert Draft202012Validator.VALIDATORS.keys() - frames <= KEYWORDS
