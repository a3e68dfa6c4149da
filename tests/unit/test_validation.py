"""Whether a value fits its schema."""

import json
import math
import sys
from decimal import Decimal
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import VALUES as MADE_UP

from microagent.codec import decode, encode
from microagent.schemas.validation import Check
from microagent.schemas.words import Schema

ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        "level": {"enum": ["low", "high"]},
        "note": {"type": ["string", "null"]},
    },
    "required": ["id"],
}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"id": 1, "lines": [{"sku": "a"}], "level": "low", "note": None, "more": 1}, None),
        ({"id": 1.0}, None),
        ({"id": True}, "$.id: expected an integer, got a boolean"),
        ({"id": "secret"}, "$.id: expected an integer, got a string"),
        ({"id": 1, "lines": [{}, {"sku": 5}]}, "$.lines[1].sku: expected a string, got an integer"),
        ({"id": 1, "level": "secret"}, '$.level: expected one of ["low", "high"]'),
        ({"id": 1, "note": 1}, "$.note: expected a string or null, got an integer"),
        ({"lines": []}, "$: 'id' is missing"),
        ([], "$: expected an object, got an array"),
        ({"id": {1}}, "$.id: JSON has no set"),
    ],
)
def test_a_problem_is_one_sentence_with_its_path(value: Any, sentence: str | None) -> None:
    """It says what was expected where, and never what the value was: that may be a secret."""
    assert Check(ORDER).problem(value) == sentence


@pytest.mark.parametrize(
    ("schema", "good", "bad", "sentence"),
    [
        ({"minimum": 0}, 0, -1, "$: does not fit minimum: 0"),
        ({"type": "string", "pattern": "^a"}, "ab", "b", '$: does not fit pattern: "^a"'),
        ({"type": "number"}, 1, True, "$: expected a number, got a boolean"),
        ({"const": "a"}, "a", "b", '$: expected "a"'),
        ({"enum": [0.5, [1]]}, [1], 1, "$: expected one of [0.5, [1]]"),
        ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, 6, 4, "$: fits no alternative of anyOf"),
        ({"oneOf": [{}, {"type": "string"}]}, 1, "a", "$: fits no alternative of oneOf, or more than one"),
        ({"not": {"type": "string"}}, 1, "a", "$: is refused by not"),
        ({"properties": {"a": False}}, {}, {"a": 1}, "$: nothing is allowed here"),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, {"b": 1}, "$: unknown 'b'"),
        ({"type": "array", "uniqueItems": True}, [1, 2], [1, 1], "$: the items are not unique"),
        ({"type": "array", "minItems": 2}, [1, 2], [1], "$: expected at least 2 items"),
        (
            {"type": "array", "prefixItems": [{"type": "string"}]},
            ["a", 1],
            [1],
            "$[0]: expected a string, got an integer",
        ),
        ({"type": ["array", "object"], "items": {"type": "null"}}, {}, [1], "$[0]: expected null, got an integer"),
        (
            {"type": "object", "additionalProperties": {"type": "null"}},
            {"x": None},
            {"x": 1},
            "$.x: expected null, got an integer",
        ),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 2}, {"a": 1}, "$: 'a' needs 'b'"),
        (
            {"properties": {'a"b': {"type": "null"}}},
            {'a"b': None},
            {'a"b': 1},
            "$['a\"b']: expected null, got an integer",
        ),
        (False, None, 1, None),
    ],
)
def test_every_word_of_a_schema_is_checked(schema: Schema, good: Any, bad: Any, sentence: str | None) -> None:
    """What msgspec's types cannot say, jsonschema does."""
    check = Check(schema)
    if sentence is None:
        assert check.problem(bad) == "$: nothing is allowed here"
    else:
        assert (check.problem(good), check.problem(bad)) == (None, sentence)


def test_what_python_passes_for_json_is_judged_as_it_travels() -> None:
    """A tuple is an array by the time anybody reads it."""
    assert Check({"type": "array", "minItems": 2}).problem((1, 2)) is None


def test_references_lead_to_the_definitions_of_the_file() -> None:
    """Where the schema itself does not answer them; a definition refers to the file alone."""
    definitions = {
        "Tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}, "of": {"$ref": "#/$defs/X"}}},
        "X": {"type": "integer", "minimum": 1},
        "ü/~ %25": {"const": 5},
    }
    schema: dict[str, Any] = {"properties": {"tree": {"$ref": "#/$defs/Tree"}, "x": {"$ref": "#/$defs/X"}}}
    schema["$defs"] = {"X": {"const": "own"}}
    schema["properties"]["y"] = {"$ref": "#/$defs/%C3%BC~1~0%20%2525"}
    check = Check(schema, definitions)
    assert check.problem({"tree": {"left": {"left": {"of": 1}}}, "x": "own"}) is None
    assert check.problem({"tree": {"left": {"left": {"of": 0}}}}) == "$.tree.left.left.of: does not fit minimum: 1"
    assert check.problem({"y": 4}) == "$.y: expected 5"
    assert check.problem({"x": 1}) == '$.x: expected "own"'


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "https://example.com/x"}, "Unresolvable"),
        ({"pattern": "("}, "cannot be checked: a pattern is not a regular expression of ECMA-262: unclosed ("),
        ({"$ref": "#"}, "too deeply"),
    ],
)
def test_a_check_that_cannot_be_made_is_a_problem(schema: Schema, reason: str) -> None:
    """Nothing is fetched, nothing blows up: a schema that was never checked itself refuses with a sentence."""
    assert reason in (Check(schema).problem("a") or "")


