"""Messages as Kafka carries them: the body is what was sent, all that is ours travels in headers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from microagent import wallclock
from microagent.delivery import DeadLetter, Delivery
from microagent.errors import ConfigurationError
from microagent.headers import OURS, as_text
from microagent.tools.kafka.driver import Record

FAILED = "x-microagent-failed"  # runs that failed
DUE = "x-microagent-due"  # when it is to be tried again, in milliseconds since the epoch
REASON = "x-microagent-reason"
BURIED = "x-microagent-buried"  # when, in milliseconds since the epoch
GROUP = "x-microagent-group"  # which group gave it up

_OURS = (FAILED, DUE, REASON, BURIED, GROUP)
_GROUP = re.compile(rb"[A-Za-z0-9._-]{1,200}")
LONGEST_NUMBER = 15  # digits; more is nobody's number

Headers = list[tuple[str, bytes]]
NO_HEADERS: Headers = []


def fresh(headers: Mapping[str, str | bytes] | None) -> Headers:
    """The headers of a new message, as its sender said them."""
    return [(name, _bytes(value)) for name, value in headers.items()] if headers else NO_HEADERS


def key(value: str | bytes | None) -> bytes | None:
    """
    The key of a message.

    :raises ConfigurationError: if it cannot be one
    """
    try:
        return None if value is None else _bytes(value)
    except AttributeError:
        raise ConfigurationError(f"the key of a message is a text or bytes, not {value!r}") from None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode(errors="replace")


def due(record: Record) -> float:
    """When a message may be handed out, in seconds since the epoch; 0 if at once."""
    return _number(dict(record.headers), DUE) / 1000 if record.headers else 0.0


def place(topic: str, partition: int) -> str:
    """What the ids of the messages of a partition begin with."""
    return f"{topic}/{partition}/"


def delivery(queue: str, place: str, record: Record, token: object, raw: object) -> Delivery:
    """
    What the core knows of a message that came.

    :param place: what its id begins with
    """
    attempt = _number(dict(record.headers), FAILED) + 1 if record.headers else 1
    return RecordDelivery(queue, record.value or b"", attempt, 0, f"{place}{record.offset}", token, raw)


class RecordDelivery(Delivery):
    """A delivery whose headers are those of its record."""

    __slots__ = ()

    def _said(self) -> dict[str, str]:
        """The last of each name."""
        _, _, record = self.token
        headers: Sequence[tuple[str, bytes | None]] = record.headers
        return {name: as_text(value) for name, value in headers if value is not None and not name.startswith(OURS)}


def retried(record: Record, delivery: Delivery) -> Headers:
    """Of the copy that will be tried again, the run that failed counted."""
    return _copied(record, {FAILED: delivery.attempt, DUE: _now() + round(delivery.delay * 1000)})


def buried(record: Record, delivery: Delivery, group: str) -> Headers:
    """Of the dead letter, which a group gave up."""
    told = {FAILED: delivery.attempt, REASON: delivery.reason, BURIED: _now(), GROUP: group}
    return _copied(record, told)


def resent(record: Record) -> Headers:
    """Of the message of a dead letter that is written anew: what its sender said of it."""
    return _copied(record, {})


def group(record: Record) -> str | None:
    """Which group gave a dead letter up; None where that is not said, or topics cannot be named after it."""
    value = dict(record.headers).get(GROUP) or b""
    return value.decode() if _GROUP.fullmatch(value) else None


def buried_at(record: Record) -> int:
    """Since when a dead letter lies there, in milliseconds since the epoch."""
    return _number(dict(record.headers), BURIED) or record.timestamp


def dead_letter(queue: str, record: Record) -> DeadLetter:
    """What was buried, read back; what somebody else put there has no reason and no attempts."""
    headers = dict(record.headers)
    return DeadLetter(
        queue,
        record.value or b"",
        reason=(headers.get(REASON) or b"").decode(errors="replace"),
        attempts=_number(headers, FAILED),
        time=buried_at(record) / 1000,
        id=f"{place(record.topic, record.partition)}{record.offset}",
    )


def _copied(record: Record, values: Mapping[str, Any]) -> Headers:
    """What its sender said of a message, and ``values``."""
    theirs = [(name, value) for name, value in record.headers if name not in _OURS]
    return theirs + [(name, _bytes(str(value))) for name, value in values.items()]


def _number(headers: Mapping[str, bytes], name: str) -> int:
    value = headers.get(name) or b""
    return int(value) if value.isdigit() and len(value) <= LONGEST_NUMBER else 0


def _now() -> int:
    return round(wallclock.now().timestamp() * 1000)


def by_age(records: Sequence[Record]) -> list[Record]:
    """In the order in which they were buried."""
    return sorted(records, key=lambda record: (buried_at(record), record.partition, record.offset))
