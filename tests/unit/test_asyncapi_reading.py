"""AsyncAPI documents that others have written, as far as signals and queues can say them."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from official import examples, faults

from microagent.asyncapi.writing import Api, Role
from microagent.asyncapi.writing import document as document_of
from microagent.declarations import Declarations
from microagent.errors import DeclarationError
from microagent.pointers import follow
from microagent.sources.parsing import parse

OBJECT = {"type": "object"}
LIGHTS: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "info": {"title": "Streetlights", "version": "1.0.0", "license": {"name": "Apache 2.0"}},
    "defaultContentType": "application/json",
    "servers": {"production": {"host": "test.example.org:18092", "protocol": "kafka-secure"}},
    "channels": {
        "lightingMeasured": {
            "address": "lighting.streetlights.{streetlightId}.measured",
            "messages": {"lightMeasured": {"$ref": "#/components/messages/lightMeasured"}},
            "description": "The topic on which measured values may be produced and consumed.",
            "parameters": {"streetlightId": {"$ref": "#/components/parameters/streetlightId"}},
        },
        "lightTurnOn": {
            "address": "lighting_turn_on",
            "messages": {"turnOn": {"$ref": "#/components/messages/turnOnOff"}},
        },
    },
    "operations": {
        "receiveLightMeasurement": {
            "action": "receive",
            "channel": {"$ref": "#/channels/lightingMeasured"},
            "traits": [{"$ref": "#/components/operationTraits/kafka"}],
            "messages": [{"$ref": "#/channels/lightingMeasured/messages/lightMeasured"}],
        }
    },
    "components": {
        "messages": {
            "lightMeasured": {
                "name": "lightMeasured",
                "title": "Light measured",
                "summary": "Inform about environmental lighting conditions.",
                "contentType": "application/json",
                "traits": [{"$ref": "#/components/messageTraits/commonHeaders"}],
                "payload": {"$ref": "#/components/schemas/lightMeasuredPayload"},
            },
            "turnOnOff": {"headers": {"type": "object"}, "payload": {"$ref": "#/components/schemas/turnOnOffPayload"}},
        },
        "schemas": {
            "lightMeasuredPayload": {
                "type": "object",
                "properties": {
                    "lumens": {"type": "integer", "minimum": 0, "description": "Light intensity measured in lumens."},
                    "sentAt": {"$ref": "#/components/schemas/sentAt"},
                },
            },
            "turnOnOffPayload": {
                "type": "object",
                "properties": {
                    "command": {"type": "string", "enum": ["on", "off"]},
                    "sentAt": {"$ref": "#/components/schemas/sentAt"},
                },
            },
            "sentAt": {"type": "string", "format": "date-time"},
        },
        "parameters": {"streetlightId": {"description": "The ID of the streetlight."}},
        "messageTraits": {
            "commonHeaders": {"headers": {"type": "object", "properties": {"my-app-header": {"type": "integer"}}}}
        },
        "operationTraits": {"kafka": {"bindings": {"kafka": {"clientId": {"type": "string"}}}}},
    },
}


def read(document: object) -> Declarations:
    """What a document declares, which is a valid one by the official schema."""
    assert faults(document) == []
    return parse(json.dumps(document), "api.json")


def minimal(channels: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"asyncapi": "3.0.0", "info": {"title": "T", "version": "1"}, "channels": channels, **more}


def of_channel(channel: dict[str, Any], **more: Any) -> Declarations:
    return read(minimal({"theChannel": channel}, **more))


def notes(found: Declarations) -> list[str]:
    """Pointer and sentence of each."""
    return [f"{note.pointer}: {note.message}" for note in found.notes]


def refused(document: object) -> list[str]:
    with pytest.raises(DeclarationError) as caught:
        parse(json.dumps(document), "api.json")
    return [f"{problem.pointer}: {problem.message}" for problem in caught.value.problems]


def test_a_document_of_somebody_else_gives_what_it_can() -> None:
    """Topics of Kafka are queues; names, descriptions, payloads and definitions are those of the document."""
    found = read(LIGHTS)
    measured, turn_on = found.queues
    assert (measured.name, turn_on.name) == ("lighting_streetlights_measured", "lighting_turn_on")
    assert measured.description == (
        "The topic on which measured values may be produced and consumed.\n\n"
        "Light measured\n\nInform about environmental lighting conditions."
    )
    assert measured.payload == {"$ref": "#/$defs/lightMeasuredPayload"}
    schemas = LIGHTS["components"]["schemas"]
    assert measured.definitions["sentAt"] == schemas["sentAt"]
    assert turn_on.definitions["turnOnOffPayload"]["properties"]["sentAt"] == {"$ref": "#/$defs/sentAt"}
    assert sorted(turn_on.definitions) == ["sentAt", "turnOnOffPayload"]


def test_everything_that_is_left_out_is_told() -> None:
    """With its place and a sentence; line and column where there is a file."""
    found = parse(json.dumps(LIGHTS, indent=1), "api.json")
    assert notes(found) == [
        "/servers: left out: declarations cannot express it",
        "/channels/lightingMeasured: 'lighting.streetlights.{streetlightId}.measured' is called "
        "lighting_streetlights_measured here",
        "/channels/lightingMeasured/address: left out: the address is lighting_streetlights_measured, "
        "not 'lighting.streetlights.{streetlightId}.measured'",
        "/operations: left out: declarations cannot express it",
        "/components/messages/lightMeasured/traits: left out: declarations cannot express it",
        "/components/messages/turnOnOff/headers: left out: declarations cannot express it",
    ]
    assert all(str(note).startswith(f"api.json:{note.line}:") for note in found.notes)
    assert found.notes[0].line == 11


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        ("kafka", "queues"),
        ("amqp", "queues"),
        ("jms", "queues"),
        ("mqtt", "signals"),
        ("ws", "signals"),
        ("redis", "signals"),
    ],
)
def test_protocols_tell_queues_from_signals(protocol: str, kind: str) -> None:
    """What a protocol keeps for whoever takes it is a queue; by the channel's bindings, or else by its servers."""
    message = {"m": {"payload": OBJECT}}
    bound = {"amqp": {"is": "queue", "queue": {"name": "q"}}} if protocol == "amqp" else {protocol: {}}
    servers = {
        "mine": {"host": "a", "protocol": protocol},
        "other": {"host": "b", "protocol": "mqtt" if kind == "queues" else "kafka"},
    }
    chosen = {"messages": message, "servers": [{"$ref": "#/servers/mine"}]}
    for found in (of_channel({"messages": message, "bindings": bound}), of_channel(chosen, servers=servers)):
        assert len(getattr(found, kind)) == 1
        assert len(found.signals) + len(found.queues) == 1


