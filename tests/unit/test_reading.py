"""JSON Schemas as shapes."""

from typing import Any

import pytest

from microagent.reading import Reading, shape
from microagent.shapes import Anything, Array, Field, Mapping, Object, OneOfValues, Recursion, Scalar, Shape, Union

TEXT, INTEGER, NUMBER, NULL = Scalar("string"), Scalar("integer"), Scalar("number"), Scalar("null")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, Anything()),
        (True, Anything()),
        ({"description": "D", "default": 1, "x-y": 2}, Anything()),
        ({"type": "string", "format": "date"}, TEXT),
        ({"type": "boolean"}, Scalar("boolean")),
        ({"type": ["number", "null"]}, Union((NUMBER, NULL))),
        ({"type": ["integer", "number"]}, NUMBER),
        ({"type": ["string"]}, TEXT),
        ({"type": "array"}, Array(Anything())),
        ({"type": "array", "items": {"type": ["integer", "null"]}}, Array(Union((INTEGER, NULL)))),
        ({"items": {"type": "string"}}, Array(TEXT)),
        ({"type": "object"}, Mapping(Anything())),
        ({"type": "object", "additionalProperties": {"type": "string"}}, Mapping(TEXT)),
        ({"type": "object", "additionalProperties": False}, Object((), closed=True)),
        ({"enum": ["a", 1, None, True]}, OneOfValues(("a", 1, None, True))),
        ({"enum": [1, True, 1.0]}, OneOfValues((1, True))),
        ({"type": "string", "enum": ["a", None, 1]}, OneOfValues(("a",))),
        ({"const": 2.0}, OneOfValues((2,))),
    ],
)
def test_types_are_read_exactly(schema: Any, expected: Shape) -> None:
    """What a type can say is said, and what fits the shape fits the schema."""
    assert shape(schema) == Reading(expected)


def test_an_object_has_its_properties_in_order() -> None:
    """Each with its shape, whether it is required, and what is said of it."""
    schema = {
        "properties": {
            "b": {"type": "string", "description": "B.", "deprecated": True},
            "a": {"type": "integer"},
            "any": True,
        },
        "required": ["a", "unlisted"],
        "description": "An object.",
    }
    assert shape(schema).shape == Object(
        (
            Field("b", TEXT, required=False, description="B.", deprecated=True),
            Field("a", INTEGER, required=True),
            Field("any", Anything(), required=False),
            Field("unlisted", Anything(), required=True),
        ),
        description="An object.",
    )


def test_other_properties_are_told_apart() -> None:
    """Nothing said of them, refused, of any shape, of one shape."""

    def extra(**said: Any) -> tuple[Shape | None, bool]:
        found = shape({"properties": {"a": {}}, **said}).shape
        assert isinstance(found, Object)
        return found.extra, found.closed

    assert extra() == (None, False)
    assert extra(additionalProperties=False) == (None, True)
    assert extra(additionalProperties=True) == (Anything(), False)
    assert extra(additionalProperties={"type": "string"}) == (TEXT, False)


def test_a_payload_is_an_object_whatever_its_schema_says() -> None:
    """One without any property is an object that names none."""
    assert shape({}, payload=True).shape == Object(())
    assert shape({"type": ["object", "null"]}, payload=True).shape == Object(())
    assert shape({"additionalProperties": True}, payload=True).shape == Mapping(Anything())


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "minLength": 1}, TEXT),
        ({"type": "number", "minimum": 0}, NUMBER),
        ({"type": "array", "uniqueItems": True}, Array(Anything())),
        ({"minimum": 0}, Anything()),
        ({"required": ["a"]}, Anything()),
        ({"additionalProperties": False}, Anything()),
        (False, Anything()),
        ({"type": "string", "enum": [1]}, Anything()),
        ({"const": 1, "enum": [1, 2]}, Anything()),
    ],
)
def test_constraints_leave_a_wider_shape(schema: Any, expected: Shape) -> None:
    """What no type can say makes the reading inexact, and nothing is ignored."""
    assert shape(schema) == Reading(expected, exact=False)


@pytest.mark.parametrize(
    "word",
    ["allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas", "unevaluatedProperties"],
)
def test_words_that_are_not_read_make_it_anything(word: str) -> None:
    """Never a wrong type: ``Anything`` there, and the word is listed with its place."""
    schema = {"properties": {"x": {"type": "object", "properties": {"y": {}}, word: {}}, "z": {"type": "string"}}}
    found = shape(schema)
    assert found.shape == Object((Field("x", Anything(), required=False), Field("z", TEXT, required=False)))
    assert (found.ignored, found.exact) == ((("/properties/x", word),), False)


