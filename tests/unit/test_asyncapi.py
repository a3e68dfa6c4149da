"""AsyncAPI documents of declarations."""

import json
from typing import Any

import pytest
from declared import DOCUMENTS, declared
from hypothesis import HealthCheck, assume, given, settings
from official import faults

from microagent.asyncapi.schemas import FORMAT
from microagent.asyncapi.writing import MARK, Api, Role, document, text
from microagent.channel import Channel
from microagent.declarations import Declarations
from microagent.errors import DeclarationError
from microagent.pointers import follow, fragment_steps
from microagent.sources.parsing import parse

SHOP: dict[str, Any] = {
    "signals": [
        {"name": "user_created", "providing_args": {"user_id": "integer"}, "description": "Somebody has signed up."},
        {"name": "user_count", "providing_args": [], "returns": "integer", "deprecated": True},
    ],
    "queues": [
        {"name": "mailer", "payload": {"$ref": "#/$defs/Mail"}},
        {"name": "audit", "exchange": "events", "topics": ["order.*"], "quorum": True},
    ],
    "$defs": {"Mail": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}},
}


def api(found: Declarations, **said: Any) -> Api:
    return Api("Shop", "microagent-gen", found.signals, found.queues, found.compat, **said)


def documented(source: dict[str, Any], **said: Any) -> dict[str, Any]:
    """The document of what a file declares; it is a valid one."""
    found = document(api(parse(json.dumps(source)), **said))
    assert faults(found) == []
    return found


def all_references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for inner in value.values() for each in all_references(inner)]
    return [each for inner in value for each in all_references(inner)] if isinstance(value, list) else []


def by_name(found: Declarations) -> dict[str, Any]:
    return {f"{type(each).__name__} {each.name}": each for each in (*found.signals, *found.queues)}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(DOCUMENTS)
def test_any_document_is_valid_and_gives_its_declarations_back(source: dict[str, Any]) -> None:
    """
    Valid by the official schema; every reference leads somewhere; read again, it declares exactly the same, what is
    said to people included, with the same fingerprints, and nothing is left out.
    """
    found = declared(source)
    assume(found is not None)
    written = text(api(found))
    content = json.loads(written)
    assert faults(content) == []
    for reference in all_references({key: content[key] for key in ("channels", "operations")}):
        assert follow(content, fragment_steps(reference))
    again = parse(written)
    assert by_name(again) == by_name(found)
    assert {name: each.fingerprint for name, each in by_name(again).items()} == {
        name: each.fingerprint for name, each in by_name(found).items()
    }
    assert again.compat == found.compat
    assert {name: each.compat for name, each in by_name(again).items()} == {
        name: each.compat for name, each in by_name(found).items()
    }
    assert (again.notes, again.warnings) == ((), ())


def test_chosen_class_names_are_kept() -> None:
    """AsyncAPI has no word for them; what is no such name is told with its place."""
    shared = {"class_name": "Sum", "type": "object", "properties": {"total": {"type": "integer"}}}
    source = {
        "signals": [{"name": "paid", "class_name": "Payment", "payload": {"$ref": "#/$defs/Paid"}}],
        "queues": [{"name": "sums", "class_name": "Sums", "payload": {"properties": {"of": {"$ref": "#/$defs/Sum"}}}}],
        "$defs": {"Paid": {"type": "object", "properties": {"sum": {"type": "integer"}}}, "Sum": shared},
    }
    written = text(api(parse(json.dumps(source))))
    assert {name: each.class_name for name, each in by_name(parse(written)).items()} == {
        "SignalDeclaration paid": "Payment",
        "QueueDeclaration sums": "Sums",
    }
    with pytest.raises(
        DeclarationError, match=r"/channels/queues.sums/x-microagent/class_name: 'sums' is not a valid class name"
    ):
        parse(written.replace('"Sums"', '"sums"'))


def test_addresses_are_those_of_the_wire() -> None:
    """As buses write them, with parameters for what is not known before."""
    channels = documented(SHOP)["channels"]
    prefix, sender, request = "{prefix}", "{sender}", "{request_id}"
    assert {key: channel["address"] for key, channel in channels.items()} == {
        "signals.user_created": str(Channel(prefix, "user_created", sender)),
        "signals.user_count": str(Channel(prefix, "user_count", sender)),
        "calls.user_count": str(Channel(prefix, "user_count", sender, request)),
        "replies.user_count": str(Channel(prefix, "response", "{uid}", request)),
        "queues.mailer": "mailer",
        "queues.audit": "audit",
    }
    for channel in channels.values():
        assert set(channel.get("parameters", {})) == {
            part.partition("}")[0] for part in channel["address"].split("{")[1:]
        }