def test_an_extension_says_what_it_is() -> None:
    """Whoever owns the document can decide, with a name or without."""
    channel = {"address": "a.b", "messages": {"m": {"payload": OBJECT}}, "x-microagent": {"kind": "queue"}}
    assert of_channel(channel).queues[0].name == "a_b"
    channel["x-microagent"] = {"kind": "signal", "name": "chosen"}
    assert of_channel(channel).signals[0].name == "chosen"
    channel["x-microagent"] = {"kind": "qeue"}
    assert refused(minimal({"c": channel})) == [
        "/channels/c/x-microagent/kind: 'qeue' is not a kind of channel, did you mean 'queue'?"
    ]


def test_queues_are_called_what_servers_call_them() -> None:
    """By the binding, or the address; the channel's own name is the last resort."""

    def name(**channel: Any) -> str:
        return of_channel({"messages": {"m": {}}, **channel}).queues[0].name

    amqp = {"amqp": {"is": "queue", "queue": {"name": "at_amqp"}}}
    assert name(address="an_address", bindings=amqp) == "at_amqp"
    assert name(address="an_address", bindings={"kafka": {"topic": "a_topic"}}) == "a_topic"
    assert name(address="an_address", bindings={"kafka": {}}) == "an_address"
    assert name(address=None, bindings={"kafka": {}}) == "the_channel"


def test_routing_keys_are_topics_of_an_exchange() -> None:
    """Any word stands for a parameter."""
    exchange = {"amqp": {"is": "routingKey", "exchange": {"name": "users", "type": "topic"}}}
    [queue] = of_channel({"address": "user.{id}.signedup", "messages": {"m": {}}, "bindings": exchange}).queues
    assert (queue.name, queue.exchange, queue.topics) == ("the_channel", "users", ("user.*.signedup",))


