"""Frames as a server writes them, for tests of what reads them."""

from collections.abc import Iterator
from typing import Any

from aiormq import spec
from pamqp.body import ContentBody
from pamqp.frame import marshal, unmarshal
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

CONSUMERS = "ours."
Frame = tuple[int, Any]  # of a channel


def delivered(channel: int, tag: int, *parts: bytes, consumer: str = "ours.1", **properties: Any) -> list[Frame]:
    """A message with a body in parts."""
    header = ContentHeader(body_size=sum(map(len, parts)), properties=spec.Basic.Properties(**properties))
    method = spec.Basic.Deliver(consumer, tag, False, "", "queue")
    return [(channel, method), (channel, header), *((channel, ContentBody(part)) for part in parts)]


def written(frames: list[Frame]) -> bytes:
    """As they travel."""
    return b"".join(marshal(frame, channel) for channel, frame in frames)


def read(data: bytes) -> Iterator[bytes]:
    """Each frame, heartbeats left out."""
    while data:
        size, _, frame = unmarshal(data)
        if not isinstance(frame, Heartbeat):
            yield data[:size]
        data = data[size:]


def payload(frame: Any) -> bytes:
    """What is in it."""
    return marshal(frame, 0)[7:-1]
