"""JSON Schemas as shapes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from made_up import DEFS, SCHEMAS

from microagent.schemas.reading import Reading, Readings, shape
from microagent.schemas.shapes import (
    ROOT,
    Anything,
    Array,
    Documentation,
    Field,
    Mapping,
    Nothing,
    Object,
    OneOfValues,
    Scalar,
    Shape,
    Tuple,
    TypeName,
    TypeRef,
    Union,
)

TEXT, INTEGER, NUMBER, NULL = Scalar("string"), Scalar("integer"), Scalar("number"), Scalar("null")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, Anything()),
        (True, Anything()),
        (False, Nothing()),
        ({"description": "D", "default": 1, "x-y": 2}, Anything()),
        ({"type": "string", "format": "date"}, TEXT),
        ({"type": "boolean"}, Scalar("boolean")),
        ({"type": ["number", "null"]}, Union((NUMBER, NULL))),
        ({"type": ["integer", "number"]}, NUMBER),
        ({"type": ["string"]}, TEXT),
        ({"type": "array"}, Array(Anything())),
        ({"type": "array", "items": {"type": ["integer", "null"]}}, Array(Union((INTEGER, NULL)))),
        ({"items": {"type": "string"}}, Array(TEXT)),
        ({"type": "array", "items": False}, Array(Nothing())),
        ({"type": "object"}, Mapping(Anything())),
        ({"type": "object", "additionalProperties": {"type": "string"}}, Mapping(TEXT)),
        ({"enum": ["a", 1, None, True]}, OneOfValues(("a", 1, None, True))),
        ({"enum": [1, True, 1.0]}, OneOfValues((1, True))),
        ({"type": "string", "enum": ["a", None, 1]}, OneOfValues(("a",))),
        ({"type": "string", "enum": [1]}, Nothing()),
        ({"const": 2.0}, OneOfValues((2,))),
        ({"const": 1, "enum": [1, 2]}, OneOfValues((1,))),
        ({"enum": ["a", 0.5, [1], {}]}, Union((OneOfValues(("a",)), NUMBER, Array(Anything()), Mapping(Anything())))),
        ({"const": []}, Array(Anything())),
    ],
)
def test_types_and_values_are_read(schema: Any, expected: Shape) -> None:
    """What a type can say is said; a value that no Literal can hold widens it."""
    assert shape(schema).shape == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "minLength": 1}, TEXT),
        ({"type": "array", "uniqueItems": True, "contains": {"const": 1}}, Array(Anything())),
        ({"minimum": 0}, Anything()),
        ({"required": ["a"]}, Anything()),
        ({"additionalProperties": False}, Anything()),
        ({"type": "string", "not": {"const": "a"}}, TEXT),
        ({"type": "string", "if": {"minLength": 1}, "then": {"pattern": "a"}, "else": False}, TEXT),
        ({"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}}, Mapping(Anything())),
        ({"type": "object", "unevaluatedProperties": False}, Mapping(Anything())),
        ({"$ref": "https://example.com"}, Anything()),
        ({"$ref": "#/nowhere"}, Anything()),
        ({"enum": ["x" * 1_000]}, TEXT),
        ({"const": -(2**63)}, INTEGER),
        ({"enum": [1e300, 2**63, "a"]}, Union((INTEGER, OneOfValues(("a",))))),
        ({"enum": [*range(1_000)]}, INTEGER),
    ],
)
def test_what_no_type_can_say_leaves_a_wider_shape(schema: Any, expected: Shape) -> None:
    """It is checked at run time."""
    assert shape(schema).shape == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"prefixItems": [{"type": "string"}, {}], "items": False, "minItems": 2}, Tuple((TEXT, Anything()))),
        ({"prefixItems": [{"type": "string"}], "minItems": 1, "maxItems": 1}, Tuple((TEXT,))),
        ({"prefixItems": [{"type": "string"}], "items": False}, Array(TEXT)),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "null"}}, Array(Union((TEXT, NULL)))),
        ({"prefixItems": [{"type": "string"}]}, Array(Anything())),
    ],
)
def test_arrays_of_one_length_are_tuples(schema: Any, expected: Shape) -> None:
    """Others are lists of whatever may be at one of their places."""
    assert shape(schema).shape == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, Union((TEXT, NULL))),
        ({"oneOf": [{"const": "a"}, {"const": "b"}]}, OneOfValues(("a", "b"))),
        ({"anyOf": [{"const": "a"}, {"type": "string"}]}, TEXT),
        ({"anyOf": [{"type": "string"}, {}]}, Anything()),
        ({"anyOf": [{"type": "string"}, False]}, TEXT),
        ({"type": "string", "anyOf": [{"minLength": 1}, {"pattern": "a"}]}, TEXT),
        ({"type": ["string", "null"], "anyOf": [{"type": "string"}, {"type": "integer"}]}, TEXT),
        ({"allOf": [{"type": ["string", "null"]}, {"type": ["null", "integer"]}]}, NULL),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, INTEGER),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, Nothing()),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, OneOfValues((2,))),
        (
            {"allOf": [{"items": {"type": "integer"}}, {"type": "array", "items": {"enum": [1, "a"]}}]},
            Array(OneOfValues((1,))),
        ),
        ({"anyOf": [{"type": "integer"}], "oneOf": [{"type": "number"}, {"type": "null"}]}, INTEGER),
    ],
)
def test_combinations_are_put_together(schema: Any, expected: Shape) -> None:
    """``allOf`` takes what all have in common, ``anyOf`` and ``oneOf`` are one or the other."""
    assert shape(schema).shape == expected


def fields(reading: Reading, key: Any = ROOT) -> dict[str, tuple[Shape, bool]]:
    """The properties of an object, each with its shape and whether it is required."""
    found = reading.named_types[key].shape
    assert isinstance(found, Object)
    return {each.name: (each.shape, each.required) for each in found.fields}


def test_an_object_has_its_properties_in_order() -> None:
    """Each with its shape, whether it is required, and what is said of it."""
    schema = {
        "properties": {
            "b": {"type": "string", "description": "B.", "deprecated": True, "default": "x", "examples": ["y", 1]},
            "a": {"type": "integer", "readOnly": True},
            "any": True,
        },
        "required": ["a", "unlisted"],
        "description": "An object.",
        "title": "Thing",
    }
    reading = shape(schema)
    assert isinstance(reading.shape, TypeRef)
    known = reading.named_types[reading.shape.key]
    assert known.shape == Object(
        (
            Field("b", TEXT, required=False),
            Field("a", INTEGER, required=True),
            Field("any", Anything(), required=False),
            Field("unlisted", Anything(), required=True),
        )
    )
    assert isinstance(known.shape, Object)
    assert known.shape.fields[0].documentation == Documentation(
        "", "B.", deprecated=True, default='"x"', examples=('"y"', "1")
    )
    assert known.shape.fields[1].documentation == Documentation(read_only=True)
    assert known.documentation == Documentation("Thing", "An object.")
    assert known.names == (TypeName(),)


def test_other_properties_are_told_apart() -> None:
    """Nothing said of them, refused, of any shape, of one shape, of those of patterns."""

    def extra(**said: Any) -> tuple[Shape | None, bool]:
        found = shape({"properties": {"a": {}}, **said}).object
        assert found is not None
        return found.extra, found.closed

    text = {"type": "string"}
    assert extra() == (None, False)
    assert extra(additionalProperties=False) == (None, True)
    assert extra(additionalProperties=True) == (Anything(), False)
    assert extra(additionalProperties=text) == (TEXT, False)
    assert extra(patternProperties={"^x": text}) == (Anything(), False)
    assert extra(patternProperties={"^x": text}, additionalProperties=False) == (TEXT, False)
    assert extra(patternProperties={"^x": text}, additionalProperties={"type": "null"}) == (Union((NULL, TEXT)), False)


def test_a_payload_is_an_object_whatever_its_schema_says() -> None:
    """One without any property is an object that names none."""
    for schema in ({}, {"type": ["object", "null"]}, {"type": "object"}, True):
        assert shape(schema, payload=True).object == Object(())
    assert shape({"additionalProperties": True}, payload=True).shape == Mapping(Anything())
    assert shape({"type": "string"}, payload=True).shape == Nothing()


def test_all_of_is_one_object() -> None:
    """With the properties of all, each with what all say of it, and required if one requires it."""
    definitions = {
        "Base": {"type": "object", "properties": {"id": {"type": ["integer", "null"]}, "of": {"type": "string"}}},
        "Part": {"properties": {"id": {"type": "integer"}}, "required": ["of"]},
    }
    schema = {
        "allOf": [{"$ref": "#/$defs/Base"}, {"$ref": "#/$defs/Part"}, {"properties": {"own": {"type": "null"}}}],
        "required": ["own"],
    }
    reading = shape(schema, definitions, payload=True)
    assert fields(reading) == {"id": (INTEGER, False), "of": (TEXT, True), "own": (NULL, True)}


def test_fewer_types_make_another_shape_of_a_definition() -> None:
    """Here or there: what is referred to keeps all that it had, whatever is read first."""
    definitions = {"Id": {"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}}
    all_of_them, number = {"$ref": "#/$defs/Id"}, {"$ref": "#/$defs/Id", "type": ["number", "null"]}
    shapes = {"all": Union((TEXT, NUMBER, NULL)), "some": Union((NUMBER, NULL))}
    for names in (("all", "some"), ("some", "all")):
        found = {"all": all_of_them, "some": number}
        reading = shape({"properties": {name: found[name] for name in names}}, definitions, payload=True)
        assert fields(reading) == {name: (shapes[name], False) for name in names}


def test_a_definition_with_more_is_called_after_its_place() -> None:
    """It is no more what the definition is, though there is no object that says both."""
    definitions = {"Base": {"properties": {"x": {"$ref": "#/$defs/Thing"}}}, "Thing": {"properties": {"y": {}}}}
    more = {"properties": {"x": {"properties": {"z": {}}}}}
    reading = shape({"properties": {"at": {"allOf": [{"$ref": "#/$defs/Base"}, more]}}}, definitions, payload=True)
    assert [known.names[0] for known in reading.named_types.values()] == [
        TypeName(),
        TypeName(path=("at",)),
        TypeName(path=("at", "x")),
    ]


def test_alternatives_share_what_stands_beside_them() -> None:
    """Each is an object with the properties of all and its own, called by the value that tells it apart."""
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "oneOf": [
            {"properties": {"kind": {"const": "circle"}, "radius": {"type": "number"}}, "required": ["kind"]},
            {"properties": {"kind": {"const": "square"}}, "required": ["kind"]},
        ],
    }
    reading = shape(schema, payload=True)
    union = reading.named_types[ROOT].shape
    assert isinstance(union, Union)
    circle, square = (option for option in union.options if isinstance(option, TypeRef))
    assert reading.named_types[circle.key].names == (TypeName(path=("|", "circle")),)
    assert fields(reading, circle.key) == {
        "id": (INTEGER, False),
        "kind": (OneOfValues(("circle",)), True),
        "radius": (NUMBER, False),
    }
    assert fields(reading, square.key) == {"id": (INTEGER, False), "kind": (OneOfValues(("square",)), True)}
    assert reading.object == Object(
        (
            Field("id", INTEGER, required=False),
            Field("kind", OneOfValues(("circle", "square")), required=True),
            Field("radius", NUMBER, required=False),
        )
    )


def test_alternatives_that_only_require_leave_one_object() -> None:
    """Which properties go together is checked at run time."""
    schema = {"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"type": "object", "required": ["b"]}]}
    assert fields(shape(schema, payload=True)) == {"a": (Anything(), False), "b": (Anything(), False)}


def test_choices_that_multiply_are_partly_left_to_the_runtime() -> None:
    """Ten times ten times ten alternatives are no type."""
    choice = {"anyOf": [{"properties": {"k": {"const": n}}} for n in range(10)]}
    reading = shape({"type": "object", "allOf": [choice, choice, choice]})
    assert len(reading.named_types) <= 100


def test_objects_are_known_by_their_places() -> None:
    """Each once, however often it is referred to; called by title, definition, or the way from there."""
    definitions = {"A": {"type": "object", "properties": {"in": {"properties": {"x": {}}}}}, "B": {"$ref": "#/$defs/A"}}
    schema = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/A", "description": "The first."},
            "b": {"$ref": "#/$defs/B"},
            "list": {"type": "array", "items": {"allOf": [{"$ref": "#/$defs/A"}]}},
            "own": {"type": "array", "items": {"title": "Own thing", "properties": {"y": {"properties": {"z": {}}}}}},
            "more": {"type": "object", "additionalProperties": {"properties": {"x": {}}}},
        },
    }
    reading = shape(schema, definitions, payload=True)
    of_file = TypeRef(((True, ("$defs", "A")),))
    found = fields(reading)
    assert found["a"][0] == found["b"][0] == of_file
    assert found["list"][0] == Array(of_file)
    assert [known.names[0] for known in reading.named_types.values()] == [
        TypeName(),
        TypeName(("A",)),
        TypeName(path=("Own thing",)),
        TypeName(path=("more", "{}")),
        TypeName(("A",), path=("in",)),
        TypeName(path=("Own thing", "y")),
    ]


def test_a_chosen_class_name_comes_first() -> None:
    """Then the name of the definition, which has no need of a title."""
    definitions = {"A": {"title": "Aaa", "class_name": "Chosen", "properties": {"x": {}}}}
    (known,) = shape({"$ref": "#/$defs/A"}, definitions).named_types.values()
    assert known.names == (TypeName(("Chosen",), is_class_name=True), TypeName(("A",)))


def test_an_object_inside_itself_is_a_recursion() -> None:
    """Directly, by way of another one, in arrays and among other types."""
    definitions = {
        "A": {
            "type": "object",
            "properties": {"b": {"$ref": "#/$defs/B"}, "me": {"type": "array", "items": {"$ref": "#/$defs/A"}}},
        },
        "B": {"type": ["object", "null"], "properties": {"a": {"$ref": "#/$defs/A"}, "top": {"$ref": "#"}}},
    }
    a, b = TypeRef(((True, ("$defs", "A")),)), TypeRef(((True, ("$defs", "B")),))
    reading = shape({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}, definitions, payload=True)
    assert fields(reading, a.key) == {"b": (Union((b, NULL)), False), "me": (Array(a), False)}
    assert fields(reading, b.key) == {"a": (a, False), "top": (Anything(), False)}
    assert fields(shape({"properties": {"me": {"$ref": "#"}}}, payload=True)) == {"me": (TypeRef(ROOT), False)}


def test_a_recursion_without_an_object_has_a_name_too() -> None:
    """Any JSON value is one of arrays and objects of any JSON value."""
    inner = {"$ref": "#/$defs/Json"}
    json = {
        "anyOf": [
            {"type": "array", "items": inner},
            {"type": "object", "additionalProperties": inner},
            {"type": "null"},
        ]
    }
    reading = shape(inner, {"Json": json})
    assert isinstance(reading.shape, TypeRef)
    known = reading.named_types[reading.shape.key]
    assert (known.shape, known.names) == (
        Union((Array(reading.shape), Mapping(reading.shape), NULL)),
        (TypeName(("Json",)),),
    )


def test_a_definition_of_values_or_objects_to_choose_from_has_a_name() -> None:
    """Small ones stand where they are used."""
    definitions = {
        "Colour": {"enum": ["red", "blue"]},
        "Id": {"type": "string"},
        "Ids": {"type": "array", "items": {"$ref": "#/$defs/Id"}},
    }
    properties = {name.lower(): {"$ref": f"#/$defs/{name}"} for name in definitions}
    reading = shape({"properties": properties}, definitions, payload=True)
    colour = TypeRef(((True, ("$defs", "Colour")),))
    assert fields(reading) == {"colour": (colour, False), "id": (TEXT, False), "ids": (Array(TEXT), False)}
    assert reading.named_types[colour.key].shape == OneOfValues(("red", "blue"))


def test_a_very_long_chain_of_references_is_read_to_its_end() -> None:
    """No RecursionError, however long it is, through objects and from one reference to the next."""
    chain: dict[str, Any] = {f"D{n}": {"properties": {"x": {"$ref": f"#/$defs/D{n + 1}"}}} for n in range(2_000)}
    assert len(shape({"$ref": "#/$defs/D0"}, {**chain, "D2000": {"type": "string"}}).named_types) == 2_000
    direct: dict[str, Any] = {f"D{n}": {"$ref": f"#/$defs/D{n + 1}"} for n in range(900)}
    assert shape({"$ref": "#/$defs/D0"}, {**direct, "D900": {"type": "string"}}).shape == TEXT
    arrays: dict[str, Any] = {f"D{n}": {"items": {"$ref": f"#/$defs/D{n + 1}"}} for n in range(2_000)}
    shape({"$ref": "#/$defs/D0"}, {**arrays, "D2000": {"type": "string"}})


def test_definitions_that_multiply_are_read_once_each() -> None:
    """Thirty definitions that refer to the next one twice are thirty objects."""
    both = ("a", "b")
    definitions: dict[str, Any] = {
        f"D{n}": {"properties": {key: {"$ref": f"#/$defs/D{n + 1}"} for key in both}} for n in range(30)
    }
    assert len(shape({"$ref": "#/$defs/D0"}, {**definitions, "D30": {"type": "string"}}).named_types) == 30
    arrays: dict[str, Any] = {
        f"D{n}": {
            "anyOf": [
                {"items": {"$ref": f"#/$defs/D{n + 1}"}},
                {"additionalProperties": {"$ref": f"#/$defs/D{n + 1}"}, "type": "object"},
            ]
        }
        for n in range(100)
    }
    assert len(shape({"$ref": "#/$defs/D0"}, {**arrays, "D100": {"type": "string"}}).named_types) <= 100


@given(st.lists(SCHEMAS, min_size=1, max_size=3), st.lists(SCHEMAS, min_size=2, max_size=2))
@example([{}], [{"type": "null"}, {"prefixItems": [{"properties": {"a": {"type": "null"}}}]}])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_payloads_share_is_read_as_if_each_were_alone(payloads: list[Any], more: list[Any]) -> None:
    """Whichever of them comes first."""
    definitions = {**DEFS, **dict(zip("XY", more, strict=True))}
    schemas = [{"properties": {"a": each, "b": {"$ref": "#/$defs/X"}, "c": {"$ref": "#/$defs/Y"}}} for each in payloads]
    readings = Readings()
    for schema in (*schemas, *schemas[::-1], {"$ref": "#/$defs/X"}):
        assert readings.payload(schema, definitions, {}) == shape(schema, definitions, payload=True)


def test_what_is_called_alike_and_is_something_else_is_not_shared() -> None:
    """Two declarations may each have a definition of one name."""
    readings, schema = Readings(), {"properties": {"x": {"$ref": "#/$defs/X"}}}
    for kind, expected in (("string", TEXT), ("integer", INTEGER)):
        reading = readings.payload(schema, {"X": {"type": kind}}, {})
        assert fields(reading) == {"x": (expected, False)}


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "string"}, (str,)),
        ({"type": ["number", "null"]}, (int, float, type(None))),
        ({"type": ["array", "object", "boolean"]}, (list, dict, bool)),
        ({"enum": ["a", "b", 1]}, (str, int)),
        ({"properties": {"a": {}}}, (dict,)),
        ({"anyOf": [{"type": "string"}, {"prefixItems": [{}], "minItems": 1, "maxItems": 1}]}, (str, list)),
        ({}, ()),
    ],
)
def test_shapes_have_classes_of_python(schema: Any, types: tuple[type, ...]) -> None:
    """As the ``type_map`` of 1.7 gave them."""
    reading = shape(schema)
    assert reading.python_types(reading.shape) == types