def test_several_messages_are_several_signals() -> None:
    """Named by the messages; a queue of several messages takes any object."""
    messages = {"userSignedUp": {"payload": OBJECT}, "other": {"name": "user-gone", "payload": OBJECT}}
    found = of_channel({"messages": messages})
    assert [signal.name for signal in found.signals] == ["user_signed_up", "user_gone"]
    assert "/channels/theChannel/messages: this channel has several messages: each of them is a signal" in notes(found)
    [queue] = (found := of_channel({"address": "q", "messages": messages, "bindings": {"kafka": {}}})).queues
    assert (queue.name, queue.payload) == ("q", None)
    assert "/channels/theChannel/messages: this queue has several messages: it accepts any object" in notes(found)


def test_replies_are_answers() -> None:
    """What is replied to has to be a signal, whatever carries it; its reply is what it returns."""
    channels = {
        "ping": {"address": "/ping", "messages": {"ping": {"payload": {"$ref": "#/components/schemas/Ping"}}}},
        "pong": {"address": None, "messages": {"pong": {"payload": {"type": "integer"}}}},
    }
    reply = {"address": {"location": "$message.header#/replyTo"}, "channel": {"$ref": "#/channels/pong"}}
    operation = {"action": "receive", "channel": {"$ref": "#/channels/ping"}, "reply": reply}
    ping = {"type": "object", "properties": {"text": {"type": "string"}}}
    more = {"operations": {"pingRequest": operation}, "components": {"schemas": {"Ping": ping}}}
    found = read(minimal(channels, servers={"a": {"host": "a", "protocol": "kafka"}}, **more))
    [signal] = found.signals
    assert (signal.name, signal.returns) == ("ping", {"type": "integer"})
    assert signal.payload == {"$ref": "#/$defs/Ping"}


def test_a_channel_without_a_payload_takes_any_object() -> None:
    """Nothing is said, so nothing is checked."""
    found = read(minimal({"a": {}, "b": {"messages": {"m": {}}}, "c": {"bindings": {"kafka": {}}}}))
    assert [signal.payload for signal in found.signals] == [{"type": "object", "additionalProperties": True}] * 2
    assert [queue.payload for queue in found.queues] == [None]


AVRO = "application/vnd.apache.avro;version=1.9.0"


@pytest.mark.parametrize(
    ("message", "place", "said"),
    [
        ({"contentType": "application/xml"}, "/contentType", "messages must be JSON, not 'application/xml'"),
        ({"traits": [{"contentType": "text/csv"}]}, "/contentType", "messages must be JSON, not 'text/csv'"),
        ({"contentType": "avro/binary", "payload": OBJECT}, "/contentType", "messages must be JSON, not 'avro/binary'"),
        (
            {"payload": {"schemaFormat": AVRO, "schema": {"type": "string"}}},
            "/payload/schemaFormat",
            f"schemas of the format '{AVRO}' are not supported",
        ),
        ({"payload": {"type": "string"}}, "/payload", "a payload must be an object"),
        (
            {"payload": {"properties": {"event-type": {}}}},
            "/payload/properties/event-type",
            "'event-type' cannot be the name of an argument: Python does not allow it as the name of a parameter",
        ),
        ({"payload": {"$ref": "./b.json#/a"}}, "/payload", "$ref './b.json#/a' leads out of this document"),
        ({"payload": {"$ref": "https://a.org/x"}}, "/payload", "$ref 'https://a.org/x' leads out of this document"),
        (
            {"payload": {"items": {"$ref": "#/components/schemas/No"}}},
            "/payload",
            "$ref '#/components/schemas/No' leads to no schema",
        ),
        ({"payload": {"$ref": "#/info/title"}}, "/payload", "$ref '#/info/title' leads to no schema"),
        ({"payload": {"$ref": "#"}}, "/payload", "$ref '#' leads to no schema"),
    ],
)
def test_what_cannot_be_said_is_left_out_with_a_note(message: dict[str, Any], place: str, said: str) -> None:
    """One channel that cannot be declared does not keep the others from it."""
    found = parse(json.dumps(minimal({"bad": {"messages": {"m": message}}, "good": {"messages": {"m": {}}}})))
    assert [signal.name for signal in found.signals] == ["good"]
    assert f"/channels/bad/messages/m{place}: left out: {said}" in notes(found)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("123", "'123' is not a valid name: use a-z, 0-9 and _, beginning with a letter"),
        ("import", "'import' is a Python keyword and cannot be a name"),
        ("{id}", "'' is not a valid name: use a-z, 0-9 and _, beginning with a letter"),
        ("send", "'send' is reserved: the bus has an attribute of this name"),
    ],
)
def test_a_name_that_cannot_be_made_one_is_told(key: str, said: str) -> None:
    """Rather than invented."""
    found = read(minimal({key: {"messages": {"m": {}}}}))
    assert (found.signals, notes(found)) == ((), [f"/channels/{key}: left out: {said}"])