@pytest.mark.parametrize("depth", range(20, 900, 40))
def test_deep_values_are_a_problem_but_never_a_crash(depth: int) -> None:
    """Wherever in its libraries the stack ends, a sentence comes out."""
    tree: dict[str, Any] = {}
    for _ in range(depth):
        tree = {"of": tree}
    check = Check(
        {"properties": {"of": {"$ref": "#/$defs/T"}}},
        {"T": {"properties": {"of": {"$ref": "#/$defs/T"}}, "not": False}},
    )
    assert check.problem(tree) in ({None} if depth < 40 else {None, "nested too deeply"})
    assert check.problem({"of": {}}) is None


def test_very_many_mistakes_are_found_in_no_time() -> None:
    """Of an array in which everything is wrong, the first mistakes are looked at."""
    check = Check({"type": "array", "items": {"type": "string", "minLength": 1}})
    assert check.problem([1] * 1_000_000) == "$[0]: expected a string, got an integer"


SCHEMAS: list[dict[str, Any]] = [
    {},
    ORDER,
    {"type": ["integer", "null"]},
    {"type": ["array", "object", "string"], "items": {"type": "integer"}, "properties": {"a": {"type": "null"}}},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": {}, "c": {"enum": ["x", 1, True, None]}}},
    {"type": "object", "properties": {'q"': {"type": "integer"}}, "required": ['q"']},
    {"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": False},
    {"enum": [True, 0, "x"]},
    {"const": None},
    {"type": "array", "items": {"type": ["number", "array"], "items": {"type": "boolean"}}},
    {"properties": {"a": {"type": "string", "maxLength": 1}}},
    {"enum": [2**70, "\ud800", 1]},
    {"properties": {"a": {"$ref": "#/$defs/A", "type": "string"}}, "$defs": {"A": {"enum": ["x", 1, None]}}},
    {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"$ref": "#"}},
]
VALUES: list[Any] = [
    None, True, False, 0, 1, 1.0, 1.5, 2**70, "", "x", "xy", [], [1], [True], [[True], 1.5], [[1]],
    {}, {"a": 1}, {"a": None}, {"a": "x"}, {"a": "xy"}, {"b": 1}, {"c": "x"}, {"c": 1}, {"c": 1.0}, {"c": "y"},
    {"a": {"a": {"a": {}}}}, {"a": {"a": {"b": {}}}}, {'q"': 1}, {'q"': "x"},
    {"id": 1, "lines": [{"sku": "a"}]}, {"id": 1, "lines": [{"sku": None}]}, {"id": 1, "level": "low", "note": ""},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_the_quick_check_agrees_with_jsonschema(schema: dict[str, Any]) -> None:
    """Whatever msgspec says first, the answer is that of JSON Schema."""
    from jsonschema import Draft202012Validator

    validator, check = Draft202012Validator(schema), Check(schema)
    for value in VALUES:
        assert (check.problem(value) is None) == validator.is_valid(value), value
        assert decode(encode(value)) == value


def test_a_yes_needs_no_jsonschema() -> None:
    """Processes that handle well-formed messages of generated contracts never import it."""
    program = (
        "import sys; from microagent.signal import Signal\n"
        's = Signal(\'a\', declared=\'{"payload":{"properties":{"x":{"type":"integer"}},"type":"object"}}\')\n'
        "assert s.problem({'x': 1}, sending=True) is None and s.decode(s.encode({'x': 1})) == {'x': 1}\n"
        "sys.exit('jsonschema' in sys.modules)"
    )
    assert run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False).returncode == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, Decimal(1), {1, 2}, b"a", {1: "a"}, {"a": [math.nan]}])
def test_what_json_cannot_say_fits_no_schema(value: Any) -> None:
    """Whatever msgspec or jsonschema would make of it: it could not travel."""
    for schema in ({}, {"type": "number"}, {"type": ["object", "array", "string", "number"]}, {"minimum": 0}):
        assert "JSON" in (Check(schema).problem(value) or "")


def test_formats_are_checked_when_that_is_asked_for() -> None:
    """Else they only tell people something; the value is a text in either case."""
    schema = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}
    good, bad = {"at": "2026-01-31T12:00:00Z"}, {"at": "2026-02-31T12:00:00Z"}
    assert Check(schema).problem(bad) is None
    assert Check(schema, formats=True).problem(good) is None
    assert Check(schema, formats=True).problem(bad) == '$.at: does not fit format: "date-time"'


def test_formats_that_nobody_knows_are_never_checked() -> None:
    """OpenAPI's ``int32`` refuses nothing."""
    assert Check({"type": "integer", "format": "int32"}, formats=True).problem(2**40) is None


@given(MADE_UP | st.dictionaries(st.sampled_from(["id", "lines", "level", "note"]), MADE_UP | st.just(1.0)))
def test_what_is_read_quickly_is_what_was_encoded_and_fits(value: Any) -> None:
    """Whatever else there is takes a closer look."""
    check = Check(ORDER, payload=True)
    if (read := check.read(encode(value))) is not None:
        assert read == value
        assert check.problem(value) is None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (ORDER, {"id": 1, "lines": [{"sku": "a"}], "level": "low", "note": None, "more": 1}),
        ({}, {"a": [1, {"b": None}]}),
        ({"properties": {"a": {"not": {"const": 1}}}}, {"a": 2}),
    ],
)
def test_most_of_what_comes_is_read_quickly(schema: Schema, value: Any) -> None:
    """Whoever checks it."""
    assert Check(schema, payload=True).read(encode(value)) == value


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[1]", b"null", b"[" * 10_000, b'{"id": 1} x', b'{"id": NaN}'])
def test_nothing_is_read_quickly_of_what_is_no_object(raw: bytes) -> None:
    """It takes a closer look to say what is wrong."""
    assert Check({}, payload=True).read(raw) is None