def test_a_signal_that_returns_is_called_and_answered() -> None:
    """A reply holds what each handler answers, and what others failed with; a signal that returns nothing has none."""
    found = documented(SHOP)
    call = found["operations"]["call.signals.user_count"]
    assert (call["action"], call["channel"]) == ("send", {"$ref": "#/channels/calls.user_count"})
    assert call["reply"]["channel"] == {"$ref": "#/channels/replies.user_count"}
    assert found["operations"]["answer.signals.user_count"]["action"] == "receive"
    reply = found["components"]["messages"]["replies.user_count"]["payload"]
    assert reply["additionalProperties"] == {"type": "integer"}
    assert reply["properties"]["#errors"]["additionalProperties"] == {"type": "string"}
    assert "replies.user_created" not in found["channels"]


def test_everybody_may_send_and_receive_what_is_declared() -> None:
    """Without agents, a document says what can be done."""
    assert list(documented(SHOP)["operations"]) == [
        "answer.signals.user_count",
        "call.signals.user_count",
        "receive.queues.audit",
        "receive.queues.mailer",
        "receive.signals.user_count",
        "receive.signals.user_created",
        "send.queues.audit",
        "send.queues.mailer",
        "send.signals.user_count",
        "send.signals.user_created",
    ]


def test_bindings_say_what_servers_are_told() -> None:
    """RabbitMQ: the queue on the default exchange, or the declared one; Kafka: topic and group; Redis has nothing."""
    found = documented(SHOP)
    mailer, audit = (found["channels"][f"queues.{name}"]["bindings"] for name in ("mailer", "audit"))
    assert mailer["amqp"]["queue"] == {"name": "mailer", "durable": True, "exclusive": False, "autoDelete": False}
    assert audit["amqp"]["exchange"] == {"name": "events", "type": "topic", "durable": True, "autoDelete": False}
    assert (mailer["kafka"]["topic"], mailer["redis"]) == ("mailer", {})
    receive = found["operations"]["receive.queues.mailer"]["bindings"]
    assert receive["kafka"]["groupId"]["enum"] == ["mailer"]
    assert receive["amqp"]["ack"] is True
    assert found["channels"]["signals.user_created"]["bindings"] == {"redis": {}}


def test_what_asyncapi_cannot_say_is_an_extension() -> None:
    """Topics and the kind of a queue; and which channel is what."""
    channels = documented(SHOP)["channels"]
    assert channels["queues.audit"]["x-microagent"] == {
        "kind": "queue",
        "name": "audit",
        "topics": ["order.*"],
        "quorum": True,
    }
    assert channels["calls.user_count"]["x-microagent"] == {"kind": "call", "name": "user_count"}


def test_people_are_told() -> None:
    """Descriptions and deprecations stand where AsyncAPI has them."""
    found = documented(SHOP)
    assert found["channels"]["signals.user_created"]["description"] == "Somebody has signed up."
    assert found["components"]["messages"]["signals.user_count"]["deprecated"] is True


def test_payloads_are_schema_objects_with_components() -> None:
    """Definitions of a file are components, under their names; references lead there."""
    found = documented(SHOP)["components"]
    assert found["messages"]["queues.mailer"]["payload"] == {"$ref": "#/components/schemas/Mail"}
    assert found["schemas"] == SHOP["$defs"]
    assert "payload" not in found["messages"]["queues.audit"]  # any object