def test_names_that_become_the_same_are_told() -> None:
    """The first one has it."""
    found = read(minimal({"userCreated": {}, "user-created": {}}))
    assert [signal.name for signal in found.signals] == ["user_created"]
    assert notes(found)[-1] == (
        "/channels/user-created: left out: signal 'user_created' is declared at /channels/userCreated already"
    )


def test_references_lead_anywhere_in_the_document() -> None:
    """To channels, messages and schemas of the components, to places inside payloads; and back to where they began."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/messages/a/payload"}}}
    b = {
        "type": "object",
        "properties": {
            "node": {"$ref": "#/components/messages/a/payload/properties/next"},
            "x": {"$ref": "#/components/schemas/X/properties/y"},
        },
    }
    components = {
        "channels": {"first": {"messages": {"a": {"$ref": "#/components/messages/a"}}}},
        "messages": {"a": {"payload": node}, "b": {"payload": b}},
        "schemas": {"X": {"properties": {"y": {"type": "string"}}}},
    }
    channels = {
        "first": {"$ref": "#/components/channels/first"},
        "second": {"messages": {"b": {"$ref": "#/components/messages/b"}}},
    }
    first, second = read(minimal(channels, components=components)).signals
    assert first.payload == {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert second.payload["properties"]["x"] == {"$ref": "#/$defs/X/properties/y"}
    assert second.definitions["X"] == components["schemas"]["X"]
    reference = second.payload["properties"]["node"]["$ref"]
    assert second.definitions[reference.removeprefix("#/$defs/")] == {"$ref": "#/$defs/payload"}


@pytest.mark.parametrize(
    ("name", "schema", "meant"),
    [
        (
            "application/schema+json;version=draft-07",
            {"properties": {"a": {"items": [{"type": "string"}], "additionalItems": False}}},
            {"prefixItems": [{"type": "string"}], "items": False},
        ),
        (
            "application/schema+json;version=draft-04",
            {"properties": {"a": {"minimum": 1, "exclusiveMinimum": True}}},
            {"exclusiveMinimum": 1},
        ),
        (
            "application/schema+json;version=draft-2020-12",
            {"properties": {"a": {"prefixItems": [True]}}},
            {"prefixItems": [True]},
        ),
        ("application/vnd.aai.asyncapi+json;version=3.0.0", {"properties": {"a": {"minimum": 1}}}, {"minimum": 1}),
    ],
)
def test_schemas_with_their_format_mean_what_it_says(name: str, schema: Any, meant: Any) -> None:
    """Every draft of JSON Schema is understood."""
    payload = {"schemaFormat": name, "schema": {"type": "object", **schema}}
    [signal] = of_channel({"messages": {"m": {"payload": payload}}}).signals
    assert signal.payload["properties"]["a"] == meant


def test_schema_objects_are_of_draft_7() -> None:
    """Nothing counts beside a reference; AsyncAPI's own words are no part of a schema, and that is told."""
    payload = {
        "properties": {"a": {"$ref": "#/components/schemas/A", "minLength": 3, "description": "D"}},
        "discriminator": "a",
        "externalDocs": {"url": "https://example.org"},
    }
    found = of_channel({"messages": {"m": {"payload": payload}}}, components={"schemas": {"A": {"type": "string"}}})
    [signal] = found.signals
    assert signal.payload == {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A", "description": "D"}},
    }
    place = "/channels/theChannel/messages/m/payload"
    assert notes(found) == [
        "/channels/theChannel: 'theChannel' is called the_channel here",
        f"{place}/discriminator: left out: declarations cannot express it",
        f"{place}/externalDocs: left out: declarations cannot express it",
    ]


