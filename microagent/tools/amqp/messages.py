"""Messages as RabbitMQ carries them: the body is what was sent, all that is ours travels in headers."""

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp import encode

from microagent.delivery import DeadLetter, Delivery
from microagent.errors import ConfigurationError
from microagent.tools.amqp.arrived import Arrived
from microagent.tools.amqp.frames import plain_properties
from microagent.tools.amqp.handed import HeldDelivery
from microagent.tools.amqp.headers import SERVERS_COUNT, is_servers

FAILED = "x-microagent-failed"  # runs that failed
CRASHES = "x-microagent-crashes"  # runs that ended with their process, before the message was last written
REASON = "x-microagent-reason"
BURIED = "x-microagent-buried"  # when, in milliseconds since the epoch

_OURS = (FAILED, CRASHES, REASON, BURIED)
HIGHEST = 10**15  # of what is counted; more is nobody's count
PERSISTENT = 2
JSON = "application/json"
_ID_SIZE = 16  # bytes, at random


class Written(NamedTuple):
    """Properties as they travel, and the message id among them, by which the server names what it returns."""

    id: str
    data: bytes


def fresh(properties: Mapping[str, Any] | None, headers: Mapping[str, str | bytes] | None = None) -> Written:
    """
    The properties of a new message: persistent, unless they say otherwise.

    :param headers: that go into the header table, beside those among the properties
    :raises ConfigurationError: if AMQP knows no such property, or not with such a value
    """
    if not (properties or headers):
        id = _new_id()  # noqa: A001 - it is the protocol's word
        return Written(id, plain_properties(JSON, PERSISTENT, id))
    try:
        told: dict[str, Any] = {"content_type": JSON, "delivery_mode": PERSISTENT, **(properties or {})}
        if headers:
            told["headers"] = {**(told.get("headers") or {}), **{name: _value(headers[name]) for name in headers}}
        return written(spec.Basic.Properties(**told))
    except Exception as error:
        raise ConfigurationError(f"these properties cannot be set: {error}") from error


def _value(value: Any) -> Any:
    """As the driver writes it, which knows bytes under another name."""
    return bytearray(value) if isinstance(value, bytes) else value


def written(properties: spec.Basic.Properties) -> Written:
    """As the driver writes them, with an id if they have none."""
    if not properties.message_id:
        properties.message_id = _new_id()
    return Written(str(properties.message_id), properties.marshal())


def _new_id() -> str:
    return os.urandom(_ID_SIZE).hex()


def delivery(queue: str, message: DeliveredMessage, token: object) -> Delivery:
    """What the core knows of a message that came."""
    if isinstance(message, Arrived) and (plain := message.plain_id) is not None:
        return HeldDelivery(queue, message.body, id=plain, token=token)
    headers = _headers(message)
    return HeldDelivery(
        queue,
        message.body,
        attempt=_count(headers, FAILED) + 1,
        crashes=_count(headers, CRASHES) + _count(headers, SERVERS_COUNT),
        id=message.header.properties.message_id or "",
        token=token,
    )


def returns_are_counted(message: DeliveredMessage) -> bool:
    """Whether the server would take a message that is handed back for one whose process died."""
    return SERVERS_COUNT in _headers(message)


def retried(message: DeliveredMessage, delivery: Delivery) -> spec.Basic.Properties:
    """Of the copy that will be tried again, the run that failed counted."""
    return _copied(message, {FAILED: delivery.attempt, CRASHES: delivery.crashes})


def handed_back(message: DeliveredMessage, delivery: Delivery) -> spec.Basic.Properties:
    """Of the copy that takes the place of one which was not tried."""
    return _copied(message, {FAILED: delivery.attempt - 1, CRASHES: delivery.crashes})


def buried(message: DeliveredMessage, delivery: Delivery) -> spec.Basic.Properties:
    """Of the dead letter."""
    reason = delivery.reason.encode(errors="replace").decode()
    return _copied(message, {FAILED: delivery.attempt, REASON: reason, BURIED: round(time.time() * 1000)})


def bare(properties: spec.Basic.Properties) -> spec.Basic.Properties:
    """Of the same copy, with no other headers than ours."""
    headers: Mapping[str, Any] = properties.headers or {}
    properties.headers = {name: value for name, value in headers.items() if name in _OURS}
    return properties


def resent(message: DeliveredMessage) -> spec.Basic.Properties:
    """Of the message of a dead letter that is sent anew: what its sender said of it."""
    properties = _copied(message, {})
    kept = {name: value for name, value in (properties.headers or {}).items() if name not in _OURS}
    properties.headers = kept or None
    return properties


def dead_letter(queue: str, message: DeliveredMessage) -> DeadLetter:
    """What was buried, read back; what somebody else put there has no reason and no attempts."""
    headers = _headers(message)
    return DeadLetter(
        queue,
        message.body,
        reason=str(headers.get(REASON, "")),
        attempts=_count(headers, FAILED),
        time=_count(headers, BURIED) / 1000,
        id=message.header.properties.message_id or "",
    )


def _headers(message: DeliveredMessage) -> dict[str, Any]:
    return message.header.properties.headers or {}


def _count(headers: dict[str, Any], name: str) -> int:
    value = headers.get(name)
    return min(value, HIGHEST) if isinstance(value, int) and value > 0 else 0


def _can_be_written(name: str, value: Any) -> bool:
    try:
        encode.field_table({name: value})
    except Exception:  # noqa: BLE001 - it comes from outside, and so may do anything to the driver
        return False
    return True


def _copied(message: DeliveredMessage, headers: dict[str, Any]) -> spec.Basic.Properties:
    """
    What its sender said of a message, and ``headers``.

    Not copied is what would end the copy (its expiration), have it refused (the user who sent it), or have the server
    route it elsewhere; nor what the driver reads and cannot write, a great float for example.
    """
    old = message.header.properties
    kept = {
        name: _value(value)
        for name, value in _headers(message).items()
        if not is_servers(name) and _can_be_written(name, _value(value))
    }
    return spec.Basic.Properties(
        content_type=old.content_type,
        content_encoding=old.content_encoding,
        headers={**kept, **headers},
        delivery_mode=PERSISTENT,
        priority=old.priority,
        correlation_id=old.correlation_id,
        reply_to=old.reply_to,
        message_id=old.message_id,
        timestamp=old.timestamp,
        message_type=old.message_type,
        app_id=old.app_id,
    )