@pytest.mark.parametrize(
    ("schema", "expected", "word"),
    [
        ({"type": "array", "prefixItems": [{}]}, Array(Anything()), "prefixItems"),
        ({"type": "array", "items": [{}]}, Array(Anything()), "items"),
        ({"enum": ["a", 0.5]}, Anything(), "enum"),
        ({"const": []}, Anything(), "const"),
        ({"$ref": "https://example.com"}, Anything(), "$ref"),
        ({"$ref": "#/nowhere"}, Anything(), "$ref"),
        ({"$ref": "#/$defs/X", "properties": {"y": {}}, "$defs": {"X": {"type": "object"}}}, Anything(), "$ref"),
    ],
)
def test_other_words_that_are_not_read_are_listed(schema: Any, expected: Shape, word: str) -> None:
    """Tuples, values that no Literal can hold, references that lead nowhere or say only half."""
    assert shape(schema) == Reading(expected, (("", word),), exact=False)


def test_a_type_beside_a_reference_is_no_obstacle() -> None:
    """It can only refuse some of what the reference takes."""
    assert shape({"type": "string", "$ref": "#/$defs/X"}, {"X": {"type": "string"}}) == Reading(TEXT, exact=False)


def test_a_long_chain_of_references_comes_to_an_end() -> None:
    """No RecursionError, however long it is."""
    chain = {f"D{n}": {"properties": {"x": {"$ref": f"#/$defs/D{n + 1}"}}} for n in range(1_000)}
    found = shape({"$ref": "#/$defs/D0"}, {**chain, "D1000": {}})
    assert (found.exact, found.ignored) == (False, (("/$defs/D60/properties/x", "$ref"),))


def test_a_reference_is_read_in_its_place() -> None:
    """One of the payload before one of the file; its key names where the object is defined."""
    definitions = {"A": {"type": "object", "properties": {"of": {"const": "file"}}}, "B": {"$ref": "#/$defs/A"}}
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/definitions/B"}},
        "$defs": {"A": {"type": "object", "properties": {"of": {"const": "payload"}}}},
    }
    found = shape(schema, definitions).shape
    assert isinstance(found, Object)
    own, of_file = (field.shape for field in found.fields)
    assert own == Object((Field("of", OneOfValues(("payload",)), required=False),), key=("#", "$defs", "A"))
    assert of_file == Object((Field("of", OneOfValues(("file",)), required=False),), key=("$defs", "A"))


def test_keys_tell_all_objects_of_a_payload_apart() -> None:
    """The path of properties, with steps of their own for items and other values, and for names like these steps."""
    inner = {"type": "object", "properties": {"x": {}}}
    schema = {
        "type": "object",
        "properties": {
            "meta": {"type": "object", "properties": {"geo": inner}},
            "both": {"type": ["array", "object"], "items": inner, "properties": {"[]": inner}},
            "more": {"type": "object", "additionalProperties": inner},
            "$defs": inner,
        },
    }

    def keys(found: Shape) -> list[tuple[str, ...]]:
        match found:
            case Object(fields, extra, key=key):
                return [key, *(each for field in fields for each in keys(field.shape)), *(keys(extra) if extra else [])]
            case Array(inside) | Mapping(inside):
                return keys(inside)
            case Union(options):
                return [key for option in options for key in keys(option)]
            case _:
                return []

    assert keys(shape(schema).shape) == [
        (),
        ("meta",),
        ("meta", "geo"),
        ("both", "[]"),
        ("both",),
        ("both", "properties/[]"),
        ("more", "{}"),
        ("properties/$defs",),
    ]


def test_an_object_inside_itself_is_a_recursion() -> None:
    """A tree ends at the key of the object that encloses the place."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "up": {"$ref": "#/$defs/Node"}}}
    recursion = Recursion(("$defs", "Node"))
    expected = Object(
        (Field("next", recursion, required=False), Field("up", recursion, required=False)), key=("$defs", "Node")
    )
    assert shape({"$ref": "#/$defs/Node"}, {"Node": node}) == Reading(expected)


def test_a_recursion_keeps_the_other_types() -> None:
    """A node or null, inside itself, is the recursion or null."""
    node = {"type": ["object", "null"], "properties": {"next": {"$ref": "#"}}}
    expected = Object((Field("next", Union((Recursion(()), NULL)), required=False),))
    assert shape(node).shape == Union((expected, NULL))


def test_a_recursion_without_an_object_ends_as_anything() -> None:
    """Arrays of arrays of arrays have no name to come back to."""
    schema = {"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}}
    assert shape(schema) == Reading(Array(Array(Anything())), exact=False)


def test_definitions_that_multiply_come_to_an_end() -> None:
    """Reading stops following references after some thousands, and says so."""
    both = ("a", "b")
    definitions = {f"D{n}": {"properties": {key: {"$ref": f"#/$defs/D{n + 1}"} for key in both}} for n in range(30)}
    found = shape({"$ref": "#/$defs/D0"}, {**definitions, "D30": {}})
    assert not found.exact
    assert {word for _, word in found.ignored} == {"$ref"}
