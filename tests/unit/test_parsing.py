"""From JSON text to declarations, or to every problem of the text."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from microagent.errors import DeclarationError
from microagent.schemas.declarationformat import format_text
from microagent.schemas.siblings import siblings_of
from microagent.sources.parsing import parse


def problems(text: bytes | str | dict[str, Any], source: str = "") -> list[str]:
    """The problems of a text, which must have some."""
    with pytest.raises(DeclarationError) as caught:
        parse(json.dumps(text) if isinstance(text, dict) else text, source)
    return [str(problem) for problem in caught.value.problems]


def signal(**entry: Any) -> dict[str, Any]:
    return {"signals": [{"name": "a", **entry}]}


def queue(**entry: Any) -> dict[str, Any]:
    return {"queues": [{"name": "a", **entry}]}


def test_the_forms_of_the_manual_are_read() -> None:
    """A list of names, and an object of types, become object schemas in which everything is required."""
    found = parse(
        """{"signals": [
             {"name": "started", "providing_args": []},
             {"name": "user_created", "providing_args": ["user_id"]},
             {"name": "typed_signal", "providing_args": {
               "uuid": "string", "code": ["number", "null"], "flag": "boolean", "ids": "array"}}],
            "queues": [{"name": "mailer"}, {"name": "pusher"}]}"""
    )
    assert [each.name for each in found.signals] == ["started", "user_created", "typed_signal"]
    assert found.signals[1].payload == {"type": "object", "properties": {"user_id": {}}, "required": ["user_id"]}
    assert found.signals[2].payload["properties"]["code"] == {"type": ["number", "null"]}
    assert found.signals[2].payload["required"] == ["uuid", "code", "flag", "ids"]
    assert [(each.name, each.payload) for each in found.queues] == [("mailer", None), ("pusher", None)]
    assert found.warnings == ()


def test_what_this_version_adds_is_read() -> None:
    """Payloads, answers, descriptions, exchanges and topics."""
    payload = {"properties": {"total": {"type": "number", "minimum": 0}}, "required": ["total"]}
    found = parse(
        json.dumps(
            {
                "version": 2,
                "$schema": "https://example.com/format.schema.json",
                "signals": [{"name": "paid", "payload": payload, "returns": "integer", "description": "Paid."}],
                "queues": [{"name": "audit", "exchange": "events", "topics": ["order.*"], "quorum": True}],
            }
        )
    )
    paid, audit = found.signals[0], found.queues[0]
    assert (paid.payload, paid.returns, paid.description) == (
        {**payload, "type": "object"},
        {"type": "integer"},
        "Paid.",
    )
    assert (audit.exchange, audit.topics, audit.quorum) == ("events", ("order.*",), True)


def test_a_declaration_takes_along_the_definitions_it_uses() -> None:
    """Those it refers to, directly or through each other, and no others."""
    reference = {"$ref": "#/$defs/Order"}
    definitions = {
        "Order": {"type": "object", "properties": {"items": {"items": {"$ref": "#/$defs/Item"}}}},
        "Item": {"type": "object", "properties": {"of": reference}},
        "Unused": True,
    }
    found = parse(json.dumps({"queues": [{"name": "a", "payload": reference}], "$defs": definitions}))
    assert set(found.queues[0].definitions) == {"Order", "Item"}


def test_every_problem_is_told_at_once_with_its_place() -> None:
    """File, line, column, pointer and a guess, in the order of the file."""
    text = """{
  "signals": [
    {"name": "Bad", "providing_args": {"code": "nubmer", "self": "string"}},
    {"name": "a", "payload": {"properties": {"x": {"$ref": "#/$defs/Oder"}}}},
    {"name": "a"}
  ],
  "queues": [{"name": "close"}, 5],
  "$defs": {"Order": {"type": "objct"}}
}"""
    assert problems(text, "schemas/signals.json") == [
        "schemas/signals.json:3:14 /signals/0/name: "
        "'Bad' is not a valid name: use a-z, 0-9 and _, beginning with a letter, such as 'bad'",
        "schemas/signals.json:3:48 /signals/0/providing_args/code: unknown type 'nubmer', did you mean 'number'?",
        "schemas/signals.json:3:58 /signals/0/providing_args/self: "
        "'self' cannot be the name of an argument: handlers are passed something else by this name",
        "schemas/signals.json:4:60 /signals/1/payload/properties/x/$ref: "
        "$ref '#/$defs/Oder' leads nowhere, did you mean '#/$defs/Order'?",
        "schemas/signals.json:5:5 /signals/2: 'providing_args' or 'payload' is missing",
        "schemas/signals.json:5:14 /signals/2/name: signal 'a' is declared twice in this file",
        "schemas/signals.json:7:23 /queues/0/name: 'close' is reserved: the broker has an attribute of this name",
        "schemas/signals.json:7:33 /queues/1: expected an object, got an integer",
        "schemas/signals.json:8:31 /$defs/Order/type: unknown type 'objct', did you mean 'object'?",
    ]


def test_problems_of_an_url_have_no_line() -> None:
    """What is behind an URL may have changed by the time somebody looks; the pointer tells the place."""
    assert problems(signal(providing_args=["user-id"]), "https://example.com/s.json") == [
        "https://example.com/s.json /signals/0/providing_args/0: "
        "'user-id' cannot be the name of an argument: Python does not allow it as the name of a parameter"
    ]


def test_declarations_know_where_they_come_from() -> None:
    """The origin is the place of the entry, for messages about conflicts."""
    found = parse('{"signals":\n [{"name": "a", "providing_args": []}]}', "s.json")
    assert str(found.signals[0].origin) == "s.json:2:3 /signals/0: "


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "s.json:1:1: not valid JSON: the document is empty"),
        ("{\n,}", "s.json:2:1: not valid JSON: expecting property name enclosed in double quotes"),
        ("[]", "s.json:1:1: expected an object, got an array"),
        ("null", "s.json:1:1: expected an object, got null"),
        (b'{\n "\xff": 1}', "s.json:2:3: not valid UTF-8"),
        (b"\xff\xfe{\x00}\x00", "s.json:1:1: not valid UTF-8"),
        ('{"x-a": NaN}', "s.json:1:9 /x-a: JSON has no NaN"),
        ('{"x-a": [1, -Infinity]}', "s.json:1:13 /x-a/1: JSON has no -Infinity"),
        ('{"x-a": 1, "x-\\u0061": 2}', "s.json:1:12 /x-a: duplicate key 'x-a'"),
        ('{"x-a": {"b/~": 1, "b/~": 2}}', "s.json:1:20 /x-a/b~1~0: duplicate key 'b/~'"),
        ("[" * 100_000, "s.json:1:101: brackets are nested more than 100 deep"),
        ('{"x-a":' + "[" * 500 + "]" * 500 + "}", "s.json:1:107: brackets are nested more than 100 deep"),
        ("9" * 5_000, "s.json:1:1: a number is too long to be read"),
        ('{"x-a": "9",\n "x-b": [' + "9" * 5_000 + "]}", "s.json:2:10: a number is too long to be read"),
        ('{"x-a": "1e400",\n "x-b": [-1e400]}', "s.json:2:10: a number is larger than any float"),
        (
            '{"version": 3}',
            "s.json:1:13 /version: version '3' is not supported, only 2: it is the version of this format, "
            "not of what is declared",
        ),
        ('{"signals": {}}', "s.json:1:13 /signals: expected an array, got an object"),
        ('{"$defs": []}', "s.json:1:11 /$defs: expected an object, got an array"),
        ("<html>", "s.json:1:1: not valid JSON: expecting value"),
        ('{"x-a": [1,\n ]}', "s.json:2:2: not valid JSON: trailing comma"),
        ("{'x-a': 1}", "s.json:1:2: not valid JSON: strings need double quotes"),
        ("{ // all of ours\n}", "s.json:1:3: not valid JSON: comments are not allowed"),
        ('{"x-a": True}', "s.json:1:9: not valid JSON: true, false and null are written in lower case"),
        ('{"x-a": "a\tb"}', "s.json:1:11: not valid JSON: invalid control character"),
    ],
)
def test_what_is_no_document_is_refused_with_one_sentence(text: bytes | str, problem: str) -> None:
    """Strictly: what two readers could read differently is not read at all."""
    assert problems(text, "s.json") == [problem]


def test_a_byte_order_mark_is_no_mistake() -> None:
    """Some editors write it in front of UTF-8."""
    assert parse(b"\xef\xbb\xbf{}").signals == ()
    assert problems("\ufeff{,", "s.json") == [
        "s.json:1:2: not valid JSON: expecting property name enclosed in double quotes"
    ]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (signal(), "/signals/0: 'providing_args' or 'payload' is missing"),
        ({"signals": [{"providing_args": []}]}, "/signals/0: 'name' is missing"),
        ({"signals": [{"name": 1, "providing_args": []}]}, "/signals/0/name: expected a string, got an integer"),
        (signal(providing_args="x"), "/signals/0/providing_args: expected an array or an object, got a string"),
        (signal(providing_args=["x", "x"]), "/signals/0/providing_args: the items are not unique"),
        (signal(providing_args=[1]), "/signals/0/providing_args/0: expected a string, got an integer"),
        (signal(providing_args={"x": []}), "/signals/0/providing_args/x: expected at least 1 item"),
        (
            signal(providing_args={"x": {}}),
            "/signals/0/providing_args/x: expected a string or an array, got an object; "
            "for JSON Schemas, use 'payload' with 'properties'",
        ),
        (signal(providing_args=[], description=1), "/signals/0/description: expected a string, got an integer"),
        (signal(providing_args=[], returns="nul"), "/signals/0/returns: unknown type 'nul', did you mean 'null'?"),
        (
            signal(providing_args=[], returns={"minimum": None}),
            "/signals/0/returns/minimum: expected a number, got null",
        ),
        (signal(payload=True), "/signals/0/payload: expected an object, got a boolean"),
        (signal(payload={"type": "string"}), "/signals/0/payload: a payload must be an object"),
        (
            signal(payload={"properties": {"timeout": {}}}),
            "/signals/0/payload/properties/timeout: "
            "'timeout' cannot be the name of an argument: handlers are passed something else by this name",
        ),
        (
            signal(payload={"properties": {"x": {}, "y": {}}}, providing_args=["x", "z"]),
            "/signals/0/providing_args: "
            "payload and providing_args must name the same arguments, but only one has 'y', 'z'",
        ),
        (queue(payload=5), "/queues/0/payload: expected an object or a boolean, got an integer"),
        (queue(payload=False), "/queues/0/payload: a payload must be an object"),
        (queue(payload={"type": ["array", "null"]}), "/queues/0/payload: a payload must be an object"),
        (queue(topics=["x"]), "/queues/0: 'topics' needs 'exchange'"),
        (queue(exchange=""), "/queues/0/exchange: does not fit minLength: 1"),
        (
            queue(payload={"properties": {"x": {"minimum": "1"}}}),
            "/queues/0/payload/properties/x/minimum: expected a number, got a string",
        ),
        (
            queue(payload={"properties": {"x": {"required": True}}}),
            "/queues/0/payload/properties/x/required: expected an array, got a boolean; "
            "list the names of required properties in the object that has them",
        ),
        (
            queue(payload={"properties": {"x": {"exclusiveMinimum": True}}}),
            "/queues/0/payload/properties/x/exclusiveMinimum: expected a number, got a boolean; "
            'only draft 4 has a boolean here, and "$schema" would have to name it',
        ),
        (
            queue(payload={"properties": {"x": {"items": [{"type": "objekt"}]}}}),
            "/queues/0/payload/properties/x/items/0/type: unknown type 'objekt', did you mean 'object'?",
        ),
        (queue(payload={"items": []}), "/queues/0/payload/items: expected at least 1 item"),
        (
            queue(payload={"properties": {"x": {"pattern": "("}}}),
            "/queues/0/payload/properties/x/pattern: "
            "'(' is not a regular expression of ECMA-262: unclosed (, at character 1",
        ),
        (
            queue(payload={"$schema": "https://example.com/mine", "type": "object"}),
            "/queues/0/payload/$schema: $schema names no known draft of JSON Schema: 'https://example.com/mine'",
        ),
        (
            queue(payload={"properties": {"x": {"$ref": "https://example.com/x.json"}}}),
            "/queues/0/payload/properties/x/$ref: $ref 'https://example.com/x.json' is another document: "
            "only this one can be referred to",
        ),
        (
            queue(payload={"properties": {"x": {"$ref": "file:///etc/passwd"}}}),
            "/queues/0/payload/properties/x/$ref: $ref 'file:///etc/passwd' is another document: "
            "only this one can be referred to",
        ),
        (
            queue(payload={"$schema": "http://json-schema.org/draft-03/schema#", "type": "object"}),
            "/queues/0/payload/$schema: "
            "$schema names no known draft of JSON Schema: 'http://json-schema.org/draft-03/schema#'",
        ),
        (
            queue(payload={"$ref": "#"}),
            "/queues/0/payload/$ref: $ref '#' leads back to itself, and into no property or item of the value",
        ),
        (
            queue(payload={"not": {"$ref": "#"}}),
            "/queues/0/payload/not/$ref: $ref '#' leads back to itself, and into no property or item of the value",
        ),
        (
            queue(payload={"properties": {"type": {}, "x": {"$ref": "#/properties"}}}),
            "/queues/0/payload/properties/x/$ref: $ref '#/properties' leads to what is not a schema",
        ),
        (
            queue(payload={"properties": {"x": {"$ref": "#/properties/y/default"}, "y": {"default": {"type": 1}}}}),
            "/queues/0/payload/properties/x/$ref: $ref '#/properties/y/default' leads to what is not a schema",
        ),
    ],
)
def test_each_mistake_has_its_sentence(document: dict[str, Any], problem: str) -> None:
    """One mistake, one problem, one sentence for a person."""
    assert problems(document, "https://x") == [f"https://x {problem}"]


@pytest.mark.parametrize(
    ("document", "warning"),
    [
        (signal(providing_args=[], descripton="x"), "unknown key 'descripton', did you mean 'description'?"),
        ({"signal": []}, "unknown key 'signal', did you mean 'signals'?"),
        (queue(qqqqqq=1), "unknown key 'qqqqqq'"),
        (queue(returns="string"), "unknown key 'returns': a signal has it, a queue does not"),
        (signal(providing_args=[], topics=[]), "unknown key 'topics': a queue has it, a signal does not"),
        ({"jsonlib": "os"}, "'jsonlib' is ignored: declarations cannot name modules to import"),
        (queue(default_prefix="X"), "'default_prefix' is ignored: the prefix is an option of the bus"),
    ],
)
def test_an_unknown_key_is_a_warning(document: dict[str, Any], warning: str) -> None:
    """Files evolve: what a newer version may know is no error, but it is told, once."""
    assert [problem.message for problem in parse(json.dumps(document)).warnings] == [warning]


def test_a_misspelt_key_is_told_beside_what_it_leaves_out() -> None:
    """Who has written `paylod` is told so, and not only that there is no payload."""
    assert problems({"signals": [{"name": "told", "paylod": {}}]}, "https://x") == [
        "https://x /signals/0: 'providing_args' or 'payload' is missing",
        "https://x /signals/0/paylod: unknown key 'paylod', did you mean 'payload'?",
    ]


@pytest.mark.parametrize(
    ("document", "warning"),
    [
        (
            queue(payload={"requird": ["a"]}),
            "https://x /queues/0/payload/requird: unknown keyword 'requird', did you mean 'required'?",
        ),
        (
            {"$defs": {"X": {"properties": {"a": {"minLenght": 3}}}}},
            "https://x /$defs/X/properties/a/minLenght: unknown keyword 'minLenght', did you mean 'minLength'?",
        ),
        (
            signal(providing_args=[], returns={"enums": [1]}),
            "https://x /signals/0/returns/enums: unknown keyword 'enums', did you mean 'enum'?",
        ),
        (
            queue(payload={"properties": {"at": {"type": "string", "format": "datetime"}}}),
            "https://x /queues/0/payload/properties/at/format: unknown format 'datetime', did you mean 'date-time'?",
        ),
        (
            queue(payload={"properties": {"user_id": {}, "text": {}}, "required": ["text", "userid"]}),
            "https://x /queues/0/payload/required: 'userid' is required, but not described, did you mean 'user_id'?",
        ),
    ],
)
def test_a_word_that_looks_misspelt_is_a_warning(document: dict[str, Any], warning: str) -> None:
    """A schema with it is valid, and does not say what somebody thinks that it says."""
    assert [str(problem) for problem in parse(json.dumps(document), "https://x").warnings] == [warning]


def test_formats_and_required_properties_are_free() -> None:
    """There are more formats than JSON Schema's, and what is required may be said of elsewhere."""
    properties = {"a": {"format": "int32"}, "b": {"format": "uuid4"}, "user_id": {}}
    payload = {"properties": properties, "required": ["c", "user_id", "userid"]}
    assert parse(json.dumps(queue(payload=payload))).warnings == ()


