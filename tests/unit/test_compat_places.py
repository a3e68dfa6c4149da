"""Where a part of a declaration is written."""

import pytest

from microagent.compat.places import first_difference, place_of

DOCUMENT = {
    "signals": [
        {"name": "short", "providing_args": ["a", "b"]},
        {"name": "typed", "providing_args": {"a": "string"}, "returns": {"type": "object", "properties": {"n": {}}}},
    ],
    "queues": [
        {"name": "free"},
        {
            "name": "deep",
            "payload": {
                "allOf": [{"$ref": "#/$defs/Base"}],
                "properties": {
                    "lines": {"type": "array", "items": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Line"}]}},
                    "pair": {"prefixItems": [{"type": "string"}, {"type": "integer"}]},
                    "old": {"items": [{"type": "string"}]},
                    "map": {"additionalProperties": {"properties": {"v": {}}}},
                    "else": {"$ref": "other.json#/$defs/X"},
                },
            },
        },
    ],
    "$defs": {"Base": {"properties": {"id": {}}}, "Line": {"properties": {"next": {"$ref": "#/$defs/Line"}, "p": {}}}},
}


def steps(pointer):
    return tuple(pointer.split("/")[1:])


@pytest.mark.parametrize(
    ("entry", "part", "place"),
    [
        ("/signals/0", "/payload/properties/b", "/signals/0/providing_args/1"),
        ("/signals/0", "/payload/properties/gone", "/signals/0/providing_args"),
        ("/signals/1", "/payload/properties/a", "/signals/1/providing_args/a"),
        ("/signals/1", "/payload", "/signals/1/providing_args"),
        ("/signals/1", "/returns/properties/n", "/signals/1/returns/properties/n"),
        ("/signals/0", "/returns", "/signals/0"),
        ("/queues/0", "/payload/properties/a", "/queues/0"),
        ("/queues/0", "/exchange", "/queues/0"),
        ("/queues/1", "/payload", "/queues/1/payload"),
        ("/queues/1", "/payload/properties/id", "/$defs/Base/properties/id"),
        ("/queues/1", "/payload/properties/lines/items", "/queues/1/payload/properties/lines/items"),
        ("/queues/1", "/payload/properties/lines/items/properties/p", "/$defs/Line/properties/p"),
        ("/queues/1", "/payload/properties/lines/items/properties/next/properties/p", "/$defs/Line/properties/p"),
        ("/queues/1", "/payload/properties/pair/prefixItems/1", "/queues/1/payload/properties/pair/prefixItems/1"),
        ("/queues/1", "/payload/properties/old/prefixItems/0", "/queues/1/payload/properties/old/items/0"),
        (
            "/queues/1",
            "/payload/properties/map/additionalProperties/properties/v",
            "/queues/1/payload/properties/map/additionalProperties/properties/v",
        ),
        ("/queues/1", "/payload/properties/else/properties/x", "/queues/1/payload/properties/else"),
    ],
)
def test_a_part_is_where_it_is_written(entry, part, place):
    """Behind references and among alternatives; what is written nowhere is at what is nearest to it."""
    assert place_of(DOCUMENT, steps(entry), steps(part)) == steps(place)


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["/a/b"]),
        ({"a": {"b": 1}}, {"a": {}}, ["/a/b"]),
        ({"a/b": [1]}, {"a/b": [2]}, ["/a~1b"]),
        (1, 2, ["the whole"]),
    ],
)
def test_the_first_difference(one, other, place):
    """As a JSON Pointer, the first in the order of the keys."""
    assert first_difference(one, other) == place
