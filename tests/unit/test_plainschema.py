"""Schemas with the usual words."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from microagent.plainschema import is_plain

WORDS: list[str] = [
    "$ref", "$defs", "type", "properties", "required", "additionalProperties", "items", "enum", "const",
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
    "format", "title", "description", "default", "examples", "deprecated",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 2.0, "", "string", "strin", [], {}, ["string"], ["string", "null"], ["string", "string"],
    ["x"], ["x", "x"], [1], {"x": True}, {"x": {}}, {"x": {"type": "integer"}}, {"x": {"type": "intger"}}, {"x": 1},
    {"x": {"required": ["a", "a"]}}, {"type": "string"}, {"type": 5}, [{}], 10**30,
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_plain_schema_is_a_valid_one(word: str) -> None:
    """Nothing passes that the metaschema would refuse, whatever a word is given."""
    validator = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    passed = [value for value in VALUES if is_plain({word: value})]
    assert passed, "the word is known"
    assert [value for value in passed if not validator.is_valid({word: value})] == []


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": True}, "required": ["a"]},
        {"$ref": "#/$defs/X", "$defs": {"X": {"enum": ["a", 1]}}, "description": "D", "default": None},
    ],
    ids=json.dumps,
)
def test_usual_schemas_are_plain(schema: Any) -> None:
    """What most people write needs no slow check."""
    assert is_plain(schema)


@pytest.mark.parametrize("schema", [{"anyOf": [{}]}, {"x-owner": "me"}, {"properties": {"a": {"pattern": "("}}}, 5])
def test_other_schemas_are_left_to_the_metaschema(schema: Any) -> None:
    """Not plain says nothing of whether it is valid."""
    assert not is_plain(schema)
