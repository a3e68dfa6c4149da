"""Schemas with the usual words."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft201909Validator, Draft202012Validator
from msgspec.structs import fields

from microagent.schemas.plainschema import Words, is_normal, is_plain, is_valid

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


VALIDATORS: dict[str, Any] = {
    "draft 7": Draft7Validator,
    "2019-09": Draft201909Validator,
    "2020-12": Draft202012Validator,
}
ODD = ["dependencies", "dependentRequired", "$vocabulary", "$recursiveRef", "$recursiveAnchor"]


@pytest.mark.parametrize("word", [*(each.encode_name for each in fields(Words)), *ODD])
@pytest.mark.parametrize("draft", VALIDATORS)
def test_what_is_recognised_as_valid_is_valid(draft: str, word: str) -> None:
    """To the metaschema of each draft, whatever a word is given, in the schema or in one inside it."""
    validator = VALIDATORS[draft](VALIDATORS[draft].META_SCHEMA)
    for value in VALUES:
        for schema in ({word: value}, {"properties": {"x": {"items": {word: value}}}}):
            if is_valid(schema, draft, takes_lists=draft != "2020-12"):
                assert validator.is_valid(schema), schema


@pytest.mark.parametrize("draft", VALIDATORS)
def test_what_people_write_is_recognised_as_valid(draft: str) -> None:
    """So that the slow check is for the few."""
    schema = {
        "$schema": "https://example.org/any",
        "anyOf": [{"allOf": [{"pattern": "a"}]}, {"if": {"const": 1}, "then": {"not": {}}}],
        "patternProperties": {"a": {"multipleOf": 0.5, "exclusiveMinimum": 0}},
        "items": {"$ref": "#/$defs/X", "contains": {"propertyNames": {"minLength": 1}}},
        "$defs": {"X": {"$id": "x", "x-own": 1, "enum": [1], "readOnly": True}},
    }
    assert is_valid(schema, draft, takes_lists=False)
    assert not is_valid({"type": "objekt"}, draft, takes_lists=False)
    assert not is_valid({"type": "\ud800"}, draft, takes_lists=False)


@pytest.mark.parametrize("draft", ["draft 4", "draft 6"])
def test_older_drafts_are_left_to_their_metaschemas(draft: str) -> None:
    """Whose words mean something else."""
    assert not is_valid({}, draft, takes_lists=True)


def test_what_refers_to_nothing_is_in_normal_form() -> None:
    """A plain schema without references stays as it is."""
    assert is_normal({"properties": {"$ref": {"type": "string"}}})
    assert not is_normal({"properties": {"x": {"$ref": "#"}}})
    assert not is_normal({"properties": {"x": {"anyOf": [{}]}}})