def test_other_keywords_are_free() -> None:
    """JSON Schema leaves them to whoever understands them; names of properties and values are no keywords."""
    own = {
        "tsType": "Date",
        "nullable": True,
        "x-requird": 1,
        "example": 1,
        "properties": {"requird": {"type": "array"}},
    }
    assert parse(json.dumps(queue(payload={**own, "default": {"requird": 1}}))).warnings == ()


def test_keys_that_begin_with_x_are_free() -> None:
    """A team may keep notes of its own in the file."""
    document = {"x-team": "billing", **signal(providing_args=[], **{"x-owner": "me"})}
    assert parse(json.dumps(document)).warnings == ()


def test_a_reference_means_the_payload_before_the_file() -> None:
    """``#/$defs/X`` is one of the payload, if it has one, and else one of the file."""
    payload = {"$ref": "#/$defs/X", "$defs": {"X": {"type": "object", "properties": {"own": {}}}}}
    document = {"signals": [{"name": "a", "payload": payload, "providing_args": ["own"]}], "$defs": {"X": False}}
    assert parse(json.dumps(document)).signals[0].definitions == {}


def test_a_definition_refers_to_the_file_alone() -> None:
    """What a payload calls X does not change what a definition of the file means by it."""
    payload = {"properties": {"y": {"$ref": "#/$defs/Y"}}, "$defs": {"X": {"type": "string"}}}
    document = {"queues": [{"name": "a", "payload": payload}], "$defs": {"Y": {"$ref": "#/$defs/X"}}}
    assert problems(document, "https://x")[0].startswith("https://x /$defs/Y/$ref: $ref '#/$defs/X' leads nowhere")


