"""Declarations are equal when their structure is."""

import json
from typing import Any

import pytest

from microagent.declarations import QueueDeclaration, SignalDeclaration, queue_from, signal_from
from microagent.errors import DeclarationError
from microagent.sources.parsing import declared_queue, declared_signal, parse


def fingerprint(payload: dict[str, Any], **said: Any) -> str:
    return declared_signal("a", payload=payload, **said).fingerprint


def test_the_structure_is_compact_sorted_ascii() -> None:
    """A generated module can hold it, and it is the same text on every machine."""
    declaration = declared_signal("a", {"ü": "string", "b": ["null", "number"]}, returns="integer")
    assert declaration.structure() == (
        '{"payload":{"properties":{"b":{"type":["null","number"]},"\\u00fc":{"type":"string"}},'
        '"required":["\\u00fc","b"],"type":"object"},"returns":{"type":"integer"}}'
    )


@pytest.mark.parametrize(
    "other",
    [
        {"properties": {"b": {"type": "integer"}, "a": {"type": ["null", "string"]}}, "required": ["b", "a"]},
        {
            "type": "object",
            "title": "T",
            "description": "D",
            "$comment": "C",
            "x-owner": "me",
            "examples": [{}],
            "properties": {
                "a": {"type": ["string", "null"], "description": "D", "default": "", "deprecated": True},
                "b": {"type": ["integer"], "title": "B", "examples": [1]},
            },
            "required": ["a", "b"],
        },
    ],
)
def test_what_is_said_to_people_and_in_which_order_makes_no_difference(other: dict[str, Any]) -> None:
    """Descriptions, titles, examples, deprecation and the order of keys are no part of the structure."""
    payload = {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }
    assert fingerprint(other, description="Other.", deprecated=True) == fingerprint(payload)


@pytest.mark.parametrize(
    "other",
    [
        {"properties": {"a": {"type": "string"}}},
        {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"properties": {"a": {"type": "string", "minLength": 1}}, "required": ["a"]},
        {"properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
        {"properties": {"a": {"type": "string"}, "description": {}}, "required": ["a"]},
    ],
)
def test_whatever_decides_makes_a_difference(other: dict[str, Any]) -> None:
    """Another type, constraint, requirement or argument, even one that is called description, is another structure."""
    assert fingerprint(other) != fingerprint({"properties": {"a": {"type": "string"}}, "required": ["a"]})


def test_values_are_never_taken_for_annotations() -> None:
    """What ``const`` and ``enum`` hold is kept as it is."""
    payload = {"properties": {"a": {"const": {"title": "T", "type": ["b", "a"]}}}}
    assert (
        json.loads(declared_signal("a", payload=payload).structure())["payload"]["properties"] == payload["properties"]
    )


def test_providing_args_and_the_payload_they_stand_for_are_one_structure() -> None:
    """A team may move from the short form to the long one and back."""
    long = {"properties": {"a": {"type": "string"}, "b": {}}, "required": ["b", "a"]}
    types = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert fingerprint({**long, "properties": {"a": {}, "b": {}}}) == declared_signal("a", ["a", "b"]).fingerprint
    assert fingerprint(types) == declared_signal("a", {"a": "string"}).fingerprint
    assert fingerprint({}) == declared_signal("a", []).fingerprint


def test_a_signal_is_read_back_from_its_structure() -> None:
    """A generated module need not repeat what was checked when it was generated."""
    document = {
        "signals": [{"name": "a", "payload": {"properties": {"x": {"$ref": "#/$defs/X"}}}, "returns": "integer"}],
        "$defs": {"X": {"type": "string"}},
    }
    declaration = parse(json.dumps(document)).signals[0]
    again = signal_from("a", declaration.structure())
    assert (again.structure(), again.fingerprint) == (declaration.structure(), declaration.fingerprint)
    assert (again.name, again.returns, again.definitions) == ("a", {"type": "integer"}, {"X": {"type": "string"}})


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"payload": {"type": "object", "additionalProperties": {"type": "string"}}},
        {"exchange": "events", "topics": ["order.*", "user.*"]},
        {"quorum": True},
        {"quorum": False},
    ],
)
def test_a_queue_is_read_back_from_its_structure(said: dict[str, Any]) -> None:
    """Payload, exchange, topics and kind come back; a queue that says nothing has the structure ``{}``."""
    declaration = declared_queue("a", **said)
    again = queue_from("a", declaration.structure())
    assert again.structure() == declaration.structure()
    assert (again.payload, again.exchange, again.topics, again.quorum) == (
        declaration.payload,
        declaration.exchange,
        declaration.topics,
        declaration.quorum,
    )
    assert (declaration.structure() == "{}") is (not said)


def test_a_structure_that_is_damaged_is_refused() -> None:
    """Somebody who edits generated code gets a sentence."""
    with pytest.raises(DeclarationError, match="the structure of a declaration is not valid JSON"):
        signal_from("a", '{"payload":')


def test_lone_surrogates_do_not_break_fingerprints() -> None:
    """JSON can spell them, so a file may hold them."""
    declaration = parse(r'{"queues": [{"name": "a", "payload": {"properties": {"\ud800": {}}}}]}').queues[0]
    assert queue_from("a", declaration.structure()).fingerprint == declaration.fingerprint


def test_a_signal_and_a_queue_need_not_come_from_a_file() -> None:
    """The plain objects can be made by hand; nothing is said of where they come from."""
    assert SignalDeclaration("a", {"type": "object"}).origin is None
    assert QueueDeclaration("a").structure() == "{}"