def test_long_chains_of_references_are_followed() -> None:
    """However many; each definition is read once."""
    schemas = {f"s{number}": {"items": {"$ref": f"#/components/schemas/s{number + 1}"}} for number in range(3_000)}
    payload = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/s0"}}}
    components = {"schemas": {**schemas, "s3000": {"type": "string"}}}
    document = minimal({"a": {"messages": {"m": {"payload": payload}}}}, components=components)
    [signal] = parse(json.dumps(document)).signals
    assert len(signal.definitions) == 3_001


@pytest.mark.parametrize("version", ["2.6.0", "1.0", "4.0.0", 3, None])
def test_only_the_third_version_is_read(version: object) -> None:
    """Of others it is said what makes it of them."""
    assert refused({"asyncapi": version, "channels": {"a": {"subscribe": {}}}}) == [
        f"/asyncapi: AsyncAPI '{version}' is not supported, only 3: 'asyncapi convert' converts it"
    ]


@pytest.mark.parametrize("source", ["asyncapi.yaml", "dir/asyncapi.YML", "https://example.org/api.yaml"])
def test_yaml_is_not_read(source: str) -> None:
    """And what to do is said in the same sentence."""
    with pytest.raises(
        DeclarationError, match=r"not valid JSON: .*; YAML is not supported, convert it to JSON, for example with: yq"
    ):
        parse("asyncapi: 3.0.0\n", source)


def test_a_mistake_in_our_own_words_is_an_error() -> None:
    """What a document says itself to be a signal is taken as such, or refused, with its place in that document."""
    message = {"payload": {"type": "object", "properties": {"a": {"type": "strnig"}}}}
    channel = {
        "messages": {"m": {"$ref": "#/components/messages/m"}},
        "x-microagent": {"kind": "signal", "name": "a b"},
    }
    [name, kind] = refused(minimal({"c": channel}, components={"messages": {"m": message}}))
    assert name == "/channels/c: 'a b' is not a valid name: use a-z, 0-9 and _, beginning with a letter, such as 'a_b'"
    assert kind == "/components/messages/m/payload/properties/a/type: unknown type 'strnig', did you mean 'string'?"


def test_ours_may_have_been_through_other_tools() -> None:
    """Such as one that gathers schemas among the components: nothing changes by that."""
    signals, queues = _declared()
    content = document_of(Api("T", "microagent-gen", signals, queues))
    plain = parse(
        '{"signals": [{"name": "b", "providing_args": [], "returns": {"type": "array", "items": {"$ref": "#"}}}]}'
    )
    for found in (content, document_of(Api("T", "microagent-gen", plain.signals))):
        gathered = json.loads(json.dumps(found))
        for key, message in gathered["components"]["messages"].items():
            if "payload" in message:
                text = json.dumps(message["payload"]).replace(f"messages/{key}/payload", f"schemas/of.{key}")
                gathered["components"].setdefault("schemas", {})[f"of.{key}"] = json.loads(text)
                message["payload"] = {"$ref": f"#/components/schemas/of.{key}"}
        assert faults(gathered) == []
        before, after = parse(json.dumps(found)), parse(json.dumps(gathered))
        assert [each.returns for each in after.signals] == [each.returns for each in before.signals]


def test_keys_that_are_there_twice_are_refused() -> None:
    """As in any source."""
    with pytest.raises(DeclarationError, match="duplicate key 'channels'"):
        parse('{"asyncapi": "3.0.0", "channels": {}, "channels": {}}')


ODD: list[dict[str, Any]] = [
    {},
    {"channels": []},
    {"channels": {"a": None, "b": 1, "c": {"messages": [1]}, "d": {"messages": {"m": 1}}}},
    {"channels": {"a": {"$ref": "#/channels/a"}, "b": {"$ref": 1}, "c": {"servers": [1]}}},
    {"channels": {"a": {"bindings": {"amqp": 1, "kafka": []}, "servers": {}}}, "operations": 1},
    {"channels": {"a": {"x-microagent": {"kind": ["queue"], "name": 1}}}},
    {"channels": {"a": {"x-microagent": {"kind": "queue", "name": 1, "topics": 1}}}},
    {"channels": {"a": {}}, "operations": {"o": {"channel": {"$ref": "#/channels/a"}, "reply": 1}}},
    {"channels": {"a": {"messages": {"m": {"payload": {"schemaFormat": 1, "schema": 2}}}}}},
    {"channels": {"a": {"messages": {"m": {"payload": [], "traits": [1, {}], "name": 5}}}}},
    {"channels": {"a": {"messages": {"m": {"payload": {"$ref": "#/channels/a/messages/m/payload"}}}}}},
    {"channels": {"a": {"messages": {"m": {"payload": {"$ref": "#/channels/a"}}}}}},
]