def test_what_draft_7_cannot_say_has_its_format_beside_it() -> None:
    """And so has all that it is connected with; what is not stays as it is."""
    pair = {"type": "array", "prefixItems": [{"$ref": "#/$defs/Point"}, {"type": "string"}]}
    source = {
        "queues": [
            {"name": "pairs", "payload": {"properties": {"pair": pair}}},
            {"name": "points", "payload": {"properties": {"point": {"$ref": "#/$defs/Point"}}}},
            {"name": "others", "payload": {"properties": {"other": {"$ref": "#/$defs/Other"}}}},
        ],
        "$defs": {"Point": {"type": "number"}, "Other": {"type": "string"}},
    }
    found = documented(source)["components"]
    payloads = {key: message["payload"] for key, message in found["messages"].items()}
    assert payloads["queues.pairs"]["schemaFormat"] == FORMAT
    assert payloads["queues.points"]["schemaFormat"] == FORMAT
    assert "schemaFormat" not in payloads["queues.others"]
    assert found["schemas"] == {
        "Point": {"schemaFormat": FORMAT, "schema": {"type": "number"}},
        "Other": {"type": "string"},
    }
    point = payloads["queues.points"]["schema"]["properties"]["point"]
    assert point == {"$ref": "#/components/schemas/Point/schema"}


def test_definitions_of_one_name_and_two_meanings_are_two_components() -> None:
    """Also where only what they refer to differs; those that are the same are one. Each comes back under its name."""

    def of(name: str, item: str) -> dict[str, Any]:
        order = {"type": "object", "properties": {"item": {"$ref": "#/$defs/Item"}}}
        payload = {"properties": {"order": {"$ref": "#/$defs/Order"}}}
        return {"queues": [{"name": name, "payload": payload}], "$defs": {"Order": order, "Item": {"type": item}}}

    files = [parse(json.dumps(of(*each))) for each in (("a", "string"), ("b", "integer"), ("c", "string"))]
    found = Declarations(queues=tuple(queue for file in files for queue in file.queues))
    content = document(api(found))
    assert faults(content) == []
    assert sorted(content["components"]["schemas"]) == ["Item", "Item_2", "Order", "Order_2"]
    assert by_name(parse(json.dumps(content))) == by_name(found)


def test_a_document_is_the_same_in_any_order() -> None:
    """Byte by byte; and it begins with what tells it from one written by hand."""
    found = parse(json.dumps(SHOP))
    backwards = Declarations(found.signals[::-1], found.queues[::-1])
    assert text(api(found)) == text(api(backwards))
    assert text(api(found)).encode().startswith(MARK)


def test_the_version_is_that_of_the_contract() -> None:
    """It changes when a structure does, and not with what is said to people."""

    def version(source: dict[str, Any]) -> str:
        return documented(source)["info"]["version"]

    reworded = {**SHOP, "signals": [{**SHOP["signals"][0], "description": "Other."}, SHOP["signals"][1]]}
    changed = {**SHOP, "signals": [{**SHOP["signals"][0], "returns": "string"}, SHOP["signals"][1]]}
    assert version(reworded) == version(SHOP)
    assert len({version(SHOP), version(changed), version({**SHOP, "queues": []})}) == 3


def test_characters_that_are_none_are_written_all_the_same() -> None:
    """JSON can spell a lone surrogate."""
    found = parse(r'{"queues": [{"name": "a", "description": "\ud800 ü"}]}')
    written = text(api(found)).encode("utf-8", "backslashreplace")
    assert by_name(parse(written)) == by_name(found)


def test_who_does_what() -> None:
    """With agents, an operation for each of their roles; what nobody declared is left out."""
    roles = [
        Role("receive", "signals", "user_created", "mail", ("MailAgent.welcome",)),
        Role("call", "signals", "user_count", "mail"),
        Role("send", "queues", "mailer", "mail"),
        Role("send", "queues", "nobodys", "mail"),
    ]
    found = documented(SHOP, roles=roles, prefixes=["SHOP"], buses={"main": {"host": "a", "protocol": "redis"}})
    assert list(found["operations"]) == [
        "mail.call.signals.user_count",
        "mail.receive.signals.user_created",
        "mail.send.queues.mailer",
    ]
    assert found["operations"]["mail.receive.signals.user_created"]["x-microagent"] == {
        "agent": "mail",
        "handlers": ["MailAgent.welcome"],
    }
    assert found["components"]["parameters"]["prefix"]["enum"] == ["SHOP"]
    pointers = {note.pointer for note in parse(json.dumps({**found, "x-generated-by": "marun"})).notes}
    assert {"/servers", "/operations", "/channels/signals.user_created/servers"} <= pointers


@pytest.mark.parametrize("source", [{}, {"signals": []}])
def test_nothing_is_a_document_too(source: dict[str, Any]) -> None:
    """Valid, and without anything in it."""
    assert documented(source)["channels"] == {}
