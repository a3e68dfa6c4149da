"""What a JSON Schema is in Python."""

import pytest

from microagent.reading import shape
from microagent_gen.pytypes import annotation
from microagent_gen.records import Records


def annotated(schema):
    """The annotation of a schema, and the names of the classes that it needs."""
    found = shape(schema).shape
    records = Records("Order", lambda name: name)
    records.add(found)
    return annotation(found, records.names), [record.name for record in records.found]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "_t.Any"),
        (True, "_t.Any"),
        ({"type": "string"}, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "int | float"),
        ({"type": "boolean"}, "bool"),
        ({"type": "null"}, "None"),
        ({"type": "array"}, "list[_t.Any]"),
        ({"type": "object"}, "dict[str, _t.Any]"),
        ({"type": ["number", "null"]}, "int | float | None"),
        ({"type": ["integer", "number"]}, "int | float"),
        ({"type": ["array", "string"], "items": {"type": ["integer", "null"]}}, "list[int | None] | str"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "dict[str, bool]"),
        ({"enum": ["a", 1, True, None]}, '_t.Literal["a", 1, True, None]'),
        ({"const": -1}, "_t.Literal[-1]"),
        ({"enum": [1.5, "a"]}, "_t.Any"),
        ({"oneOf": [{"type": "string"}]}, "_t.Any"),
        ({"type": "string", "pattern": "^a"}, "str"),
    ],
)
def test_annotation_says_what_the_schema_allows(schema, text):
    """Every schema has an annotation that none of its values contradicts."""
    assert annotated(schema) == (text, [])


@pytest.mark.parametrize(
    ("schema", "text", "classes"),
    [
        ({"properties": {"a": {}}}, "Order", ["Order"]),
        ({"type": "array", "items": {"properties": {"a": {}}}}, "list[OrderItem]", ["OrderItem"]),
        (
            {"additionalProperties": {"properties": {"a": {}}}, "type": "object"},
            "dict[str, OrderValue]",
            ["OrderValue"],
        ),
        ({"properties": {"a": {}}, "additionalProperties": True}, "Order | dict[str, _t.Any]", ["Order"]),
        (
            {"properties": {"a": {"properties": {"b-c": {"properties": {"d": {}}}}}}},
            "Order",
            ["OrderABC", "OrderA", "Order"],
        ),
        (
            {"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}}},
            "OrderNode",
            ["OrderNode"],
        ),
    ],
)
def test_objects_with_properties_are_classes(schema, text, classes):
    """An object that names its properties is a class; what is inside comes first."""
    assert annotated(schema) == (text, classes)


def test_annotations_are_never_deeper_than_python_reads():
    """A hundred arrays in each other are an annotation that Python can read, Any at the bottom."""
    schema = {"type": "string"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    text, _ = annotated(schema)
    assert compile(text, "annotation", "eval")
    assert text.startswith("list[list[")
    assert text.rstrip("]").endswith("_t.Any")