@pytest.mark.parametrize("document", ODD, ids=json.dumps)
def test_whatever_a_document_holds_is_read_or_told(document: dict[str, Any]) -> None:
    """Never an error that is none of ours, and never nothing at all."""
    try:
        found = parse(json.dumps({"asyncapi": "3.0.0", **document}))
    except DeclarationError as exc:
        said = exc.problems
    else:
        said = (*found.notes, *found.signals)
    assert said or not document.get("channels")


SPOILERS: list[Any] = [
    None, True, 1, 1.5, "x", "", [], {}, ["a"], {"$ref": "#"}, {"$ref": "#/channels"}, {"$ref": "#/components/schemas"},
    {"$ref": 5}, {"schema": {}}, {"schemaFormat": "x"}, [{"$ref": "#/x"}], "#/a", {"kind": "signal"},
    {"kind": "queue", "name": "q", "topics": ["a"], "quorum": "x"}, {"type": "object"},
]  # fmt: skip


def spoilt(document: Any, chance: random.Random) -> Any:
    """A copy in which a few things are gone, are something else, or stand in the place of others."""
    document = json.loads(json.dumps(document))
    for _ in range(chance.randint(1, 4)):
        places = [place for place in _places(document) if place]
        if not places:
            break
        *way, last = chance.choice(places)
        parent = follow(document, way)
        if isinstance(parent, dict) and chance.random() < 0.3:
            del parent[last]
        else:
            other = chance.choice(SPOILERS) if chance.random() < 0.5 else follow(document, chance.choice(places))
            parent[int(last) if isinstance(parent, list) else last] = json.loads(json.dumps(other))
    return document


def _places(value: object, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from _places(each, (*place, str(step)))


def test_no_document_is_too_strange() -> None:
    """Whatever is wrong with one, it is read as far as possible, or refused with every problem."""
    ours = document_of(Api("T", "marun", *_declared(), roles=[Role("receive", "signals", "a", "me")]))
    chance = random.Random(7)
    read = 0
    for _ in range(400):
        try:
            parse(json.dumps(spoilt(chance.choice([LIGHTS, ours]), chance)), "x.json")
            read += 1
        except DeclarationError as exc:
            assert exc.problems  # noqa: PT017 - many are read
    assert 100 < read < 400


def _declared() -> tuple[Any, Any]:
    schema = {"prefixItems": [{"$ref": "#/$defs/X"}]}
    found = parse(
        json.dumps(
            {
                "signals": [{"name": "a", "payload": {"properties": {"x": {"$ref": "#/$defs/X"}}}, "returns": schema}],
                "queues": [{"name": "q", "exchange": "e", "topics": ["t"]}, {"name": "p", "payload": {}}],
                "$defs": {"X": {"items": {"$ref": "#/$defs/X"}}},
            }
        )
    )
    return found.signals, found.queues


@pytest.mark.parametrize("version", ["3.0.0", "3.1.0"])
def test_the_official_examples_are_read(version: str) -> None:
    """Their channels, messages and components, put together as documents."""
    channels = {f"channel{number}": each for number, each in enumerate(examples("channel", version))}
    components = {
        "messages": {"userSignedUp": examples("messageObject", version)[0], "userCompletedOrder": {"payload": OBJECT}},
        "parameters": {"userId": {"description": "Id of the user."}},
        "schemas": {"userCreate": OBJECT, "signup": {"type": "string"}},
        "messageTraits": {"commonHeaders": {}},
    }
    found = parse(json.dumps({**minimal(channels, components=components), "asyncapi": version}))
    assert {queue.name for queue in found.queues} == {"users"}
    assert notes(found)
    more = {f"more{number}": each for number, each in enumerate(examples("channels", version)[0].values())}
    [signal] = parse(json.dumps({**minimal(more, components=components), "asyncapi": version})).signals
    assert signal.name == "more0"
    assert signal.payload["properties"]["user"] == {"$ref": "#/$defs/userCreate"}
