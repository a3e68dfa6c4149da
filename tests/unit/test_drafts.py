"""The drafts of JSON Schema, in the words of 2020-12."""

import json
from typing import Any

import pytest

from microagent.declarations import Declarations
from microagent.sources.parsing import parse

DRAFT = "http://json-schema.org/draft-0{}/schema#"
DRAFTS = (None, *(DRAFT.format(number) for number in (4, 6, 7)), "https://json-schema.org/draft/2019-09/schema")


def declared(schema: dict[str, Any], draft: str | None = None) -> Declarations:
    named = schema if draft is None else {"$schema": draft, **schema}
    return parse(json.dumps({"queues": [{"name": "a", "payload": {"properties": {"x": named}}}]}), "https://x")


def read(schema: dict[str, Any], draft: str | None = None) -> Any:
    """What becomes of a schema."""
    payload = declared(schema, draft).queues[0].payload
    assert isinstance(payload, dict)
    return payload["properties"]["x"]


@pytest.mark.parametrize(
    ("draft", "old", "new"),
    [
        (DRAFT.format(4), {"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        (DRAFT.format(4), {"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        (DRAFT.format(4), {"id": "http://e/x", "const": 1, "type": "string"}, {"type": "string"}),
        (DRAFT.format(6), {"if": {"minimum": 1}, "then": False, "const": 2}, {"const": 2}),
        (DRAFT.format(7), {"dependentRequired": {"a": ["b"]}, "if": True}, {"if": True}),
        (DRAFT.format(7), {"items": [{}, True], "additionalItems": False}, {"prefixItems": [{}, True], "items": False}),
        (DRAFT.format(7), {"items": {}, "additionalItems": False}, {"items": {}}),
        (DRAFT.format(7), {"nullable": True, "type": "string"}, {"type": "string"}),
        (
            "https://json-schema.org/draft/2019-09/schema",
            {"contains": {"type": "null"}, "minContains": 2, "unevaluatedItems": False},
            {"allOf": [{"not": {"not": {"contains": {"type": "null"}, "minContains": 2}}}], "unevaluatedItems": False},
        ),
        ("https://json-schema.org/draft/2019-09/schema", {"contains": {}}, {"contains": {}}),
        ("https://json-schema.org/draft/2020-12/schema", {"additionalItems": False}, {}),
        ("http://json-schema.org/schema#", {"const": 1}, {"const": 1}),
        (None, {"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (None, {"type": ["null", "string"], "nullable": True}, {"type": ["null", "string"]}),
        (None, {"nullable": True}, {}),
        (None, {"type": "string", "nullable": False}, {"type": "string"}),
        (None, {"dependencies": {"a": ["b"]}}, {"dependentRequired": {"a": ["b"]}}),
        (None, {"dependencies": {"a": {"minProperties": 2}}}, {"dependentSchemas": {"a": {"minProperties": 2}}}),
        (None, {"prefixItems": [{}], "additionalItems": False}, {"prefixItems": [{}]}),
    ],
)  # fmt: skip
def test_old_words_become_new_ones(draft: str | None, old: dict[str, Any], new: dict[str, Any]) -> None:
    """With the meaning that they have in their draft; what is none of its keywords is not there."""
    assert read(old, draft) == new


@pytest.mark.parametrize("draft", DRAFTS)
def test_what_tells_people_something_is_kept(draft: str | None) -> None:
    """In every draft, also by words that the draft does not have."""
    told = {"title": "T", "description": "D", "default": 1, "examples": [1], "deprecated": True, "readOnly": True}
    assert read({**told, "format": "date", "x-own": 1}, draft) == {**told, "format": "date", "x-own": 1}


@pytest.mark.parametrize("number", [4, 6, 7])
def test_nothing_counts_beside_a_reference_up_to_draft_7(number: int) -> None:
    """What is for people is kept, and where references lead; the rest is told as ignored."""
    schema = {"$ref": "#/definitions/A", "description": "D", "type": "null", "definitions": {"A": {"type": "string"}}}
    found = declared(schema, DRAFT.format(number))
    assert found.queues[0].payload == {
        "type": "object",
        "properties": {"x": {"$ref": "#/properties/x/$defs/A", "description": "D", "$defs": {"A": {"type": "string"}}}},
    }
    (warning,) = map(str, found.warnings)
    assert warning.startswith("https://x /queues/0/payload/properties/x/type: 'type' is ignored")
    assert warning.endswith(f": draft {number} ignores what is beside $ref")


def test_keywords_of_later_drafts_are_warned_of() -> None:
    """Whoever writes them means something by them."""
    assert [str(warning) for warning in declared({"const": 1}, DRAFT.format(4)).warnings] == [
        "https://x /queues/0/payload/properties/x/const: 'const' is ignored: it is not a keyword of draft 4"
    ]


def test_each_schema_may_name_its_own_draft() -> None:
    """What is inside is of the same draft, until something names another."""
    innermost = {"$schema": DRAFT.format(4), "minimum": 1, "exclusiveMinimum": True}
    inner = {"$schema": DRAFT.format(7), "items": [innermost]}
    assert read({"prefixItems": [inner]}) == {"prefixItems": [{"prefixItems": [{"exclusiveMinimum": 1}]}]}
