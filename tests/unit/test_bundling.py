"""Schemas in normal form: on their own, each reference one to a place, each definition under a name that stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from microagent.declarations import QueueDeclaration
from microagent.schemas.siblings import Siblings
from microagent.sources.parsing import parse

SIZE = {"type": "integer"}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a file beside the document."""

    def write(name: str, schema: Any) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(schema))

    return write


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a document with one queue."""

    def read(payload: Any, **document: Any) -> QueueDeclaration:
        text = json.dumps({"queues": [{"name": "a", "payload": payload}], **document})
        return parse(text, str(tmp_path / "declared.json"), Siblings(tmp_path)).queues[0]

    return read


def of(reference: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": {"$ref": reference}}}


def test_what_is_shared_has_one_name_wherever_it_stands(read: Any, write: Any) -> None:
    """In the file, in a file beside it, as one of its definitions, or as all of it."""
    write("common.json", {"$defs": {"Size": SIZE}})
    write("old.json", {"definitions": {"Size": SIZE}})
    write("deep/Size.json", SIZE)
    write("Size.schema.json", SIZE)
    references = (
        "common.json#/$defs/Size",
        "old.json#/definitions/Size",
        "deep/Size.json",
        "./deep/../Size.schema.json",
    )
    found = [read(of("#/$defs/Size"), **{"$defs": {"Size": SIZE}}), *(read(of(each)) for each in references)]
    assert {each.structure() for each in found} == {found[0].structure()}
    assert (found[0].payload, found[0].definitions) == (of("#/$defs/Size"), {"Size": SIZE})


def test_a_file_may_say_definitions(read: Any) -> None:
    """As JSON Schemas up to draft 7 do, and references either word."""
    for word, other in (("definitions", "$defs"), ("$defs", "definitions"), ("definitions", "definitions")):
        found = read(of(f"#/{other}/Size"), **{word: {"Size": SIZE}})
        assert (found.payload, found.definitions) == (of("#/$defs/Size"), {"Size": SIZE})
    both = read(of("#/definitions/Size"), **{"$defs": {"Size": {"type": "null"}}, "definitions": {"Size": SIZE}})
    assert both.definitions == {"Size": SIZE}


def test_references_are_relative_to_their_file(read: Any, write: Any) -> None:
    """Also those within a file that was referred to, to itself, to others, and back to the first."""
    write("a/order.json", {"properties": {"item": {"$ref": "../b/item.json"}, "again": {"$ref": "#"}}})
    write("b/item.json", {"properties": {"size": {"$ref": "../declared.json#/$defs/Size"}}})
    found = read(of("a/order.json"), **{"$defs": {"Size": SIZE}})
    assert found.payload == of("#/$defs/order")
    assert found.definitions == {
        "order": {"properties": {"item": {"$ref": "#/$defs/item"}, "again": {"$ref": "#/$defs/order"}}},
        "item": {"properties": {"size": {"$ref": "#/$defs/Size"}}},
        "Size": SIZE,
    }


def test_one_name_for_two_is_made_two(read: Any, write: Any) -> None:
    """Those of the file keep theirs; others get the name of their file, and of their folders where need be."""
    write("common.json", {"$defs": {"Size": {"type": "null"}}})
    write("deep/common.json", {"$defs": {"Size": {"type": "array"}}})
    names = ("#/$defs/Size", "deep/common.json#/$defs/Size", "common.json#/$defs/Size")
    payload = {"properties": {f"p{index}": {"$ref": name} for index, name in enumerate(names)}}
    found = read(payload, **{"$defs": {"Size": SIZE}})
    assert found.definitions == {
        "Size": SIZE,
        "common_Size": {"type": "null"},
        "deep_common_Size": {"type": "array"},
    }
    assert [each["$ref"] for each in found.payload["properties"].values()] == [
        "#/$defs/Size",
        "#/$defs/deep_common_Size",
        "#/$defs/common_Size",
    ]


def test_a_definition_does_not_take_the_name_of_one_of_the_payload(read: Any) -> None:
    """Which a reference would mean instead."""
    payload = {
        "properties": {"own": {"$ref": "#/$defs/Size"}, "other": {"$ref": "#/$defs/Box"}},
        "$defs": {"Size": {"type": "string"}},
    }
    found = read(payload, **{"$defs": {"Size": SIZE, "Box": {"properties": {"size": {"$ref": "#/$defs/Size"}}}}})
    assert found.payload["properties"]["own"] == {"$ref": "#/$defs/Size"}
    assert found.definitions == {"Box": {"properties": {"size": {"$ref": "#/$defs/Size_2"}}}, "Size_2": SIZE}


def test_another_declaration_changes_no_names(tmp_path: Path, write: Any) -> None:
    """Each has the definitions that it needs, under the names that they have without the others."""
    write("common.json", {"$defs": {"Size": {"type": "null"}}})
    one = {"name": "one", "payload": of("common.json#/$defs/Size")}
    two = {"name": "two", "payload": of("#/$defs/Size")}
    both = {"name": "both", "payload": {"properties": {"a": one["payload"], "b": two["payload"]}}}
    shared = {"$defs": {"Size": SIZE}}

    def structures(*queues: Any) -> dict[str, str]:
        found = parse(json.dumps({"queues": queues, **shared}), str(tmp_path / "declared.json"), Siblings(tmp_path))
        return {each.name: each.structure() for each in found.queues}

    assert structures(one, two, both) == {**structures(both), **structures(two), **structures(one)}


def test_a_payload_keeps_what_is_its_own(read: Any) -> None:
    """References to itself, to its parts and to its own definitions stay within it."""
    payload = {
        "properties": {
            "next": {"$ref": "#"},
            "size": {"$ref": "#/definitions/Size"},
            "again": {"$ref": "#/properties/pair/items/0"},
            "pair": {"items": [SIZE]},
        },
        "definitions": {"Size": SIZE},
    }
    found = read(payload)
    assert found.payload == {
        "type": "object",
        "properties": {
            "next": {"$ref": "#"},
            "size": {"$ref": "#/$defs/Size"},
            "again": {"$ref": "#/properties/pair/prefixItems/0"},
            "pair": {"prefixItems": [SIZE]},
        },
        "$defs": {"Size": SIZE},
    }
    assert found.definitions == {}


def test_a_payload_that_may_be_null_inside_itself_may_not_be_null_itself(read: Any) -> None:
    """A message is an object; what the payload says of its end is kept as a definition."""
    found = read({"type": ["object", "null"], "properties": {"next": {"$ref": "#"}}})
    definition = {"type": ["object", "null"], "properties": {"next": {"$ref": "#/$defs/payload"}}}
    assert found.payload == {**definition, "type": "object"}
    assert found.definitions == {"payload": definition}


def test_identifiers_and_anchors_become_places(read: Any, write: Any) -> None:
    """Those of the schema that the reference stands in, of the file, and of a file beside it."""
    write("b.json", {"$id": "https://e.org/b.json", "$defs": {"B": {"$anchor": "b", "type": "null"}}})
    payload = {
        "$id": "https://e.org/payload",
        "properties": {
            "a": {"$ref": "part#/items"},
            "b": {"$ref": "b.json#b"},
            "c": {"$ref": "#c"},
            "d": {"$ref": "#d"},
        },
        "patternProperties": {"p": {"$id": "part", "items": {"$ref": "#"}}, "q": {"$anchor": "c"}},
    }
    found = read(payload, **{"$defs": {"D": {"$anchor": "d"}}})
    assert found.payload == {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/patternProperties/p/items"},
            "b": {"$ref": "#/$defs/B"},
            "c": {"$ref": "#/patternProperties/q"},
            "d": {"$ref": "#/$defs/D"},
        },
        "patternProperties": {"p": {"items": {"$ref": "#/patternProperties/p"}}, "q": {}},
    }
    assert found.definitions == {"D": {}, "B": {"type": "null"}}


def test_what_is_published_beside_a_file_is_looked_for_beside_it(read: Any, write: Any) -> None:
    """``$id`` says where the folder is published; a copy of what else is there stands in it."""
    write("size.json", {"$id": "https://e.org/schemas/size.json", **SIZE})
    payload = {"$id": "https://e.org/schemas/a.json", **of("https://e.org/schemas/size.json")}
    assert read(payload).definitions == {"size": SIZE}


def test_dynamic_references_become_places(read: Any) -> None:
    """Decided by the schemas on the way: a list of anything is one of integers where it is extended so."""
    shared = {
        "List": {
            "$id": "list",
            "items": {"$dynamicRef": "#item"},
            "$defs": {"item": {"$dynamicAnchor": "item"}},
        },
        "Integers": {"$id": "integers", "$ref": "list", "$defs": {"item": {"$dynamicAnchor": "item", **SIZE}}},
    }
    found = read({"properties": {"any": {"$ref": "list"}, "some": {"$ref": "integers"}}}, **{"$defs": shared})
    assert found.definitions == {
        "Integers": {"$ref": "#/$defs/List"},
        "List": {"items": {"$ref": "#/$defs/item"}},
        "List_2": {"items": {"$ref": "#/$defs/item_2"}},
        "item": SIZE,
        "item_2": {},
    }


def test_published_drafts_can_be_referred_to(read: Any) -> None:
    """A payload that holds a JSON Schema may say so; nothing is fetched for it."""
    found = read(of("https://json-schema.org/draft/2020-12/schema"))
    assert {"schema", "core", "applicator", "validation"} <= found.definitions.keys()
    assert '"$dynamicRef":"' not in found.structure()


@pytest.mark.parametrize("schema", [True, False, {}, SIZE])
def test_the_answer_of_a_signal_shares_the_definitions(schema: Any) -> None:
    """Payload and ``returns`` are in normal form together."""
    entry = {"name": "a", "payload": of("#/$defs/X"), "returns": {"$ref": "#/$defs/X"}}
    found = parse(json.dumps({"signals": [entry], "$defs": {"X": schema}})).signals[0]
    assert (found.returns, found.definitions) == ({"$ref": "#/$defs/X"}, {"X": schema})


def test_what_names_its_draft_may_refer_to_what_is_around_it(read: Any) -> None:
    """Without an identifier it is part of the whole; what it was pasted with comes first."""
    draft_7 = "http://json-schema.org/draft-07/schema#"
    named = {"$schema": draft_7, **of("#/definitions/Size")}
    shared = {"Named": named, "Size": SIZE, "Pasted": {**named, "definitions": {"Size": {"type": "string"}}}}
    found = read({"properties": {"a": {"$ref": "#/$defs/Named"}}}, **{"$defs": shared})
    assert found.definitions["Size"] == SIZE
    alone = {name: schema for name, schema in shared.items() if name != "Size"}
    found = read({"properties": {"a": {"$ref": "#/$defs/Pasted"}}}, **{"$defs": {"Pasted": alone["Pasted"]}})
    assert {"type": "string"} in found.definitions.values()


def test_definitions_are_called_as_whoever_wrote_them_calls_them(read: Any, write: Any) -> None:
    """After themselves in the file, after their paths in another one, and after nothing in the payload itself."""
    write("deep/thing.json", {"definitions": {"part": SIZE}, "type": "object"})
    references = ["#/$defs/Size", "deep/thing.json", "deep/thing.json#/definitions/part"]
    properties = {f"p{number}": {"$ref": reference} for number, reference in enumerate(references)}
    found = read(
        {"type": ["object", "null"], "properties": {**properties, "me": {"$ref": "#"}}}, **{"$defs": {"Size": SIZE}}
    )
    assert set(found.definition_names.values()) == {
        ("Size",),
        ("deep", "thing"),
        ("deep", "thing", "part"),
        ("", "payload"),
    }
    odd = {"List<int[]>": SIZE, "List<int>": SIZE, "Other<int>": SIZE}
    found = read({"properties": {name: {"$ref": f"#/$defs/{name}"} for name in odd}}, **{"$defs": odd})
    assert found.definition_names["Other<int>"] == ("Other<int>",)
    assert (
        len({called[0].partition(" ")[2] for name, called in found.definition_names.items() if name != "Other<int>"})
        == 2
    )