@pytest.mark.parametrize(
    "draft", ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"]
)
def test_a_schema_may_name_its_draft(draft: str) -> None:
    """It is read as one of that draft, and is one of 2020-12 from then on."""
    words = {"properties": {"x": {"$ref": "#/definitions/X"}}, "definitions": {"X": {}}}
    payload = {"$schema": draft, "type": "object", **words}
    assert parse(json.dumps(queue(payload=payload))).queues[0].payload == {
        "type": "object",
        "properties": {"x": {"$ref": "#/$defs/X"}},
        "$defs": {"X": {}},
    }


def test_words_of_draft_7_are_understood() -> None:
    """Without ``$schema``, an array of ``items`` and ``dependencies`` mean what they meant."""
    payload = {
        "properties": {"pair": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]}},
        "dependencies": {"a": ["b"], "c": {"required": ["d"]}},
        "definitions": {"X": {}},
    }
    assert parse(json.dumps(queue(payload=payload))).queues[0].payload == {
        "type": "object",
        "properties": {"pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}},
        "dependentRequired": {"a": ["b"]},
        "dependentSchemas": {"c": {"required": ["d"]}},
        "$defs": {"X": {}},
    }


@pytest.mark.parametrize("depth", [5, 20, 45, 300])
def test_deep_payloads_are_read_or_refused_but_never_crash(depth: int) -> None:
    """No RecursionError, however deep a schema is."""
    payload: dict[str, Any] = {}
    for _ in range(depth):
        payload = {"properties": {"x": payload}}
    if depth <= 45:
        assert parse(json.dumps(queue(payload=payload))).queues
    else:
        assert [problem.partition(": ")[2] for problem in problems(queue(payload=payload))] == [
            "brackets are nested more than 100 deep"
        ]


def test_definitions_that_multiply_are_read_in_time() -> None:
    """Thirty definitions, each naming the next one twice, would make a billion; reading stops long before."""
    definitions: dict[str, Any] = {
        f"D{number}": {
            "type": "object",
            "properties": {key: {"$ref": f"#/$defs/D{number + 1}"} for key in ("a", "b")},
        }
        for number in range(30)
    }
    definitions["D30"] = {"type": "string"}
    document = {"queues": [{"name": "a", "payload": {"$ref": "#/$defs/D0"}}], "$defs": definitions}
    assert len(parse(json.dumps(document)).queues[0].definitions) == 31


def test_an_empty_document_declares_nothing() -> None:
    """Neither signals nor queues is no mistake."""
    found = parse("{}")
    assert (found.signals, found.queues, found.warnings) == ((), (), ())


@pytest.mark.parametrize(
    "document",
    [
        {},
        signal(providing_args=[]),
        signal(providing_args=["x", "größe"]),
        signal(providing_args={"x": "integer", "y": ["number", "null"]}, returns=["integer", "null"]),
        signal(payload={"properties": {"x": {"$ref": "#/$defs/X"}}}, returns={"minimum": 0}, deprecated=True),
        queue(payload=True, exchange="e", topics=["a.*"], description="D"),
        {"version": 2, "$defs": {"X": {}}, "x-team": "billing", "unknown": 1},
        queue(payload={"properties": {"x": {"$ref": "#/definitions/Y"}}}) | {"definitions": {"Y": {}}},
    ],
    ids=json.dumps,
)
def test_what_is_read_fits_the_published_format(document: dict[str, Any]) -> None:
    """An editor that knows the JSON Schema has nothing to say against a good document."""
    full = {"$defs": {"X": {}}, **document}
    parse(json.dumps(full))
    assert list(Draft202012Validator(json.loads(format_text())).iter_errors(full)) == []


@pytest.mark.parametrize(
    "document",
    [
        signal(providing_args=["user-id"]),
        signal(providing_args=["sender"]),
        signal(providing_args={"class": "string"}),
        signal(payload={"properties": {"timeout": {}}}),
        {"signals": [{"name": "Send", "providing_args": []}]},
        {"signals": [{"name": "call", "providing_args": []}]},
        {"queues": [{"name": "import"}]},
        {"version": 3},
    ],
    ids=json.dumps,
)
def test_the_published_format_refuses_bad_names_too(document: dict[str, Any]) -> None:
    """What is refused for a name is marked in the editor already."""
    assert len(problems(document)) == 1
    assert not Draft202012Validator(json.loads(format_text())).is_valid(document)


def test_patterns_that_python_is_in_doubt_of_are_no_warnings(recwarn: pytest.WarningsRecorder) -> None:
    """Of Python's, in the middle of somebody's output: ECMA-262 has no doubts."""
    assert parse(json.dumps(queue(payload={"properties": {"a": {"pattern": "[[a]--[b]&&~~||]"}}}))).queues
    assert not recwarn.list


def test_a_reference_to_another_declaration_is_told_where_to_lead(tmp_path: Path) -> None:
    """In the file and in another one: payloads are nobody's definitions, $defs are."""
    other = queue(payload={"type": "object"})
    (tmp_path / "other.json").write_text(json.dumps(other))
    shared = "move what declarations share to $defs, and refer to it there"
    for file, lost in (("", "leads nowhere"), ("other.json", "leads to what is not a schema")):
        reference = f"{file}#/queues/0/payload"
        source = str(tmp_path / "app.json")
        with pytest.raises(DeclarationError, match=re.escape(f"$ref '{reference}' {lost}: {shared}")):
            parse(json.dumps(queue(payload={"$ref": reference})), source, siblings_of(f"file://{source}"))
