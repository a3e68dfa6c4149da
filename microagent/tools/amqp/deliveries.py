"""The messages of one channel, put together from their frames."""

from collections.abc import Callable

from aiormq.abc import AbstractChannel

from microagent.tools.amqp.arrived import Arrived
from microagent.tools.amqp.frames import (
    BODY,
    CHANNEL_CLOSE,
    CONSUMER_AT,
    DELIVER,
    HEADER,
    METHOD,
    FrameError,
    body_size,
    delivery_tag,
)


class Deliveries:
    """
    Hears what is delivered on a channel to consumers of ours, and leaves everything else to the driver.

    :param consumers: how the tags of ours begin
    :param arrive: called with each message as soon as it is whole
    """

    def __init__(self, channel: AbstractChannel, consumers: str, arrive: Callable[[Arrived], None]) -> None:
        self._channel = channel
        self._consumers = consumers.encode()
        self._arrive = arrive
        self._method = b""  # of the message that is on its way; empty: none is
        self._header = b""
        self._tag = 0
        self._parts: list[bytes] = []  # of its body
        self._missing = 0  # bytes of it

    def hear(self, kind: int, payload: bytes) -> bool:
        """
        Take a frame, if it is of a message to us.

        :raises FrameError: if it cuts one short, or is more than there is of it
        """
        if kind == METHOD:
            return self._begin(payload)
        if not self._method:
            return False  # the content of something else
        if kind == HEADER:
            self._describe(payload)
        elif kind == BODY:
            self._fill(payload)
        return kind in (HEADER, BODY)

    def _begin(self, method: bytes) -> bool:
        if self._method and not method.startswith(CHANNEL_CLOSE):
            raise FrameError("a message is cut short by something else")
        self._parts.clear()
        if not (method.startswith(DELIVER) and method.startswith(self._consumers, CONSUMER_AT)):
            self._method = b""
            return False
        self._tag = delivery_tag(method)
        self._method, self._header = method, b""
        return True

    def _describe(self, header: bytes) -> None:
        if self._header:
            raise FrameError("a message has two headers")
        self._header, self._missing = header, body_size(header)
        if not self._missing:
            self._end()

    def _fill(self, part: bytes) -> None:
        if not self._header or len(part) > self._missing:
            raise FrameError("there is more of a message than its header tells")
        self._parts.append(part)
        self._missing -= len(part)
        if not self._missing:
            self._end()

    def _end(self) -> None:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        method, self._method = self._method, b""
        self._arrive(Arrived(self._channel, self._tag, method, self._header, body))
