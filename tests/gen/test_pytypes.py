"""What a JSON Schema is in Python."""

import pytest

from microagent.schemas.reading import shape
from microagent_gen.classes import Scope, classes
from microagent_gen.pytypes import annotation


def annotated(schema, definitions=None, *, payload=False):
    """The annotation of a schema, and what is defined for it: classes and aliases by name, in their order."""
    reading = shape(schema, definitions, payload=payload)
    found = classes([Scope("Order", reading, "signal 'order'")])
    records = [*found.shared, *found.own[0]]
    return annotation(reading.shape, found.names[0]), {record.name: record for record in records}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "_t.Any"),
        (True, "_t.Any"),
        (False, "_t.Never"),
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
        ({"enum": [1.5, "a"]}, 'int | float | _t.Literal["a"]'),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, "str | None"),
        ({"type": "string", "pattern": "^a"}, "str"),
        ({"prefixItems": [{"type": "string"}, {}], "minItems": 2, "maxItems": 2}, "tuple[str, _t.Any]"),
    ],
)
def test_annotation_says_what_the_schema_allows(schema, text):
    """Every schema has an annotation that none of its values contradicts."""
    assert annotated(schema) == (text, {})


@pytest.mark.parametrize(
    ("schema", "text", "names"),
    [
        ({"properties": {"a": {}}}, "Order", ["Order"]),
        ({"type": "array", "items": {"properties": {"a": {}}}}, "list[Order_Item]", ["Order_Item"]),
        (
            {"additionalProperties": {"properties": {"a": {}}}, "type": "object"},
            "dict[str, Order_Value]",
            ["Order_Value"],
        ),
        ({"properties": {"a": {}}, "additionalProperties": True}, "Order | dict[str, _t.Any]", ["Order"]),
        (
            {"properties": {"a": {"properties": {"b-c": {"properties": {"d": {}}}}}}},
            "Order",
            ["Order_A_BC", "Order_A", "Order"],
        ),
        (
            {"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}}},
            "Order_Node",
            ["Order_Node"],
        ),
        ({"title": "line item", "properties": {"a": {"properties": {"b": {}}}}}, "Order", ["Order_A", "Order"]),
        ({"items": {"title": "2nd", "properties": {"a": {}}}}, "list[Order_2nd]", ["Order_2nd"]),
        ({"title": "a", "class_name": "Chosen", "properties": {"a": {}}}, "Chosen", ["Chosen"]),
        ({"title": "a b", "class_name": "no class", "properties": {"a": {}}}, "NoClass", ["NoClass"]),
        (
            {"anyOf": [{"properties": {"k": {"const": "x"}}}, {"properties": {"l": {}}}]},
            "Order_X | Order_Option2",
            ["Order_X", "Order_Option2"],
        ),
    ],
)
def test_objects_with_properties_are_classes(schema, text, names):
    """An object that names its properties is a class, called by title, definition or place; what is inside is first."""
    found, records = annotated(schema)
    assert (found, list(records)) == (text, names)


def test_recursion_without_a_class_is_an_alias_that_names_itself():
    """What is not defined yet stands in quotes, inside brackets, so that Python can read it."""
    inner = {"$ref": "#/$defs/Json"}
    lists = {"type": "array", "items": {"anyOf": [inner, {"type": "null"}]}}
    objects = {"type": "object", "additionalProperties": inner}
    text, records = annotated(inner, {"Json": {"anyOf": [lists, objects, {"type": "string"}]}})
    assert text == "Json"
    assert records["Json"].alias == 'list["Json | None"] | dict[str, "Json"] | str'


def test_an_alias_stands_after_the_classes_that_it_names():
    """A class may come before, with quotes; an alias cannot."""
    definitions = {
        "Tree": {"oneOf": [{"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Leaf"}]},
        "Node": {
            "type": "object",
            "properties": {"kind": {"const": "node"}, "of": {"$ref": "#/$defs/Tree"}},
            "required": ["kind"],
        },
        "Leaf": {"type": "object", "properties": {"kind": {"const": "leaf"}}, "required": ["kind"]},
    }
    text, records = annotated({"$ref": "#/$defs/Tree"}, definitions)
    assert text == "Tree"
    assert list(records)[-1] == "Tree"
    assert (records["Tree"].alias, records["Tree"].doc) == ("Node | Leaf", 'Discriminated by "kind".')
    assert [entry.annotation for entry in records["Node"].entries] == ['_t.Literal["node"]', '_t.NotRequired["Tree"]']


def test_what_is_said_to_people_is_in_the_docstring():
    """The description or a title that says more than the name, the default, examples, and what is not for everybody."""
    schema = {
        "properties": {
            "a": {"title": "A", "default": [1], "examples": ["x", "y", "z", "more"]},
            "b": {"title": "Second letter", "readOnly": True, "deprecated": True},
            "c": {"title": "C", "description": "The third.", "writeOnly": True},
        }
    }
    entries = annotated(schema)[1]["Order"].entries
    assert [entry.doc for entry in entries] == [
        'Default: [1]\n\nFor example: "x", "y", "z"',
        "Second letter\n\nRead-only.\n\nDeprecated.",
        "The third.\n\nWrite-only.",
    ]


def test_annotations_are_never_deeper_than_python_reads():
    """A hundred arrays in each other are an annotation that Python can read, Any at the bottom."""
    schema = {"type": "string"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    text, _ = annotated(schema)
    assert compile(text, "annotation", "eval")
    assert text.startswith("list[list[")
    assert text.rstrip("]").endswith("_t.Any")
